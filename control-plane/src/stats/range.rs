//! From what a client asks for to stretches of time: which moments, cut into which buckets.
//!
//! Calendar arithmetic happens in the client's time zone; what comes out are seconds since 1970. Pure.

use super::zones::Zone;
use jiff::civil::DateTime;
use jiff::{Span, Timestamp, ToSpan as _, ZonedDateTime};

/// How long a stretch is asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// 365 or 366 days.
    Year,
    /// 28 to 31 days.
    Month,
    /// 7 days.
    Week,
    /// 23 to 25 hours.
    Day,
    /// All time.
    Eternity,
}

/// How finely it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// Calendar months.
    Month,
    /// Calendar days.
    Day,
    /// From 0:00, 6:00, 12:00, 18:00.
    SixHours,
    /// Hours.
    Hour,
    /// Not at all.
    Eternity,
}

/// Buckets of time, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Where each begins, and at last where the last one ends; seconds since 1970.
    pub bounds: Vec<i64>,
    /// The stretch of the same length just before.
    pub previous: [i64; 2],
}

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Asked {
    /// A period, from a moment or up to now.
    Period(Period, Option<DateTime>),
    /// From one moment to another, both included.
    Between(DateTime, DateTime),
}

/// Why there is no such range; told to the client as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unasked(pub String);

// === impl Period ===

impl Period {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Week => "week",
            Self::Day => "day",
            Self::Eternity => "eternity",
        }
    }

    /// How it is cut unless something else is asked for.
    #[must_use]
    pub const fn granularity(self) -> Granularity {
        match self {
            Self::Year => Granularity::Month,
            Self::Month => Granularity::Day,
            Self::Week => Granularity::SixHours,
            Self::Day => Granularity::Hour,
            Self::Eternity => Granularity::Eternity,
        }
    }

    fn span(self) -> Span {
        match self {
            Self::Year => 1.year(),
            Self::Month => 1.month(),
            Self::Week => 1.week(),
            Self::Day => 1.day(),
            Self::Eternity => Span::new(),
        }
    }
}

// === impl Granularity ===

impl Granularity {
    /// By its name, or by the number of seconds that 3scale calls six hours by.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "month" => Some(Self::Month),
            "day" => Some(Self::Day),
            "21600" => Some(Self::SixHours),
            "hour" => Some(Self::Hour),
            "eternity" => Some(Self::Eternity),
            _ => None,
        }
    }

    /// The longest stretch that may be cut so finely, and how that is told.
    fn longest(self) -> Option<(Span, &'static str)> {
        match self {
            Self::Month => Some((10.years(), "10 years")),
            Self::Day => Some((1.year(), "1 year")),
            Self::SixHours => Some((6.months(), "6 months")),
            Self::Hour => Some((90.days(), "90 days")),
            Self::Eternity => None,
        }
    }

    /// The beginning of the bucket that a moment on the wall is in.
    fn floor(self, at: DateTime) -> DateTime {
        match self {
            Self::Month => at.date().first_of_month().at(0, 0, 0, 0),
            Self::Day | Self::Eternity => at.date().at(0, 0, 0, 0),
            Self::SixHours => at.date().at(at.hour() / 6 * 6, 0, 0, 0),
            Self::Hour => at.date().at(at.hour(), 0, 0, 0),
        }
    }

    fn step(self) -> Span {
        match self {
            Self::Month => 1.month(),
            Self::Day | Self::Eternity => 1.day(),
            Self::SixHours => 6.hours(),
            Self::Hour => 1.hour(),
        }
    }
}

// === impl Range ===

impl Range {
    /// Cuts what is asked for into buckets, widened to whole ones.
    ///
    /// # Errors
    /// When it is too long for the granularity, ends before it begins, or lies outside of all time.
    pub fn new(
        asked: &Asked,
        granularity: Granularity,
        zone: &Zone,
        now: Timestamp,
    ) -> Result<Self, Unasked> {
        let (since, until) = match *asked {
            Asked::Period(Period::Eternity, _) => return Self::eternity(granularity),
            // Up to now: the bucket that has just begun is one of them, from its first moment.
            Asked::Period(period, None) => {
                let now = now.to_zoned_datetime(zone.rules.clone()).datetime();
                (now.checked_sub(period.span()).map_err(outside)?, now)
            }
            Asked::Period(period, Some(since)) => {
                let end = since.checked_add(period.span()).map_err(outside)?;
                (since, end.checked_sub(1.second()).map_err(outside)?)
            }
            Asked::Between(since, until) => (since, until),
        };
        let Some((longest, told)) = granularity.longest() else {
            return Err(Unasked(
                "granularity eternity goes with period eternity only".into(),
            ));
        };
        if until < since {
            return Err(Unasked("until must not be before since".into()));
        }
        if until > since.checked_add(longest).map_err(outside)? {
            return Err(Unasked(format!(
                "Time range for the granularity must be less than {told}"
            )));
        }
        let bounds = bounds(granularity, zone, since, until)?;
        let (first, last) = match bounds.as_slice() {
            [first, .., last] => (*first, *last),
            _ => return Err(Unasked("the range is empty".into())),
        };
        let before = match *asked {
            Asked::Period(period, _) => {
                let before = zoned(zone, first)?
                    .checked_sub(period.span())
                    .map_err(outside)?;
                before.timestamp().as_second()
            }
            Asked::Between(..) => first - (last - first),
        };
        Ok(Self {
            bounds,
            previous: [before, first],
        })
    }

    fn eternity(granularity: Granularity) -> Result<Self, Unasked> {
        if granularity != Granularity::Eternity {
            return Err(Unasked(
                "period eternity goes with granularity eternity only".into(),
            ));
        }
        // All time has one row, whose window starts at 0.
        Ok(Self {
            bounds: vec![0, 1],
            previous: [0, 0],
        })
    }
}

fn bounds(
    granularity: Granularity,
    zone: &Zone,
    since: DateTime,
    until: DateTime,
) -> Result<Vec<i64>, Unasked> {
    let on_wall = |at: DateTime| {
        zone.rules
            .to_zoned_datetime(at)
            .map(|at| at.timestamp().as_second())
            .map_err(outside)
    };
    let until_secs = on_wall(until)?;
    let mut bounds = Vec::new();
    if granularity == Granularity::Hour {
        // Hours of real time: the wall shows one twice, or none, when clocks are changed.
        let mut at = on_wall(since)? - i64::from(since.minute()) * 60 - i64::from(since.second());
        while at <= until_secs {
            bounds.push(at);
            at += 3600;
        }
        bounds.push(at);
        return Ok(bounds);
    }
    let mut next = granularity.floor(since);
    loop {
        let at = on_wall(next)?;
        bounds.push(at);
        if at > until_secs {
            return Ok(bounds);
        }
        next = next.checked_add(granularity.step()).map_err(outside)?;
    }
}

/// A moment as the zone's wall shows it.
///
/// # Errors
/// When it lies outside of all time.
pub fn zoned(zone: &Zone, at_secs: i64) -> Result<ZonedDateTime, Unasked> {
    Timestamp::from_second(at_secs)
        .map(|at| at.to_zoned_datetime(zone.rules.clone()))
        .map_err(outside)
}

fn outside(_: jiff::Error) -> Unasked {
    Unasked("the range must lie within the years 1 to 9999".into())
}

/// A moment as clients write it: `2012-02-22`, `2012-02-22 23:49:00`, or with an offset, which then counts.
#[must_use]
pub fn moment(text: &str, zone: &Zone) -> Option<DateTime> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.to_zoned_datetime(zone.rules.clone()).datetime());
    }
    text.parse::<DateTime>()
        .ok()
        .filter(|at| (1..=9999).contains(&at.year()))
}
