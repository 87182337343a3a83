//! The terms: when a window is granted, and which comes next.

use tallygate_core::lease::{LATE_SECS, PREFETCH_SECS, is_grantable, next_window};
use tallygate_core::period::Period;

fn secs(text: &str) -> u64 {
    let timestamp: jiff::Timestamp = text.parse().expect("a timestamp");
    u64::try_from(timestamp.as_second()).expect("not before 1970")
}

#[test]
fn a_window_is_granted_from_shortly_before_its_start_to_shortly_after_its_end() {
    let check = |period, start: &str, end: &str| {
        let (start, end) = (secs(start), secs(end));
        let at = |now_secs| is_grantable(period, start, now_secs);
        assert!(!at(start - PREFETCH_SECS - 1), "{period:?}");
        assert!(at(start - PREFETCH_SECS), "{period:?}");
        assert!(at(start) && at(end - 1) && at(end), "{period:?}");
        assert!(at(end + LATE_SECS - 1), "{period:?}");
        assert!(!at(end + LATE_SECS), "{period:?}");
    };
    check(
        Period::Minute,
        "2028-02-29T23:59:00Z",
        "2028-03-01T00:00:00Z",
    );
    check(Period::Hour, "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z");
    check(Period::Day, "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z");
    check(Period::Week, "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z");
    check(
        Period::Month,
        "2028-02-01T00:00:00Z",
        "2028-03-01T00:00:00Z",
    );
    check(
        Period::Month,
        "2027-02-01T00:00:00Z",
        "2027-03-01T00:00:00Z",
    );
    check(
        Period::Month,
        "2026-12-01T00:00:00Z",
        "2027-01-01T00:00:00Z",
    );
    check(Period::Year, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    for now_secs in [0, secs("2026-11-24T10:00:00Z"), u64::MAX] {
        assert!(is_grantable(Period::Eternity, 0, now_secs));
    }
}

#[test]
fn what_is_not_a_window_is_not_granted() {
    let now_secs = secs("2026-11-24T10:00:30Z");
    for period in Period::ALL {
        let start = period.window(now_secs).start;
        assert!(is_grantable(period, start, now_secs), "{period:?}");
        for other in [start + 1, start.wrapping_sub(1), u64::MAX] {
            assert!(!is_grantable(period, other, now_secs), "{period:?}");
        }
    }
    // The week before, and the month after.
    let week = Period::Week.window(now_secs).start;
    assert!(!is_grantable(Period::Week, week - 7 * 86_400, now_secs));
    let december = secs("2026-12-01T00:00:00Z");
    assert!(!is_grantable(Period::Month, december, now_secs));
}

#[test]
fn the_next_window_is_seen_when_its_start_is_near() {
    let check = |period, start: &str, end: &str| {
        let (start, end) = (secs(start), secs(end));
        let near = start - PREFETCH_SECS;
        assert_eq!(next_window(period, near - 1), None, "{period:?}");
        for now_secs in [near, start - 1] {
            let next = next_window(period, now_secs).expect("it is near");
            assert_eq!((next.start, next.end), (start, Some(end)), "{period:?}");
            assert!(is_grantable(period, next.start, now_secs), "{period:?}");
        }
        assert_eq!(next_window(period, start), None, "{period:?}");
    };
    check(
        Period::Minute,
        "2028-03-01T00:00:00Z",
        "2028-03-01T00:01:00Z",
    );
    check(Period::Hour, "2026-11-24T11:00:00Z", "2026-11-24T12:00:00Z");
    check(Period::Day, "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z");
    check(Period::Week, "2027-01-04T00:00:00Z", "2027-01-11T00:00:00Z");
    check(
        Period::Month,
        "2027-02-01T00:00:00Z",
        "2027-03-01T00:00:00Z",
    );
    check(
        Period::Month,
        "2028-02-01T00:00:00Z",
        "2028-03-01T00:00:00Z",
    );
    check(
        Period::Month,
        "2027-01-01T00:00:00Z",
        "2027-02-01T00:00:00Z",
    );
    check(Period::Year, "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z");
    assert_eq!(next_window(Period::Eternity, 0), None);
    assert_eq!(next_window(Period::Eternity, u64::MAX), None);
}
