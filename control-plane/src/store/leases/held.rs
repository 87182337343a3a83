//! SQL of leases as accounts take them: read under the lock of their cells, written back whole.

use super::{instance, key_rows, number, stored};
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
    /// Of which of the cells in the list.
    pub place: usize,
    /// The holder.
    pub instance: Instance,
    /// The lease.
    pub lease: Lease,
    /// An operator has given it up.
    pub is_written_off: bool,
}

/// Which leases of the cells are wanted.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// Those of these processes.
    Of(&'a [Instance]),
    /// Those with something left, and those of these processes.
    AllBeside(&'a [Instance]),
}

/// Leases of locked cells.
///
/// # Errors
/// When the database does not answer.
pub async fn leases(
    tx: &mut Tx,
    epoch: i64,
    keys: &[CellKey],
    wanted: Wanted<'_>,
) -> Result<Vec<Held>, Error> {
    let (all, of) = match wanted {
        Wanted::Of(instances) => (false, instances),
        Wanted::AllBeside(instances) => (true, instances),
    };
    let rows: Vec<LeaseRow> = match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(
                "select n.key as ord, lease.instance, granted, spent, returned, granted_at, settled_at, rate_milli,
                        idle_windows, recalled_at, written_off_at
                 from json_each($1) as n cross join lease
                 on lease.application_id = n.value ->> 0 and lease.metric_id = n.value ->> 1
                 and lease.period = n.value ->> 2 and lease.window_start = n.value ->> 3
                 where epoch = $2
                 and (lease.instance in (select unhex(value) from json_each($3)) or $4 and granted > spent + returned)",
            )
            .bind(json(&key_rows(keys)))
            .bind(epoch)
            .bind(json(&of.iter().map(hex::encode).collect::<Vec<_>>()))
            .bind(all)
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
                 where epoch = $5 and (instance = any($6::bytea[]) or $7 and granted - spent > returned)",
            )
            .bind(column(keys, |key| key.application))
            .bind(column(keys, |key| key.metric))
            .bind(column(keys, |key| key.period.as_str()))
            .bind(column(keys, |key| key.window_start))
            .bind(epoch)
            .bind(column(of, |name| name.to_vec()))
            .bind(all)
            .fetch_all(c)
            .await?
        }
    };
    Ok(rows.iter().filter_map(held).collect())
}

/// Writes leases, whole; in the order of the table's key.
///
/// # Errors
/// When the database does not answer.
pub async fn put(
    tx: &mut Tx,
    epoch: i64,
    leases: &[(CellKey, Instance, Lease)],
) -> Result<(), Error> {
    match tx.handle() {
        Handle::Sqlite(c) => {
            let rows: Vec<_> = leases
                .iter()
                .map(|(key, name, lease)| {
                    (
                        (
                            key.application,
                            key.metric,
                            key.period.as_str(),
                            key.window_start,
                        ),
                        hex::encode(name),
                        (
                            stored(lease.granted),
                            stored(lease.spent),
                            stored(lease.returned),
                        ),
                        (
                            stored(lease.granted_at_ms),
                            stored(lease.settled_at_ms),
                            stored(lease.recalled_at_ms),
                        ),
                        (stored(lease.rate_milli), lease.idle_windows),
                    )
                })
                .collect();
            sqlx::query(
                "insert into lease (application_id, metric_id, period, window_start, instance, epoch, granted, spent, returned,
                                    granted_at, settled_at, recalled_at, rate_milli, idle_windows, written_off_at)
                 select value ->> '$[0][0]', value ->> '$[0][1]', value ->> '$[0][2]', value ->> '$[0][3]',
                        unhex(value ->> 1), $2, value ->> '$[2][0]', value ->> '$[2][1]', value ->> '$[2][2]',
                        value ->> '$[3][0]', value ->> '$[3][1]', value ->> '$[3][2]', value ->> '$[4][0]',
                        value ->> '$[4][1]', 0
                 from json_each($1) where true
                 on conflict (application_id, metric_id, period, window_start, instance, epoch) do update set
                 granted = excluded.granted, spent = excluded.spent, returned = excluded.returned,
                 granted_at = excluded.granted_at, settled_at = excluded.settled_at, recalled_at = excluded.recalled_at,
                 rate_milli = excluded.rate_milli, idle_windows = excluded.idle_windows",
            )
            .bind(json(&rows))
            .bind(epoch)
            .execute(c)
            .await?;
        }
        Handle::Postgres(c) => {
            sqlx::query(
                "insert into lease (application_id, metric_id, period, window_start, instance, epoch, granted, spent, returned,
                                    granted_at, settled_at, recalled_at, rate_milli, idle_windows, written_off_at)
                 select n.a, n.m, n.p, n.w, n.i, $6, n.g, n.s, n.r, n.ga, n.sa, n.ra, n.rate, n.idle, 0
                 from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bytea[], $7::bigint[], $8::bigint[],
                             $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[])
                 as n (a, m, p, w, i, g, s, r, ga, sa, ra, rate, idle)
                 on conflict (application_id, metric_id, period, window_start, instance, epoch) do update set
                 granted = excluded.granted, spent = excluded.spent, returned = excluded.returned,
                 granted_at = excluded.granted_at, settled_at = excluded.settled_at, recalled_at = excluded.recalled_at,
                 rate_milli = excluded.rate_milli, idle_windows = excluded.idle_windows",
            )
            .bind(column(leases, |(key, _, _)| key.application))
            .bind(column(leases, |(key, _, _)| key.metric))
            .bind(column(leases, |(key, _, _)| key.period.as_str()))
            .bind(column(leases, |(key, _, _)| key.window_start))
            .bind(column(leases, |(_, name, _)| name.to_vec()))
            .bind(epoch)
            .bind(column(leases, |(_, _, lease)| stored(lease.granted)))
            .bind(column(leases, |(_, _, lease)| stored(lease.spent)))
            .bind(column(leases, |(_, _, lease)| stored(lease.returned)))
            .bind(column(leases, |(_, _, lease)| stored(lease.granted_at_ms)))
            .bind(column(leases, |(_, _, lease)| stored(lease.settled_at_ms)))
            .bind(column(leases, |(_, _, lease)| stored(lease.recalled_at_ms)))
            .bind(column(leases, |(_, _, lease)| stored(lease.rate_milli)))
            .bind(column(leases, |(_, _, lease)| i64::from(lease.idle_windows)))
            .execute(c)
            .await?;
        }
    }
    Ok(())
}

/// The holders of these leases have been told that they were given up, and have returned them.
///
/// # Errors
/// When the database does not answer.
pub async fn forgive(tx: &mut Tx, epoch: i64, leases: &[(CellKey, Instance)]) -> Result<(), Error> {
    for (key, name) in leases {
        crate::run!(tx, |c| {
            sqlx::query(
            "update lease set written_off_at = 0 where application_id = $1 and metric_id = $2 and period = $3
             and window_start = $4 and instance = $5 and epoch = $6"
        )
        .bind(key.application)
        .bind(key.metric)
        .bind(key.period.as_str())
        .bind(key.window_start)
        .bind(name.as_slice())
        .bind(epoch)
        .execute(c)
        })?;
    }
    Ok(())
}

fn held(row: &LeaseRow) -> Option<Held> {
    Some(Held {
        place: usize::try_from(row.ord).ok()?,
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
