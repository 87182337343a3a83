//! Records in their slot: what is admitted, what is kept of it, and any bytes at all in its place.

mod credit;
mod model;
mod random;
mod report;
mod windows;

use crate::support::request::{Limit, all_of, charge, moment};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tallygate_core::credit::Moment;
use tallygate_core::id::{ApplicationId, MetricId};
use tallygate_core::period::Period;
use tallygate_core::slot::{Charge, Short, Slot, slot_of};
use tallygate_core::wire::{Instance, LeaseTotalsV1};

const INSTANCE: Instance = [5; 16];
/// 2026-11-24 10:00:00 UTC, a Tuesday.
const NOW_SECS: u64 = 1_795_514_400;
const HOUR_SECS: u64 = 3_600;
const DAY_SECS: u64 = 24 * HOUR_SECS;

fn blank() -> Slot {
    Slot::read(None, &INSTANCE)
}

fn reread(slot: &Slot) -> Slot {
    Slot::read(Some(slot.as_bytes().to_vec()), &INSTANCE)
}

/// Admits with the credit that is there, and says what is left of each limit: in the end, or when it is too little.
fn try_admit(
    slot: &mut Slot,
    application: i64,
    charge: &mut Charge,
    moment: &Moment,
) -> Result<Vec<u64>, (Short, Vec<u64>)> {
    let admitted = slot.admit(ApplicationId(application), charge, moment);
    let left = charge.limits.iter().map(|limit| limit.left).collect();
    match admitted {
        Ok(_) => Ok(left),
        Err(short) => Err((short, left)),
    }
}

/// The same, for a gateway that is granted all of every limit.
fn admit(
    slot: &mut Slot,
    application: i64,
    usage: &[(i64, u64)],
    limits: &[Limit],
    now_secs: u64,
) -> Result<Vec<u64>, Vec<u64>> {
    let (mut charge, moment) = (charge(usage, limits, now_secs), moment(now_secs));
    slot.apply(ApplicationId(application), &all_of(&charge), moment.now_ms);
    try_admit(slot, application, &mut charge, &moment).map_err(|(short, left)| {
        assert_eq!(short, Short::Exhausted, "all was granted");
        left
    })
}

/// Usage by application, metric and minute.
fn usage(slot: &Slot) -> BTreeMap<(i64, i64, u32), u64> {
    let mut sums = BTreeMap::new();
    for row in slot.rows() {
        for usage in row.usage {
            let key = (row.application.0, usage.metric.0, usage.minute);
            assert!(sums.insert(key, usage.delta).is_none(), "{key:?} twice");
        }
    }
    sums
}

/// Totals of a lease: granted, spent, returned.
fn totals(metric: i64, period: Period, at_secs: u64, numbers: [u64; 3]) -> LeaseTotalsV1 {
    let [granted, spent, returned] = numbers;
    LeaseTotalsV1 {
        metric: MetricId(metric),
        period,
        window: period.window(at_secs).start,
        granted,
        spent,
        returned,
    }
}

#[test]
fn all_limits_or_none() {
    let limits = [
        (1, Period::Minute, 3),
        (1, Period::Hour, 5),
        (2, Period::Day, 2),
    ];
    let mut slot = blank();
    let mut check = |usage: &[(i64, u64)], now_secs, expected: Result<&[u64], &[u64]>| {
        let (mut charge, moment) = (charge(usage, &limits, now_secs), moment(now_secs));
        slot.apply(ApplicationId(7), &all_of(&charge), moment.now_ms);
        let before = slot.clone();
        let found = try_admit(&mut slot, 7, &mut charge, &moment);
        assert_eq!(
            found.as_deref().map_err(|(_, left)| left.as_slice()),
            expected,
            "{usage:?} at {now_secs}"
        );
        assert!(
            found.is_ok() || slot == before,
            "a refused request changes nothing"
        );
    };
    check(&[(1, 2)], NOW_SECS, Ok(&[1, 3]));
    check(&[(1, 2)], NOW_SECS, Err(&[1, 3]));
    check(&[(1, 1), (2, 1)], NOW_SECS, Ok(&[0, 2, 1]));
    check(&[(1, 1)], NOW_SECS + 59, Err(&[0, 2]));
    // The next minute; then the hour is full before the minute is, and the other metric is not charged.
    check(&[(1, 2)], NOW_SECS + 60, Ok(&[1, 0]));
    check(&[(1, 1), (2, 1)], NOW_SECS + 61, Err(&[1, 0, 1]));
    check(&[(2, 1)], NOW_SECS + 61, Ok(&[0]));
    check(&[(2, 1)], NOW_SECS + 61, Err(&[0]));
    // What is not limited is not stopped.
    check(&[(3, u64::MAX)], NOW_SECS + 61, Ok(&[]));
    check(&[(1, 3)], NOW_SECS + HOUR_SECS, Ok(&[0, 2]));
    // No number is too big to be refused.
    check(&[(1, u64::MAX)], NOW_SECS + 2 * HOUR_SECS, Err(&[3, 5]));
}

#[test]
fn what_is_not_this_instances_counts_as_blank() {
    let mut slot = blank();
    admit(&mut slot, 7, &[(1, 1)], &[(1, Period::Day, 3)], NOW_SECS).expect("room");
    let bytes = slot.as_bytes().to_vec();
    let check = |bytes: Option<Vec<u8>>, instance: &Instance, blank: bool| {
        let slot = Slot::read(bytes.clone(), instance);
        assert_eq!(slot.was_blank(), blank, "{bytes:?}");
        assert_eq!(slot.rows().is_empty(), blank, "{bytes:?}");
        assert_eq!(slot.is_dirty(), !blank, "{bytes:?}");
    };
    check(Some(bytes.clone()), &INSTANCE, false);
    check(None, &INSTANCE, true);
    check(Some(Vec::new()), &INSTANCE, true);
    check(Some(bytes.clone()), &[6; 16], true);
    // Neither more nor less than its records, and of this layout.
    check(Some([&bytes[..], &[0]].concat()), &INSTANCE, true);
    check(Some(bytes[..bytes.len() - 1].to_vec()), &INSTANCE, true);
    check(Some(bytes[..31].to_vec()), &INSTANCE, true);
    for (at, byte) in [
        (0, 0),
        (0, 1),
        (4, 2),
        (7, 255),
        (40, 2),
        (41, 255),
        (44, 0),
        (47, 255),
    ] {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        check(Some(bytes), &INSTANCE, true);
    }
}

#[test]
fn slots_are_shared_out_evenly() {
    let mut counts = vec![0; 1_024];
    (1..=102_400).for_each(|id| counts[slot_of(ApplicationId(id), 1_024) as usize] += 1);
    let (least, most) = (counts.iter().min(), counts.iter().max());
    assert!(
        least >= Some(&50) && most <= Some(&200),
        "{least:?} to {most:?}"
    );
    // Neighbours do not meet, and no number of slots is too small.
    assert_ne!(
        slot_of(ApplicationId(1), 1_024),
        slot_of(ApplicationId(2), 1_024)
    );
    assert_eq!(slot_of(ApplicationId(i64::MIN), 0), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn any_bytes_are_read(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        in_place in prop::collection::vec((0_usize..500, any::<u8>()), 0..4),
        real in any::<bool>(),
    ) {
        let mut slot = blank();
        for application in 0..3 {
            admit(&mut slot, application, &[(1, 1)], &[(1, Period::Day, 9)], NOW_SECS).expect("room");
        }
        let day = totals(1, Period::Day, NOW_SECS, [9, 0, 0]);
        slot.recall(ApplicationId(0), &[day], NOW_SECS * 1_000);
        let mut bytes = if real { slot.as_bytes().to_vec() } else { bytes };
        for (at, byte) in in_place {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        let mut slot = Slot::read(Some(bytes), &INSTANCE);
        let rows = slot.rows();
        let _ = slot.leases(NOW_SECS * 1_000);
        // What is spent and returned there may leave nothing of what is granted here.
        let mut grant_and_admit = |application, limit: Limit, now_secs| {
            let (mut charge, moment) = (charge(&[(limit.0, 1)], &[limit], now_secs), moment(now_secs));
            slot.apply(ApplicationId(application), &all_of(&charge), moment.now_ms);
            let _ = try_admit(&mut slot, application, &mut charge, &moment);
        };
        grant_and_admit(1, (1, Period::Day, 9), NOW_SECS);
        grant_and_admit(9, (2, Period::Week, 9), NOW_SECS + 100 * HOUR_SECS);
        slot.recall(ApplicationId(2), &[day], NOW_SECS * 1_000);
        slot.debit(u64::MAX, &rows);
        prop_assert!(!reread(&slot).was_blank(), "what is written can be read");
    }
}
