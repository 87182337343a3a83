//! SQL that looks through an instance's leases: which may be granted ahead, and which are recalled.
//!
//! Read without locks: what is decided by them is decided again under the cell's, or is a total that only grows.

use super::{instance, number, open_windows, stored};
use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::leases::key::CellKey;
use crate::store::ledger::{column, json};
use crate::{on, row};
use tallygate_core::book::Lease;
use tallygate_core::lease::{IDLE_WINDOWS, RECALL_MS};
use tallygate_core::period::Period;
use tallygate_core::wire::Instance;

row! {
    struct Row {
        application_id: i64,
        metric_id: i64,
        period: String,
        window_start: i64,
        instance: Vec<u8>,
        granted: i64,
        spent: i64,
        returned: i64,
        granted_at: i64,
        settled_at: i64,
        rate_milli: i64,
        idle_windows: i64,
        recalled_at: i64,
        written_off_at: i64,
    }
}

/// A lease, and where.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Its cell.
    pub key: CellKey,
    /// Its holder.
    pub instance: Instance,
    /// The lease.
    pub lease: Lease,
    /// An operator has given it up.
    pub is_written_off: bool,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select application_id, metric_id, period, window_start, instance, granted, spent, returned, granted_at,
                    settled_at, rate_milli, idle_windows, recalled_at, written_off_at
             from lease as l ",
            $rest
        )
    };
}

/// Leases of a window that is about to end whose holder has none yet of the next, the most active first.
///
/// # Errors
/// When the database does not answer.
pub async fn ending(
    tx: &mut Tx,
    epoch: i64,
    holder: &Instance,
    (period, from, to): (Period, u64, u64),
    most: usize,
) -> Result<Vec<Found>, Error> {
    let rows = on!(tx, |c| {
        sqlx::query_as::<_, Row>(select!(
        "where period = $1 and window_start + 0 = $2 and instance = $3 and epoch = $4
         and (spent > 0 or idle_windows < $5)
         and not exists (
             select 1 from lease as n where n.application_id = l.application_id and n.metric_id = l.metric_id
             and n.period = l.period and n.window_start = $6 and n.instance = l.instance and n.epoch = l.epoch
             and n.granted > 0)
         order by rate_milli desc, application_id limit $7"
    ))
    .bind(period.as_str())
    .bind(stored(from))
    .bind(holder.as_slice())
    .bind(epoch)
    .bind(i64::from(IDLE_WINDOWS))
    .bind(stored(to))
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(c)
    })?;
    Ok(rows.iter().filter_map(found).collect())
}

/// Leases of open windows that somebody was short of just now, or that an operator has given up.
///
/// # Errors
/// When the database does not answer.
pub async fn recalled(
    tx: &mut Tx,
    epoch: i64,
    holder: &Instance,
    now_ms: i64,
    most: usize,
) -> Result<Vec<Found>, Error> {
    macro_rules! recalled {
        ($open:literal) => {
            concat!(
                select!("where instance = $1 and epoch = $2 and recalled_at > 0 and recalled_at > $3
                         and granted - spent > returned and (period, window_start) in "),
                $open,
                " union all ",
                select!("where instance = $1 and epoch = $2 and written_off_at > 0 and (period, window_start) in "),
                $open,
                " limit $4"
            )
        };
    }
    let open = open_windows(now_ms.unsigned_abs() / 1000);
    let since_ms = (now_ms - stored(RECALL_MS)).max(0);
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows: Vec<Row> = match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(recalled!(
                "(select value ->> 0, value ->> 1 from json_each($5))"
            ))
            .bind(holder.as_slice())
            .bind(epoch)
            .bind(since_ms)
            .bind(most)
            .bind(json(&open))
            .fetch_all(c)
            .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(recalled!(
                "(select n.p, n.w from unnest($5::text[], $6::bigint[]) as n (p, w))"
            ))
            .bind(holder.as_slice())
            .bind(epoch)
            .bind(since_ms)
            .bind(most)
            .bind(column(&open, |(period, _)| *period))
            .bind(column(&open, |(_, start)| *start))
            .fetch_all(c)
            .await?
        }
    };
    Ok(rows.iter().filter_map(found).collect())
}

fn found(row: &Row) -> Option<Found> {
    Some(Found {
        key: CellKey {
            application: row.application_id,
            metric: row.metric_id,
            period: Period::parse(&row.period)?,
            window_start: row.window_start,
        },
        instance: instance(&row.instance)?,
        lease: Lease {
            granted: number(row.granted),
            spent: number(row.spent),
            returned: number(row.returned),
            granted_at_ms: number(row.granted_at),
            settled_at_ms: number(row.settled_at),
            rate_milli: number(row.rate_milli),
            idle_windows: u32::try_from(row.idle_windows).unwrap_or(u32::MAX),
            recalled_at_ms: number(row.recalled_at),
        },
        is_written_off: row.written_off_at > 0,
    })
}
