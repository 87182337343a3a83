//! What comes of an ask on locked cells.

use crate::leases::account::Account;
use crate::leases::key::CellKey;
use crate::leases::terms::Terms;
use crate::leases::wire::credit;
use crate::store::leases::instances::Process;
use crate::store::leases::stored;
use std::collections::HashMap;
use tallygate_core::book::{self, Asked, Cell, Holder, Lease};
use tallygate_core::lease::{RECALL_MS, TTL_MS};
use tallygate_core::wire::{AskV1, CreditV1, Instance, OutcomeV1};

/// Who has been recalled is recalled again after this, while somebody is still short.
const RECALL_AGAIN_MS: u64 = RECALL_MS / 3;

/// Decides one ask on locked cells, and recalls credit from others if it is short.
pub(super) fn decide(
    account: &mut Account,
    terms: &Terms,
    processes: &HashMap<Instance, Process>,
    ask: &AskV1,
    keys: &[CellKey],
    holder: &Holder,
) -> (OutcomeV1, Vec<CreditV1>) {
    let mut rows: Vec<(Cell, Lease)> = keys
        .iter()
        .map(|key| {
            let cell = account.cell(key).unwrap_or_default();
            (cell, account.lease(key, &ask.instance))
        })
        .collect();
    let mut asked: Vec<Asked<'_>> = rows
        .iter_mut()
        .zip(&ask.cells)
        .zip(keys)
        .map(|(((cell, lease), asked), key)| Asked {
            cell,
            lease,
            asked: *asked,
            silent: with_the_silent(account, key, processes, holder),
        })
        .collect();
    let outcome = book::ask(&mut asked, holder);
    let short = outcome == OutcomeV1::Short;
    let fits: Vec<bool> = asked.iter().map(Asked::is_possible).collect();
    let possible = fits.iter().all(|&fits| fits);
    let mut cells = Vec::with_capacity(keys.len());
    for ((key, (mut cell, lease)), fits) in keys.iter().zip(rows).zip(fits) {
        let elsewhere = if short {
            // So that of two refusals the later one counts.
            cell.version = cell.version.saturating_add(1);
            if possible {
                recall(account, key, holder);
            }
            fits && (cell.is_kept_from(holder)
                || is_with_the_living(account, key, processes, holder))
        } else {
            cell.is_held_elsewhere(&lease)
        };
        let limits_rev = terms.limits_rev(key.application);
        cells.push(credit(key, &cell, &lease, holder, elsewhere, limits_rev));
        account.set_cell(key, cell);
        account.set_lease(key, &ask.instance, lease);
    }
    (outcome, cells)
}

/// Asks all others for what they have left of a cell.
fn recall(account: &mut Account, key: &CellKey, holder: &Holder) {
    let others: Vec<(Instance, Lease)> = account
        .others(key, &holder.instance)
        .filter(|(_, lease)| lease.recalled_at_ms.saturating_add(RECALL_AGAIN_MS) <= holder.now_ms)
        .collect();
    for (other, lease) in others {
        let recalled = Lease {
            recalled_at_ms: holder.now_ms,
            ..lease
        };
        account.set_lease(key, &other, recalled);
    }
}

/// Whether a process that is heard of has something left of a cell, so that it will come back soon.
fn is_with_the_living(
    account: &Account,
    key: &CellKey,
    processes: &HashMap<Instance, Process>,
    holder: &Holder,
) -> bool {
    account
        .others(key, &holder.instance)
        .any(|(other, _)| is_heard_of(processes, &other, holder))
}

/// What others have left of a cell that are not heard of.
fn with_the_silent(
    account: &Account,
    key: &CellKey,
    processes: &HashMap<Instance, Process>,
    holder: &Holder,
) -> u64 {
    account
        .others(key, &holder.instance)
        .filter(|(other, _)| !is_heard_of(processes, other, holder))
        .fold(0, |sum, (_, lease)| sum.saturating_add(lease.left()))
}

fn is_heard_of(processes: &HashMap<Instance, Process>, name: &Instance, holder: &Holder) -> bool {
    let since = stored(holder.now_ms.saturating_sub(TTL_MS));
    processes
        .get(name)
        .is_some_and(|process| !process.fenced && process.last_seen_at > since)
}
