//! What is granted without being asked for: more to who spends, and ahead to who will go on.

use super::*;
use tallygate_core::book::{prefetch, renew};
use tallygate_core::lease::{IDLE_WINDOWS, RECALL_MS};

/// Forty are four seconds' worth.
const RATE_MILLI: u64 = 10_000;

#[test]
fn a_holder_is_renewed_below_half_of_four_seconds_worth() {
    let check = |mine: Lease, live, free: u64, granted| {
        let left = mine.left();
        let (mut cell, mut after) = (cell(1_000, 1_000 - free - left, left), mine);
        let renewed = renew(&mut cell, &mut after, &holder(ME, live, NOW_MS));
        let found = after.granted - mine.granted;
        assert_eq!((renewed, found), (granted > 0, granted), "{mine:?}");
        assert_eq!(cell.leased, left + granted);
        assert_eq!(cell.version, u64::from(renewed));
        assert_eq!(after.granted_at_ms, if renewed { NOW_MS } else { 0 });
    };
    let left = |left: u64| reporting([100, 100 - left, 0], RATE_MILLI);
    check(left(40), 1, 500, 0);
    check(left(20), 1, 500, 0);
    check(left(19), 1, 500, 21);
    check(left(0), 1, 500, 40);
    // Half of what is free at most, shared with all that are there.
    check(left(0), 1, 61, 30);
    check(left(0), 3, 61, 10);
    check(left(0), 100, 61, 0);
    check(left(0), 1, 0, 0);
    check(left(0), 0, 61, 30);
    // However slow, a little is at hand.
    check(reporting([100, 95, 0], 1), 1, 500, 0);
    check(reporting([100, 96, 0], 1), 1, 500, 0);
    check(reporting([100, 97, 0], 1), 1, 500, 5);
    // An odd target is halved upwards.
    check(reporting([100, 95, 0], 2_250), 1, 500, 0);
    check(reporting([100, 96, 0], 2_250), 1, 500, 5);
}

#[test]
fn what_somebody_was_short_of_is_not_renewed() {
    let check = |recalled_at_ms, reservation, renews| {
        let mut mine = Lease {
            recalled_at_ms,
            ..reporting([100, 100, 0], RATE_MILLI)
        };
        let mut cell = Cell {
            reservation,
            ..cell(100, 50, 0)
        };
        let renewed = renew(&mut cell, &mut mine, &holder(ME, 1, NOW_MS));
        assert_eq!(renewed, renews, "{recalled_at_ms}, {reservation:?}");
    };
    let kept = |instance, need, until_ms| {
        Some(Reservation {
            instance,
            need,
            until_ms,
        })
    };
    check(0, None, true);
    check(NOW_MS, None, false);
    check(NOW_MS - RECALL_MS + 1, None, false);
    check(NOW_MS - RECALL_MS, None, true);
    check(0, kept(OTHER, 50, NOW_MS + 1), false);
    check(0, kept(OTHER, 48, NOW_MS + 1), true);
    check(0, kept(OTHER, 50, NOW_MS), true);
    check(0, kept(ME, 50, NOW_MS + 1), true);
}

#[test]
fn the_next_window_is_granted_ahead_once() {
    let check = |before: Lease, cell: &Cell, mine: Lease, granted| {
        let (mut cell, mut after) = (cell.clone(), mine);
        let leased = cell.leased;
        let me = holder(ME, 2, NOW_MS);
        let done = prefetch(&mut cell, &mut after, &before, &me);
        let found = after.granted - mine.granted;
        assert_eq!((done, found), (granted > 0, granted), "{before:?}");
        assert_eq!(cell.leased, leased + granted);
        if !done {
            assert_eq!(after, mine, "nothing changes");
            return;
        }
        assert_eq!(after.rate_milli, before.rate_milli);
        assert_eq!(after.settled_at_ms, before.settled_at_ms);
        assert_eq!(after.granted_at_ms, NOW_MS);
        let again = prefetch(&mut cell, &mut after, &before, &me);
        assert!(!again, "once is enough");
    };
    let busy = reporting([100, 90, 0], RATE_MILLI);
    let blank = Lease::default();
    check(busy, &cell(1_000, 0, 0), blank, 40);
    check(busy, &cell(100, 0, 0), blank, 25);
    check(busy, &cell(100, 0, 80), blank, 5);
    check(busy, &cell(3, 0, 0), blank, 0);
    check(reporting([100, 90, 0], 0), &cell(1_000, 0, 0), blank, 8);
    // It has asked already.
    check(busy, &cell(1_000, 0, 1), lease([1, 0, 0]), 0);
    let reserved = Cell {
        reservation: Some(Reservation {
            instance: OTHER,
            need: 60,
            until_ms: NOW_MS + 1,
        }),
        ..cell(100, 0, 0)
    };
    check(busy, &reserved, blank, 10);
}

#[test]
fn idle_windows_are_granted_ahead_for_a_while() {
    let mut before = reporting([100, 1, 0], RATE_MILLI);
    let mut windows = 0;
    loop {
        let (mut cell, mut next) = (cell(1_000, 0, 0), Lease::default());
        if !prefetch(&mut cell, &mut next, &before, &holder(ME, 1, NOW_MS)) {
            break;
        }
        assert_eq!((next.granted, next.idle_windows), (40, windows));
        windows += 1;
        before = next;
    }
    // The one after the last that saw traffic, and so many that did not.
    assert_eq!(windows, 1 + IDLE_WINDOWS);
    // One request, and it begins anew.
    before.spent = 1;
    let (mut cell, mut next) = (cell(1_000, 0, 0), Lease::default());
    let done = prefetch(&mut cell, &mut next, &before, &holder(ME, 1, NOW_MS));
    assert_eq!((done, next.idle_windows), (true, 0));
}
