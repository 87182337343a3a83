//! SQL of leases as accounts take them: read under the lock of their cells.

use super::{instance, key_rows, number};
use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::leases::key::CellKey;
use crate::row;
use crate::store::ledger::{column, json};
use tallygate_core::book::Lease;
use tallygate_core::wire::Instance;

row! {
    struct LeaseRow {
        ord: i64,
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

/// A lease, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Of which cell.
    pub key: CellKey,
    /// The holder.
    pub instance: Instance,
    /// The lease.
    pub lease: Lease,
    /// An operator has given it up.
    pub is_written_off: bool,
}

/// Those of these leases that exist.
///
/// # Errors
/// When the database does not answer.
pub async fn of(
    tx: &mut Tx,
    epoch: i64,
    wanted: &[(CellKey, Instance)],
) -> Result<Vec<Held>, Error> {
    let rows: Vec<LeaseRow> = match tx.handle() {
        Handle::Sqlite(c) => {
            let rows = column(wanted, |(key, name)| {
                (
                    key.application,
                    key.metric,
                    key.period.as_str(),
                    key.window_start,
                    hex::encode(name),
                )
            });
            sqlx::query_as(
                "select n.key as ord, lease.instance, granted, spent, returned, granted_at, settled_at, rate_milli,
                        idle_windows, recalled_at, written_off_at
                 from json_each($1) as n cross join lease
                 on lease.application_id = n.value ->> 0 and lease.metric_id = n.value ->> 1
                 and lease.period = n.value ->> 2 and lease.window_start = n.value ->> 3
                 and lease.instance = unhex(n.value ->> 4) and lease.epoch = $2",
            )
            .bind(json(&rows))
            .bind(epoch)
            .fetch_all(c)
            .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(
                "select n.ord - 1 as ord, instance, granted, spent, returned, granted_at, settled_at, rate_milli,
                        idle_windows, recalled_at, written_off_at
                 from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bytea[])
                 with ordinality as n (application_id, metric_id, period, window_start, instance, ord)
                 join lease using (application_id, metric_id, period, window_start, instance)
                 where epoch = $6",
            )
            .bind(column(wanted, |(key, _)| key.application))
            .bind(column(wanted, |(key, _)| key.metric))
            .bind(column(wanted, |(key, _)| key.period.as_str()))
            .bind(column(wanted, |(key, _)| key.window_start))
            .bind(column(wanted, |(_, name)| name.to_vec()))
            .bind(epoch)
            .fetch_all(c)
            .await?
        }
    };
    let key = |place: usize| wanted.get(place).map(|(key, _)| *key);
    Ok(rows.iter().filter_map(|row| held(row, key)).collect())
}

/// Leases of these cells that have something left, and all that these processes have.
///
/// # Errors
/// When the database does not answer.
pub async fn all_beside(
    tx: &mut Tx,
    epoch: i64,
    keys: &[CellKey],
    asking: &[Instance],
) -> Result<Vec<Held>, Error> {
    let rows: Vec<LeaseRow> = match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(
                "select n.key as ord, lease.instance, granted, spent, returned, granted_at, settled_at, rate_milli,
                        idle_windows, recalled_at, written_off_at
                 from json_each($1) as n cross join lease
                 on lease.application_id = n.value ->> 0 and lease.metric_id = n.value ->> 1
                 and lease.period = n.value ->> 2 and lease.window_start = n.value ->> 3
                 where epoch = $2
                 and (granted - spent > returned or lease.instance in (select unhex(value) from json_each($3)))",
            )
            .bind(json(&key_rows(keys)))
            .bind(epoch)
            .bind(json(&column(asking, |name| hex::encode(name))))
            .fetch_all(c)
            .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(
                "select n.ord - 1 as ord, instance, granted, spent, returned, granted_at, settled_at, rate_milli,
                        idle_windows, recalled_at, written_off_at
                 from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
                 with ordinality as n (application_id, metric_id, period, window_start, ord)
                 join lease using (application_id, metric_id, period, window_start)
                 where epoch = $5 and (granted - spent > returned or instance = any($6::bytea[]))",
            )
            .bind(column(keys, |key| key.application))
            .bind(column(keys, |key| key.metric))
            .bind(column(keys, |key| key.period.as_str()))
            .bind(column(keys, |key| key.window_start))
            .bind(epoch)
            .bind(column(asking, |name| name.to_vec()))
            .fetch_all(c)
            .await?
        }
    };
    let key = |place: usize| keys.get(place).copied();
    Ok(rows.iter().filter_map(|row| held(row, key)).collect())
}

fn held(row: &LeaseRow, key: impl Fn(usize) -> Option<CellKey>) -> Option<Held> {
    Some(Held {
        key: key(usize::try_from(row.ord).ok()?)?,
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
