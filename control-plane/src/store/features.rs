//! Features: what plans offer, in words. Gateways know nothing of them.

use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A feature.
    #[derive(Clone, Debug)]
    pub struct FeatureRow {
        /// Its id.
        pub id: i64,
        /// Its product; features of account plans have none.
        pub product_id: Option<i64>,
        /// Kind of the plans that may have it.
        pub scope: String,
        /// Shown to people.
        pub name: String,
        /// Its slug, unique among those of its product.
        pub system_name: String,
        /// Free text.
        pub description: String,
        /// Whether developers see it.
        pub visible: bool,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select feature.id, feature.product_id, feature.scope, feature.name, feature.system_name,
             feature.description, feature.visible, feature.created_at, feature.updated_at from feature ",
            $rest
        )
    };
}

/// One page of a product's features (none: those of account plans), and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn page(
    tx: &mut Tx,
    product_id: Option<i64>,
    page: Page,
) -> Result<(Vec<FeatureRow>, i64), Error> {
    let rows = on!(tx, |c| sqlx::query_as::<_, FeatureRow>(select!(
        "where coalesce(product_id, 0) = $1 order by id limit $2 offset $3"
    ))
    .bind(product_id.unwrap_or(0))
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c))?;
    let total = on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "select count(*) from feature where coalesce(product_id, 0) = $1"
    )
    .bind(product_id.unwrap_or(0))
    .fetch_one(c))?;
    Ok((rows, total))
}

/// System names in use among a product's features.
///
/// # Errors
/// When the database does not answer.
pub async fn system_names(tx: &mut Tx, product_id: Option<i64>) -> Result<Vec<String>, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar::<_, String>(
        "select system_name from feature where coalesce(product_id, 0) = $1"
    )
    .bind(product_id.unwrap_or(0))
    .fetch_all(c))?)
}

/// One feature of a product.
///
/// # Errors
/// [`Error::NotFound`], also when it is another product's.
pub async fn get(tx: &mut Tx, product_id: Option<i64>, id: i64) -> Result<FeatureRow, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, FeatureRow>(select!(
        "where coalesce(product_id, 0) = $1 and id = $2"
    ))
    .bind(product_id.unwrap_or(0))
    .bind(id)
    .fetch_one(c))?)
}

/// Writes a new feature; its id and times are chosen here.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, feature: &FeatureRow) -> Result<i64, Error> {
    let now = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
            "insert into feature (product_id, scope, name, system_name, description, visible, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7) returning id",
        )
        .bind(feature.product_id)
        .bind(&feature.scope)
        .bind(&feature.name)
        .bind(&feature.system_name)
        .bind(&feature.description)
        .bind(feature.visible)
        .bind(now)
        .fetch_one(c)
    })?)
}

/// Writes what may change.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, feature: &FeatureRow) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update feature set name = $2, system_name = $3, description = $4, visible = $5, updated_at = $6 where id = $1"
    )
    .bind(feature.id)
    .bind(&feature.name)
    .bind(&feature.system_name)
    .bind(&feature.description)
    .bind(feature.visible)
    .bind(now)
    .execute(c)
    })?;
    Ok(())
}

/// Removes it, from all plans too.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    for sql in [
        "delete from plan_feature where feature_id = $1",
        "delete from feature where id = $1",
    ] {
        run!(tx, |c| sqlx::query(sql).bind(id).execute(c))?;
    }
    Ok(())
}

/// One page of the features that a plan has, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn page_of_plan(
    tx: &mut Tx,
    plan_id: i64,
    page: Page,
) -> Result<(Vec<FeatureRow>, i64), Error> {
    let rows = on!(tx, |c| sqlx::query_as::<_, FeatureRow>(select!(
        "join plan_feature on plan_feature.feature_id = feature.id
         where plan_feature.plan_id = $1 order by feature.id limit $2 offset $3"
    ))
    .bind(plan_id)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c))?;
    let total = on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "select count(*) from plan_feature where plan_id = $1"
    )
    .bind(plan_id)
    .fetch_one(c))?;
    Ok((rows, total))
}

/// Gives a plan a feature; false when it has it already.
///
/// # Errors
/// When the database does not answer.
pub async fn add_to_plan(tx: &mut Tx, plan_id: i64, feature_id: i64) -> Result<bool, Error> {
    let now = tx.now_ms().await?;
    let added = run!(tx, |c| sqlx::query(
        "insert into plan_feature (plan_id, feature_id, created_at) values ($1, $2, $3)
         on conflict (plan_id, feature_id) do nothing"
    )
    .bind(plan_id)
    .bind(feature_id)
    .bind(now)
    .execute(c))?;
    Ok(added > 0)
}

/// Takes a feature from a plan; false when it has it not.
///
/// # Errors
/// When the database does not answer.
pub async fn remove_from_plan(tx: &mut Tx, plan_id: i64, feature_id: i64) -> Result<bool, Error> {
    let removed = run!(tx, |c| sqlx::query(
        "delete from plan_feature where plan_id = $1 and feature_id = $2"
    )
    .bind(plan_id)
    .bind(feature_id)
    .execute(c))?;
    Ok(removed > 0)
}
