//! SQL that looks through an instance's leases: which may be granted ahead, and which may be due to be returned.
//!
//! Read without locks: what is decided by them is decided again under the cell's, or is a total that only grows.

use super::{instance, number, open_windows, stored};
use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::leases::key::CellKey;
use crate::store::ledger::{column, json};
use crate::{on, row};
use tallygate_core::book::{Cell, Lease};
use tallygate_core::lease::{FLOOR, IDLE_MS, IDLE_WINDOWS, LONG_IDLE_MS, RECALL_MS};
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

row! {
    struct Standing {
        used: i64,
        leased: i64,
        value: Option<i64>,
        application_id: i64,
        metric_id: i64,
        period: String,
        window_start: i64,
        granted: i64,
        spent: i64,
        returned: i64,
        granted_at: i64,
        settled_at: i64,
        recalled_at: i64,
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
        "where period = $1 and window_start = $2 and instance = $3 and epoch = $4
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

/// Leases that somebody was short of just now, or that an operator has given up.
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
    let rows = on!(tx, |c| {
        sqlx::query_as::<_, Row>(select!(
        "where instance = $1 and epoch = $2 and recalled_at > 0 and recalled_at > $3 and granted - spent > returned
         union all
         select application_id, metric_id, period, window_start, instance, granted, spent, returned, granted_at,
                settled_at, rate_milli, idle_windows, recalled_at, written_off_at
         from lease where instance = $1 and epoch = $2 and written_off_at > 0
         limit $4"
    ))
    .bind(holder.as_slice())
    .bind(epoch)
    .bind((now_ms - stored(RECALL_MS)).max(0))
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(c)
    })?;
    Ok(rows.iter().filter_map(found).collect())
}

/// Leases of open windows which their holder should return for another reason: it goes away, has not used them for
/// long, or the limit was lowered. With their cells, for [`tallygate_core::book::takes_back`] to say.
///
/// # Errors
/// When the database does not answer.
pub async fn lingering(
    tx: &mut Tx,
    epoch: i64,
    holder: &Instance,
    draining: bool,
    now_ms: i64,
    most: usize,
) -> Result<Vec<(CellKey, Cell, Lease)>, Error> {
    let open = open_windows(now_ms.unsigned_abs() / 1000);
    let (idle_since, long_idle_since) = (now_ms - stored(IDLE_MS), now_ms - stored(LONG_IDLE_MS));
    macro_rules! lingering {
        ($windows:literal) => {
            concat!(
                "select cell.used, cell.leased, plan_limit.value, l.application_id, l.metric_id, l.period, l.window_start,
                        l.granted, l.spent, l.returned, l.granted_at, l.settled_at, l.recalled_at
                 from ",
                $windows,
                " as n join lease as l on l.period = n.period and l.window_start = n.window_start
                 join cell on cell.application_id = l.application_id and cell.metric_id = l.metric_id
                 and cell.period = l.period and cell.window_start = l.window_start
                 join application on application.id = l.application_id
                 left join plan_limit on plan_limit.plan_id = application.plan_id
                 and plan_limit.metric_id = l.metric_id and plan_limit.period = l.period
                 where l.instance = $1 and l.epoch = $2 and l.granted - l.spent > l.returned
                 and ($3 or (l.settled_at <= $4 and l.granted_at <= $4 and l.granted - l.spent - l.returned > $5)
                      or (l.settled_at <= $8 and l.granted_at <= $8)
                      or cell.used > plan_limit.value - cell.leased)
                 limit $6"
            )
        };
    }
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows: Vec<Standing> = match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(lingering!(
                "(select value ->> 0 as period, value ->> 1 as window_start from json_each($7))"
            ))
            .bind(holder.as_slice())
            .bind(epoch)
            .bind(draining)
            .bind(idle_since)
            .bind(stored(FLOOR))
            .bind(most)
            .bind(json(&open))
            .bind(long_idle_since)
            .fetch_all(c)
            .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(lingering!(
                "(select * from unnest($7::text[], $9::bigint[]) as w (period, window_start))"
            ))
            .bind(holder.as_slice())
            .bind(epoch)
            .bind(draining)
            .bind(idle_since)
            .bind(stored(FLOOR))
            .bind(most)
            .bind(column(&open, |(period, _)| *period))
            .bind(long_idle_since)
            .bind(column(&open, |(_, start)| *start))
            .fetch_all(c)
            .await?
        }
    };
    Ok(rows.iter().filter_map(standing).collect())
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

fn standing(row: &Standing) -> Option<(CellKey, Cell, Lease)> {
    let key = CellKey {
        application: row.application_id,
        metric: row.metric_id,
        period: Period::parse(&row.period)?,
        window_start: row.window_start,
    };
    let cell = Cell {
        limit: row.value.map(number),
        used: number(row.used),
        leased: number(row.leased),
        ..Cell::default()
    };
    let lease = Lease {
        granted: number(row.granted),
        spent: number(row.spent),
        returned: number(row.returned),
        granted_at_ms: number(row.granted_at),
        settled_at_ms: number(row.settled_at),
        recalled_at_ms: number(row.recalled_at),
        ..Lease::default()
    };
    Some((key, cell, lease))
}
