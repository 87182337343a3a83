//! What others hold of a cell that somebody is short of: who can give it back, and who is asked to.

use super::account::Account;
use super::key::CellKey;
use crate::store::leases::instances::Process;
use crate::store::leases::stored;
use std::collections::HashMap;
use tallygate_core::book::{Holder, Lease};
use tallygate_core::lease::{RECALL_MS, TTL_MS};
use tallygate_core::wire::Instance;

/// Who has been recalled is recalled again after this, while somebody is still short.
const RECALL_AGAIN_MS: u64 = RECALL_MS / 3;

/// Asks all others for what they have left of a cell.
pub(crate) fn recall(account: &mut Account, key: &CellKey, holder: &Holder) {
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
pub(crate) fn is_with_the_living(
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
pub(crate) fn with_the_silent(
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
