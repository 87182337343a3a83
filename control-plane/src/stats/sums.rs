//! Sums of usage in buckets, from as few rows of the series as it takes.
//!
//! Whole UTC days inside a bucket come from day rows, the rest of it from quarters of an hour: every time
//! zone's offset is a multiple of a quarter, so buckets add up to the unit.

use crate::series::{DAY_SECS, Series};

/// A stretch of time, from its first second to the first after it.
pub type Stretch = (i64, i64);

/// Which rows of which series to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Day rows.
    pub days: Vec<Stretch>,
    /// Quarter rows.
    pub quarters: Vec<Stretch>,
}

impl Plan {
    /// For buckets between these bounds.
    #[must_use]
    pub fn new(bounds: &[i64]) -> Self {
        let mut plan = Self::default();
        for bucket in bounds.windows(2) {
            let &[start, end] = bucket else { continue };
            let first_day = (start + DAY_SECS - 1).div_euclid(DAY_SECS) * DAY_SECS;
            let last_day = end.div_euclid(DAY_SECS) * DAY_SECS;
            if first_day < last_day {
                push(&mut plan.quarters, (start, first_day));
                push(&mut plan.days, (first_day, last_day));
                push(&mut plan.quarters, (last_day, end));
            } else {
                push(&mut plan.quarters, (start, end));
            }
        }
        plan
    }

    /// The stretches by series.
    pub fn by_series(self) -> impl Iterator<Item = (Series, Vec<Stretch>)> {
        [(Series::Day, self.days), (Series::Quarter, self.quarters)]
            .into_iter()
            .filter(|(_, stretches)| !stretches.is_empty())
    }
}

/// Adds a stretch, to the last one if it follows it at once. Before 1970 there is nothing.
fn push(stretches: &mut Vec<Stretch>, (start, end): Stretch) {
    let start = start.max(0);
    if start >= end {
        return;
    }
    match stretches.last_mut() {
        Some(last) if last.1 == start => last.1 = end,
        _ => stretches.push((start, end)),
    }
}

/// Adds rows, as (start, value), to the buckets they are in.
pub fn add(values: &mut [i64], bounds: &[i64], rows: &[(i64, i64)]) {
    for (start, value) in rows {
        let bucket = bounds
            .partition_point(|bound| bound <= start)
            .checked_sub(1);
        if let Some(sum) = bucket.and_then(|bucket| values.get_mut(bucket)) {
            *sum = sum.saturating_add(*value);
        }
    }
}
