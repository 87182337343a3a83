//! Periods and their calendar windows: UTC, weeks from Monday, in integers.

use serde::{Deserialize, Serialize};

/// The span a limit counts over, or a statistic sums over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// Midnight to midnight.
    Day,
    /// Monday to Monday.
    Week,
    /// The first to the first.
    Month,
    /// 1 January to 1 January.
    Year,
    /// All time.
    Eternity,
}
