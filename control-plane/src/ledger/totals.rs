//! What a group of batches adds up to, in memory, so that the database sees each row once.

use crate::series::Series;

/// Usage of one metric in one minute, by an application or by all of a product's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The application or the product.
    pub owner: i64,
    /// The metric.
    pub metric: i64,
    /// Minutes since 1970.
    pub minute: u32,
    /// How much.
    pub delta: i64,
}

/// What one row of a series grows by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sum {
    /// The application or the product.
    pub owner: i64,
    /// The metric.
    pub metric: i64,
    /// The series.
    pub series: Series,
    /// Seconds since 1970.
    pub window_start: i64,
    /// How much.
    pub value: i64,
}

/// Sums up entries that are sorted; the sums come in the order of the tables' keys, none twice.
///
/// A sum stays at the largest number rather than fail: no batch may be poisoned.
#[must_use]
pub fn sums(entries: &[Entry]) -> Vec<Sum> {
    debug_assert!(entries.is_sorted_by_key(|entry| (entry.owner, entry.metric, entry.minute)));
    let mut sums: Vec<Sum> = Vec::new();
    for of_metric in entries.chunk_by(|a, b| (a.owner, a.metric) == (b.owner, b.metric)) {
        for series in Series::ALL {
            let mut open: Option<Sum> = None;
            for entry in of_metric {
                let window_start = series.window_start(u64::from(entry.minute) * 60);
                match &mut open {
                    Some(sum) if sum.window_start == window_start => {
                        sum.value = sum.value.saturating_add(entry.delta);
                    }
                    _ => {
                        sums.extend(open.replace(Sum {
                            owner: entry.owner,
                            metric: entry.metric,
                            series,
                            window_start,
                            value: entry.delta,
                        }));
                    }
                }
            }
            sums.extend(open);
        }
    }
    sums
}

/// Merges entries of the same owner, metric and minute. Sorts.
pub fn merge(entries: &mut Vec<Entry>) {
    entries.sort_unstable();
    entries.dedup_by(|later, first| {
        let same =
            (later.owner, later.metric, later.minute) == (first.owner, first.metric, first.minute);
        if same {
            first.delta = first.delta.saturating_add(later.delta);
        }
        same
    });
}
