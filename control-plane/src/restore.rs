//! `tallygate restore`: what an operator runs once after bringing back a backup of the database.
//!
//! The ledger begins a new epoch, by which gateways notice: they number their batches again and say what they hold. What
//! the backup knew of leases is carried over. For a while after the first call of the new epoch nothing is granted
//! (`leases::terms`), so that what was granted after the backup is known again before anything else is.

use crate::db::{Db, Tx};
use crate::error::Error;
use crate::{on, run};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The epoch that has ended.
    pub before: i64,
    /// The one that has begun.
    pub epoch: i64,
    /// Gateway processes carried over.
    pub instances: u64,
    /// Leases carried over.
    pub leases: u64,
    /// When a gateway last reported before the backup was made, milliseconds since 1970.
    pub last_report_at: Option<i64>,
}

/// Begins a new epoch.
///
/// # Errors
/// When the database does not answer.
pub async fn restore(db: &Db) -> Result<Restored, Error> {
    let mut tx = db.begin().await?;
    tx.take_time().await?;
    let before = on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "update ledger_epoch set grace_until = null where one = 1 returning epoch"
    )
    .fetch_one(c))?;
    let epoch = unused_epoch(&mut tx).await?;
    run!(tx, |c| sqlx::query(
        "update ledger_epoch set epoch = $1 where one = 1"
    )
    .bind(epoch)
    .execute(c))?;
    let last_report_at = on!(tx, |c| sqlx::query_scalar::<_, Option<i64>>(
        "select max(last_seen_at) from instance where epoch = $1"
    )
    .bind(before)
    .fetch_one(c))?;
    let instances = run!(tx, |c| {
        sqlx::query(
        "insert into instance (instance, epoch, last_seq, last_digest, gateway_id, first_seen_at, last_seen_at, draining,
                               drain_asked, fenced, gaps)
         select instance, $1, 0, null, gateway_id, first_seen_at, last_seen_at, false, drain_asked, fenced, 0
         from instance where epoch = $2"
    )
    .bind(epoch)
    .bind(before)
    .execute(c)
    })?;
    let leases = run!(tx, |c| sqlx::query(
        "update lease set epoch = $1 where epoch = $2"
    )
    .bind(epoch)
    .bind(before)
    .execute(c))?;
    // Who was next in a cell has waited long enough.
    run!(tx, |c| {
        sqlx::query(
        "update cell set reserved_for = null, need = 0, reserved_until = 0 where reserved_for is not null"
    )
    .execute(c)
    })?;
    tx.commit().await?;
    Ok(Restored {
        before,
        epoch,
        instances,
        leases,
        last_report_at,
    })
}

/// One that no instance was ever told.
async fn unused_epoch(tx: &mut Tx) -> Result<i64, Error> {
    loop {
        let epoch = crate::db::new_epoch();
        let used = on!(tx, |c| sqlx::query_scalar::<_, i64>(
            "select count(*) from instance where epoch = $1"
        )
        .bind(epoch)
        .fetch_one(c))?;
        let current = on!(tx, |c| sqlx::query_scalar::<_, i64>(
            "select epoch from ledger_epoch"
        )
        .fetch_one(c))?;
        if used == 0 && epoch != current {
            return Ok(epoch);
        }
    }
}
