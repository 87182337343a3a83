//! Products. Whatever a gateway sees of one is stamped with a revision by [`touch`].

use crate::admin_api::access::Products;
use crate::admin_api::page::Page;
use crate::db::{Db, Tx};
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A product.
    #[derive(Clone, Debug)]
    pub struct ProductRow {
        /// Its id.
        pub id: i64,
        /// Shown to people.
        pub name: String,
        /// Its stable slug.
        pub system_name: String,
        /// Free text.
        pub description: String,
        /// `incomplete` until something is deployed, then `published`.
        pub state: String,
        /// `1`: `user_key`; `2`: `app_id` and `app_key`; `oauth`: tokens that name the `app_id`.
        pub backend_version: String,
        /// 3scale's; means nothing here.
        pub deployment_option: String,
        /// 3scale's; means nothing here.
        pub intentions_required: bool,
        /// Whether developers may make applications themselves.
        pub buyers_manage_apps: bool,
        /// Whether developers may make and delete keys themselves.
        pub buyers_manage_keys: bool,
        /// Whether keys may be chosen rather than made.
        pub custom_keys_enabled: bool,
        /// Whether developers choose the plan.
        pub buyer_can_select_plan: bool,
        /// How developers change plans: none, request, direct, …
        pub buyer_plan_change_permission: String,
        /// Where developers may write to.
        pub support_email: String,
        /// Whether an application gets its first key when it is made.
        pub mandatory_app_key: bool,
        /// Whether requests of applications with referrer filters must come from one of the hosts.
        pub referrer_filters_required: bool,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, name, system_name, description, state, backend_version, deployment_option,
             intentions_required, buyers_manage_apps, buyers_manage_keys, custom_keys_enabled, buyer_can_select_plan,
             buyer_plan_change_permission, support_email, mandatory_app_key, referrer_filters_required, created_at, updated_at
             from product where deleted_at is null ",
            $rest
        )
    };
}

/// One product.
///
/// # Errors
/// [`Error::NotFound`], also when it is deleted.
pub async fn get(tx: &mut Tx, id: i64) -> Result<ProductRow, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, ProductRow>(select!(
        "and id = $1"
    ))
    .bind(id)
    .fetch_one(c))?)
}

/// One page of those that may be reached, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Tx,
    reach: &Products,
    page: Page,
) -> Result<(Vec<ProductRow>, i64), Error> {
    let reach = reach.listed();
    let rows = on!(tx, |c| sqlx::query_as::<_, ProductRow>(select!(
        "and ($3 is null or $3 like '%,' || id || ',%') order by id limit $1 offset $2"
    ))
    .bind(page.limit())
    .bind(page.offset())
    .bind(reach.as_deref())
    .fetch_all(c))?;
    let total = on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
        "select count(*) from product where deleted_at is null and ($1 is null or $1 like '%,' || id || ',%')"
    )
    .bind(reach.as_deref())
    .fetch_one(c)
    })?;
    Ok((rows, total))
}

/// Writes a new product; its id and times are chosen here.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, product: &ProductRow) -> Result<i64, Error> {
    let revision = tx.next_revision().await?;
    let now = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
        "insert into product (name, system_name, description, state, backend_version, deployment_option,
         intentions_required, buyers_manage_apps, buyers_manage_keys, custom_keys_enabled, buyer_can_select_plan,
         buyer_plan_change_permission, support_email, mandatory_app_key, referrer_filters_required, revision, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17) returning id"
    )
    .bind(&product.name)
    .bind(&product.system_name)
    .bind(&product.description)
    .bind(&product.state)
    .bind(&product.backend_version)
    .bind(&product.deployment_option)
    .bind(product.intentions_required)
    .bind(product.buyers_manage_apps)
    .bind(product.buyers_manage_keys)
    .bind(product.custom_keys_enabled)
    .bind(product.buyer_can_select_plan)
    .bind(&product.buyer_plan_change_permission)
    .bind(&product.support_email)
    .bind(product.mandatory_app_key)
    .bind(product.referrer_filters_required)
    .bind(revision)
    .bind(now)
    .fetch_one(c)
    })?)
}

/// Writes everything that may change.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, product: &ProductRow) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update product set name = $2, description = $3, state = $4, backend_version = $5, deployment_option = $6,
         intentions_required = $7, buyers_manage_apps = $8, buyers_manage_keys = $9, custom_keys_enabled = $10,
         buyer_can_select_plan = $11, buyer_plan_change_permission = $12, support_email = $13,
         mandatory_app_key = $14, referrer_filters_required = $15, updated_at = $16 where id = $1"
    )
    .bind(product.id)
    .bind(&product.name)
    .bind(&product.description)
    .bind(&product.state)
    .bind(&product.backend_version)
    .bind(&product.deployment_option)
    .bind(product.intentions_required)
    .bind(product.buyers_manage_apps)
    .bind(product.buyers_manage_keys)
    .bind(product.custom_keys_enabled)
    .bind(product.buyer_can_select_plan)
    .bind(&product.buyer_plan_change_permission)
    .bind(&product.support_email)
    .bind(product.mandatory_app_key)
    .bind(product.referrer_filters_required)
    .bind(now)
    .execute(c)
    })?;
    Ok(())
}

/// Marks it deleted, with its applications; their rows stay, because usage names them.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    touch(tx, id).await?;
    let revision = tx.next_revision().await?;
    let now = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update application set deleted_at = $1, updated_at = $1, revision = $2, user_key = null
         where product_id = $3 and deleted_at is null"
    )
    .bind(now)
    .bind(revision)
    .bind(id)
    .execute(c))?;
    run!(tx, |c| {
        sqlx::query(
        "delete from application_key where application_id in (select id from application where product_id = $1)"
    )
    .bind(id)
    .execute(c)
    })?;
    run!(tx, |c| {
        sqlx::query(
        "delete from referrer_filter where application_id in (select id from application where product_id = $1)"
    )
    .bind(id)
    .execute(c)
    })?;
    run!(tx, |c| sqlx::query(
        "update plan set deleted_at = $1 where product_id = $2 and deleted_at is null"
    )
    .bind(now)
    .bind(id)
    .execute(c))?;
    run!(tx, |c| sqlx::query(
        "update backend_usage set deleted_at = $1 where product_id = $2 and deleted_at is null"
    )
    .bind(now)
    .bind(id)
    .execute(c))?;
    run!(tx, |c| sqlx::query(
        "delete from service_contract where product_id = $1"
    )
    .bind(id)
    .execute(c))?;
    run!(tx, |c| sqlx::query(
        "update product set deleted_at = $1 where id = $2"
    )
    .bind(now)
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// System names in use that begin with `prefix`, for choosing a free one.
///
/// # Errors
/// When the database does not answer.
pub async fn system_names(tx: &mut Tx, prefix: &str) -> Result<Vec<String>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, String>(
        "select system_name from product where deleted_at is null and substr(system_name, 1, length($1)) = $1"
    )
    .bind(prefix)
    .fetch_all(c)
    })?)
}

/// How many applications it has.
///
/// # Errors
/// When the database does not answer.
pub async fn count_applications(tx: &mut Tx, id: i64) -> Result<i64, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "select count(*) from application where product_id = $1 and deleted_at is null"
    )
    .bind(id)
    .fetch_one(c))?)
}

/// Tells gateways that something they see of the product has changed: metrics, plans, limits, its promoted
/// configuration, or that it is gone.
///
/// # Errors
/// When the database does not answer.
pub async fn touch(tx: &mut Tx, product_id: i64) -> Result<(), Error> {
    let revision = tx.next_revision().await?;
    let now = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update product set revision = $1, updated_at = $2 where id = $3"
    )
    .bind(revision)
    .bind(now)
    .bind(product_id)
    .execute(c))?;
    Ok(())
}

/// Holds everything below the product still until the transaction ends; not found when it is deleted.
///
/// # Errors
/// [`Error::NotFound`], or when the database does not answer.
pub async fn lock(tx: &mut Tx, product_id: i64) -> Result<(), Error> {
    // First what every change of what gateways see locks first, so that no two wait for each other.
    tx.hold_revision().await?;
    // PostgreSQL's `for update` is unknown to SQLite; writing the row locks it on both.
    on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "update product set revision = revision where id = $1 and deleted_at is null returning id"
    )
    .bind(product_id)
    .fetch_optional(c))?
    .map(|_| ())
    .ok_or(Error::NotFound)
}

/// The product that a plan is of, if there is such a plan and it is one of a product's.
///
/// # Errors
/// When the database does not answer.
pub async fn of_plan(db: &Db, id: i64) -> Result<Option<i64>, Error> {
    let product: Option<Option<i64>> = on!(db, |c| sqlx::query_scalar(
        "select product_id from plan where id = $1"
    )
    .bind(id)
    .fetch_optional(c))?;
    Ok(product.flatten())
}

/// The product that an application calls, if there is such an application.
///
/// # Errors
/// When the database does not answer.
pub async fn of_application(db: &Db, id: i64) -> Result<Option<i64>, Error> {
    Ok(on!(db, |c| sqlx::query_scalar(
        "select product_id from application where id = $1"
    )
    .bind(id)
    .fetch_optional(c))?)
}
