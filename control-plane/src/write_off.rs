//! Writing off what a dead gateway held.
//!
//! What a silent process has left of its leases in open windows may have been spent, so it stays charged until the window's end, or until
//! an operator who knows better gives it up here. Its leases are then entered as returned. Should the process come back
//! after all, its usage counts as any other; what it spent of credit that was given up goes beyond what is known of it
//! (an anomaly, counted and logged), and it is told to return the rest in the first answer it gets.
//!
//! Locks are taken in the ledger's order: instances, then cells by their key.

use crate::db::{Db, Tx};
use crate::error::Error;
use crate::leases::account::{Account, Wanted};
use crate::leases::key::CellKey;
use crate::store::leases::write_offs::{self, Silent};
use crate::store::leases::{self as store, stored};
use std::collections::BTreeSet;
use tallygate_core::lease::TTL_MS;
use tallygate_core::wire::Instance;

/// What was given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WrittenOff {
    /// Of so many processes.
    pub instances: i64,
    /// So many leases.
    pub leases: i64,
    /// With so much credit left.
    pub credit: u64,
}

/// Leases given up in one transaction: others wait for its cells.
const PER_TRANSACTION: usize = 2_000;

/// Gives up what a gateway's processes hold that have not been heard of for longer than credit lasts.
///
/// # Errors
/// When the database does not answer.
pub async fn write_off(db: &Db, gateway: i64) -> Result<WrittenOff, Error> {
    let mut sum = WrittenOff::default();
    let mut instances = BTreeSet::new();
    loop {
        let mut tx = db.begin().await?;
        let given_up = one_part(&mut tx, gateway, &mut instances, &mut sum).await?;
        tx.commit().await?;
        if given_up < PER_TRANSACTION {
            break;
        }
    }
    sum.instances = i64::try_from(instances.len()).unwrap_or(i64::MAX);
    tracing::warn!(
        gateway,
        instances = sum.instances,
        leases = sum.leases,
        credit = sum.credit,
        "credit of processes that are silent was written off"
    );
    Ok(sum)
}

/// One transaction's part. Returns how many leases it gave up.
async fn one_part(
    tx: &mut Tx,
    gateway: i64,
    instances: &mut BTreeSet<Instance>,
    sum: &mut WrittenOff,
) -> Result<usize, Error> {
    let epoch = store::epoch(tx).await?.epoch;
    let now_ms = tx.now_ms().await?;
    let silent = Silent {
        gateway,
        epoch,
        since_ms: now_ms - stored(TTL_MS),
    };
    // None of them can report until this is over.
    write_offs::lock_silent(tx, silent).await?;
    let found = write_offs::held(tx, silent, now_ms.unsigned_abs() / 1000, PER_TRANSACTION).await?;
    let keys: BTreeSet<CellKey> = found.iter().map(|(key, _)| *key).collect();
    let mut account = Account::open(tx, epoch, &keys, Wanted::Of(&found), |_| false).await?;
    let mut given_up = 0;
    for (key, holder) in &found {
        let left = account.change(key, holder, |cell, lease| {
            let left = lease.left();
            lease.returned = lease.returned.saturating_add(left);
            cell.leased = cell.leased.saturating_sub(left);
            cell.version = cell.version.saturating_add(1);
            left
        });
        let Some(left) = left.filter(|left| *left > 0) else {
            continue;
        };
        given_up += 1;
        instances.insert(*holder);
        sum.leases += 1;
        sum.credit = sum.credit.saturating_add(left);
    }
    account.write(tx, now_ms.unsigned_abs() / 1000).await?;
    write_offs::mark(tx, epoch, &found, now_ms).await?;
    Ok(given_up)
}
