//! Asks: all cells or none, each need once, and who is short comes next.

use super::*;
use OutcomeV1::{Granted, Short};
use tallygate_core::lease::RESERVED_MS;

#[test]
fn a_need_is_met_in_full_or_not_at_all() {
    let check = |cell: &Cell, need, expected: (OutcomeV1, u64)| {
        let (mut after, mut mine) = (cell.clone(), Lease::default());
        let outcome = ask_one(
            &mut after,
            &mut mine,
            asking([0; 3], need, need),
            &holder(ME, 1, NOW_MS),
        );
        assert_eq!((outcome, mine.granted), expected, "{need} of {cell:?}");
        let granted = expected.1;
        assert_eq!(after.leased, cell.leased + granted);
        assert_eq!(after.version, cell.version + u64::from(granted > 0));
        assert_eq!(mine.granted_at_ms, if granted > 0 { NOW_MS } else { 0 });
    };
    check(&cell(100, 60, 30), 10, (Granted, 10));
    check(&cell(100, 60, 30), 11, (Short, 0));
    check(&cell(100, 100, 0), 1, (Short, 0));
    check(&cell(100, 70, 70), 1, (Short, 0));
    check(&cell(100, 0, 0), u64::MAX, (Short, 0));
    check(&cell(0, 0, 0), 1, (Short, 0));
    check(&cell(u64::MAX, u64::MAX, 5), 1, (Short, 0));
    // There is no limit any more.
    let unlimited = Cell {
        limit: None,
        ..cell(0, 1_000, 50)
    };
    check(&unlimited, 10, (Granted, 10));
}

#[test]
fn all_cells_or_none() {
    let check = |free: [u64; 2], held: [u64; 2], expected: (OutcomeV1, [u64; 2])| {
        let mut cells = free.map(|free| cell(100, 100 - free, 0));
        let mut leases = held.map(|held| lease([held, 0, 0]));
        for (cell, held) in cells.iter_mut().zip(held) {
            cell.used -= held;
            cell.leased = held;
        }
        let before = cells.clone();
        let mut together: Vec<_> = cells
            .iter_mut()
            .zip(&mut leases)
            .map(|(cell, lease)| Asked {
                asked: asking([lease.granted, 0, 0], 3, 3),
                cell,
                lease,
                silent: 0,
            })
            .collect();
        let outcome = ask(&mut together, &holder(ME, 1, NOW_MS));
        let granted = leases.each_ref().map(|lease| lease.granted);
        assert_eq!((outcome, granted), expected, "{free:?}, held {held:?}");
        for ((before, after), (held, granted)) in
            before.iter().zip(&cells).zip(held.iter().zip(granted))
        {
            assert_eq!(after.leased, before.leased + granted - held);
        }
    };
    check([3, 3], [0, 0], (Granted, [3, 3]));
    check([3, 2], [0, 0], (Short, [0, 0]));
    check([2, 3], [0, 0], (Short, [0, 0]));
    // What is held already counts.
    check([3, 2], [0, 1], (Granted, [3, 3]));
    check([0, 3], [3, 0], (Granted, [3, 3]));
    check([0, 0], [3, 3], (Granted, [3, 3]));
    check([0, 0], [2, 3], (Short, [2, 3]));
}

#[test]
fn asking_again_brings_nothing_new() {
    let (mut cell, mut mine) = (cell(100, 0, 0), Lease::default());
    let me = holder(ME, 1, NOW_MS);
    let mut check = |numbers, need, expected: (u64, u64)| {
        let outcome = ask_one(&mut cell, &mut mine, asking(numbers, need, need), &me);
        assert_eq!(outcome, Granted);
        assert_eq!((mine.granted, cell.version), expected, "{numbers:?}");
        assert_eq!((mine.spent, mine.returned), (0, 0), "read, not settled");
        assert_eq!(cell.leased, mine.granted);
    };
    check([0, 0, 0], 5, (5, 1));
    // The answer was lost, or it crossed with another ask.
    check([0, 0, 0], 5, (5, 1));
    check([0, 0, 0], 3, (5, 1));
    check([5, 0, 0], 5, (5, 1));
    // What was spent and returned meanwhile is lacking again.
    check([5, 5, 0], 5, (10, 2));
    check([5, 5, 0], 5, (10, 2));
    check([10, 6, 2], 5, (13, 3));
    // It may have spent more than is known to be granted.
    check([13, 13, 0], 1, (14, 4));
    check([13, 20, 20], 1, (15, 5));
}

#[test]
fn a_holder_that_knows_of_more_is_believed() {
    // The ledger was restored from a backup.
    let (mut cell, mut mine) = (cell(100, 0, 2), lease([2, 0, 0]));
    let me = holder(ME, 1, NOW_MS);
    let outcome = ask_one(&mut cell, &mut mine, asking([40, 35, 0], 5, 5), &me);
    assert_eq!((outcome, mine.granted, cell.leased), (Granted, 40, 40));
}

#[test]
fn what_is_granted_beyond_the_need() {
    let check = |mine: Lease, live, free, (need, want), extra| {
        let left = mine.left();
        let (mut cell, mut after) = (cell(1_000_000, 1_000_000 - left - free, left), mine);
        let numbers = [mine.granted, mine.spent, mine.returned];
        let me = holder(ME, live, NOW_MS);
        let outcome = ask_one(&mut cell, &mut after, asking(numbers, need, want), &me);
        assert_eq!(outcome, Granted);
        let granted = after.granted - mine.granted;
        assert_eq!(granted, need - left + extra, "{mine:?} of {free}");
    };
    let new = Lease::default();
    // One that never reported gets what waits.
    check(new, 1, 10_000, (1, 1), 0);
    check(new, 1, 10_000, (1, 300), 299);
    check(new, 1, 10_000, (5, 4), 0);
    check(new, 1, 10_000, (1, u64::MAX), 9_999 / 2);
    // One that did is given four seconds of its rate, and a little at least.
    let quick = reporting([10, 10, 0], 50_000);
    check(quick, 1, 10_000, (1, 1), 200);
    check(quick, 1, 10_000, (1, 150), 200);
    check(quick, 1, 10_000, (1, 300), 299);
    check(reporting([10, 10, 0], 0), 1, 10_000, (1, 1), 8);
    check(reporting([10, 10, 0], 2_000), 1, 10_000, (1, 1), 8);
    check(reporting([10, 10, 0], 2_500), 1, 10_000, (1, 1), 10);
    // Half of what is free at most, shared with all that are there.
    check(quick, 1, 101, (1, 1), 50);
    check(quick, 2, 101, (1, 1), 25);
    check(quick, 10, 101, (1, 1), 5);
    check(quick, 0, 101, (1, 1), 50);
    check(quick, 1_000, 101, (1, 1), 0);
    check(quick, 1, 2, (1, 1), 0);
    check(quick, 1, 1, (1, 1), 0);
    // Who holds enough gets nothing.
    check(reporting([15, 10, 0], 50_000), 1, 10_000, (5, 5), 0);
    check(reporting([15, 10, 0], 50_000), 1, 10_000, (6, 6), 200);
}

/// Whom something is kept for, and how much.
fn kept(cell: &Cell) -> Option<(Instance, u64, u64)> {
    cell.reservation
        .map(|kept| (kept.instance, kept.need, kept.until_ms))
}

#[test]
fn who_is_short_comes_next() {
    // Ten are free, and twenty are held by others.
    let mut cell = cell(100, 70, 20);
    let (mut mine, mut others) = (Lease::default(), lease([20, 0, 0]));
    let me = |now_ms| holder(ME, 2, now_ms);
    let other = |now_ms| holder(OTHER, 2, now_ms);
    let need = |need| asking([0; 3], need, need);
    let outcome = ask_one(&mut cell, &mut mine, need(15), &me(NOW_MS));
    let until_ms = NOW_MS + RESERVED_MS;
    assert_eq!((outcome, kept(&cell)), (Short, Some((ME, 15, until_ms))));
    assert!(cell.is_kept_from(&other(NOW_MS)) && !cell.is_kept_from(&me(NOW_MS)));
    // It is kept from others, who do not take its place …
    let more = asking([20, 0, 0], 21, 21);
    let outcome = ask_one(&mut cell, &mut others, more, &other(NOW_MS + 100));
    assert_eq!((outcome, kept(&cell)), (Short, Some((ME, 15, until_ms))));
    assert_eq!(cell.free_for(&other(NOW_MS)), 0);
    assert_eq!(cell.free_for(&me(NOW_MS)), 10);
    // … until it has come, or its time is over.
    let mut later = (cell.clone(), others);
    let outcome = ask_one(&mut later.0, &mut later.1, more, &other(until_ms));
    assert_eq!((outcome, kept(&later.0)), (Granted, kept(&cell)));
    cell.leased = 10;
    let outcome = ask_one(&mut cell, &mut mine, need(15), &me(NOW_MS + 200));
    assert_eq!((outcome, kept(&cell), mine.granted), (Granted, None, 15));
}

#[test]
fn an_asker_that_is_short_again_keeps_its_place() {
    let (mut cell, mut mine) = (cell(100, 70, 20), Lease::default());
    for (at_ms, need) in [(NOW_MS, 15), (NOW_MS + 900, 12), (NOW_MS + 9_000, 20)] {
        let asked = asking([0; 3], need, need);
        let outcome = ask_one(&mut cell, &mut mine, asked, &holder(ME, 1, at_ms));
        assert_eq!(outcome, Short);
        assert_eq!(kept(&cell), Some((ME, need, at_ms + RESERVED_MS)));
    }
    // A place that ends too far ahead is from before the database's clock was set back.
    let mut others = Lease::default();
    let asked = asking([0; 3], 11, 11);
    let outcome = ask_one(&mut cell, &mut others, asked, &holder(OTHER, 1, NOW_MS));
    assert_eq!(outcome, Short);
    assert_eq!(kept(&cell), Some((OTHER, 11, NOW_MS + RESERVED_MS)));
}

#[test]
fn nothing_is_kept_for_what_only_the_dead_could_return() {
    let check = |silent, need, keeps| {
        // Thirty are not used, twenty of them held by others.
        let (mut cell, mut mine) = (cell(100, 70, 20), Lease::default());
        let mut asked = [Asked {
            asked: asking([0; 3], need, need),
            cell: &mut cell,
            lease: &mut mine,
            silent,
        }];
        assert_eq!(ask(&mut asked, &holder(ME, 3, NOW_MS)), Short);
        assert_eq!(kept(&cell).is_some(), keeps, "{need}, {silent} silent");
    };
    check(0, 30, true);
    check(5, 25, true);
    check(5, 26, false);
    check(20, 11, false);
}

#[test]
fn nothing_is_kept_for_what_can_never_be_had() {
    let check = |cell: &Cell, mine: Lease, need, keeps| {
        let (mut after, mut lease) = (cell.clone(), mine);
        let numbers = [mine.granted, mine.spent, mine.returned];
        let asked = asking(numbers, need, need);
        let me = holder(ME, 1, NOW_MS);
        assert_eq!(ask_one(&mut after, &mut lease, asked, &me), Short);
        assert_eq!(kept(&after).is_some(), keeps, "{need} of {cell:?}");
    };
    // Thirty are not used, twenty of them held by others.
    check(&cell(100, 70, 20), Lease::default(), 30, true);
    check(&cell(100, 70, 20), Lease::default(), 31, false);
    check(&cell(100, 70, 20), Lease::default(), 101, false);
    // Five of the twenty are held by the asker itself.
    check(&cell(100, 70, 20), lease([5, 0, 0]), 30, true);
    check(&cell(100, 70, 20), lease([5, 0, 0]), 31, false);
    check(&cell(100, 101, 20), Lease::default(), 1, false);
}

#[test]
fn a_place_is_kept_on_each_cell_that_lacks_something() {
    let check = |cells: [Cell; 3], needs: [u64; 3], expected: [bool; 3]| {
        let mut cells = cells;
        let mut leases = [lease([2, 0, 0]); 3];
        let mut together: Vec<_> = cells
            .iter_mut()
            .zip(&mut leases)
            .zip(needs)
            .map(|((cell, lease), need)| Asked {
                asked: asking([2, 0, 0], need, need),
                cell,
                lease,
                silent: 0,
            })
            .collect();
        assert_eq!(ask(&mut together, &holder(ME, 1, NOW_MS)), Short);
        let found = cells.each_ref().map(|cell| kept(cell).is_some());
        assert_eq!(found, expected, "{needs:?}");
    };
    let (roomy, short) = (cell(100, 0, 2), cell(100, 0, 98));
    let cells = || [roomy.clone(), short.clone(), roomy.clone()];
    check(cells(), [3, 5, 2], [true, true, false]);
    // One that can never be had stands for all.
    check(cells(), [3, 5, 101], [false, false, false]);
}
