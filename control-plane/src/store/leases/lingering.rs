//! SQL that walks through all that an instance holds, for what it should return.

use super::{number, open_windows, stored};
use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::leases::key::CellKey;
use crate::row;
use crate::store::ledger::{column, json};
use tallygate_core::book::{Cell, Lease};
use tallygate_core::lease::{FLOOR, IDLE_MS, LONG_IDLE_MS};
use tallygate_core::period::Period;
use tallygate_core::wire::Instance;

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
    quiet_since: i64,
    now_ms: i64,
    most: usize,
) -> Result<Vec<(CellKey, Cell, Lease)>, Error> {
    let open = open_windows(now_ms.unsigned_abs() / 1000);
    let (idle_since, long_idle_since) = (now_ms - stored(IDLE_MS), now_ms - stored(LONG_IDLE_MS));
    macro_rules! lingering {
        ($leases:literal) => {
            concat!(
                "select cell.used, cell.leased, plan_limit.value, l.application_id, l.metric_id, l.period, l.window_start,
                        l.granted, l.spent, l.returned, l.granted_at, l.settled_at, l.recalled_at
                 from ", $leases, "
                 join cell on cell.application_id = l.application_id and cell.metric_id = l.metric_id
                 and cell.period = l.period and cell.window_start = l.window_start
                 join application on application.id = l.application_id
                 left join plan_limit on plan_limit.plan_id = application.plan_id
                 and plan_limit.metric_id = l.metric_id and plan_limit.period = l.period
                 where $3 or (l.settled_at <= $4 and l.granted_at <= $4 and l.granted - l.spent - l.returned > $5)
                 or (l.settled_at <= $6 and l.granted_at <= $6) or cell.used > plan_limit.value - cell.leased
                 limit $8"
            )
        };
    }
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows: Vec<Standing> = match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(lingering!(
                "json_each($9) as n join lease as l on l.period = n.value ->> 0 and l.window_start + 0 = n.value ->> 1
                 and l.instance = $1 and l.epoch = $2 and l.granted - l.spent > l.returned and ($3 or l.settled_at <= $7)"
            ))
            .bind(holder.as_slice())
            .bind(epoch)
            .bind(draining)
            .bind(idle_since)
            .bind(stored(FLOOR))
            .bind(long_idle_since)
            .bind(quiet_since)
            .bind(most)
            .bind(json(&open))
            .fetch_all(c)
            .await?
        }
        Handle::Postgres(c) => {
            // `offset 0` keeps the planner from reading all leases instead of those of each window.
            sqlx::query_as(lingering!(
                "unnest($9::text[], $10::bigint[]) as n (period, window_start)
                 cross join lateral (
                     select application_id, metric_id, period, window_start, granted, spent, returned, granted_at,
                            settled_at, recalled_at
                     from lease where lease.period = n.period and lease.window_start + 0 = n.window_start
                     and lease.instance = $1 and lease.epoch = $2 and lease.granted - lease.spent > lease.returned
                     and ($3 or lease.settled_at <= $7) offset 0
                 ) as l"
            ))
            .bind(holder.as_slice())
            .bind(epoch)
            .bind(draining)
            .bind(idle_since)
            .bind(stored(FLOOR))
            .bind(long_idle_since)
            .bind(quiet_since)
            .bind(most)
            .bind(column(&open, |(period, _)| *period))
            .bind(column(&open, |(_, start)| *start))
            .fetch_all(c)
            .await?
        }
    };
    Ok(rows.iter().filter_map(standing).collect())
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
