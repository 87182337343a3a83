//! SQL of leases: what gateway processes hold of cells.
//!
//! A lease row is only read to be changed, or written, under the lock of its cell. Lists go in as columns
//! (PostgreSQL) or as JSON (SQLite), in the order of the table's key.

pub mod candidates;
pub mod cells;
pub mod drains;
pub mod held;
pub mod instances;
pub mod keep;
pub mod lingering;
pub mod products;
pub mod terms;
pub mod views;
pub mod write_offs;

use crate::db::Tx;
use crate::error::Error;
use crate::leases::key::CellKey;
use crate::store::ledger::column;
use crate::{on, row, run};
use tallygate_core::period::Period;
use tallygate_core::wire::Instance;

row! {
    /// The ledger's epoch, and what hangs on it.
    #[derive(Clone, Copy, Debug)]
    pub struct Epoch {
        /// Its number.
        pub epoch: i64,
        /// Nothing is granted before, milliseconds since 1970; none when the first call of the epoch has yet to come.
        pub grace_until: Option<i64>,
    }
}

/// The ledger's epoch.
///
/// # Errors
/// When the database does not answer.
pub async fn epoch(tx: &mut Tx) -> Result<Epoch, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Epoch>(
        "select epoch, grace_until from ledger_epoch"
    )
    .fetch_one(c))?)
}

/// Says until when nothing is granted, unless somebody has.
///
/// # Errors
/// When the database does not answer.
pub async fn begin_grace(tx: &mut Tx, until_ms: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "update ledger_epoch set grace_until = $1 where one = 1 and grace_until is null"
    )
    .bind(until_ms)
    .execute(c))?;
    Ok(())
}

/// Gateway processes that were heard of since then and are not being drained.
///
/// # Errors
/// When the database does not answer.
pub async fn count_live(tx: &mut Tx, epoch: i64, since_ms: i64) -> Result<i64, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
            "select count(*) from instance where last_seen_at > $1 and epoch = $2
         and not draining and not drain_asked and not fenced",
        )
        .bind(since_ms)
        .bind(epoch)
        .fetch_one(c)
    })?)
}

/// A number as the database keeps it: what is larger stays at the largest.
#[must_use]
pub fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as the database has it.
#[must_use]
pub fn number(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}

/// A process's name as the database has it.
fn instance(bytes: &[u8]) -> Option<Instance> {
    bytes.try_into().ok()
}

/// Pairs of period and window start, as they are now and, where another begins soon, then.
fn open_windows(now_secs: u64) -> Vec<(&'static str, i64)> {
    let mut open = Vec::new();
    for period in Period::ALL {
        open.push((period.as_str(), stored(period.window(now_secs).start)));
        if let Some(next) = tallygate_core::lease::next_window(period, now_secs) {
            open.push((period.as_str(), stored(next.start)));
        }
    }
    open
}

/// Keys as SQLite takes them.
fn key_rows(keys: &[CellKey]) -> Vec<(i64, i64, &'static str, i64)> {
    column(keys, |key| {
        (
            key.application,
            key.metric,
            key.period.as_str(),
            key.window_start,
        )
    })
}
