//! Backends: APIs of the provider's own, which products are made of.

pub mod usages;

use crate::admin_api::access::Products;
use crate::admin_api::page::Page;
use crate::db::{Db, Tx};
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A backend.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct BackendRow {
        /// Its id.
        pub id: i64,
        /// Shown to people.
        pub name: String,
        /// Its stable slug.
        pub system_name: String,
        /// Free text.
        pub description: String,
        /// Private base URL.
        pub private_endpoint: String,
        /// The operator's cluster that leads there, when it is not one of the gateway's own.
        pub cluster: Option<String>,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, name, system_name, description, private_endpoint, cluster, created_at, updated_at
             from backend where deleted_at is null ",
            $rest
        )
    };
}

/// One page of those that products within reach use, or of all, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Tx,
    reach: &Products,
    page: Page,
) -> Result<(Vec<BackendRow>, i64), Error> {
    let reach = reach.listed();
    let rows = on!(tx, |c| sqlx::query_as::<_, BackendRow>(select!(
        "and ($3 is null or exists (select 1 from backend_usage u where u.backend_id = backend.id
              and u.deleted_at is null and $3 like '%,' || u.product_id || ',%'))
         order by id limit $1 offset $2"
    ))
    .bind(page.limit())
    .bind(page.offset())
    .bind(reach.as_deref())
    .fetch_all(c))?;
    let total = on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "select count(*) from backend where deleted_at is null
         and ($1 is null or exists (select 1 from backend_usage u where u.backend_id = backend.id
              and u.deleted_at is null and $1 like '%,' || u.product_id || ',%'))"
    )
    .bind(reach.as_deref())
    .fetch_one(c))?;
    Ok((rows, total))
}

/// Whether a product within reach uses it.
///
/// # Errors
/// When the database does not answer.
pub async fn is_within(db: &Db, reach: &Products, id: i64) -> Result<bool, Error> {
    let Some(reach) = reach.listed() else {
        return Ok(true);
    };
    let uses: i64 = on!(db, |c| sqlx::query_scalar(
        "select count(*) from backend_usage
         where backend_id = $1 and deleted_at is null and $2 like '%,' || product_id || ',%'"
    )
    .bind(id)
    .bind(&reach)
    .fetch_one(c))?;
    Ok(uses > 0)
}

/// One of them.
///
/// # Errors
/// [`Error::NotFound`], also when it is deleted.
pub async fn get(tx: &mut Tx, id: i64) -> Result<BackendRow, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, BackendRow>(select!(
        "and id = $1"
    ))
    .bind(id)
    .fetch_one(c))?)
}

/// System names in use that begin with `prefix`, for choosing a free one.
///
/// # Errors
/// When the database does not answer.
pub async fn system_names(tx: &mut Tx, prefix: &str) -> Result<Vec<String>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, String>(
            "select system_name from backend where deleted_at is null and substr(system_name, 1, length($1)) = $1",
        )
        .bind(prefix)
        .fetch_all(c)
    })?)
}

/// Writes a new one; its id and times are chosen here.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, backend: &BackendRow) -> Result<i64, Error> {
    let now = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
            "insert into backend (name, system_name, description, private_endpoint, cluster, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $6) returning id",
        )
        .bind(&backend.name)
        .bind(&backend.system_name)
        .bind(&backend.description)
        .bind(&backend.private_endpoint)
        .bind(&backend.cluster)
        .bind(now)
        .fetch_one(c)
    })?)
}

/// Writes what may change.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, backend: &BackendRow) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
            "update backend set name = $2, description = $3, private_endpoint = $4, cluster = $5, updated_at = $6
             where id = $1",
        )
        .bind(backend.id)
        .bind(&backend.name)
        .bind(&backend.description)
        .bind(&backend.private_endpoint)
        .bind(&backend.cluster)
        .bind(now)
        .execute(c)
    })?;
    Ok(())
}

/// Marks it deleted, with its metrics; removes its rules and the limits of its metrics. The rows stay, because usage
/// names them.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    tx.hold_limits().await?;
    run!(tx, |c| sqlx::query(
        "delete from plan_limit where metric_id in (select id from metric where backend_id = $1)"
    )
    .bind(id)
    .execute(c))?;
    run!(tx, |c| sqlx::query(
        "delete from mapping_rule where backend_id = $1"
    )
    .bind(id)
    .execute(c))?;
    run!(tx, |c| sqlx::query(
        "update metric set deleted_at = $1 where backend_id = $2 and deleted_at is null"
    )
    .bind(now)
    .bind(id)
    .execute(c))?;
    run!(tx, |c| sqlx::query(
        "update backend set deleted_at = $1 where id = $2"
    )
    .bind(now)
    .bind(id)
    .execute(c))?;
    touch(tx, id).await
}

/// Tells gateways that something they see of it has changed, in every product that uses it or did.
///
/// # Errors
/// When the database does not answer.
pub async fn touch(tx: &mut Tx, id: i64) -> Result<(), Error> {
    let revision = tx.next_revision().await?;
    let now = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
            "update product set revision = $1, updated_at = $2
             where deleted_at is null and id in (select product_id from backend_usage where backend_id = $3)",
        )
        .bind(revision)
        .bind(now)
        .bind(id)
        .execute(c)
    })?;
    Ok(())
}

/// Holds everything below it still until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`], or when the database does not answer.
pub async fn lock(tx: &mut Tx, id: i64) -> Result<(), Error> {
    // As `products::lock` does: whoever reads backends for a product's next version waits for this, and is waited for.
    tx.hold_revision().await?;
    on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "update backend set updated_at = updated_at where id = $1 and deleted_at is null returning id"
    )
    .bind(id)
    .fetch_optional(c))?
    .map(|_| ())
    .ok_or(Error::NotFound)
}
