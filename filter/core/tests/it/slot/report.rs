//! What a record tells of itself in rows, and when it has told all.

use super::*;
use tallygate_core::wire::{CellTotalsV1, UsageRowV1, UsageV1};

const LIMITS: [Limit; 2] = [(1, Period::Minute, 10), (1, Period::Hour, 50)];

/// Spent and returned of each cell of an application's row.
fn told(slot: &Slot, application: i64) -> Option<Vec<(Period, u64, u64)>> {
    let mut rows = slot.rows().into_iter();
    let row = rows.find(|row| row.application.0 == application)?;
    let cells = row.cells.iter();
    Some(
        cells
            .map(|cell| (cell.period, cell.spent, cell.returned))
            .collect(),
    )
}

fn recall(slot: &mut Slot, application: i64, period: Period, granted: u64) -> bool {
    let told = totals(1, period, NOW_SECS, [granted, 0, 0]);
    slot.recall(ApplicationId(application), &[told], NOW_SECS * 1_000)
}

#[test]
fn a_debit_is_done_once() {
    let mut slot = blank();
    admit(&mut slot, 7, &[(1, 5)], &[], NOW_SECS).expect("no limit");
    let rows = slot.rows();
    admit(&mut slot, 7, &[(1, 1)], &[], NOW_SECS).expect("no limit");
    assert!(slot.debit(4, &rows));
    assert!(slot.is_dirty());
    assert_eq!(usage(&slot).into_values().collect::<Vec<_>>(), [1]);
    let once = slot.clone();
    for sealed in [4, 3, 0] {
        assert!(!slot.debit(sealed, &rows));
        assert_eq!(slot, once);
    }
    let rows = slot.rows();
    assert!(slot.debit(5, &rows));
    assert!(!slot.is_dirty());
    assert_eq!(reread(&slot).debited(), 5);
    // What it never had cannot be taken out of it.
    let foreign = UsageRowV1 {
        application: ApplicationId(8),
        usage: vec![UsageV1 {
            metric: MetricId(1),
            minute: 0,
            delta: 1,
        }],
        cells: Vec::new(),
    };
    assert!(slot.debit(6, &[foreign]));
    assert!(slot.rows().is_empty());
}

#[test]
fn usage_goes_with_the_totals_of_all_cells() {
    let mut slot = blank();
    admit(&mut slot, 7, &[(1, 4)], &LIMITS, NOW_SECS).expect("room");
    admit(&mut slot, 8, &[(1, 1)], &LIMITS, NOW_SECS).expect("room");
    admit(&mut slot, 7, &[(1, 2)], &LIMITS, NOW_SECS + 60).expect("room");
    let minute = |at_secs, spent| CellTotalsV1 {
        metric: MetricId(1),
        period: Period::Minute,
        window: at_secs,
        spent,
        returned: 0,
    };
    let hour = |spent| CellTotalsV1 {
        period: Period::Hour,
        ..minute(NOW_SECS, spent)
    };
    let rows = slot.rows();
    let cells: Vec<_> = rows.iter().map(|row| row.cells.clone()).collect();
    let [of_7, of_8] = &cells[..] else {
        unreachable!("two records");
    };
    assert_eq!(
        of_7,
        &[minute(NOW_SECS, 4), hour(6), minute(NOW_SECS + 60, 2)]
    );
    assert_eq!(of_8, &[minute(NOW_SECS, 1), hour(1)]);
    // Totals are told anew with each usage, and never without.
    assert!(slot.debit(1, &rows));
    assert!(slot.rows().is_empty() && !slot.is_dirty());
    admit(&mut slot, 8, &[(1, 1)], &LIMITS, NOW_SECS).expect("room");
    assert_eq!(told(&slot, 7), None);
    assert_eq!(slot.rows()[0].cells, [minute(NOW_SECS, 2), hour(2)]);
}

#[test]
fn what_was_never_granted_is_not_told() {
    let mut slot = blank();
    let mut all = charge(&[(1, 1)], &LIMITS, NOW_SECS);
    let away = Moment {
        credit_is_valid: false,
        may_overdraw: true,
        ..moment(NOW_SECS)
    };
    assert_eq!(slot.admit(ApplicationId(7), &mut all, &away), Ok(2));
    assert_eq!(told(&slot, 7), Some(Vec::new()));
    assert!(slot.leases(away.now_ms).is_empty());
}

#[test]
fn a_recall_is_told_until_a_batch_has_taken_it() {
    let mut slot = blank();
    admit(&mut slot, 7, &[(1, 4)], &LIMITS, NOW_SECS).expect("room");
    let rows = slot.rows();
    slot.debit(1, &rows);
    assert!(!slot.is_dirty());
    assert!(recall(&mut slot, 7, Period::Minute, 10));
    assert!(slot.is_dirty(), "there is something to tell");
    assert!(reread(&slot).is_dirty());
    let minute_returned = vec![(Period::Minute, 4, 6), (Period::Hour, 4, 0)];
    assert_eq!(told(&slot, 7), Some(minute_returned));
    // Nothing is left: said again only to a ledger that has forgotten, or has not heard of it yet.
    let before = slot.clone();
    let known = totals(1, Period::Minute, NOW_SECS, [10, 4, 6]);
    assert!(!slot.recall(ApplicationId(7), &[known], NOW_SECS * 1_000));
    assert_eq!(slot, before);
    let rows = slot.rows();
    slot.debit(2, &rows);
    assert!(recall(&mut slot, 7, Period::Minute, 10));
    assert_eq!((told(&slot, 7), slot.is_dirty()), (told(&before, 7), true));
    // A batch that was sealed before does not tell of it, nor does one that was cut short.
    let rows_before = slot.rows();
    assert!(recall(&mut slot, 7, Period::Hour, 50));
    let check = |slot: &mut Slot, sealed, rows: &[UsageRowV1], dirty| {
        assert!(slot.debit(sealed, rows));
        assert_eq!(slot.is_dirty(), dirty, "batch {sealed}");
        assert_eq!(told(slot, 7).is_some(), dirty, "batch {sealed}");
    };
    check(&mut slot, 3, &rows_before, true);
    let mut cut_short = slot.rows();
    cut_short.iter_mut().for_each(|row| row.cells.clear());
    check(&mut slot, 4, &cut_short, true);
    check(&mut slot, 5, &[], true);
    let rows = slot.rows();
    check(&mut slot, 6, &rows, false);
}

#[test]
fn usage_that_comes_in_between_keeps_a_slot_dirty() {
    let mut slot = blank();
    admit(&mut slot, 7, &[(1, 4)], &LIMITS, NOW_SECS).expect("room");
    recall(&mut slot, 7, Period::Minute, 10);
    let rows = slot.rows();
    admit(&mut slot, 7, &[(1, 1)], &LIMITS[1..], NOW_SECS).expect("room in the hour");
    assert!(slot.debit(1, &rows));
    assert!(slot.is_dirty());
    let rows = slot.rows();
    assert_eq!(rows.len(), 1);
    assert!(slot.debit(2, &rows));
    assert!(!slot.is_dirty() && slot.rows().is_empty());
}

#[test]
fn neighbours_in_a_slot_return_for_themselves() {
    let mut slot = blank();
    for application in 1..=3 {
        admit(&mut slot, application, &[(1, 1)], &LIMITS, NOW_SECS).expect("room");
    }
    let rows = slot.rows();
    slot.debit(1, &rows);
    assert!(recall(&mut slot, 2, Period::Minute, 10));
    assert!(recall(&mut slot, 3, Period::Minute, 10));
    let ids = |slot: &Slot| -> Vec<i64> {
        let rows = slot.rows();
        rows.iter().map(|row| row.application.0).collect()
    };
    assert_eq!(ids(&slot), [2, 3]);
    let rows = slot.rows();
    assert!(slot.debit(2, &rows[1..]));
    assert_eq!((ids(&slot), slot.is_dirty()), (vec![2], true));
    assert!(slot.debit(3, &rows[..1]));
    assert_eq!((ids(&slot), slot.is_dirty()), (vec![], false));
}
