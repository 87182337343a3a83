//! SQL of credit that operators give up.

use super::{instance, open_windows};
use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::leases::key::CellKey;
use crate::store::ledger::{column, json};
use crate::{on, row};
use tallygate_core::period::Period;
use tallygate_core::wire::Instance;

/// A gateway's processes that are not heard of.
#[derive(Clone, Copy, Debug)]
pub struct Silent {
    /// The gateway.
    pub gateway: i64,
    /// The ledger's epoch.
    pub epoch: i64,
    /// Since when, milliseconds since 1970.
    pub since_ms: i64,
}

row! {
    struct Row {
        application_id: i64,
        metric_id: i64,
        period: String,
        window_start: i64,
        instance: Vec<u8>,
    }
}

/// Whether there is or was such a gateway.
///
/// # Errors
/// When the database does not answer.
pub async fn gateway_exists(tx: &mut Tx, gateway: i64) -> Result<bool, Error> {
    let found = on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "select id from gateway where id = $1"
    )
    .bind(gateway)
    .fetch_optional(c))?;
    Ok(found.is_some())
}

/// Locks them, in their order.
///
/// # Errors
/// When the database does not answer.
pub async fn lock_silent(tx: &mut Tx, silent: Silent) -> Result<(), Error> {
    if let Handle::Postgres(c) = tx.handle() {
        sqlx::query(
            "select 1 from instance where gateway_id = $1 and epoch = $2 and last_seen_at <= $3
             order by instance for no key update",
        )
        .bind(silent.gateway)
        .bind(silent.epoch)
        .bind(silent.since_ms)
        .fetch_all(c)
        .await?;
    }
    Ok(())
}

/// Leases of theirs with something left, in open windows. What is left of those that are over concerns nobody any more,
/// and their cells may be removed at this moment by who holds others.
///
/// # Errors
/// When the database does not answer.
pub async fn held(
    tx: &mut Tx,
    silent: Silent,
    now_secs: u64,
    most: usize,
) -> Result<Vec<(CellKey, Instance)>, Error> {
    macro_rules! held {
        ($windows:literal) => {
            concat!(
                "select l.application_id, l.metric_id, l.period, l.window_start, l.instance
                 from instance cross join ", $windows, "
                 join lease as l on l.window_start + 0 = n.w and l.period = n.p and l.instance = instance.instance
                 and l.epoch = instance.epoch
                 where instance.gateway_id = $1 and instance.epoch = $2 and instance.last_seen_at <= $3
                 and l.granted - l.spent > l.returned
                 order by l.application_id, l.metric_id, l.period, l.window_start, l.instance limit $4"
            )
        };
    }
    let open = open_windows(now_secs);
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows: Vec<Row> = match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(held!(
                "(select value ->> 0 as p, value ->> 1 as w from json_each($5)) as n"
            ))
            .bind(silent.gateway)
            .bind(silent.epoch)
            .bind(silent.since_ms)
            .bind(most)
            .bind(json(&open))
            .fetch_all(c)
            .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(held!("unnest($5::text[], $6::bigint[]) as n (p, w)"))
                .bind(silent.gateway)
                .bind(silent.epoch)
                .bind(silent.since_ms)
                .bind(most)
                .bind(column(&open, |(period, _)| *period))
                .bind(column(&open, |(_, start)| *start))
                .fetch_all(c)
                .await?
        }
    };
    Ok(rows
        .iter()
        .filter_map(|row| {
            let key = CellKey {
                application: row.application_id,
                metric: row.metric_id,
                period: Period::parse(&row.period)?,
                window_start: row.window_start,
            };
            Some((key, instance(&row.instance)?))
        })
        .collect())
}

/// Notes that leases were given up, for their holders to be told.
///
/// # Errors
/// When the database does not answer.
pub async fn mark(
    tx: &mut Tx,
    epoch: i64,
    leases: &[(CellKey, Instance)],
    now_ms: i64,
) -> Result<(), Error> {
    match tx.handle() {
        Handle::Sqlite(c) => {
            let rows: Vec<_> = leases
                .iter()
                .map(|(key, holder)| {
                    (
                        key.application,
                        key.metric,
                        key.period.as_str(),
                        key.window_start,
                        hex::encode(holder),
                    )
                })
                .collect();
            sqlx::query(
                "update lease set written_off_at = $3
                 from (select value ->> 0 as a, value ->> 1 as m, value ->> 2 as p, value ->> 3 as w,
                              unhex(value ->> 4) as i from json_each($1)) as n
                 where application_id = n.a and metric_id = n.m and period = n.p and window_start = n.w
                 and instance = n.i and epoch = $2",
            )
            .bind(json(&rows))
            .bind(epoch)
            .bind(now_ms)
            .execute(c)
            .await?;
        }
        Handle::Postgres(c) => {
            sqlx::query(
                "update lease set written_off_at = $7
                 from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bytea[]) as n (a, m, p, w, i)
                 where application_id = n.a and metric_id = n.m and period = n.p and window_start = n.w
                 and instance = n.i and epoch = $6",
            )
            .bind(column(leases, |(key, _)| key.application))
            .bind(column(leases, |(key, _)| key.metric))
            .bind(column(leases, |(key, _)| key.period.as_str()))
            .bind(column(leases, |(key, _)| key.window_start))
            .bind(column(leases, |(_, holder)| holder.to_vec()))
            .bind(epoch)
            .bind(now_ms)
            .execute(c)
            .await?;
        }
    }
    Ok(())
}
