//! Series: the sums of usage that statistics are read from.
//!
//! A minute of usage is added to five rows, one per [`Series`]. The base is a quarter of an hour, so that
//! the days and months of every time zone add up to the unit; the coarser ones keep long spans cheap.
//! Here: names and windows, no SQL.

use tallygate_core::period::Period;

/// A span that usage is summed over, in UTC.
///
/// In the order of their names, which is the order of the tables' keys: rows written in it never deadlock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    /// Midnight to midnight.
    Day,
    /// All time; its window starts at 0.
    Eternity,
    /// The first to the first.
    Month,
    /// 900 seconds.
    Quarter,
    /// 1 January to 1 January.
    Year,
}

/// Length of a quarter of an hour.
pub const QUARTER_SECS: i64 = 900;
/// Length of a day in UTC.
pub const DAY_SECS: i64 = 86_400;

impl Series {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 5] = [
        Self::Day,
        Self::Eternity,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];

    /// Its name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Eternity => "eternity",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// Start of the window that a moment is in; both in seconds since 1970.
    #[must_use]
    pub fn window_start(self, at_secs: u64) -> i64 {
        let start = match self {
            Self::Day => at_secs - at_secs % DAY_SECS.unsigned_abs(),
            Self::Eternity => 0,
            Self::Month => Period::Month.window(at_secs).start,
            Self::Quarter => at_secs - at_secs % QUARTER_SECS.unsigned_abs(),
            Self::Year => Period::Year.window(at_secs).start,
        };
        i64::try_from(start).unwrap_or(i64::MAX)
    }

    /// The series whose rows add up to any window of a limit's period; none is fine enough for a minute.
    #[must_use]
    pub const fn adding_up_to(period: Period) -> Option<Self> {
        match period {
            Period::Minute => None,
            Period::Hour => Some(Self::Quarter),
            Period::Day | Period::Week => Some(Self::Day),
            Period::Month => Some(Self::Month),
            Period::Year => Some(Self::Year),
            Period::Eternity => Some(Self::Eternity),
        }
    }
}
