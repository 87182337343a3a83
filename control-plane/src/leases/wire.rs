//! Cells and leases as gateways are told of them.

use super::key::CellKey;
use std::collections::BTreeMap;
use tallygate_core::book::{Cell, Holder, Lease};
use tallygate_core::id::ApplicationId;
use tallygate_core::wire::{CreditV1, CreditsV1, LeaseTotalsV1, LeasesV1};

/// One entry for each cell, by application.
#[derive(Clone, Debug)]
pub struct Grouped<T>(BTreeMap<CellKey, T>);

/// How a cell stands for a holder.
#[must_use]
pub fn credit(
    key: &CellKey,
    cell: &Cell,
    lease: &Lease,
    holder: &Holder,
    elsewhere: bool,
    limits_rev: i64,
) -> CreditV1 {
    CreditV1 {
        totals: totals(key, lease),
        version: cell.version,
        free: cell.free_for(holder),
        elsewhere,
        limits_rev,
    }
}

/// A lease.
#[must_use]
pub fn totals(key: &CellKey, lease: &Lease) -> LeaseTotalsV1 {
    LeaseTotalsV1 {
        granted: lease.granted,
        spent: lease.spent,
        returned: lease.returned,
        ..key.blank_totals()
    }
}

// === impl Grouped ===

impl<T> Default for Grouped<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Grouped<T> {
    /// Adds one; of two for the same cell the later counts.
    pub fn insert(&mut self, key: &CellKey, entry: T) {
        self.0.insert(*key, entry);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn by_application<G>(
        self,
        most: usize,
        mut group: impl FnMut(ApplicationId, Vec<T>) -> G,
    ) -> Vec<G> {
        let mut groups: BTreeMap<i64, Vec<T>> = BTreeMap::new();
        for (key, entry) in self.0.into_iter().take(most) {
            groups.entry(key.application).or_default().push(entry);
        }
        groups
            .into_iter()
            .map(|(application, entries)| group(ApplicationId(application), entries))
            .collect()
    }
}

impl Grouped<CreditV1> {
    /// As an answer has them.
    #[must_use]
    pub fn told(self) -> Vec<CreditsV1> {
        self.by_application(usize::MAX, |application, cells| CreditsV1 {
            application,
            cells,
        })
    }
}

impl Grouped<LeaseTotalsV1> {
    /// As an answer has them, at most so many.
    #[must_use]
    pub fn told(self, most: usize) -> Vec<LeasesV1> {
        self.by_application(most, |application, cells| LeasesV1 { application, cells })
    }
}
