//! What a gateway may admit in one cell, and what becomes of its totals.

use proptest::prelude::*;
use tallygate_core::credit::{Credit, Mark, Moment, Standing};
use tallygate_core::id::MetricId;
use tallygate_core::lease::{LASTING_MS, SOON_MS};
use tallygate_core::period::Period;
use tallygate_core::wire::{CreditV1, LeaseTotalsV1};

const NOW_MS: u64 = 1_795_514_400_000;
const REVISION: i64 = 7;

/// The control plane was just heard of.
const HEARD: Moment = Moment {
    now_ms: NOW_MS,
    credit_is_valid: true,
    may_overdraw: false,
};
/// It has been silent for too long, and the policy is to refuse; or it refuses this gateway.
const EXPIRED: Moment = Moment {
    credit_is_valid: false,
    ..HEARD
};
/// It has just gone away, and the policy is to go on.
const AWAY: Moment = Moment {
    may_overdraw: true,
    ..HEARD
};
const LONG_AWAY: Moment = Moment {
    credit_is_valid: false,
    ..AWAY
};

const BOUND: Mark = Mark {
    version: 1,
    free: 2,
    limits_rev: REVISION,
    until_ms: NOW_MS + 1,
    elsewhere: false,
};
/// Two are left of five that were granted.
const CREDIT: Credit = Credit {
    granted: 5,
    spent: 2,
    returned: 1,
    over: 0,
    mark: BOUND,
};

fn told(version: u64, [granted, spent, returned]: [u64; 3]) -> CreditV1 {
    CreditV1 {
        totals: LeaseTotalsV1 {
            metric: MetricId(1),
            period: Period::Hour,
            window: 0,
            granted,
            spent,
            returned,
        },
        version,
        free: 10 * version,
        elsewhere: false,
        limits_rev: REVISION,
    }
}

fn totals(credit: &Credit) -> [u64; 3] {
    [credit.granted, credit.spent, credit.returned]
}

/// How deltas from 1 to 9 stand under a limit of 10: covered, dry or exhausted.
fn standings(credit: &Credit, moment: &Moment) -> String {
    let letter = |delta| match credit.standing(delta, 10, REVISION, moment) {
        Standing::Covered => 'c',
        Standing::Dry => 'd',
        Standing::Exhausted => 'E',
    };
    (1..=9).map(letter).collect()
}

#[test]
fn a_request_is_covered_or_dry_or_there_is_no_room_for_it() {
    let check = |moment: Moment, mark: Mark, expected: &str| {
        let credit = Credit { mark, ..CREDIT };
        let found = standings(&credit, &moment);
        assert_eq!(found, expected, "{mark:?} at {moment:?}");
    };
    let none = Mark::default();
    let older = Mark {
        limits_rev: REVISION - 1,
        ..BOUND
    };
    let newer = Mark {
        limits_rev: REVISION + 1,
        ..BOUND
    };
    let past = Mark {
        until_ms: NOW_MS,
        ..BOUND
    };
    let elsewhere = Mark {
        elsewhere: true,
        ..BOUND
    };
    // Two are here, two may be had, and eight are all that the limit leaves to a gateway alone.
    check(HEARD, BOUND, "ccddEEEEE");
    check(HEARD, newer, "ccddEEEEE");
    check(HEARD, elsewhere, "ccddEEEEE");
    // A mark that does not bind leaves a reason to ask.
    check(HEARD, older, "ccddddddE");
    check(HEARD, past, "ccddddddE");
    check(HEARD, none, "ccddddddE");
    // Credit that has expired covers nothing, nor does a mark of then bind.
    check(EXPIRED, BOUND, "ddddddddE");
    check(EXPIRED, none, "ddddddddE");
    // Nobody can be asked: what nobody had left stays refused, what others might have returned does not.
    check(AWAY, BOUND, "ccddEEEEE");
    check(AWAY, past, "ccddEEEEE");
    check(AWAY, older, "ccddddddE");
    check(AWAY, elsewhere, "ccddddddE");
    check(AWAY, none, "ccddddddE");
    check(LONG_AWAY, BOUND, "ddddEEEEE");
    check(LONG_AWAY, past, "ddddEEEEE");
    check(LONG_AWAY, elsewhere, "ddddddddE");
    check(LONG_AWAY, none, "ddddddddE");
}

#[test]
fn a_gateway_alone_never_passes_the_limit() {
    let check = |spent, over, expected: &str| {
        let credit = Credit {
            granted: 100,
            spent,
            over,
            returned: 0,
            mark: Mark { free: 100, ..BOUND },
        };
        assert_eq!(standings(&credit, &HEARD), expected, "{spent} and {over}");
        let left = credit.known_left(10, &HEARD);
        let covered = expected.chars().filter(|&letter| letter == 'c').count() as u64;
        assert_eq!(left.min(9), covered, "{spent} and {over}");
    };
    check(0, 0, "ccccccccc");
    check(2, 0, "ccccccccE");
    check(0, 3, "cccccccEE");
    check(2, 3, "cccccEEEE");
    check(9, 0, "cEEEEEEEE");
    check(9, 1, "EEEEEEEEE");
    // The limit was lowered since.
    check(50, 50, "EEEEEEEEE");
    // No sum wraps.
    check(50, u64::MAX, "EEEEEEEEE");
}

#[test]
fn what_is_not_covered_is_overdraft() {
    let check = |moment: Moment, delta, expected: (u64, u64, u64)| {
        let mut credit = CREDIT;
        let over = credit.spend(delta, &moment);
        assert_eq!(
            (over, credit.spent, credit.over),
            expected,
            "{delta} at {moment:?}"
        );
        assert_eq!((credit.granted, credit.returned), (5, 1));
    };
    check(HEARD, 2, (0, 4, 0));
    check(AWAY, 2, (0, 4, 0));
    check(AWAY, 6, (4, 4, 4));
    check(LONG_AWAY, 1, (1, 2, 1));
    // Together they stay below the limit, whatever comes when.
    let mut credit = CREDIT;
    credit.mark = Mark::default();
    let admitted = (0..30).filter(|n| {
        let moment = if n % 3 == 0 { AWAY } else { LONG_AWAY };
        let admits = credit.standing(1, 10, REVISION, &moment) != Standing::Exhausted;
        admits && credit.spend(1, &moment) <= 1
    });
    assert_eq!(admitted.count(), 8);
    assert_eq!((credit.spent, credit.over), (4, 6));
}

#[test]
fn totals_only_grow() {
    let check = |answer: [u64; 3], expected: [u64; 3]| {
        let mut credit = CREDIT;
        credit.apply(&told(2, answer), None, NOW_MS);
        assert_eq!(totals(&credit), expected, "{answer:?}");
        let once = credit;
        credit.apply(&told(2, answer), None, NOW_MS);
        assert_eq!(credit, once, "{answer:?} twice");
    };
    check([0, 0, 0], [5, 2, 1]);
    check([9, 0, 0], [9, 2, 1]);
    check([9, 4, 1], [9, 4, 1]);
    check([3, 3, 3], [5, 3, 3]);
    // A ledger that knows more spent than was granted here leaves nothing, and no sum wraps.
    check([5, 9, 9], [5, 9, 9]);
    check([u64::MAX; 3], [u64::MAX; 3]);
    let mut credit = Credit::default();
    credit.apply(&told(1, [0, 5, 5]), None, NOW_MS);
    assert_eq!((credit.left(), credit.over), (0, 0));
}

#[test]
fn a_newer_mark_replaces_an_older_one() {
    let mut credit = CREDIT;
    credit.mark.version = 5;
    let check = |version, now_ms, expected| {
        let mut credit = credit;
        credit.apply(&told(version, [9, 0, 0]), None, now_ms);
        assert_eq!(credit.granted, 9);
        let found = (credit.mark.version, credit.mark.free);
        assert_eq!(found, expected, "{version} at {now_ms}");
    };
    check(4, NOW_MS, (5, 2));
    check(5, NOW_MS, (5, 50));
    check(6, NOW_MS, (6, 60));
    // One that is over has no claim to be the newer.
    check(4, credit.mark.until_ms - 1, (5, 2));
    check(4, credit.mark.until_ms, (4, 40));
}

#[test]
fn a_mark_binds_for_a_while() {
    let check = |elsewhere, granted, window_end, until_ms| {
        let answer = CreditV1 {
            elsewhere,
            ..told(1, [granted, 0, 0])
        };
        let mut credit = Credit {
            granted: 1,
            ..Credit::default()
        };
        credit.apply(&answer, window_end, NOW_MS);
        assert_eq!(
            credit.mark,
            Mark {
                version: 1,
                free: 10,
                limits_rev: REVISION,
                until_ms,
                elsewhere
            }
        );
    };
    let end_secs = NOW_MS / 1_000 + 10;
    check(false, 1, None, NOW_MS + LASTING_MS);
    check(true, 1, None, NOW_MS + SOON_MS);
    check(false, 1, Some(end_secs), NOW_MS + 10_000);
    check(true, 1, Some(end_secs), NOW_MS + SOON_MS);
    check(true, 1, Some(NOW_MS / 1_000), NOW_MS);
    // Who was granted something was not short, and nobody was asked to return anything.
    check(true, 2, None, NOW_MS);
    check(false, 2, None, NOW_MS + LASTING_MS);
}

#[test]
fn a_recall_returns_all_that_is_left() {
    let check = |recalled: [u64; 3], expected: [u64; 3], new| {
        let mut credit = CREDIT;
        let found = credit.recall(&told(1, recalled).totals);
        assert_eq!((totals(&credit), found), (expected, new), "{recalled:?}");
        // What was given back can be had again, so no refusal binds.
        let until_ms = if new { 0 } else { BOUND.until_ms };
        assert_eq!(
            (credit.left(), credit.mark),
            (0, Mark { until_ms, ..BOUND })
        );
        let once = credit;
        let known = LeaseTotalsV1 {
            spent: credit.spent,
            returned: credit.returned,
            ..told(1, recalled).totals
        };
        assert!(!credit.recall(&known));
        assert_eq!(credit, once, "{recalled:?} twice");
    };
    check([0, 0, 0], [5, 2, 3], true);
    check([5, 1, 0], [5, 2, 3], true);
    // Of a grant that has not arrived as well.
    check([8, 1, 0], [8, 2, 6], true);
    check([8, 3, 1], [8, 3, 5], true);
    // Nothing is left: there is nothing to tell.
    check([5, 4, 1], [5, 4, 1], false);
    check([u64::MAX, u64::MAX, 1], [u64::MAX, u64::MAX, 1], false);
}

#[test]
fn a_recall_that_knows_of_less_is_told_again() {
    let mut credit = CREDIT;
    assert!(credit.recall(&told(1, [5, 2, 0]).totals));
    let once = credit;
    // The ledger was restored to where it had heard neither of what was spent nor of what was returned.
    assert!(credit.recall(&told(1, [5, 2, 0]).totals));
    assert!(credit.recall(&told(1, [5, 1, 3]).totals));
    assert!(!credit.recall(&told(1, [5, 2, 3]).totals));
    assert_eq!(credit, once);
}

#[test]
fn what_is_known_to_be_left_is_neither_more_than_the_limit_nor_than_what_was_told() {
    let check = |value, moment: Moment, expected| {
        assert_eq!(CREDIT.known_left(value, &moment), expected, "{value}");
    };
    check(10, HEARD, 4);
    check(5, HEARD, 3);
    check(2, HEARD, 0);
    check(1, HEARD, 0);
    check(10, EXPIRED, 2);
}

proptest! {
    /// Whatever is told, in whatever order and however often: totals end up the same, and what was spent here is never
    /// forgotten.
    #[test]
    fn answers_commute(
        answers in prop::collection::vec((0_u64..9, prop::array::uniform3(0_u64..20)), 1..6),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        spent in 0_u64..4,
    ) {
        let start = Credit { granted: 5, spent, ..Credit::default() };
        let apply = |order: &[(u64, [u64; 3])]| {
            let mut credit = start;
            for &(version, numbers) in order {
                credit.apply(&told(version, numbers), None, NOW_MS);
            }
            credit
        };
        let once = apply(&answers);
        let mut shuffled: Vec<_> = answers.iter().rev().copied().collect();
        shuffled.extend(again.iter().map(|at| *at.get(&answers)));
        let often = apply(&shuffled);
        prop_assert_eq!(totals(&often), totals(&once));
        prop_assert_eq!(often.mark.version, once.mark.version);
        prop_assert!(once.spent >= spent && once.granted >= 5);
    }
}
