//! Windows are cells of their own: they begin anew, lie side by side, and are forgotten once they are over for good.

use super::*;

/// How long after its end what happened in a window is remembered.
const GRACE_SECS: u64 = 60;
/// Bytes of a slot, a record in it, a cell and a usage in that.
const SLOT: usize = 32;
const RECORD: usize = 16;
const CELL: usize = 80;
const USAGE: usize = 24;

#[test]
fn windows_of_each_period_begin_anew() {
    for period in Period::ALL {
        let window = period.window(NOW_SECS);
        let mut slot = blank();
        let limits = [(1, period, 1)];
        let mut at = |now_secs| admit(&mut slot, 7, &[(1, 1)], &limits, now_secs).is_ok();
        assert!(at(NOW_SECS), "{period:?}");
        assert!(!at(NOW_SECS), "{period:?}");
        match window.end {
            Some(end) => {
                assert!(!at(end - 1), "{period:?}");
                assert!(at(end), "{period:?}");
                assert!(!at(end), "{period:?}");
            }
            None => assert!(!at(NOW_SECS + 100 * 365 * DAY_SECS / 2), "{period:?}"),
        }
    }
}

#[test]
fn two_windows_lie_side_by_side() {
    // Two workers at the turn of an hour: one read its clock before, and writes after the other.
    let limits = [(1, Period::Minute, 10), (1, Period::Hour, 100)];
    let mut slot = blank();
    let turn = NOW_SECS + HOUR_SECS;
    let mut check = |delta, now_secs, expected: Result<Vec<u64>, Vec<u64>>| {
        let found = admit(&mut slot, 7, &[(1, delta)], &limits, now_secs);
        assert_eq!(found, expected, "{delta} at {now_secs}");
    };
    check(4, turn - 1, Ok(vec![6, 96]));
    check(3, turn, Ok(vec![7, 97]));
    check(6, turn - 1, Ok(vec![0, 90]));
    check(1, turn - 1, Err(vec![0, 90]));
    check(7, turn, Ok(vec![0, 90]));
    check(1, turn, Err(vec![0, 90]));
    let minute = u32::try_from(turn / 60).expect("before 2106");
    let expected = BTreeMap::from([((7, 1, minute - 1), 10), ((7, 1, minute), 10)]);
    assert_eq!(usage(&slot), expected);
}

#[test]
fn a_window_is_granted_before_it_begins() {
    let limits = [(1, Period::Minute, 10)];
    let mut slot = blank();
    let end = NOW_SECS + 60;
    let ahead = charge(&[(1, 1)], &limits, end);
    assert!(slot.apply(ApplicationId(7), &all_of(&ahead), (end - 5) * 1_000));
    // The running minute has none of it.
    let (mut now, moment_now) = (charge(&[(1, 1)], &limits, end - 5), moment(end - 5));
    let short = try_admit(&mut slot, 7, &mut now, &moment_now);
    assert!(matches!(short, Err((Short::Dry, _))), "{short:?}");
    let mut then = charge(&[(1, 10)], &limits, end);
    let admitted = try_admit(&mut slot, 7, &mut then, &moment(end));
    assert_eq!(admitted, Ok(vec![0]));
}

#[test]
fn a_window_stays_until_a_minute_after_its_end() {
    let limits = [(1, Period::Minute, 10)];
    let end = NOW_SECS + 60;
    let over = end + GRACE_SECS;
    let spent = |slot: &Slot| {
        let asked = slot.asked(ApplicationId(7), &charge(&[(1, 1)], &limits, NOW_SECS), 1);
        asked[0].totals.spent
    };
    // Whatever is written later, what was in it is remembered as long as its clock may come back: and after that, as long
    // as it is the last, for then the clock may just have gone wrong.
    for (written, kept) in [
        (&[end][..], 4),
        (&[over - 1], 4),
        (&[over], 4),
        (&[over + DAY_SECS], 4),
        (&[over - 1, over], 0),
        (&[over, over + DAY_SECS], 0),
    ] {
        let later = written[written.len() - 1];
        let mut slot = blank();
        admit(&mut slot, 7, &[(1, 4)], &limits, NOW_SECS).expect("room");
        let rows = slot.rows();
        slot.debit(1, &rows);
        for &later in written {
            admit(&mut slot, 7, &[(1, 1)], &limits, later).expect("room");
        }
        assert_eq!(spent(&slot), kept, "written at {}", later - NOW_SECS);
    }
    // It can be spent as long, by a request that came in before.
    let mut slot = blank();
    let told = all_of(&charge(&[(1, 1)], &limits, NOW_SECS));
    assert!(slot.apply(ApplicationId(7), &told, (over - 1) * 1_000));
    let late = &mut charge(&[(1, 3)], &limits, NOW_SECS);
    assert_eq!(
        try_admit(&mut slot, 7, late, &moment(over - 1)),
        Ok(vec![7])
    );
    // And what was told of it once it is over for good is ignored.
    let mut slot = blank();
    assert!(!slot.apply(ApplicationId(7), &told, over * 1_000));
    assert!(!slot.recall(ApplicationId(7), &[told[0].totals], over * 1_000));
    assert_eq!(slot, blank());
}

#[test]
fn only_windows_of_the_same_limit_make_way() {
    let limits = [
        (1, Period::Minute, 9),
        (1, Period::Hour, 9),
        (2, Period::Minute, 9),
    ];
    let cells = |slot: &Slot| {
        let told = slot.leases(NOW_SECS * 1_000);
        told.iter().map(|leases| leases.cells.len()).sum::<usize>()
    };
    let report = |slot: &mut Slot| {
        let rows = slot.rows();
        slot.debit(slot.debited() + 1, &rows);
    };
    let mut slot = blank();
    admit(&mut slot, 7, &[(1, 1), (2, 1)], &limits, NOW_SECS).expect("room");
    assert_eq!(cells(&slot), 3);
    report(&mut slot);
    // Ten minutes later the first metric's first minute makes way for the third; the other metric's does not.
    admit(&mut slot, 7, &[(1, 1)], &limits, NOW_SECS + 300).expect("room");
    assert_eq!(cells(&slot), 4);
    report(&mut slot);
    admit(&mut slot, 7, &[(1, 1)], &limits, NOW_SECS + 600).expect("room");
    assert_eq!(cells(&slot), 4);
    report(&mut slot);
    // Within the grace all stay.
    admit(&mut slot, 7, &[(1, 1)], &limits, NOW_SECS + 660).expect("room");
    assert_eq!(cells(&slot), 4);
    report(&mut slot);
    admit(&mut slot, 7, &[(1, 1)], &limits, NOW_SECS + 719).expect("room");
    assert_eq!(cells(&slot), 4);
    // Nor does one of another period of the same metric.
    let mut slot = blank();
    admit(&mut slot, 7, &[(1, 1)], &limits[..1], NOW_SECS).expect("room");
    admit(&mut slot, 7, &[(1, 1)], &limits[1..2], NOW_SECS + 300).expect("room");
    assert_eq!(cells(&slot), 2);
}

#[test]
fn what_was_not_reported_outlives_a_clock_that_went_wrong() {
    let limits = [(1, Period::Minute, 3)];
    let mut slot = blank();
    admit(&mut slot, 7, &[(1, 2)], &limits, NOW_SECS).expect("room");
    admit(&mut slot, 7, &[(1, 1)], &limits, NOW_SECS + 300).expect("room");
    assert_eq!(
        admit(&mut slot, 7, &[(1, 2)], &limits, NOW_SECS),
        Err(vec![1]),
        "the ledger has not heard of the two that were spent"
    );
}

#[test]
fn a_clock_that_went_wrong_does_not_lock_anybody_out() {
    let limits = [(1, Period::Minute, 1), (1, Period::Day, 1)];
    let mut slot = blank();
    admit(&mut slot, 7, &[(1, 1)], &limits, NOW_SECS + 400 * DAY_SECS).expect("room");
    assert_eq!(
        admit(&mut slot, 7, &[(1, 1)], &limits, NOW_SECS),
        Ok(vec![0, 0])
    );
    assert_eq!(
        admit(&mut slot, 7, &[(1, 1)], &limits, NOW_SECS),
        Err(vec![0, 0])
    );
}

#[test]
fn idle_records_make_room() {
    let limits = [(1, Period::Minute, 5)];
    let forever = [(1, Period::Eternity, 1)];
    let mut slot = blank();
    for application in 0..100 {
        admit(&mut slot, application, &[(1, 1)], &limits, NOW_SECS).expect("room");
    }
    let record = RECORD + CELL + USAGE;
    assert_eq!(slot.as_bytes().len(), SLOT + 100 * record);
    // Not while there is something to report …
    admit(&mut slot, 100, &[(1, 1)], &limits, NOW_SECS + 600).expect("room");
    assert_eq!(slot.as_bytes().len(), SLOT + 101 * record);
    let rows = slot.rows();
    assert!(slot.debit(1, &rows));
    assert_eq!(slot.as_bytes().len(), SLOT + 101 * (record - USAGE));
    // … nor while a window is open, or was a moment ago.
    admit(&mut slot, 101, &[(1, 1)], &limits, NOW_SECS + 660).expect("room");
    assert_eq!(slot.as_bytes().len(), SLOT + (record - USAGE) + record);
    assert_eq!(
        admit(&mut slot, 100, &[(1, 5)], &limits, NOW_SECS + 659),
        Err(vec![4])
    );
    // An eternity never ends.
    let rows = slot.rows();
    slot.debit(2, &rows);
    admit(&mut slot, 102, &[(1, 1)], &forever, NOW_SECS + 720).expect("room");
    let rows = slot.rows();
    slot.debit(3, &rows);
    admit(
        &mut slot,
        103,
        &[(1, 1)],
        &limits,
        NOW_SECS + 2_000 * DAY_SECS,
    )
    .expect("room");
    assert_eq!(
        admit(&mut slot, 102, &[(1, 1)], &forever, NOW_SECS),
        Err(vec![0])
    );
}

#[test]
fn a_record_that_returns_credit_is_not_idle() {
    let limits = [(1, Period::Minute, 5)];
    let later = NOW_SECS + HOUR_SECS;
    for told in [false, true] {
        let mut slot = blank();
        admit(&mut slot, 7, &[(1, 1)], &limits, NOW_SECS).expect("room");
        let rows = slot.rows();
        slot.debit(1, &rows);
        let recalled = [totals(1, Period::Minute, NOW_SECS, [5, 0, 0])];
        assert!(slot.recall(ApplicationId(7), &recalled, NOW_SECS * 1_000));
        if told {
            let rows = slot.rows();
            slot.debit(2, &rows);
        }
        admit(&mut slot, 8, &[(1, 1)], &limits, later).expect("room");
        let kept = slot.rows().iter().any(|row| row.application.0 == 7);
        assert_eq!(kept, !told);
    }
}

#[test]
fn a_long_outage_is_kept_by_the_quarter_of_an_hour() {
    let mut slot = blank();
    let day_minutes = 24 * 60;
    let mut expected: BTreeMap<u64, u64> = BTreeMap::new();
    for minute in 0..day_minutes {
        let now_secs = NOW_SECS + minute * 60;
        admit(&mut slot, 7, &[(1, 1)], &[(1, Period::Hour, 60)], now_secs).expect("room");
        *expected.entry(now_secs / 900).or_default() += 1;
    }
    let kept = usage(&slot);
    assert!(kept.len() < 256 + 24 * 4, "{} usages", kept.len());
    let mut found: BTreeMap<u64, u64> = BTreeMap::new();
    for ((.., minute), sum) in kept {
        *found.entry(u64::from(minute) / 15).or_default() += sum;
    }
    assert_eq!(found, expected);
}

#[test]
fn a_crowded_record_keeps_the_minute_that_is_used_now() {
    // More metrics than a record keeps minutes of, in minutes that are not the first of their quarter.
    let mut slot = blank();
    let now = NOW_SECS - NOW_SECS % 900 + 5 * 60;
    let admit = |slot: &mut Slot, now_secs: u64| {
        let usage: Vec<_> = (1..=300).map(|metric| (MetricId(metric), 1)).collect();
        let mut charge = Charge {
            usage,
            ..Charge::default()
        };
        let moment = Moment {
            now_ms: now_secs * 1_000,
            credit_is_valid: true,
            may_overdraw: false,
        };
        assert_eq!(slot.admit(ApplicationId(7), &mut charge, &moment), Ok(0));
    };
    let minutes = |slot: &Slot| -> BTreeMap<u32, u64> {
        let mut sums = BTreeMap::new();
        for usage in slot.rows().iter().flat_map(|row| &row.usage) {
            *sums.entry(usage.minute).or_default() += usage.delta;
        }
        sums
    };
    let minute = u32::try_from(now / 60).unwrap();
    let quarter = minute - 5;
    admit(&mut slot, now);
    admit(&mut slot, now);
    assert_eq!(minutes(&slot), [(minute, 600)].into());
    let sealed = slot.rows();
    admit(&mut slot, now + 60);
    assert_eq!(minutes(&slot), [(quarter, 600), (minute + 1, 300)].into());
    // What was sealed before is taken out where it has gone.
    assert!(slot.debit(1, &sealed));
    assert_eq!(minutes(&slot), [(minute + 1, 300)].into());
}
