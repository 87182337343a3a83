//! Periods and their calendar windows: UTC, weeks from Monday, in integers.
//!
//! Every limit and every statistic finds the window it counts in here. Time is an argument, in seconds
//! since 1970; leap seconds do not exist in it, as in POSIX.

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

/// A concrete stretch of a period: what is counted in it starts again from 0 at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// Its first second, since 1970.
    pub start: u64,
    /// The first second after it; none for eternity.
    pub end: Option<u64>,
}

const MINUTE_SECS: u64 = 60;
const HOUR_SECS: u64 = 60 * MINUTE_SECS;
const DAY_SECS: u64 = 24 * HOUR_SECS;
const WEEK_SECS: u64 = 7 * DAY_SECS;

/// Later times are taken for this one, 9999-12-31T23:59:59Z, so that no window's end can overflow.
const LAST_SECOND: u64 = 253_402_300_799;

// === impl Period ===

impl Period {
    /// All of them, shortest first.
    pub const ALL: [Self; 7] = [
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Year,
        Self::Eternity,
    ];

    /// Its name in the API, in statistics and in policy names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
            Self::Eternity => "eternity",
        }
    }

    /// The period of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.as_str() == name)
    }

    /// Its nominal length: a month has 30 days and a year 365. None for eternity.
    ///
    /// [`Window::length_secs`] is exact.
    #[must_use]
    pub const fn length_secs(self) -> Option<u64> {
        match self {
            Self::Minute => Some(MINUTE_SECS),
            Self::Hour => Some(HOUR_SECS),
            Self::Day => Some(DAY_SECS),
            Self::Week => Some(WEEK_SECS),
            Self::Month => Some(30 * DAY_SECS),
            Self::Year => Some(365 * DAY_SECS),
            Self::Eternity => None,
        }
    }

    /// The window that `now_secs` falls into.
    ///
    /// The week that 1970 began in starts at 0 here, since there is no time before that.
    #[must_use]
    pub fn window(self, now_secs: u64) -> Window {
        let now_secs = now_secs.min(LAST_SECOND);
        match self {
            Self::Minute => Window::of_length(now_secs - now_secs % MINUTE_SECS, MINUTE_SECS),
            Self::Hour => Window::of_length(now_secs - now_secs % HOUR_SECS, HOUR_SECS),
            Self::Day => Window::of_length(now_secs - now_secs % DAY_SECS, DAY_SECS),
            Self::Week => {
                // 1 January 1970 was a Thursday, three days after a Monday.
                let since_monday = (now_secs + 3 * DAY_SECS) % WEEK_SECS;
                Window {
                    start: now_secs.saturating_sub(since_monday),
                    end: Some(now_secs + (WEEK_SECS - since_monday)),
                }
            }
            Self::Month => {
                let (year, month) = year_and_month(now_secs / DAY_SECS);
                let next = if month == 12 {
                    (year + 1, 1)
                } else {
                    (year, month + 1)
                };
                Window::between((year, month), next)
            }
            Self::Year => {
                let (year, _) = year_and_month(now_secs / DAY_SECS);
                Window::between((year, 1), (year + 1, 1))
            }
            Self::Eternity => Window {
                start: 0,
                end: None,
            },
        }
    }
}

// === impl Window ===

impl Window {
    const fn of_length(start: u64, length_secs: u64) -> Self {
        Self {
            start,
            end: Some(start + length_secs),
        }
    }

    /// From the first of one month to the first of another.
    const fn between(from: (u64, u64), to: (u64, u64)) -> Self {
        Self {
            start: first_day(from.0, from.1) * DAY_SECS,
            end: Some(first_day(to.0, to.1) * DAY_SECS),
        }
    }

    /// Its exact length; none for eternity.
    #[must_use]
    pub fn length_secs(self) -> Option<u64> {
        Some(self.end?.saturating_sub(self.start))
    }

    /// Seconds until it ends, 0 when it is over; none for eternity.
    #[must_use]
    pub fn remaining_secs(self, now_secs: u64) -> Option<u64> {
        Some(self.end?.saturating_sub(now_secs))
    }
}

// The calendar's arithmetic counts from 1 March of the year 0, so that the leap day is a year's last and
// 400 years (146 097 days) repeat exactly.

/// Days from 1 March of the year 0 to 1 January 1970.
const DAYS_TO_1970: u64 = 719_468;
const DAYS_IN_400_YEARS: u64 = 146_097;

/// Year and month (1 to 12) of a day since 1970.
const fn year_and_month(day: u64) -> (u64, u64) {
    let day = day + DAYS_TO_1970;
    let day_of_cycle = day % DAYS_IN_400_YEARS;
    // Leap days are taken out of the count before it is divided into years of 365 days.
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524
        - day_of_cycle / 146_096)
        / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    // From March on, months of 31, 30, 31, 30, 31 days come twice: 153 days in five months.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let year = day / DAYS_IN_400_YEARS * 400 + year_of_cycle;
    if month_from_march < 10 {
        (year, month_from_march + 3)
    } else {
        (year + 1, month_from_march - 9)
    }
}

/// The day since 1970 that a month (1 to 12) of a year from 1970 on begins with.
const fn first_day(year: u64, month: u64) -> u64 {
    let (year, month_from_march) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let year_of_cycle = year % 400;
    let day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100
        + (153 * month_from_march + 2) / 5;
    year / 400 * DAYS_IN_400_YEARS + day_of_cycle - DAYS_TO_1970
}
