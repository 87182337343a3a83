//! What is settled, declared, and taken back.

use super::*;
use tallygate_core::book::{Settled, declare, settle, takes_back};
use tallygate_core::lease::{FLOOR, IDLE_MS, LONG_IDLE_MS, RECALL_MS};

#[test]
fn totals_are_settled_once() {
    // Others hold 30.
    let (mut cell, mut mine) = (cell(100, 0, 40), lease([10, 0, 0]));
    let mut check = |spent, returned, expected: ([u64; 3], u64, u64)| {
        let settled = settle(&mut cell, &mut mine, spent, returned, NOW_MS);
        assert_eq!(settled, Settled::Fine);
        let numbers = [mine.granted, mine.spent, mine.returned];
        assert_eq!(
            (numbers, cell.leased, cell.version),
            expected,
            "{spent} and {returned}"
        );
        assert_eq!(cell.leased, 30 + mine.left());
        assert_eq!(cell.used, 0, "usage is the row's to add");
    };
    check(4, 0, ([10, 4, 0], 36, 1));
    check(4, 0, ([10, 4, 0], 36, 1));
    // What is older changes nothing.
    check(3, 0, ([10, 4, 0], 36, 1));
    check(5, 2, ([10, 5, 2], 33, 2));
    check(6, 1, ([10, 6, 2], 32, 3));
    check(0, 4, ([10, 6, 4], 30, 4));
    check(6, 4, ([10, 6, 4], 30, 4));
}

#[test]
fn who_spends_more_than_was_granted_is_counted_all_the_same() {
    let check = |spent, returned, granted| {
        let (mut cell, mut mine) = (cell(100, 0, 34), lease([10, 6, 0]));
        let settled = settle(&mut cell, &mut mine, spent, returned, NOW_MS);
        assert_eq!(settled, Settled::Overspent, "{spent} and {returned}");
        assert_eq!((mine.granted, mine.left(), cell.leased), (granted, 0, 30));
        // It is noted once.
        let again = settle(&mut cell, &mut mine, spent, returned, NOW_MS);
        assert_eq!((again, cell.leased), (Settled::Fine, 30));
    };
    check(11, 0, 11);
    check(6, 5, 11);
    check(10, 10, 20);
    check(u64::MAX, 1, u64::MAX);
}

#[test]
fn a_rate_is_measured_from_report_to_report() {
    let mut cell = cell(u64::MAX, 0, 1_000_000);
    let mut mine = Lease {
        granted_at_ms: NOW_MS,
        ..lease([1_000_000, 0, 0])
    };
    let mut check = |after_ms, spent, rate_milli| {
        settle(&mut cell, &mut mine, spent, 0, NOW_MS + after_ms);
        assert_eq!(mine.rate_milli, rate_milli, "{spent} after {after_ms} ms");
        assert_eq!(mine.settled_at_ms, NOW_MS + after_ms);
    };
    // The first counts from the grant; later ones halve the past.
    check(1_000, 100, 100_000);
    check(2_000, 400, 200_000);
    check(4_000, 400, 100_000);
    // Too soon after another, and too long after it.
    check(4_001, 500, 150_000);
    check(364_001, 700, (150_000 + 3_333) / 2);
    // The clock was set back.
    check(0, 700, (150_000 + 3_333) / 2 / 2);
}

#[test]
fn a_report_ends_idleness_if_it_tells_of_traffic() {
    let check = |spent, idle_windows| {
        let mut mine = Lease {
            idle_windows: 7,
            ..lease([10, 3, 0])
        };
        settle(&mut cell(100, 0, 7), &mut mine, spent, 2, NOW_MS);
        assert_eq!(mine.idle_windows, idle_windows, "{spent}");
    };
    check(3, 7);
    check(4, 0);
}

#[test]
fn declared_grants_are_believed_once() {
    let (mut cell, mut mine) = (cell(100, 50, 30), lease([10, 4, 0]));
    let mut check = |granted, expected: (u64, u64, u64), over| {
        declare(&mut cell, &mut mine, granted);
        let found = (mine.granted, cell.leased, cell.version);
        assert_eq!((found, cell.is_over()), (expected, over), "{granted}");
    };
    check(10, (10, 30, 0), false);
    check(7, (10, 30, 0), false);
    check(25, (25, 45, 1), false);
    check(25, (25, 45, 1), false);
    // The limit may be passed by it: the credit is out already.
    check(90, (90, 110, 2), true);
    check(u64::MAX, (u64::MAX, u64::MAX, 3), true);
}

#[test]
fn reasons_to_take_credit_back() {
    let fine = cell(100, 50, 40);
    let over = cell(100, 70, 40);
    let at = |settled_at_ms, granted_at_ms, left| Lease {
        settled_at_ms,
        granted_at_ms,
        ..lease([left, 0, 0])
    };
    let fresh = at(NOW_MS, NOW_MS, 20);
    let recalled = |recalled_at_ms| Lease {
        recalled_at_ms,
        ..fresh
    };
    let check = |cell: &Cell, lease: Lease, draining, expected| {
        let found = takes_back(cell, &lease, draining, NOW_MS);
        assert_eq!(found, expected, "{lease:?} of {cell:?}");
        let nothing_left = Lease {
            spent: lease.granted,
            ..lease
        };
        assert!(!takes_back(cell, &nothing_left, draining, NOW_MS));
    };
    check(&fine, fresh, false, false);
    check(&fine, fresh, true, true);
    check(&over, fresh, false, true);
    // Somebody was short of it just now.
    check(&fine, recalled(NOW_MS), false, true);
    check(&fine, recalled(NOW_MS - RECALL_MS + 1), false, true);
    check(&fine, recalled(NOW_MS - RECALL_MS), false, false);
    // It lies idle: since the report and since the grant.
    let idle_ms = NOW_MS - IDLE_MS;
    check(&fine, at(idle_ms, idle_ms, FLOOR + 1), false, true);
    check(&fine, at(idle_ms + 1, idle_ms, FLOOR + 1), false, false);
    check(&fine, at(idle_ms, idle_ms + 1, FLOOR + 1), false, false);
    check(&fine, at(0, idle_ms, FLOOR + 1), false, true);
    // A little may lie for longer.
    let long_idle_ms = NOW_MS - LONG_IDLE_MS;
    check(&fine, at(idle_ms, idle_ms, FLOOR), false, false);
    check(&fine, at(long_idle_ms, long_idle_ms + 1, 1), false, false);
    check(&fine, at(long_idle_ms, long_idle_ms, 1), false, true);
    // A limit that is gone binds nobody.
    let gone = Cell {
        limit: None,
        ..over
    };
    check(&gone, fresh, false, false);
}
