//! What a process should return: somebody was short of it, it goes away, has not used it for long, or a limit was lowered.
//!
//! What was recalled is looked for in every answer. The rest takes a walk through all that the process holds, so it is
//! done for who goes away, and for others every few seconds, sooner when something has changed that may be a limit; holders
//! that report are seen to at once, by [`super::Work`].

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
    last: Arc<Mutex<HashMap<Instance, Walk>>>,
}

#[derive(Clone, Copy, Debug)]
struct Walk {
    at_ms: u64,
    /// The newest revision that was known then.
    revision: i64,
}

/// How often, in milliseconds …
const EVERY_MS: u64 = 5_000;
/// … and after a change.
const CHANGED_MS: u64 = 1_000;
/// Processes remembered before those that are gone are forgotten.
const REMEMBERED: usize = 10_000;

/// Adds what a process should return, whatever it has just reported.
pub(in crate::ledger) async fn find(
    tx: &mut Tx,
    grants: &Grants,
    walks: &Walks,
    revision: i64,
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
    // Who has reported since the walk before was seen to then.
    let quiet_since = walks.due(holder, now_ms, revision);
    if recalls.len() < MOST && (draining || quiet_since.is_some()) {
        let most = MOST - recalls.len();
        let quiet_since = stored(quiet_since.unwrap_or(now_ms));
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
    /// If it is time again: since when who reports need not be looked at. Then it counts as done.
    fn due(&self, holder: &Instance, now_ms: u64, revision: i64) -> Option<u64> {
        let mut last = self.last.lock().ok()?;
        if last.len() > REMEMBERED {
            last.retain(|_, walk| now_ms < walk.at_ms.saturating_add(EVERY_MS));
        }
        let before = last.get(holder).copied();
        let is_over =
            |walk: Walk, ms: u64| !(walk.at_ms..walk.at_ms.saturating_add(ms)).contains(&now_ms);
        let changed =
            before.is_none_or(|walk| walk.revision != revision && is_over(walk, CHANGED_MS));
        if !changed && before.is_some_and(|walk| !is_over(walk, EVERY_MS)) {
            return None;
        }
        let walk = Walk {
            at_ms: now_ms,
            revision,
        };
        last.insert(*holder, walk);
        // A limit may have been lowered since the last report.
        Some(if changed {
            now_ms
        } else {
            now_ms.saturating_sub(EVERY_MS)
        })
    }
}
