//! How cells grow within a transaction.

use crate::leases::account::Account;
use crate::leases::key::CellKey;
use crate::store::leases::stored;

/// A cell that usage was added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Which.
    pub key: CellKey,
    /// What was used before.
    pub before: i64,
    /// What is used now.
    pub after: i64,
}

/// What is used of cells that were just opened. What a new cell starts from, nobody has been alerted of.
#[must_use]
pub fn note(account: &Account, keys: impl IntoIterator<Item = CellKey>) -> Vec<(CellKey, u64)> {
    let used = |key: &CellKey| match account.made().contains(key) {
        true => Some(0),
        false => Some(account.cell(key)?.used),
    };
    keys.into_iter()
        .filter_map(|key| Some((key, used(&key)?)))
        .collect()
}

/// How they have grown since.
pub fn since(account: &Account, noted: Vec<(CellKey, u64)>) -> impl Iterator<Item = Growth> + '_ {
    noted.into_iter().filter_map(|(key, before)| {
        Some(Growth {
            key,
            before: stored(before),
            after: stored(account.cell(&key)?.used),
        })
    })
}
