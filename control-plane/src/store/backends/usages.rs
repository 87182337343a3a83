//! Which backends a product uses, and below which path.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A backend within a product.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct UsageRow {
        /// Its id.
        pub id: i64,
        /// The product.
        pub product_id: i64,
        /// The backend.
        pub backend_id: i64,
        /// `/`, or `/path` without a final slash.
        pub path: String,
    }
}

/// All of a product's, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tx: &mut Tx, product_id: i64) -> Result<Vec<UsageRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, UsageRow>(
        "select id, product_id, backend_id, path from backend_usage
         where deleted_at is null and product_id = $1 order by id"
    )
    .bind(product_id)
    .fetch_all(c))?)
}

/// One of a product's.
///
/// # Errors
/// [`Error::NotFound`], also when it is removed or another product's.
pub async fn get(tx: &mut Tx, product_id: i64, id: i64) -> Result<UsageRow, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, UsageRow>(
        "select id, product_id, backend_id, path from backend_usage
         where deleted_at is null and product_id = $1 and id = $2"
    )
    .bind(product_id)
    .bind(id)
    .fetch_one(c))?)
}

/// Writes a new one; its id is chosen here.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, usage: &UsageRow) -> Result<i64, Error> {
    let now = tx.now_ms().await?;
    Ok(on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "insert into backend_usage (product_id, backend_id, path, created_at, updated_at)
         values ($1, $2, $3, $4, $4) returning id"
    )
    .bind(usage.product_id)
    .bind(usage.backend_id)
    .bind(&usage.path)
    .bind(now)
    .fetch_one(c))?)
}

/// Writes another path.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, usage: &UsageRow) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update backend_usage set path = $2, updated_at = $3 where id = $1"
    )
    .bind(usage.id)
    .bind(&usage.path)
    .bind(now)
    .execute(c))?;
    Ok(())
}

/// Takes it out of the draft; the row stays for what was counted, and for what gateways still follow.
///
/// # Errors
/// When the database does not answer.
pub async fn remove(tx: &mut Tx, id: i64) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update backend_usage set deleted_at = $2 where id = $1"
    )
    .bind(id)
    .bind(now)
    .execute(c))?;
    Ok(())
}

/// The products whose drafts use a backend.
///
/// # Errors
/// When the database does not answer.
pub async fn products(tx: &mut Tx, backend_id: i64) -> Result<Vec<i64>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
        "select backend_usage.product_id from backend_usage join product on product.id = backend_usage.product_id
         where backend_usage.backend_id = $1 and backend_usage.deleted_at is null and product.deleted_at is null
         order by backend_usage.product_id"
    )
    .bind(backend_id)
    .fetch_all(c)
    })?)
}

/// The products that use a backend, or did: gateways may still follow a version that does.
///
/// # Errors
/// When the database does not answer.
pub async fn products_ever(tx: &mut Tx, backend_id: i64) -> Result<Vec<i64>, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "select id from product where deleted_at is null
         and id in (select product_id from backend_usage where backend_id = $1) order by id"
    )
    .bind(backend_id)
    .fetch_all(c))?)
}

/// Backends that a product uses no more, but whose metrics its plans still limit.
///
/// # Errors
/// When the database does not answer.
pub async fn limited_and_removed(tx: &mut Tx, product_id: i64) -> Result<Vec<i64>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
        "select distinct metric.backend_id from plan_limit join plan on plan.id = plan_limit.plan_id
         join metric on metric.id = plan_limit.metric_id
         where plan.product_id = $1 and metric.backend_id is not null and metric.backend_id not in (
             select backend_id from backend_usage where product_id = $1 and deleted_at is null)
         order by metric.backend_id"
    )
    .bind(product_id)
    .fetch_all(c)
    })?)
}

/// Removes the limits of a backend's metrics from a product's plans.
///
/// # Errors
/// When the database does not answer.
pub async fn remove_limits(tx: &mut Tx, product_id: i64, backend_id: i64) -> Result<(), Error> {
    tx.hold_limits().await?;
    run!(tx, |c| sqlx::query(
        "delete from plan_limit where plan_id in (select id from plan where product_id = $1)
         and metric_id in (select id from metric where backend_id = $2)"
    )
    .bind(product_id)
    .bind(backend_id)
    .execute(c))?;
    Ok(())
}
