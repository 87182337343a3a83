//! Credit that comes into a record and goes out of it.

use super::*;
use tallygate_core::wire::{AskedCellV1, CreditV1, LeasesV1};

const HOUR: [Limit; 1] = [(1, Period::Hour, 100)];
const NOW_MS: u64 = NOW_SECS * 1_000;

/// An answer of this version on the hour: totals, and what is free.
fn answer(version: u64, numbers: [u64; 3], free: u64) -> CreditV1 {
    CreditV1 {
        totals: totals(1, Period::Hour, NOW_SECS, numbers),
        version,
        free,
        elsewhere: false,
        limits_rev: crate::support::request::REVISION,
    }
}

/// What the hour's cell of an application holds: granted, spent, returned.
fn hour(slot: &Slot, application: i64) -> [u64; 3] {
    let charge = charge(&[(1, 1)], &HOUR, NOW_SECS);
    let asked = slot.asked(ApplicationId(application), &charge, 1);
    let LeaseTotalsV1 {
        granted,
        spent,
        returned,
        ..
    } = asked[0].totals;
    [granted, spent, returned]
}

fn spend(slot: &mut Slot, application: i64, delta: u64) -> Result<Vec<u64>, (Short, Vec<u64>)> {
    let mut charge = charge(&[(1, delta)], &HOUR, NOW_SECS);
    try_admit(slot, application, &mut charge, &moment(NOW_SECS))
}

#[test]
fn a_request_is_dry_then_covered_then_exhausted() {
    let mut slot = blank();
    assert!(matches!(spend(&mut slot, 7, 3), Err((Short::Dry, _))));
    assert_eq!(slot, blank(), "who is refused changes nothing");
    assert!(slot.apply(ApplicationId(7), &[answer(1, [4, 0, 0], 6)], NOW_MS));
    assert_eq!(spend(&mut slot, 7, 3), Ok(vec![7]));
    // Less than this may be had, more may not.
    assert!(matches!(spend(&mut slot, 7, 7), Err((Short::Dry, _))));
    assert_eq!(spend(&mut slot, 7, 8), Err((Short::Exhausted, vec![7])));
    assert_eq!(spend(&mut slot, 7, 1), Ok(vec![6]));
}

#[test]
fn one_cell_that_is_exhausted_spares_the_question_for_another() {
    let limits = [(1, Period::Minute, 5), (1, Period::Hour, 100)];
    let mut slot = blank();
    let minute = charge(&[(1, 5)], &limits[..1], NOW_SECS);
    slot.apply(ApplicationId(7), &all_of(&minute), NOW_MS);
    let mut check = |delta, expected| {
        let mut both = charge(&[(1, delta)], &limits, NOW_SECS);
        let found = try_admit(&mut slot, 7, &mut both, &moment(NOW_SECS));
        assert_eq!(found, Err(expected), "{delta}");
    };
    // The hour was never asked about, so it is not what a refusal is for.
    check(6, (Short::Exhausted, vec![5, 100]));
    check(5, (Short::Dry, vec![5, 100]));
}

#[test]
fn answers_may_come_twice_late_and_out_of_order() {
    let mut slot = blank();
    let (first, second) = (answer(1, [4, 0, 0], 96), answer(2, [9, 3, 0], 91));
    assert!(slot.apply(ApplicationId(7), &[second], NOW_MS));
    assert_eq!(hour(&slot, 7), [9, 3, 0], "more was spent than stood here");
    let once = slot.clone();
    for late in [first, second, first] {
        assert!(!slot.apply(ApplicationId(7), &[late], NOW_MS), "{late:?}");
        assert_eq!(slot, once, "{late:?}");
    }
    // What is told may be behind what was spent here.
    spend(&mut slot, 7, 2).expect("credit");
    slot.apply(ApplicationId(7), &[answer(3, [12, 3, 0], 88)], NOW_MS);
    assert_eq!(hour(&slot, 7), [12, 5, 0]);
}

#[test]
fn a_recall_takes_what_is_left_of_all_grants() {
    let mut slot = blank();
    slot.apply(ApplicationId(7), &[answer(1, [10, 0, 0], 0)], NOW_MS);
    spend(&mut slot, 7, 4).expect("credit");
    // It names more than has arrived here: that is returned as well.
    let recalled = [totals(1, Period::Hour, NOW_SECS, [15, 0, 0])];
    assert!(slot.recall(ApplicationId(7), &recalled, NOW_MS));
    assert_eq!(hour(&slot, 7), [15, 4, 11]);
    let once = slot.clone();
    let known = [totals(1, Period::Hour, NOW_SECS, [15, 4, 11])];
    assert!(!slot.recall(ApplicationId(7), &known, NOW_MS));
    assert_eq!(slot, once);
    // The grant that was overtaken brings nothing, a new one does.
    slot.apply(ApplicationId(7), &[answer(2, [15, 0, 0], 5)], NOW_MS);
    assert!(matches!(spend(&mut slot, 7, 1), Err((Short::Dry, _))));
    slot.apply(ApplicationId(7), &[answer(3, [17, 4, 11], 3)], NOW_MS);
    assert_eq!(spend(&mut slot, 7, 2), Ok(vec![3]));
}

#[test]
fn a_recall_of_what_is_not_here_returns_what_it_names() {
    let mut slot = blank();
    let recalled = [totals(1, Period::Hour, NOW_SECS, [15, 4, 1])];
    assert!(slot.recall(ApplicationId(7), &recalled, NOW_MS));
    assert_eq!((hour(&slot, 7), slot.is_dirty()), ([15, 4, 11], true));
    // Nothing is left of this one.
    let mut slot = blank();
    let recalled = [totals(1, Period::Hour, NOW_SECS, [15, 4, 11])];
    assert!(!slot.recall(ApplicationId(7), &recalled, NOW_MS));
    assert_eq!(slot, blank());
}

#[test]
fn a_record_keeps_to_its_application() {
    let mut slot = blank();
    for application in 1..=3 {
        let numbers = [10 * application, 0, 0];
        let application = ApplicationId(i64::try_from(application).expect("small"));
        slot.apply(application, &[answer(1, numbers, 0)], NOW_MS);
    }
    spend(&mut slot, 2, 7).expect("credit");
    let recalled = [totals(1, Period::Hour, NOW_SECS, [30, 0, 0])];
    slot.recall(ApplicationId(3), &recalled, NOW_MS);
    let found: Vec<_> = (0..5).map(|application| hour(&slot, application)).collect();
    assert_eq!(found, [[0; 3], [10, 0, 0], [20, 7, 0], [30, 0, 30], [0; 3]]);
    let lease = |application, numbers| LeasesV1 {
        application: ApplicationId(application),
        cells: vec![totals(1, Period::Hour, NOW_SECS, numbers)],
    };
    let held = [
        lease(1, [10, 0, 0]),
        lease(2, [20, 7, 0]),
        lease(3, [30, 0, 30]),
    ];
    assert_eq!(slot.leases(NOW_MS), held);
    // Until the window is over for good.
    let over_ms = (NOW_SECS + HOUR_SECS + 60) * 1_000;
    assert_eq!(slot.leases(over_ms - 1_000), held);
    assert_eq!(slot.leases(over_ms), []);
}

#[test]
fn an_ask_names_all_cells_and_what_waits() {
    let limits = [(1, Period::Minute, 5), (1, Period::Hour, 100)];
    let mut slot = blank();
    slot.apply(ApplicationId(7), &[answer(1, [10, 3, 2], 0)], NOW_MS);
    let charge = charge(&[(1, 2)], &limits, NOW_SECS);
    let check = |waiting, want| {
        let asked = |period, numbers| AskedCellV1 {
            totals: totals(1, period, NOW_SECS, numbers),
            need: 2,
            want,
        };
        assert_eq!(
            slot.asked(ApplicationId(7), &charge, waiting),
            [
                asked(Period::Minute, [0, 0, 0]),
                asked(Period::Hour, [10, 3, 2]),
            ]
        );
    };
    check(0, 2);
    check(1, 2);
    check(300, 600);
    check(u64::MAX, u64::MAX);
}

#[test]
fn a_refusal_tells_whether_others_hold_the_rest() {
    let check = |told: CreditV1, value, left, elsewhere| {
        let mut slot = blank();
        // Granted, and then told the same when it was short.
        slot.apply(ApplicationId(7), &[told], NOW_MS);
        slot.apply(ApplicationId(7), &[told], NOW_MS);
        let mut refused = charge(&[(1, 3)], &[(1, Period::Hour, value)], NOW_SECS);
        let found = slot.admit(ApplicationId(7), &mut refused, &moment(NOW_SECS));
        assert_eq!(found, Err(Short::Exhausted), "{told:?}");
        let limit = refused.limits[0];
        assert_eq!((limit.left, limit.elsewhere), (left, elsewhere), "{told:?}");
    };
    let told = |numbers, elsewhere| CreditV1 {
        elsewhere,
        ..answer(1, numbers, 1)
    };
    check(told([5, 4, 0], true), 100, 2, true);
    check(told([5, 4, 0], false), 100, 2, false);
    // Where this gateway alone has come to the limit, nobody returns anything that would help.
    check(told([50, 48, 0], true), 50, 2, false);
    check(told([50, 47, 2], true), 50, 2, true);
}

#[test]
fn numbers_that_no_clock_shows_change_nothing() {
    let mut slot = blank();
    let mut far = answer(1, [10, 0, 0], 0);
    far.totals.window = u64::from(u32::MAX) + 1;
    assert!(!slot.apply(ApplicationId(7), &[far], NOW_MS));
    assert!(!slot.recall(ApplicationId(7), &[far.totals], NOW_MS));
    assert_eq!(slot, blank());
    // Totals at their end neither wrap nor panic.
    let most = answer(u64::MAX, [u64::MAX; 3], u64::MAX);
    slot.apply(ApplicationId(7), &[most], u64::MAX);
    slot.apply(ApplicationId(7), &[most], NOW_MS);
    assert_eq!(hour(&slot, 7), [u64::MAX; 3]);
    assert!(spend(&mut slot, 7, 1).is_err());
}
