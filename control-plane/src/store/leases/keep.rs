//! SQL of leases as accounts leave them: written back whole.

use super::stored;
use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::leases::key::CellKey;
use crate::store::ledger::{column, json};
use tallygate_core::book::Lease;
use tallygate_core::wire::Instance;

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
