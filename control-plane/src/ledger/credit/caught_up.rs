//! Which cells are known to have missed nothing, so that the series are not read for each renewal.

use crate::leases::key::CellKey;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

/// Cells that have caught up with their series, and the revision of their limits since which usage counts in them.
#[derive(Clone, Debug, Default)]
pub(in crate::ledger) struct CaughtUp {
    known: Arc<Mutex<HashMap<CellKey, i64>>>,
}

/// Cells remembered before all are forgotten and looked at again.
const REMEMBERED: usize = 200_000;

// === impl CaughtUp ===

impl CaughtUp {
    /// Those of which it is not known.
    pub(super) fn missing(&self, mut cells: BTreeSet<(CellKey, i64)>) -> BTreeSet<(CellKey, i64)> {
        if let Ok(known) = self.known.lock() {
            cells.retain(|(key, limits_rev)| known.get(key) != Some(limits_rev));
        }
        cells
    }

    /// Notes it, once it is durable.
    pub(in crate::ledger) fn note(&self, cells: &BTreeSet<(CellKey, i64)>) {
        let Ok(mut known) = self.known.lock() else {
            return;
        };
        if known.len() > REMEMBERED {
            known.clear();
        }
        known.extend(cells.iter().copied());
    }
}
