//! SQL of quarantine: rows of batches that could not be applied.

use super::VALUES_PER_STATEMENT;
use super::instances::Batch;
use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::{on, row};
use sqlx::QueryBuilder;

row! {
    /// A rejected row, as it was told.
    #[derive(Clone, Debug)]
    pub struct Rejected {
        /// Its place in the batch.
        pub row_index: i64,
        /// Why.
        pub reason: String,
    }
}

/// A row to be kept in quarantine.
#[derive(Clone, Debug)]
pub struct Bad<'a> {
    /// The gateway process.
    pub instance: &'a [u8],
    /// The batch.
    pub seq: i64,
    /// Its place in the batch.
    pub index: i64,
    /// Compact row.
    pub bytes: &'a [u8],
    /// Why it was not applied.
    pub reason: &'a str,
}

/// Keeps bad rows.
///
/// # Errors
/// When the database does not answer.
pub async fn keep(tx: &mut Tx, epoch: i64, rows: &[Bad<'_>], now_ms: i64) -> Result<(), Error> {
    macro_rules! insert {
        ($chunk:expr, $c:expr) => {
            QueryBuilder::new(
                "insert into quarantine (instance, epoch, seq, row_index, row_bytes, reason, created_at) ",
            )
            .push_values($chunk, |mut row, bad| {
                row.push_bind(bad.instance)
                    .push_bind(epoch)
                    .push_bind(bad.seq)
                    .push_bind(bad.index)
                    .push_bind(bad.bytes)
                    .push_bind(bad.reason)
                    .push_bind(now_ms);
            })
            .build()
            .persistent(false)
            .execute(&mut *$c)
            .await
            .map(|_| ())?
        };
    }
    for chunk in rows.chunks(VALUES_PER_STATEMENT) {
        match tx.handle() {
            Handle::Sqlite(c) => insert!(chunk, c),
            Handle::Postgres(c) => insert!(chunk, c),
        }
    }
    Ok(())
}

/// What was rejected of a batch.
///
/// # Errors
/// When the database does not answer.
pub async fn of_batch(tx: &mut Tx, batch: Batch<'_>) -> Result<Vec<Rejected>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, Rejected>(
        "select row_index, reason from quarantine where instance = $1 and epoch = $2 and seq = $3 order by row_index"
    )
    .bind(batch.instance)
    .bind(batch.epoch)
    .bind(batch.seq)
    .fetch_all(c)
    })?)
}
