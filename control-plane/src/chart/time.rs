//! What buckets of time are called: below the chart, and in the table beside it. In UTC.

use super::Tick;
use crate::stats::range::Granularity;
use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;

/// Buckets between bounds, seconds since 1970: what each is called.
#[must_use]
pub fn names(bounds: &[i64], granularity: Granularity) -> Vec<String> {
    starts(bounds)
        .map(|at| match granularity {
            Granularity::Hour => at.strftime("%a %-d %b, %H:%M").to_string(),
            Granularity::SixHours => {
                let from = at.strftime("%a %-d %b, %H:%M");
                format!("{from}–{:02}:00", (at.hour() + 6) % 24)
            }
            Granularity::Day => at.strftime("%a %-d %b %Y").to_string(),
            Granularity::Month => at.strftime("%B %Y").to_string(),
            Granularity::Eternity => "all time".into(),
        })
        .collect()
}

/// The lettering below them: as much as there is room for, at round moments.
#[must_use]
pub fn ticks(bounds: &[i64], granularity: Granularity) -> Vec<Option<Tick>> {
    let buckets = bounds.len().saturating_sub(1);
    starts(bounds)
        .map(|at| match granularity {
            Granularity::Hour => hour(at, if buckets <= 30 { 3 } else { 6 }),
            Granularity::SixHours => {
                let text = at.strftime("%a %-d").to_string();
                (at.hour() == 0).then(|| tick(text, at.day() % 2 == 0))
            }
            Granularity::Day => day(at, buckets),
            Granularity::Month => month(at, buckets),
            Granularity::Eternity => None,
        })
        .collect()
}

fn hour(at: DateTime, every: i8) -> Option<Tick> {
    if at.hour() % every != 0 {
        return None;
    }
    let text = if at.hour() == 0 {
        at.strftime("%-d %b")
    } else {
        at.strftime("%H:%M")
    };
    Some(tick(text.to_string(), at.hour() % (every * 2) != 0))
}

fn day(at: DateTime, buckets: usize) -> Option<Tick> {
    let is_minor = match (at.weekday(), buckets) {
        (Weekday::Monday, 0..=45) => false,
        (Weekday::Thursday, 0..=45) => true,
        (Weekday::Monday, _) => at.date().iso_week_date().week() % 3 != 0,
        _ => return None,
    };
    Some(tick(at.strftime("%-d %b").to_string(), is_minor))
}

fn month(at: DateTime, buckets: usize) -> Option<Tick> {
    let year = at.strftime("%Y").to_string();
    match (at.month(), buckets) {
        (1, 0..=24) => Some(tick(year, false)),
        (month, 0..=24) => Some(tick(at.strftime("%b").to_string(), month % 2 == 0)),
        (1, _) => Some(tick(year, at.year() % 2 != 0)),
        _ => None,
    }
}

const fn tick(text: String, is_minor: bool) -> Tick {
    Tick { text, is_minor }
}

fn starts(bounds: &[i64]) -> impl Iterator<Item = DateTime> {
    bounds.windows(2).filter_map(|bucket| {
        let at = Timestamp::from_second(*bucket.first()?).ok()?;
        Some(at.to_zoned_datetime(TimeZone::UTC).datetime())
    })
}
