//! Alerts, one for each level that a cell has reached.

use crate::admin_api::access::Products;
use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// An alert, with what answers show of its application.
    #[derive(Clone, Debug)]
    pub struct Alert {
        /// Its id.
        pub id: i64,
        /// The application whose limit it is.
        pub application_id: i64,
        /// Its account.
        pub account_id: i64,
        /// Its product.
        pub product_id: i64,
        /// The limited metric.
        pub metric_id: i64,
        /// What the metric is called.
        pub metric_name: String,
        /// The limit's period.
        pub period: String,
        /// Start of the window, seconds since 1970.
        pub window_start: i64,
        /// Percent of the limit.
        pub level: i64,
        /// What was used when it was raised.
        pub used: i64,
        /// The limit then.
        pub limit_value: i64,
        /// When it was raised, milliseconds since 1970.
        pub created_at: i64,
        /// When somebody said that they had read it.
        pub read_at: Option<i64>,
    }
}

/// An alert to be raised.
#[derive(Clone, Copy, Debug)]
pub struct NewAlert<'a> {
    /// The application.
    pub application_id: i64,
    /// The limited metric.
    pub metric_id: i64,
    /// The limit's period.
    pub period: &'a str,
    /// Start of the window, seconds since 1970.
    pub window_start: i64,
    /// Percent of the limit.
    pub level: i64,
    /// What is used.
    pub used: i64,
    /// The limit.
    pub limit_value: i64,
}

/// Which alerts are wanted; `None` does not narrow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Those of an account's applications.
    pub account_id: Option<i64>,
    /// Those of an application.
    pub application_id: Option<i64>,
    /// Those of a product's applications.
    pub product_id: Option<i64>,
    /// Those of this level and above.
    pub level: Option<i64>,
    /// Those that were read, or were not.
    pub is_read: Option<bool>,
    /// Those of products that the caller may reach.
    pub products: Option<&'a Products>,
}

/// Raises an alert: its id, or none when it was raised before.
///
/// # Errors
/// When the database does not answer.
pub async fn raise(tx: &mut Tx, alert: NewAlert<'_>) -> Result<Option<i64>, Error> {
    let now_ms = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
            "insert into alert (application_id, metric_id, period, window_start, level, used, limit_value, created_at)
             select id, cast($2 as bigint), cast($3 as text), cast($4 as bigint), cast($5 as bigint), cast($6 as bigint),
                    cast($7 as bigint), cast($8 as bigint)
             from application where id = $1 and deleted_at is null
             on conflict (application_id, metric_id, period, window_start, level) do nothing returning id",
        )
        .bind(alert.application_id)
        .bind(alert.metric_id)
        .bind(alert.period)
        .bind(alert.window_start)
        .bind(alert.level)
        .bind(alert.used)
        .bind(alert.limit_value)
        .bind(now_ms)
        .fetch_optional(c)
    })?)
}

macro_rules! select {
    ($columns:literal, $rest:literal) => {
        concat!(
            "select ",
            $columns,
            " from alert a
             join application on application.id = a.application_id
             join metric on metric.id = a.metric_id
             where application.deleted_at is null ",
            $rest
        )
    };
}

macro_rules! all_columns {
    ($rest:literal) => {
        select!(
            "a.id, a.application_id, application.account_id, application.product_id, a.metric_id,
             metric.system_name as metric_name, a.period, a.window_start, a.level, a.used, a.limit_value,
             a.created_at, a.read_at",
            $rest
        )
    };
}

/// One alert.
///
/// # Errors
/// 404 when there is none.
pub async fn get(tx: &mut Tx, id: i64) -> Result<Alert, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Alert>(all_columns!(
        "and a.id = $1"
    ))
    .bind(id)
    .fetch_one(c))?)
}

/// How many alerts of an account nobody has read.
///
/// # Errors
/// When the database does not answer.
pub async fn count_unread(tx: &mut Tx, account_id: i64) -> Result<i64, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
        "select count(*) from alert join application on application.id = alert.application_id
         where application.account_id = $1 and application.deleted_at is null and alert.read_at is null"
    )
    .bind(account_id)
    .fetch_one(c)
    })?)
}

/// A page of alerts, the newest first, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn page(tx: &mut Tx, filter: Filter<'_>, page: Page) -> Result<(Vec<Alert>, i64), Error> {
    let reachable = reachable(filter.products);
    let total = on!(tx, |c| sqlx::query_scalar(select!(
        "count(*)",
        "and ($1 is null or application.account_id = $1) and ($2 is null or a.application_id = $2)
         and ($3 is null or application.product_id = $3) and ($4 is null or a.level >= $4)
         and ($5 is null or (a.read_at is not null) = $5)
         and ($6 is null or $6 like '%,' || application.product_id || ',%')"
    ))
    .bind(filter.account_id)
    .bind(filter.application_id)
    .bind(filter.product_id)
    .bind(filter.level)
    .bind(filter.is_read)
    .bind(&reachable)
    .fetch_one(c))?;
    let alerts = on!(tx, |c| sqlx::query_as::<_, Alert>(all_columns!(
        "and ($1 is null or application.account_id = $1) and ($2 is null or a.application_id = $2)
         and ($3 is null or application.product_id = $3) and ($4 is null or a.level >= $4)
         and ($5 is null or (a.read_at is not null) = $5)
         and ($6 is null or $6 like '%,' || application.product_id || ',%')
         order by a.id desc limit $7 offset $8"
    ))
    .bind(filter.account_id)
    .bind(filter.application_id)
    .bind(filter.product_id)
    .bind(filter.level)
    .bind(filter.is_read)
    .bind(&reachable)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c))?;
    Ok((alerts, total))
}

/// Notes that an application's alerts were read, or one of them.
///
/// # Errors
/// When the database does not answer.
pub async fn read(tx: &mut Tx, application_id: i64, id: Option<i64>) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update alert set read_at = $1
         where application_id = $2 and ($3 is null or id = $3) and read_at is null"
    )
    .bind(now_ms)
    .bind(application_id)
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// Forgets what was raised before a time.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(tx: &mut Tx, before_ms: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from alert where created_at < $1"
    )
    .bind(before_ms)
    .execute(c))?;
    Ok(())
}

/// `,1,2,` for the products 1 and 2; none for all.
fn reachable(products: Option<&Products>) -> Option<String> {
    match products {
        None | Some(Products::All) => None,
        Some(Products::Only(ids)) => {
            let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
            Some(format!(",{},", ids.join(",")))
        }
    }
}
