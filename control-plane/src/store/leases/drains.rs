//! SQL of processes that an operator wants to stop.

use super::instance;
use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::run;
use crate::store::ledger::{column, json};
use std::collections::BTreeSet;
use tallygate_core::wire::Instance;

/// Asks the processes of a gateway that are heard of to return what they hold. Those that are started later are not meant.
/// Returns how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn ask(tx: &mut Tx, epoch: i64, gateway: i64, since_ms: i64) -> Result<u64, Error> {
    if let Handle::Postgres(c) = tx.handle() {
        // In the order in which reports lock them.
        sqlx::query(
            "select 1 from instance where gateway_id = $1 and epoch = $2 and last_seen_at > $3
             order by instance for no key update",
        )
        .bind(gateway)
        .bind(epoch)
        .bind(since_ms)
        .fetch_all(c)
        .await?;
    }
    Ok(run!(tx, |c| {
        sqlx::query(
        "update instance set drain_asked = true where gateway_id = $1 and epoch = $2 and last_seen_at > $3"
    )
    .bind(gateway)
    .bind(epoch)
    .bind(since_ms)
    .execute(c)
    })?)
}

/// Those of these processes that were asked.
///
/// # Errors
/// When the database does not answer.
pub async fn asked(
    tx: &mut Tx,
    epoch: i64,
    names: &[Instance],
) -> Result<BTreeSet<Instance>, Error> {
    macro_rules! select {
        ($names:literal) => {
            concat!(
                "select instance from instance where drain_asked and epoch = $2 and instance ",
                $names
            )
        };
    }
    let rows: Vec<Vec<u8>> = match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_scalar(select!("in (select unhex(value) from json_each($1))"))
                .bind(json(&column(names, |name| hex::encode(name))))
                .bind(epoch)
                .fetch_all(c)
                .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_scalar(select!("= any($1::bytea[])"))
                .bind(column(names, |name| name.to_vec()))
                .bind(epoch)
                .fetch_all(c)
                .await?
        }
    };
    Ok(rows.iter().filter_map(|row| instance(row)).collect())
}
