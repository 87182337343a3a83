//! Metrics and methods of products and of backends.

use super::owners::Owner;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A metric, or a method: a metric with a parent.
    #[derive(Clone, Debug)]
    pub struct MetricRow {
        /// Its id.
        pub id: i64,
        /// Its product, when it is a product's.
        pub product_id: Option<i64>,
        /// Its backend, when it is a backend's.
        pub backend_id: Option<i64>,
        /// A method's parent.
        pub parent_id: Option<i64>,
        /// Its stable slug.
        pub system_name: String,
        /// Shown to people.
        pub friendly_name: String,
        /// What it counts, in the singular.
        pub unit: String,
        /// Free text.
        pub description: String,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

impl MetricRow {
    /// Whose it is.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::of(self.product_id, self.backend_id)
    }

    /// What gateways and the API call it: a backend's has the backend's id at its end, as in `hits.7`, so that it differs
    /// from the product's own and other backends'.
    #[must_use]
    pub fn wire_name(&self) -> String {
        match self.owner() {
            Owner::Product(_) => self.system_name.clone(),
            Owner::Backend(id) => format!("{}.{id}", self.system_name),
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, product_id, backend_id, parent_id, system_name, friendly_name, unit, description,
                 created_at, updated_at
             from metric where deleted_at is null ",
            $rest
        )
    };
}

/// All of a product's own, methods included, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tx: &mut Tx, product_id: i64) -> Result<Vec<MetricRow>, Error> {
    list_of(tx, Owner::Product(product_id)).await
}

/// All of a product's or backend's, methods included, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_of(tx: &mut Tx, owner: Owner) -> Result<Vec<MetricRow>, Error> {
    let (product_id, backend_id) = owner.ids();
    Ok(on!(tx, |c| sqlx::query_as::<_, MetricRow>(select!(
        "and (product_id = $1 or backend_id = $2) order by id"
    ))
    .bind(product_id)
    .bind(backend_id)
    .fetch_all(c))?)
}

/// All that may be counted in a product, oldest first: its own, and those of backends that it uses or did.
///
/// # Errors
/// When the database does not answer.
pub async fn list_counted(tx: &mut Tx, product_id: i64) -> Result<Vec<MetricRow>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, MetricRow>(select!(
        "and (product_id = $1 or backend_id in (select backend_id from backend_usage where product_id = $1))
         order by id"
    ))
    .bind(product_id)
    .fetch_all(c)
    })?)
}

/// Those of all products with ids in a range, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_between(tx: &mut Tx, from: i64, to: i64) -> Result<Vec<MetricRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, MetricRow>(select!(
        "and product_id >= $1 and product_id <= $2 order by id"
    ))
    .bind(from)
    .bind(to)
    .fetch_all(c))?)
}

/// One of a product's own.
///
/// # Errors
/// [`Error::NotFound`], also when it is deleted or somebody else's.
pub async fn get(tx: &mut Tx, product_id: i64, id: i64) -> Result<MetricRow, Error> {
    get_of(tx, Owner::Product(product_id), id).await
}

/// One of a product's or backend's.
///
/// # Errors
/// [`Error::NotFound`], also when it is deleted or somebody else's.
pub async fn get_of(tx: &mut Tx, owner: Owner, id: i64) -> Result<MetricRow, Error> {
    let (product_id, backend_id) = owner.ids();
    Ok(on!(tx, |c| sqlx::query_as::<_, MetricRow>(select!(
        "and (product_id = $1 or backend_id = $2) and id = $3"
    ))
    .bind(product_id)
    .bind(backend_id)
    .bind(id)
    .fetch_one(c))?)
}

/// One that may be counted in a product: its own, or of a backend that it uses or did. What plans speak of.
///
/// # Errors
/// [`Error::NotFound`], also when it is deleted or somebody else's.
pub async fn get_counted(tx: &mut Tx, product_id: i64, id: i64) -> Result<MetricRow, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, MetricRow>(select!(
        "and (product_id = $1 or backend_id in (select backend_id from backend_usage where product_id = $1))
         and id = $2"
    ))
    .bind(product_id)
    .bind(id)
    .fetch_one(c)
    })?)
}

/// Writes a new one; its id and times are chosen here.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, metric: &MetricRow) -> Result<i64, Error> {
    let now = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
        "insert into metric (
             product_id, backend_id, parent_id, system_name, friendly_name, unit, description, created_at, updated_at
         ) values ($1, $2, $3, $4, $5, $6, $7, $8, $8) returning id"
    )
    .bind(metric.product_id)
    .bind(metric.backend_id)
    .bind(metric.parent_id)
    .bind(&metric.system_name)
    .bind(&metric.friendly_name)
    .bind(&metric.unit)
    .bind(&metric.description)
    .bind(now)
    .fetch_one(c)
    })?)
}

/// Writes what may change.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, metric: &MetricRow) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update metric set friendly_name = $2, unit = $3, description = $4, updated_at = $5 where id = $1"
    )
    .bind(metric.id)
    .bind(&metric.friendly_name)
    .bind(&metric.unit)
    .bind(&metric.description)
    .bind(now)
    .execute(c)
    })?;
    Ok(())
}

/// Marks it deleted and removes its limits and pricing rules; its row stays, because usage names it.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    tx.hold_limits().await?;
    run!(tx, |c| sqlx::query(
        "delete from plan_limit where metric_id = $1"
    )
    .bind(id)
    .execute(c))?;
    super::pricing_rules::delete_of_metric(tx, id).await?;
    run!(tx, |c| sqlx::query(
        "update metric set deleted_at = $1 where id = $2"
    )
    .bind(now)
    .bind(id)
    .execute(c))?;
    Ok(())
}
