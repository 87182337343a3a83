//! Windows against a table and against jiff.

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, DateTime, Weekday},
    tz::TimeZone,
};
use proptest::prelude::*;
use tallygate_core::period::{Period, Window};

fn secs(text: &str) -> u64 {
    let timestamp: Timestamp = text.parse().expect("a timestamp");
    u64::try_from(timestamp.as_second()).expect("not before 1970")
}

#[test]
fn windows_of_a_leap_day() {
    let check = |period: Period, start: &str, end: Option<&str>| {
        let window = period.window(secs("2028-02-29T23:59:59Z"));
        let expected = Window {
            start: secs(start),
            end: end.map(secs),
        };
        assert_eq!(window, expected, "{period:?}");
    };
    let march = Some("2028-03-01T00:00:00Z");
    check(Period::Minute, "2028-02-29T23:59:00Z", march);
    check(Period::Hour, "2028-02-29T23:00:00Z", march);
    check(Period::Day, "2028-02-29T00:00:00Z", march);
    check(
        Period::Week,
        "2028-02-28T00:00:00Z",
        Some("2028-03-06T00:00:00Z"),
    );
    check(Period::Month, "2028-02-01T00:00:00Z", march);
    check(
        Period::Year,
        "2028-01-01T00:00:00Z",
        Some("2029-01-01T00:00:00Z"),
    );
    check(Period::Eternity, "1970-01-01T00:00:00Z", None);
}

#[test]
fn the_week_starts_on_monday() {
    let sunday = Period::Week.window(secs("2026-11-22T23:59:59Z"));
    let monday = Period::Week.window(secs("2026-11-23T00:00:00Z"));
    assert_eq!(sunday.start, secs("2026-11-16T00:00:00Z"));
    assert_eq!(sunday.end, Some(monday.start));
    assert_eq!(monday.start, secs("2026-11-23T00:00:00Z"));
}

#[test]
fn there_is_no_time_before_1970() {
    let week = Period::Week.window(0);
    assert_eq!(week.start, 0);
    assert_eq!(week.end, Some(secs("1970-01-05T00:00:00Z")));
    assert_eq!(Period::Month.window(0).start, 0);
    assert_eq!(Period::Year.window(0).start, 0);
}

#[test]
fn lengths_are_nominal_for_a_period_and_exact_for_a_window() {
    let february = Period::Month.window(secs("2027-02-10T12:00:00Z"));
    assert_eq!(february.length_secs(), Some(28 * 86_400));
    assert_eq!(Period::Month.length_secs(), Some(30 * 86_400));
    let leap_year = Period::Year.window(secs("2028-02-10T12:00:00Z"));
    assert_eq!(leap_year.length_secs(), Some(366 * 86_400));
    assert_eq!(Period::Year.length_secs(), Some(365 * 86_400));
    for period in [Period::Minute, Period::Hour, Period::Day, Period::Week] {
        let window = period.window(secs("2027-02-10T12:00:00Z"));
        assert_eq!(window.length_secs(), period.length_secs(), "{period:?}");
    }
    assert_eq!(Period::Eternity.length_secs(), None);
    assert_eq!(Period::Eternity.window(7).length_secs(), None);
    assert_eq!(Period::Eternity.window(7).remaining_secs(7), None);
}

#[test]
fn remaining_time_counts_down_to_the_end() {
    let now = secs("2026-11-24T10:15:42Z");
    let window = Period::Minute.window(now);
    assert_eq!(window.remaining_secs(now), Some(18));
    assert_eq!(window.remaining_secs(now + 17), Some(1));
    assert_eq!(window.remaining_secs(now + 18), Some(0));
    assert_eq!(window.remaining_secs(now + 99), Some(0));
}

#[test]
fn names_are_the_ones_on_the_wire() {
    for period in Period::ALL {
        assert_eq!(Period::parse(period.as_str()), Some(period));
        let json = serde_json::to_string(&period).expect("serialises");
        assert_eq!(json, format!("\"{}\"", period.as_str()));
    }
    assert_eq!(Period::parse("Minute"), None);
    assert_eq!(Period::parse(""), None);
}

/// The calendar library's opinion.
fn by_jiff(period: Period, now_secs: u64) -> Window {
    let now = Timestamp::from_second(i64::try_from(now_secs).expect("small")).expect("in range");
    let now: DateTime = TimeZone::UTC.to_datetime(now);
    let midnight = |date: Date| date.at(0, 0, 0, 0);
    let (start, end) = match period {
        Period::Minute => {
            let start = now.date().at(now.hour(), now.minute(), 0, 0);
            (start, start + 1.minute())
        }
        Period::Hour => {
            let start = now.date().at(now.hour(), 0, 0, 0);
            (start, start + 1.hour())
        }
        Period::Day => {
            let start = midnight(now.date());
            (start, start + 1.day())
        }
        Period::Week => {
            let today = now.date();
            let monday = if today.weekday() == Weekday::Monday {
                today
            } else {
                today.nth_weekday(-1, Weekday::Monday).expect("in range")
            };
            (midnight(monday), midnight(monday) + 1.week())
        }
        Period::Month => {
            let start = midnight(now.date().first_of_month());
            (start, start + 1.month())
        }
        Period::Year => {
            let start = midnight(now.date().first_of_year());
            (start, start + 1.year())
        }
        Period::Eternity => {
            return Window {
                start: 0,
                end: None,
            };
        }
    };
    let secs = |time: DateTime| {
        let timestamp = TimeZone::UTC.to_timestamp(time).expect("in range");
        u64::try_from(timestamp.as_second()).unwrap_or(0)
    };
    Window {
        start: secs(start),
        end: Some(secs(end)),
    }
}

/// Any second of the years 1970 to 2200, with the ones around midnight and around New Year more often.
fn any_second() -> impl Strategy<Value = u64> {
    let end = secs("2201-01-01T00:00:00Z");
    let around =
        |boundary: u64| (0..=4_u64).prop_map(move |off| (boundary + off).saturating_sub(2));
    prop_oneof![
        0..end,
        (0..end / 86_400).prop_flat_map(move |day| around(day * 86_400)),
        (1970..=2200_i16, 1..=12_i8).prop_flat_map(move |(year, month)| {
            let first = format!("{year}-{month:02}-01T00:00:00Z");
            around(secs(&first))
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn windows_agree_with_a_calendar(now_secs in any_second()) {
        for period in Period::ALL {
            prop_assert_eq!(period.window(now_secs), by_jiff(period, now_secs), "{:?}", period);
        }
    }

    #[test]
    fn windows_hold_their_time_and_join(now_secs in any_second()) {
        for period in Period::ALL {
            let window = period.window(now_secs);
            prop_assert!(window.start <= now_secs);
            prop_assert_eq!(period.window(window.start), window);
            if let Some(end) = window.end {
                prop_assert!(now_secs < end);
                prop_assert_eq!(period.window(end - 1), window);
                prop_assert_eq!(period.window(end).start, end);
            }
        }
    }

    #[test]
    fn no_time_is_too_late(now_secs in any::<u64>()) {
        for period in Period::ALL {
            let window = period.window(now_secs);
            prop_assert!(window.end.is_none_or(|end| end > window.start));
            // 9999-12-31T23:59:59Z and a week.
            prop_assert!(window.end.is_none_or(|end| end <= 253_402_300_799 + 604_800));
        }
    }
}

/// Every first of a month there is, and the second before it.
#[test]
fn every_month_begins_where_the_calendar_says() {
    for year in 1970..=2200_i16 {
        for month in 1..=12_i8 {
            let first = secs(&format!("{year}-{month:02}-01T00:00:00Z"));
            for now_secs in [first.saturating_sub(1), first] {
                for period in [Period::Week, Period::Month, Period::Year] {
                    assert_eq!(
                        period.window(now_secs),
                        by_jiff(period, now_secs),
                        "{period:?} {now_secs}"
                    );
                }
            }
        }
    }
}
