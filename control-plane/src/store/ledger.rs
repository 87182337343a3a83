//! SQL of the ledger: what batches are checked against, and the sums they are added to.
//!
//! Everything that comes in numbers is written in bulk: PostgreSQL takes whole columns (`unnest`), SQLite
//! lists of values or a JSON list. All bulk rows are in the order of their table's key, so that two
//! transactions that meet wait for each other and never form a ring.

pub mod cells;
pub mod instances;
pub mod quarantine;

use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::ledger::totals::Sum;
use crate::{on, row, run};
use sqlx::{QueryBuilder, Sqlite};
use std::collections::BTreeSet;

row! {
    /// What the ledger needs to know of an application.
    #[derive(Clone, Copy, Debug)]
    pub struct Application {
        /// Its id.
        pub id: i64,
        /// Its product.
        pub product_id: i64,
        /// Its plan.
        pub plan_id: i64,
        /// Milliseconds since 1970.
        pub first_traffic_at: Option<i64>,
        /// Milliseconds since 1970.
        pub first_daily_traffic_at: Option<i64>,
    }
}

row! {
    struct Metric {
        id: i64,
        product_id: i64,
    }
}

row! {
    /// A limit of a plan.
    #[derive(Clone, Debug)]
    pub struct Limit {
        /// Its plan.
        pub plan_id: i64,
        /// The limited metric.
        pub metric_id: i64,
        /// Name of the period.
        pub period: String,
        /// The most in one window.
        pub value: i64,
    }
}

/// The ledger's epoch.
///
/// # Errors
/// When the database does not answer.
pub async fn epoch(tx: &mut Tx) -> Result<i64, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "select epoch from ledger_epoch"
    )
    .fetch_one(c))?)
}

/// Notes how a gateway is.
///
/// # Errors
/// When the database does not answer.
pub async fn note_gateway(
    tx: &mut Tx,
    gateway: i64,
    now_ms: i64,
    health: &tallygate_core::wire::HealthV1,
) -> Result<(), Error> {
    // A hostile text must not fail the batch it came with: PostgreSQL refuses NUL.
    let version: String = health
        .version
        .chars()
        .filter(|c| !c.is_control())
        .take(64)
        .collect();
    run!(tx, |c| {
        sqlx::query(
        "update gateway set last_seen_at = $1, revision_seen = $2, batches_waiting = $3, rejected_entries = $4,
         filter_version = $5 where id = $6"
    )
    .bind(now_ms)
    .bind(health.revision)
    .bind(i64::from(health.batches_waiting))
    .bind(i64::from(health.rejected_entries))
    .bind(version.as_str())
    .bind(gateway)
    .execute(c)
    })?;
    Ok(())
}

/// The applications of these ids that exist, deleted ones too.
///
/// # Errors
/// When the database does not answer.
pub async fn applications(tx: &mut Tx, ids: &[i64]) -> Result<Vec<Application>, Error> {
    Ok(match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(
                "select id, product_id, plan_id, first_traffic_at, first_daily_traffic_at
                 from application where id in (select value from json_each($1))",
            )
            .bind(json(&ids))
            .fetch_all(c)
            .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(
                "select id, product_id, plan_id, first_traffic_at, first_daily_traffic_at
                 from application where id = any($1)",
            )
            .bind(ids)
            .fetch_all(c)
            .await?
        }
    })
}

/// Which products metrics are counted in.
#[derive(Clone, Debug, Default)]
pub struct Metrics(BTreeSet<(i64, i64)>);

impl Metrics {
    /// Whether there is such a metric at all.
    #[must_use]
    pub fn exists(&self, metric: i64) -> bool {
        self.0
            .range((metric, i64::MIN)..=(metric, i64::MAX))
            .next()
            .is_some()
    }

    /// Whether it is counted in this product.
    #[must_use]
    pub fn belongs(&self, metric: i64, product: i64) -> bool {
        self.0.contains(&(metric, product))
    }
}

/// The metrics of these ids that exist, deleted ones too, with the products that they are counted in: a backend's in all
/// that use it or did.
///
/// # Errors
/// When the database does not answer.
pub async fn metrics(tx: &mut Tx, ids: &[i64]) -> Result<Metrics, Error> {
    let rows: Vec<Metric> = match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(
                "select id, product_id from metric
                 where product_id is not null and id in (select value from json_each($1))
                 union all
                 select metric.id, backend_usage.product_id
                 from metric join backend_usage on backend_usage.backend_id = metric.backend_id
                 where metric.backend_id is not null and metric.id in (select value from json_each($1))",
            )
            .bind(json(&ids))
            .fetch_all(c)
            .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(
                "select id, product_id from metric where product_id is not null and id = any($1)
                 union all
                 select metric.id, backend_usage.product_id
                 from metric join backend_usage on backend_usage.backend_id = metric.backend_id
                 where metric.backend_id is not null and metric.id = any($1)",
            )
            .bind(ids)
            .fetch_all(c)
            .await?
        }
    };
    Ok(Metrics(
        rows.into_iter()
            .map(|row| (row.id, row.product_id))
            .collect(),
    ))
}

/// The limits of these plans.
///
/// # Errors
/// When the database does not answer.
pub async fn limits(tx: &mut Tx, plans: &[i64]) -> Result<Vec<Limit>, Error> {
    Ok(match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(
                "select plan_id, metric_id, period, value from plan_limit
                 where plan_id in (select value from json_each($1))",
            )
            .bind(json(&plans))
            .fetch_all(c)
            .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(
                "select plan_id, metric_id, period, value from plan_limit where plan_id = any($1)",
            )
            .bind(plans)
            .fetch_all(c)
            .await?
        }
    })
}

/// Whose sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// `usage_application`
    Application,
    /// `usage_product`
    Product,
}

/// Rows of one SQLite statement: beyond some hundreds a longer list is no faster.
const VALUES_PER_STATEMENT: usize = 500;
/// Rows of one PostgreSQL statement: bounds what both sides hold in memory.
const COLUMNS_PER_STATEMENT: usize = 50_000;

/// Adds to sums; `sums` in the order of the table's key, none twice.
///
/// # Errors
/// When the database does not answer.
pub async fn add(tx: &mut Tx, owner: Owner, sums: &[Sum]) -> Result<(), Error> {
    match tx.handle() {
        Handle::Sqlite(c) => {
            let (head, tail) = match owner {
                Owner::Application => (
                    "insert into usage_application (application_id, metric_id, period, window_start, value) ",
                    " on conflict (application_id, metric_id, period, window_start) do update set value =
                      case when usage_application.value > 9223372036854775807 - excluded.value
                      then 9223372036854775807 else usage_application.value + excluded.value end",
                ),
                Owner::Product => (
                    "insert into usage_product (product_id, metric_id, period, window_start, value) ",
                    " on conflict (product_id, metric_id, period, window_start) do update set value =
                      case when usage_product.value > 9223372036854775807 - excluded.value
                      then 9223372036854775807 else usage_product.value + excluded.value end",
                ),
            };
            for chunk in sums.chunks(VALUES_PER_STATEMENT) {
                let mut query = QueryBuilder::<Sqlite>::new(head);
                query.push_values(chunk, |mut row, sum| {
                    row.push_bind(sum.owner)
                        .push_bind(sum.metric)
                        .push_bind(sum.series.as_str())
                        .push_bind(sum.window_start)
                        .push_bind(sum.value);
                });
                // Only whole chunks have a text that comes again.
                let again = chunk.len() == VALUES_PER_STATEMENT;
                query
                    .push(tail)
                    .build()
                    .persistent(again)
                    .execute(&mut *c)
                    .await?;
            }
        }
        Handle::Postgres(c) => {
            let sql = match owner {
                Owner::Application => {
                    "insert into usage_application (application_id, metric_id, period, window_start, value)
                     select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[])
                     on conflict (application_id, metric_id, period, window_start) do update set value =
                     case when usage_application.value > 9223372036854775807 - excluded.value
                     then 9223372036854775807 else usage_application.value + excluded.value end"
                }
                Owner::Product => {
                    "insert into usage_product (product_id, metric_id, period, window_start, value)
                     select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[])
                     on conflict (product_id, metric_id, period, window_start) do update set value =
                     case when usage_product.value > 9223372036854775807 - excluded.value
                     then 9223372036854775807 else usage_product.value + excluded.value end"
                }
            };
            for chunk in sums.chunks(COLUMNS_PER_STATEMENT) {
                sqlx::query(sql)
                    .bind(column(chunk, |sum| sum.owner))
                    .bind(column(chunk, |sum| sum.metric))
                    .bind(column(chunk, |sum| sum.series.as_str()))
                    .bind(column(chunk, |sum| sum.window_start))
                    .bind(column(chunk, |sum| sum.value))
                    .execute(&mut *c)
                    .await?;
            }
        }
    }
    Ok(())
}

/// Records when applications were first used, ever and on their latest day: (id, ever, daily), in milliseconds.
///
/// # Errors
/// When the database does not answer.
pub async fn note_first_traffic(tx: &mut Tx, rows: &[(i64, i64, i64)]) -> Result<(), Error> {
    match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query(
                "update application set first_traffic_at = coalesce(first_traffic_at, n.ever), first_daily_traffic_at = n.daily
                 from (select value ->> 0 as id, value ->> 1 as ever, value ->> 2 as daily from json_each($1)) as n
                 where application.id = n.id",
            )
            .bind(json(&rows))
            .execute(c)
            .await?;
        }
        Handle::Postgres(c) => {
            // An application that somebody is changing is left for the next batch: usage waits for nobody.
            sqlx::query(
                "update application set first_traffic_at = coalesce(first_traffic_at, n.ever), first_daily_traffic_at = n.daily
                 from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as n (id, ever, daily)
                 where application.id = n.id
                 and application.id in (select id from application where id = any($1) for no key update skip locked)",
            )
            .bind(column(rows, |row| row.0))
            .bind(column(rows, |row| row.1))
            .bind(column(rows, |row| row.2))
            .execute(c)
            .await?;
        }
    }
    Ok(())
}

/// A list for SQLite's `json_each`.
pub(super) fn json<T: serde::Serialize>(rows: &T) -> String {
    // Numbers and text have no way to fail; an empty text would be refused by the database.
    serde_json::to_string(rows).unwrap_or_default()
}

/// A column for PostgreSQL's `unnest`.
pub(super) fn column<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}
