//! Where a cell is, and the order in which all lock cells.

use std::cmp::Ordering;
use tallygate_core::id::MetricId;
use tallygate_core::lease;
use tallygate_core::period::Period;
use tallygate_core::wire::LeaseTotalsV1;

/// The key of a cell. Its order is that of the tables' keys: who locks several rows in it meets no ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CellKey {
    /// The application.
    pub application: i64,
    /// The limited metric.
    pub metric: i64,
    /// The limit's period.
    pub period: Period,
    /// Start of the window, seconds since 1970.
    pub window_start: i64,
}

/// How a window that somebody names stands to the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// It is kept, in cells and leases.
    Kept,
    /// It is over, and forgotten.
    Over,
    /// No window begins there, or not for long.
    Wrong,
}

/// How long cells and leases are kept after their window's end, in seconds.
pub const KEPT_SECS: u64 = 3600;
/// How far ahead a window may begin that a gateway names, in seconds: as far as its clock may be ahead.
const AHEAD_SECS: u64 = 3600;

// === impl CellKey ===

impl CellKey {
    /// The cell of a window as it came, and how that stands.
    #[must_use]
    pub fn named(
        application: i64,
        metric: MetricId,
        period: Period,
        window: u64,
        now_secs: u64,
    ) -> (Self, Named) {
        let key = Self {
            application,
            metric: metric.0,
            period,
            window_start: i64::try_from(window).unwrap_or(i64::MAX),
        };
        let of = period.window(window);
        let named = if of.start != window || window > now_secs.saturating_add(AHEAD_SECS) {
            Named::Wrong
        } else if of
            .end
            .is_some_and(|end| end.saturating_add(KEPT_SECS) < now_secs)
        {
            Named::Over
        } else {
            Named::Kept
        };
        (key, named)
    }

    /// Start of the window, seconds since 1970.
    #[must_use]
    pub fn window(&self) -> u64 {
        self.window_start.unsigned_abs()
    }

    /// Whether the window is the one that the moment falls into.
    #[must_use]
    pub fn is_current(&self, now_secs: u64) -> bool {
        self.period.window(now_secs).start == self.window()
    }

    /// Whether credit is granted in it at this moment.
    #[must_use]
    pub fn is_grantable(&self, now_secs: u64) -> bool {
        lease::is_grantable(self.period, self.window(), now_secs)
    }

    /// The same limit's cell in another window.
    #[must_use]
    pub fn at(self, window_start: u64) -> Self {
        Self {
            window_start: i64::try_from(window_start).unwrap_or(i64::MAX),
            ..self
        }
    }

    /// For a message, without totals.
    #[must_use]
    pub fn blank_totals(&self) -> LeaseTotalsV1 {
        LeaseTotalsV1 {
            metric: MetricId(self.metric),
            period: self.period,
            window: self.window(),
            granted: 0,
            spent: 0,
            returned: 0,
        }
    }
}

/// Where a period's name comes among their names.
const fn rank(period: Period) -> u8 {
    match period {
        Period::Day => 0,
        Period::Eternity => 1,
        Period::Hour => 2,
        Period::Minute => 3,
        Period::Month => 4,
        Period::Week => 5,
        Period::Year => 6,
    }
}

impl Ord for CellKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |key: &Self| {
            (
                key.application,
                key.metric,
                rank(key.period),
                key.window_start,
            )
        };
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for CellKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_come_in_the_order_of_their_names() {
        let mut by_rank = Period::ALL;
        by_rank.sort_by_key(|period| rank(*period));
        assert!(by_rank.is_sorted_by_key(|period| period.as_str()));
    }
}
