//! SQL of the processes that ask, and of those that hold.

use super::instance;
use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::row;
use crate::store::ledger::{column, json};
use tallygate_core::wire::Instance;

row! {
    struct Row {
        instance: Vec<u8>,
        gateway_id: i64,
        fenced: bool,
        draining: bool,
        last_seen_at: i64,
        gateway_is_removed: bool,
    }
}

/// A gateway process.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Its name.
    pub instance: Instance,
    /// Its gateway.
    pub gateway: i64,
    /// Whether that was removed: then another may speak for it.
    pub gateway_is_removed: bool,
    /// Nothing more is taken from it.
    pub fenced: bool,
    /// It goes away.
    pub draining: bool,
    /// When it last reported, milliseconds since 1970.
    pub last_seen_at: i64,
}

/// What is known of these processes in this epoch; nothing is locked.
///
/// # Errors
/// When the database does not answer.
pub async fn processes(tx: &mut Tx, epoch: i64, names: &[Instance]) -> Result<Vec<Process>, Error> {
    macro_rules! select {
        ($names:literal) => {
            concat!(
                "select instance.instance, instance.gateway_id, instance.fenced,
                        instance.draining or instance.drain_asked as draining, instance.last_seen_at,
                        gateway.deleted_at is not null as gateway_is_removed
                 from instance join gateway on gateway.id = instance.gateway_id
                 where instance.epoch = $2 and instance.instance ",
                $names
            )
        };
    }
    let rows: Vec<Row> = match tx.handle() {
        Handle::Sqlite(c) => {
            sqlx::query_as(select!("in (select unhex(value) from json_each($1))"))
                .bind(json(&column(names, |name| hex::encode(name))))
                .bind(epoch)
                .fetch_all(c)
                .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(select!("= any($1::bytea[])"))
                .bind(column(names, |name| name.to_vec()))
                .bind(epoch)
                .fetch_all(c)
                .await?
        }
    };
    Ok(rows
        .iter()
        .filter_map(|row| {
            Some(Process {
                instance: instance(&row.instance)?,
                gateway: row.gateway_id,
                gateway_is_removed: row.gateway_is_removed,
                fenced: row.fenced,
                draining: row.draining,
                last_seen_at: row.last_seen_at,
            })
        })
        .collect())
}
