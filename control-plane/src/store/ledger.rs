//! SQL of the ledger: instances, sums of usage, quarantine. Cells are in [`cells`].
//!
//! Everything that comes in numbers is written in bulk: PostgreSQL takes whole columns (`unnest`), SQLite
//! lists of values or a JSON list. All bulk rows are in the order of their table's key, so that two
//! transactions that meet wait for each other and never form a ring.

pub mod cells;

use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::ledger::totals::Sum;
use crate::{on, row, run};
use sqlx::{QueryBuilder, Sqlite};

row! {
    /// What is known of an instance in this epoch.
    #[derive(Clone, Debug)]
    pub struct Instance {
        /// The last batch that was taken.
        pub last_seq: i64,
        /// SHA-256 of its rows.
        pub last_digest: Option<Vec<u8>>,
        /// The gateway it belongs to.
        pub gateway_id: i64,
        /// Nothing more is taken from it.
        pub fenced: bool,
    }
}

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
    /// A metric's product.
    #[derive(Clone, Copy, Debug)]
    pub struct Metric {
        /// Its id.
        pub id: i64,
        /// Its product.
        pub product_id: i64,
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
    }
}

row! {
    /// A rejected row, as it was told.
    #[derive(Clone, Debug)]
    pub struct Rejected {
        /// Its place in the batch.
        pub row_index: i64,
        /// Why.
        pub reason: String,
    }
}

/// A batch on its way in.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The gateway process.
    pub instance: &'a [u8],
    /// The ledger's epoch.
    pub epoch: i64,
    /// The batch's number.
    pub seq: i64,
    /// SHA-256 of its rows.
    pub digest: &'a [u8],
    /// The gateway whose token brought it.
    pub gateway: i64,
    /// Whether the gateway is being drained.
    pub draining: bool,
}

/// A row to be kept in quarantine.
#[derive(Clone, Debug)]
pub struct Bad<'a> {
    /// The gateway process.
    pub instance: &'a [u8],
    /// The batch.
    pub seq: i64,
    /// Its place in the batch.
    pub index: i64,
    /// Compact row.
    pub bytes: &'a [u8],
    /// Why it was not applied.
    pub reason: &'a str,
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

/// Takes the next batch of a known instance: the conditional update that makes batches count once.
///
/// # Errors
/// When the database does not answer.
pub async fn take_next(tx: &mut Tx, batch: Batch<'_>, now_ms: i64) -> Result<bool, Error> {
    let taken = run!(tx, |c| {
        sqlx::query(
        "update instance set last_seq = $1, last_digest = $2, last_seen_at = $3, draining = $4
         where instance = $5 and epoch = $6 and last_seq = $1 - 1 and gateway_id = $7 and not fenced"
    )
    .bind(batch.seq)
    .bind(batch.digest)
    .bind(now_ms)
    .bind(batch.draining)
    .bind(batch.instance)
    .bind(batch.epoch)
    .bind(batch.gateway)
    .execute(c)
    })?;
    Ok(taken == 1)
}

/// Locks an instance and notes that it was heard of; none when it never was.
///
/// # Errors
/// When the database does not answer.
pub async fn touch_instance(
    tx: &mut Tx,
    batch: Batch<'_>,
    now_ms: i64,
) -> Result<Option<Instance>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Instance>(
        "update instance set last_seen_at = $1 where instance = $2 and epoch = $3
         returning last_seq, last_digest, gateway_id, fenced"
    )
    .bind(now_ms)
    .bind(batch.instance)
    .bind(batch.epoch)
    .fetch_optional(c))?)
}

/// Enters an instance heard of for the first time; false when somebody else just did.
///
/// # Errors
/// When the database does not answer.
pub async fn enter_instance(tx: &mut Tx, batch: Batch<'_>, now_ms: i64) -> Result<bool, Error> {
    let gaps = (batch.seq - 1).max(0);
    let digest = (batch.seq > 0).then_some(batch.digest);
    let entered = run!(tx, |c| {
        sqlx::query(
        "insert into instance (instance, epoch, last_seq, last_digest, gateway_id, first_seen_at, last_seen_at, draining, gaps)
         values ($1, $2, $3, $4, $5, $6, $6, $7, $8) on conflict (instance, epoch) do nothing"
    )
    .bind(batch.instance)
    .bind(batch.epoch)
    .bind(batch.seq)
    .bind(digest)
    .bind(batch.gateway)
    .bind(now_ms)
    .bind(batch.draining)
    .bind(gaps)
    .execute(c)
    })?;
    Ok(entered == 1)
}

/// Moves a locked instance on to this batch, and to this gateway.
///
/// # Errors
/// When the database does not answer.
pub async fn move_instance(tx: &mut Tx, batch: Batch<'_>, gaps: i64) -> Result<(), Error> {
    run!(tx, |c| {
        sqlx::query(
        "update instance set last_seq = $1, last_digest = $2, draining = $3, gateway_id = $4, gaps = gaps + $5
         where instance = $6 and epoch = $7"
    )
    .bind(batch.seq)
    .bind(batch.digest)
    .bind(batch.draining)
    .bind(batch.gateway)
    .bind(gaps)
    .bind(batch.instance)
    .bind(batch.epoch)
    .execute(c)
    })?;
    Ok(())
}

/// Notes of a locked instance what a call without a batch says.
///
/// # Errors
/// When the database does not answer.
pub async fn note_instance(tx: &mut Tx, batch: Batch<'_>, fenced: bool) -> Result<(), Error> {
    run!(tx, |c| {
        sqlx::query(
        "update instance set draining = $1, gateway_id = $2, fenced = $3 where instance = $4 and epoch = $5"
    )
    .bind(batch.draining)
    .bind(batch.gateway)
    .bind(fenced)
    .bind(batch.instance)
    .bind(batch.epoch)
    .execute(c)
    })?;
    Ok(())
}

/// Whether a gateway has been removed.
///
/// # Errors
/// When the database does not answer.
pub async fn gateway_is_removed(tx: &mut Tx, gateway: i64) -> Result<bool, Error> {
    let removed = on!(tx, |c| sqlx::query_scalar::<_, Option<i64>>(
        "select deleted_at from gateway where id = $1"
    )
    .bind(gateway)
    .fetch_optional(c))?;
    Ok(removed.is_none_or(|deleted_at| deleted_at.is_some()))
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
        "update gateway set last_seen_at = $1, revision_seen = $2, batches_waiting = $3, filter_version = $4 where id = $5"
    )
    .bind(now_ms)
    .bind(health.revision)
    .bind(i64::from(health.batches_waiting))
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

/// The metrics of these ids that exist, deleted ones too.
///
/// # Errors
/// When the database does not answer.
pub async fn metrics(tx: &mut Tx, ids: &[i64]) -> Result<Vec<Metric>, Error> {
    Ok(match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(
                "select id, product_id from metric where id in (select value from json_each($1))",
            )
            .bind(json(&ids))
            .fetch_all(c)
            .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as("select id, product_id from metric where id = any($1)")
                .bind(ids)
                .fetch_all(c)
                .await?
        }
    })
}

/// The limits of these plans.
///
/// # Errors
/// When the database does not answer.
pub async fn limits(tx: &mut Tx, plans: &[i64]) -> Result<Vec<Limit>, Error> {
    Ok(match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(
                "select plan_id, metric_id, period from plan_limit
                 where plan_id in (select value from json_each($1))",
            )
            .bind(json(&plans))
            .fetch_all(c)
            .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(
                "select plan_id, metric_id, period from plan_limit where plan_id = any($1)",
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

/// Keeps bad rows.
///
/// # Errors
/// When the database does not answer.
pub async fn quarantine(
    tx: &mut Tx,
    epoch: i64,
    rows: &[Bad<'_>],
    now_ms: i64,
) -> Result<(), Error> {
    macro_rules! insert {
        ($chunk:expr, $c:expr) => {
            QueryBuilder::new(
                "insert into quarantine (instance, epoch, seq, row_index, row_bytes, reason, created_at) ",
            )
            .push_values($chunk, |mut row, bad| {
                row.push_bind(bad.instance)
                    .push_bind(epoch)
                    .push_bind(bad.seq)
                    .push_bind(bad.index)
                    .push_bind(bad.bytes)
                    .push_bind(bad.reason)
                    .push_bind(now_ms);
            })
            .build()
            .persistent(false)
            .execute(&mut *$c)
            .await
            .map(|_| ())?
        };
    }
    for chunk in rows.chunks(VALUES_PER_STATEMENT) {
        match tx.handle() {
            Handle::Sqlite(c) => insert!(chunk, c),
            Handle::Postgres(c) => insert!(chunk, c),
        }
    }
    Ok(())
}

/// What was rejected of a batch.
///
/// # Errors
/// When the database does not answer.
pub async fn rejected(tx: &mut Tx, batch: Batch<'_>) -> Result<Vec<Rejected>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, Rejected>(
        "select row_index, reason from quarantine where instance = $1 and epoch = $2 and seq = $3 order by row_index"
    )
    .bind(batch.instance)
    .bind(batch.epoch)
    .bind(batch.seq)
    .fetch_all(c)
    })?)
}

/// A list for SQLite's `json_each`.
fn json<T: serde::Serialize>(rows: &T) -> String {
    // Numbers and text have no way to fail; an empty text would be refused by the database.
    serde_json::to_string(rows).unwrap_or_default()
}

/// A column for PostgreSQL's `unnest`.
fn column<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}
