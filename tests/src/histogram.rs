//! A histogram of Envoy's, to the bucket: several gateways' can be added, and what came before can be taken away.

use anyhow::{Context as _, Result};
use serde_json::Value;
use std::collections::BTreeMap;

/// Counts by bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// By lower bound: the upper bound, and how many.
    buckets: BTreeMap<u64, (u64, u64)>,
}

// === impl Histogram ===

impl Histogram {
    /// From Envoy's `/stats?format=json&histogram_buckets=detailed`; empty when it has none of that name (yet).
    ///
    /// # Errors
    /// When it is not that.
    pub fn read(stats: &Value, name: &str) -> Result<Self> {
        let mut buckets = BTreeMap::new();
        let stats = stats["stats"].as_array().context("no stats")?;
        let histograms = stats
            .iter()
            .filter_map(|stat| stat.pointer("/histograms/details")?.as_array());
        let found = histograms.flatten().find(|it| it["name"] == name);
        let totals = found.and_then(|found| found["totals"].as_array());
        for bucket in totals.into_iter().flatten() {
            let number = |field: &str| {
                let number = bucket[field].as_f64();
                number.with_context(|| format!("a bucket without {field}: {bucket}"))
            };
            let (lower, width) = (number("lower_bound")?, number("width")?);
            let bounds = (lower as u64, (lower + width) as u64);
            buckets.insert(bounds.0, (bounds.1, number("count")? as u64));
        }
        Ok(Self { buckets })
    }

    /// This and another.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for (lower, (upper, count)) in &other.buckets {
            self.buckets.entry(*lower).or_insert((*upper, 0)).1 += count;
        }
        self
    }

    /// What came after `earlier`.
    #[must_use]
    pub fn since(mut self, earlier: &Self) -> Self {
        for (lower, (_, count)) in &earlier.buckets {
            if let Some((_, now)) = self.buckets.get_mut(lower) {
                *now = now.saturating_sub(*count);
            }
        }
        self
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.values().map(|(_, count)| count).sum()
    }

    /// A value that `share` of them do not exceed; none when there are none.
    #[must_use]
    pub fn percentile(&self, share: f64) -> Option<u64> {
        let wanted = (self.count() as f64 * share).ceil() as u64;
        let mut sum = 0;
        let reached = self.buckets.values().find(|(_, count)| {
            sum += count;
            sum >= wanted && *count > 0
        });
        reached.map(|(upper, _)| *upper)
    }
}

#[cfg(test)]
mod tests {
    use super::Histogram;
    use serde_json::json;

    #[test]
    fn percentiles_are_upper_bounds_of_what_came_since() {
        let of = |counts: [u64; 3]| {
            let bucket = |n: usize| json!({"lower_bound": n * 10, "width": 10, "count": counts[n]});
            let details = json!([{"name": "x", "totals": [bucket(0), bucket(1), bucket(2)]}]);
            let stats =
                json!({"stats": [{"name": "y", "value": 1}, {"histograms": {"details": details}}]});
            Histogram::read(&stats, "x").unwrap()
        };
        let since = of([10, 90, 3]).and(&of([1, 9, 0])).since(&of([10, 0, 2]));
        assert_eq!(since.count(), 101);
        assert_eq!(since.percentile(0.5), Some(20));
        assert_eq!(since.percentile(0.999), Some(30));
        assert_eq!(Histogram::default().percentile(0.5), None);
    }
}
