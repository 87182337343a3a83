//! What a process should return: somebody was short of it, it goes away, has not used it for long, or a limit was lowered.
//!
//! What was recalled is looked for in every answer. The rest takes a walk through all that the process holds, so it is
//! done for who goes away, and for others every few seconds; holders that report are seen to at once, by
//! [`super::Work`].

use crate::db::Tx;
use crate::error::Error;
use crate::leases::key::CellKey;
use crate::leases::terms::Grants;
use crate::leases::wire::{Grouped, totals};
use crate::store::leases::{candidates, lingering, stored};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tallygate_core::book::{self, Cell};
use tallygate_core::wire::{Instance, LeaseTotalsV1};

/// Cells recalled in one answer.
pub(in crate::ledger) const MOST: usize = 1_000;

/// When all that each process holds was last looked through.
#[derive(Clone, Debug, Default)]
pub(in crate::ledger) struct Walks {
    last: Arc<Mutex<HashMap<Instance, u64>>>,
}

/// How often, in milliseconds.
const EVERY_MS: u64 = 5_000;
/// Processes remembered before those that are gone are forgotten.
const REMEMBERED: usize = 10_000;

/// Adds what a process should return, whatever it has just reported.
pub(in crate::ledger) async fn find(
    tx: &mut Tx,
    grants: &Grants,
    walks: &Walks,
    holder: &Instance,
    draining: bool,
    recalls: &mut Grouped<LeaseTotalsV1>,
) -> Result<(), Error> {
    let now_ms = grants.now_ms.unsigned_abs();
    let is_open = |key: &CellKey| {
        let end = key.period.window(key.window()).end;
        end.is_none_or(|end| now_ms / 1000 < end)
    };
    for found in candidates::recalled(tx, grants.epoch, holder, grants.now_ms, MOST).await? {
        let mut told = totals(&found.key, &found.lease);
        if found.is_written_off {
            // Its return was entered for it: it must still do so itself.
            told.returned = 0;
        } else if !book::takes_back(&Cell::default(), &found.lease, draining, now_ms) {
            continue;
        }
        if is_open(&found.key) {
            recalls.insert(&found.key, told);
        }
    }
    if recalls.len() < MOST && (walks.is_due(holder, now_ms) || draining) {
        let most = MOST - recalls.len();
        let quiet_since = grants.now_ms - stored(EVERY_MS);
        let walked = lingering::lingering(
            tx,
            grants.epoch,
            holder,
            draining,
            quiet_since,
            grants.now_ms,
            most,
        )
        .await?;
        for (key, cell, lease) in walked {
            if book::takes_back(&cell, &lease, draining, now_ms) {
                recalls.insert(&key, totals(&key, &lease));
            }
        }
    }
    Ok(())
}

// === impl Walks ===

impl Walks {
    /// Whether it is time again; then it counts as done.
    fn is_due(&self, holder: &Instance, now_ms: u64) -> bool {
        let Ok(mut last) = self.last.lock() else {
            return true;
        };
        if last.len() > REMEMBERED {
            last.retain(|_, at| now_ms < at.saturating_add(EVERY_MS));
        }
        let due = last
            .get(holder)
            .is_none_or(|at| !(*at..at.saturating_add(EVERY_MS)).contains(&now_ms));
        if due {
            last.insert(*holder, now_ms);
        }
        due
    }
}
