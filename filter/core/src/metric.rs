//! Usage: what a request adds to which metric, and how methods add to their parents.

use crate::few::Few;
use crate::id::MetricId;
use alloc::vec::Vec;

/// More ancestors than any metric has: bounds the climb should the data ever hold a circle.
const DEEPEST: usize = 8;

/// Who is whose parent among a product's metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hierarchy {
    /// (metric, parent), by metric.
    parents: Vec<(MetricId, MetricId)>,
}

/// How much of each metric: one entry per metric, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    entries: Few<(MetricId, u64), 4>,
}

/// `usage` with every delta added to the metric's ancestors too.
///
/// A parent that was named itself gets both: its own delta and its children's, as in 3scale.
#[must_use]
pub fn roll_up(usage: &Usage, hierarchy: &Hierarchy) -> Usage {
    let mut rolled_up = usage.clone();
    for (metric, delta) in usage.iter() {
        for ancestor in hierarchy.ancestors(metric) {
            rolled_up.add(ancestor, delta);
        }
    }
    rolled_up
}

// === impl Hierarchy ===

impl Hierarchy {
    /// From (metric, parent) pairs.
    pub fn new(parents: impl IntoIterator<Item = (MetricId, MetricId)>) -> Self {
        let mut parents: Vec<_> = parents.into_iter().collect();
        parents.sort_unstable();
        parents.dedup_by_key(|(metric, _)| *metric);
        Self { parents }
    }

    /// The parent of a method.
    #[must_use]
    pub fn parent(&self, metric: MetricId) -> Option<MetricId> {
        let found = self
            .parents
            .binary_search_by_key(&metric, |(metric, _)| *metric);
        let (_, parent) = self.parents.get(found.ok()?)?;
        Some(*parent)
    }

    /// Its parent, the parent's parent, and so on.
    pub fn ancestors(&self, metric: MetricId) -> impl Iterator<Item = MetricId> + '_ {
        core::iter::successors(self.parent(metric), |ancestor| self.parent(*ancestor)).take(DEEPEST)
    }
}

impl FromIterator<(MetricId, MetricId)> for Hierarchy {
    fn from_iter<I: IntoIterator<Item = (MetricId, MetricId)>>(parents: I) -> Self {
        Self::new(parents)
    }
}

// === impl Usage ===

impl Usage {
    /// Nothing used.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds to one metric; stops at the largest number there is instead of wrapping.
    pub fn add(&mut self, metric: MetricId, delta: u64) {
        match self.find(metric) {
            Ok(at) => {
                if let Some((_, total)) = self.entries.as_mut_slice().get_mut(at) {
                    *total = total.saturating_add(delta);
                }
            }
            Err(at) => self.entries.insert(at, (metric, delta)),
        }
    }

    /// Adds all of `other`.
    pub fn add_all(&mut self, other: &Self) {
        for (metric, delta) in other.iter() {
            self.add(metric, delta);
        }
    }

    /// How much of one metric.
    #[must_use]
    pub fn get(&self, metric: MetricId) -> u64 {
        let entry = self
            .find(metric)
            .ok()
            .and_then(|at| self.as_slice().get(at));
        entry.map_or(0, |(_, delta)| *delta)
    }

    /// All entries, by metric.
    #[must_use]
    pub fn as_slice(&self) -> &[(MetricId, u64)] {
        self.entries.as_slice()
    }

    /// All entries, by metric.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (MetricId, u64)> + '_ {
        self.as_slice().iter().copied()
    }

    /// Whether no metric is named, not even with 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    fn find(&self, metric: MetricId) -> Result<usize, usize> {
        self.as_slice()
            .binary_search_by_key(&metric, |(metric, _)| *metric)
    }
}

impl FromIterator<(MetricId, u64)> for Usage {
    fn from_iter<I: IntoIterator<Item = (MetricId, u64)>>(entries: I) -> Self {
        let mut usage = Self::new();
        for (metric, delta) in entries {
            usage.add(metric, delta);
        }
        usage
    }
}
