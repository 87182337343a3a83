//! SQL of traffic: how requests of an application were answered, by quarters of an hour. Approximate.

use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::{on, row, run};
use sqlx::AssertSqlSafe;
use tallygate_core::traffic::{BUCKETS, OUTCOMES, percentile_ms};

/// Columns of outcomes and of durations, in the order of their numbers on the wire.
const COLUMNS: [&str; OUTCOMES + BUCKETS] = [
    "success",
    "redirection",
    "client_error",
    "server_error",
    "refused_credentials",
    "refused_metric",
    "refused_limits",
    "refused_not_ready",
    "within_1_ms",
    "within_2_ms",
    "within_5_ms",
    "within_10_ms",
    "within_20_ms",
    "within_50_ms",
    "within_100_ms",
    "within_200_ms",
    "within_500_ms",
    "within_1000_ms",
    "within_2000_ms",
    "within_5000_ms",
    "beyond_5000_ms",
];

row! {
    /// How the requests of a stretch of time were answered.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Codes {
        /// Its beginning, seconds since 1970.
        pub start_secs: i64,
        /// Answered by the provider's API with 2xx.
        pub success: i64,
        /// … with 3xx.
        pub redirection: i64,
        /// … with 4xx.
        pub client_error: i64,
        /// … with 5xx.
        pub server_error: i64,
        /// Refused by a gateway: a wrong key or referrer, or the application may not call.
        pub refused_credentials: i64,
        /// … because its plan has none of a metric.
        pub refused_metric: i64,
        /// … because a limit was exceeded (429).
        pub refused_limits: i64,
        /// … because the gateway could not decide (503).
        pub refused_not_ready: i64,
    }
}

/// How long the requests of a stretch of time took, until the last byte of the answer; refused ones are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Its beginning, seconds since 1970.
    pub start_secs: i64,
    /// Requests by buckets of [`tallygate_core::traffic::BOUNDS_MS`] and, the last, beyond.
    pub counts: [i64; BUCKETS],
}

row! {
    struct LatencyRow {
        start_secs: i64,
        counts: String,
    }
}

/// What is added to the sums of an application and quarter of an hour.
#[derive(Clone, Copy, Debug)]
pub struct NewRow {
    /// Who called.
    pub application_id: i64,
    /// Beginning of the quarter of an hour, seconds since 1970.
    pub start_secs: i64,
    /// By number on the wire.
    pub outcomes: [i64; OUTCOMES],
    /// By number on the wire.
    pub durations: [i64; BUCKETS],
}

impl Codes {
    /// All that the provider's API answered.
    #[must_use]
    pub fn answered(&self) -> i64 {
        self.success + self.redirection + self.client_error + self.server_error
    }

    /// All that gateways refused.
    #[must_use]
    pub fn refused(&self) -> i64 {
        self.refused_credentials
            + self.refused_metric
            + self.refused_limits
            + self.refused_not_ready
    }
}

impl Latency {
    /// What so many per mille of the requests took at most, milliseconds, about: 500 for the median, 990 for p99. None without
    /// requests.
    #[must_use]
    pub fn percentile_ms(&self, per_mille: u64) -> Option<u64> {
        percentile_ms(
            &self.counts.map(|count| count.max(0).unsigned_abs()),
            per_mille,
        )
    }
}

/// How an application's requests in [from, until) were answered, in steps of so many seconds counted from 1970 in UTC (a
/// multiple of 900); steps without any are left out. Both ends are seconds since 1970.
///
/// # Errors
/// When the database does not answer.
pub async fn codes(
    tx: &mut Tx,
    application_id: i64,
    from_secs: i64,
    until_secs: i64,
    step_secs: i64,
) -> Result<Vec<Codes>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Codes>(
        "select quarter_start - quarter_start % $4 as start_secs,
             cast(sum(success) as bigint) as success,
             cast(sum(redirection) as bigint) as redirection,
             cast(sum(client_error) as bigint) as client_error,
             cast(sum(server_error) as bigint) as server_error,
             cast(sum(refused_credentials) as bigint) as refused_credentials,
             cast(sum(refused_metric) as bigint) as refused_metric,
             cast(sum(refused_limits) as bigint) as refused_limits,
             cast(sum(refused_not_ready) as bigint) as refused_not_ready
         from traffic where application_id = $1 and quarter_start >= $2 and quarter_start < $3
         group by 1 order by 1"
    )
    .bind(application_id)
    .bind(from_secs)
    .bind(until_secs)
    .bind(step_secs.max(900))
    .fetch_all(c))?)
}

/// How long they took; see [`codes`].
///
/// # Errors
/// When the database does not answer.
pub async fn latency(
    tx: &mut Tx,
    application_id: i64,
    from_secs: i64,
    until_secs: i64,
    step_secs: i64,
) -> Result<Vec<Latency>, Error> {
    let rows = on!(tx, |c| {
        sqlx::query_as::<_, LatencyRow>(
        "select quarter_start - quarter_start % $4 as start_secs,
             sum(within_1_ms) || ',' || sum(within_2_ms) || ',' || sum(within_5_ms) || ',' || sum(within_10_ms)
             || ',' || sum(within_20_ms) || ',' || sum(within_50_ms) || ',' || sum(within_100_ms)
             || ',' || sum(within_200_ms) || ',' || sum(within_500_ms) || ',' || sum(within_1000_ms)
             || ',' || sum(within_2000_ms) || ',' || sum(within_5000_ms) || ',' || sum(beyond_5000_ms) as counts
         from traffic where application_id = $1 and quarter_start >= $2 and quarter_start < $3
         group by 1 order by 1"
    )
    .bind(application_id)
    .bind(from_secs)
    .bind(until_secs)
    .bind(step_secs.max(900))
    .fetch_all(c)
    })?;
    Ok(rows
        .iter()
        .map(|row| {
            let mut counts = [0; BUCKETS];
            let listed = row.counts.split(',');
            for (count, text) in counts.iter_mut().zip(listed) {
                *count = text.parse().unwrap_or_default();
            }
            Latency {
                start_secs: row.start_secs,
                counts,
            }
        })
        .collect())
}

/// Notes the number of a report of an instance; false when this or a later one was noted before, or the instance is not this
/// gateway's.
///
/// # Errors
/// When the database does not answer.
pub async fn take_number(
    tx: &mut Tx,
    instance: &[u8],
    gateway_id: i64,
    number: i64,
) -> Result<bool, Error> {
    let taken = run!(tx, |c| {
        sqlx::query(
        "update instance set traffic_seq = $1 where instance = $2 and gateway_id = $3 and not fenced
         and epoch = (select epoch from ledger_epoch) and traffic_seq < $1"
    )
    .bind(number)
    .bind(instance)
    .bind(gateway_id)
    .execute(c)
    })?;
    Ok(taken == 1)
}

/// Adds to sums; what names no application is left out. Rows are in the order of the table's key.
///
/// # Errors
/// When the database does not answer.
pub async fn add(tx: &mut Tx, rows: &[NewRow]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let list: Vec<Vec<i64>> = rows
        .iter()
        .map(|row| {
            let mut all = vec![row.application_id, row.start_secs];
            all.extend(row.outcomes);
            all.extend(row.durations);
            all
        })
        .collect();
    let list = serde_json::to_string(&list).map_err(|error| Error::internal(error.to_string()))?;
    let (sums, from) = match tx.handle() {
        Handle::Sqlite(_) => (values("json_extract(value, '$[", "]')"), "json_each($1)"),
        Handle::Postgres(_) => (
            values("cast(value ->> ", " as bigint)"),
            "json_array_elements(cast($1 as json))",
        ),
    };
    let columns = COLUMNS.join(", ");
    let set: Vec<String> = COLUMNS
        .iter()
        .map(|column| format!("{column} = traffic.{column} + excluded.{column}"))
        .collect();
    let sql = format!(
        "insert into traffic (application_id, quarter_start, {columns})
         select {} from {from} where {} in (select id from application) order by 1, 2
         on conflict (application_id, quarter_start) do update set {}",
        sums.join(", "),
        sums.first().map(String::as_str).unwrap_or_default(),
        set.join(", ")
    );
    run!(tx, |c| sqlx::query(AssertSqlSafe(sql.as_str()))
        .bind(list.as_str())
        .execute(c))?;
    Ok(())
}

/// What takes each number out of a list.
fn values(before: &str, after: &str) -> Vec<String> {
    (0..COLUMNS.len() + 2)
        .map(|n| format!("{before}{n}{after}"))
        .collect()
}

/// Forgets what is older than a moment, seconds since 1970.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(tx: &mut Tx, before_secs: i64) -> Result<u64, Error> {
    Ok(run!(tx, |c| sqlx::query(
        "delete from traffic where quarter_start < $1"
    )
    .bind(before_secs)
    .execute(c))?)
}
