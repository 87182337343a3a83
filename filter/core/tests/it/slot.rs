//! Records in their slot, against a naive map; and any bytes at all in its place.

use proptest::prelude::*;
use std::collections::BTreeMap;
use tallygate_core::id::{ApplicationId, MetricId};
use tallygate_core::period::Period;
use tallygate_core::slot::{Charge, Exceeded, LimitCharge, Slot, slot_of};
use tallygate_core::wire::{Instance, UsageRowV1, UsageV1};

const INSTANCE: Instance = [5; 16];
/// 2026-11-24 10:00:00 UTC, a Tuesday.
const NOW_SECS: u64 = 1_795_514_400;
const HOUR_SECS: u64 = 3_600;

/// Metric, period, value.
type Limit = (i64, Period, u64);

/// The charge of a request that uses `usage` under `limits`.
fn charge(usage: &[(i64, u64)], limits: &[Limit], now_secs: u64) -> Charge {
    let limit = |&(metric, period, value): &Limit| {
        let (_, delta) = usage.iter().find(|(used, _)| *used == metric)?;
        let window = period.window(now_secs);
        Some(LimitCharge {
            metric: MetricId(metric),
            period,
            value,
            delta: *delta,
            window: u32::try_from(window.start).expect("before 2106"),
            window_end: window.end,
            spent: 0,
        })
    };
    Charge {
        usage: usage
            .iter()
            .map(|&(metric, delta)| (MetricId(metric), delta))
            .collect(),
        limits: limits.iter().filter_map(limit).collect(),
    }
}

fn blank() -> Slot {
    Slot::read(None, &INSTANCE)
}

fn reread(slot: &Slot) -> Slot {
    Slot::read(Some(slot.as_bytes().to_vec()), &INSTANCE)
}

/// Admits, and says how much each limit has spent, in the end or when it is too much.
fn admit(
    slot: &mut Slot,
    application: i64,
    usage: &[(i64, u64)],
    limits: &[Limit],
    now_secs: u64,
) -> Result<Vec<u64>, Vec<u64>> {
    let mut charge = charge(usage, limits, now_secs);
    let admitted = slot.admit(ApplicationId(application), &mut charge, now_secs);
    let spent = charge.limits.iter().map(|limit| limit.spent).collect();
    match admitted {
        Ok(()) => Ok(spent),
        Err(Exceeded) => Err(spent),
    }
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

#[test]
fn all_limits_or_none() {
    let limits = [
        (1, Period::Minute, 3),
        (1, Period::Hour, 5),
        (2, Period::Day, 2),
    ];
    let mut slot = blank();
    let mut check = |usage: &[(i64, u64)], now_secs, expected: Result<&[u64], &[u64]>| {
        let before = slot.clone();
        let found = admit(&mut slot, 7, usage, &limits, now_secs);
        assert_eq!(
            found.as_deref().map_err(Vec::as_slice),
            expected,
            "{usage:?} at {now_secs}"
        );
        assert!(
            found.is_ok() || slot == before,
            "a refused request changes nothing"
        );
    };
    check(&[(1, 2)], NOW_SECS, Ok(&[2, 2]));
    check(&[(1, 2)], NOW_SECS, Err(&[2, 2]));
    check(&[(1, 1), (2, 1)], NOW_SECS, Ok(&[3, 3, 1]));
    check(&[(1, 1)], NOW_SECS + 59, Err(&[3, 3]));
    // The next minute; then the hour is full before the minute is, and the other metric is not charged.
    check(&[(1, 2)], NOW_SECS + 60, Ok(&[2, 5]));
    check(&[(1, 1), (2, 1)], NOW_SECS + 61, Err(&[2, 5, 1]));
    check(&[(2, 1)], NOW_SECS + 61, Ok(&[2]));
    check(&[(2, 1)], NOW_SECS + 61, Err(&[2]));
    // What is not limited is not stopped.
    check(&[(3, u64::MAX)], NOW_SECS + 61, Ok(&[]));
    check(&[(1, 3)], NOW_SECS + HOUR_SECS, Ok(&[3, 3]));
    // No number is too big to be refused.
    check(&[(1, u64::MAX)], NOW_SECS + 2 * HOUR_SECS, Err(&[0, 0]));
}

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
            None => assert!(!at(NOW_SECS + 100 * 365 * 86_400 / 2), "{period:?}"),
        }
    }
}

#[test]
fn a_window_that_was_left_stays_as_it_is() {
    // Two workers at the turn of a minute: one read its clock before, and writes after the other.
    let limits = [(1, Period::Minute, 10), (1, Period::Hour, 100)];
    let mut slot = blank();
    let turn = NOW_SECS + HOUR_SECS;
    admit(&mut slot, 7, &[(1, 10)], &limits, turn - 1).expect("room");
    admit(&mut slot, 7, &[(1, 3)], &limits, turn).expect("a new minute");
    let mut late = charge(&[(1, 4)], &limits, turn - 1);
    slot.admit(ApplicationId(7), &mut late, turn - 1)
        .expect("room in the new minute");
    let minute = u32::try_from(turn / 60).expect("before 2106");
    let expected = BTreeMap::from([((7, 1, minute - 1), 10), ((7, 1, minute), 7)]);
    assert_eq!(usage(&slot), expected);
    // The answer names the window that was charged, the hour's too.
    let [in_minute, in_hour] = late.limits[..] else {
        unreachable!("two limits");
    };
    assert_eq!((in_minute.spent, in_hour.spent), (7, 7));
    assert_eq!(u64::from(in_minute.window), turn);
    assert_eq!(in_minute.window_end, Some(turn + 60));
    assert_eq!(u64::from(in_hour.window), turn);
    assert_eq!(in_hour.window_end, Some(turn + HOUR_SECS));
    assert_eq!(
        admit(&mut slot, 7, &[(1, 4)], &limits, turn - 1),
        Err(vec![7, 7])
    );
}

#[test]
fn a_clock_that_went_wrong_does_not_lock_anybody_out() {
    let limits = [(1, Period::Minute, 1), (1, Period::Day, 1)];
    let mut slot = blank();
    admit(&mut slot, 7, &[(1, 1)], &limits, NOW_SECS + 400 * 86_400).expect("room");
    assert_eq!(
        admit(&mut slot, 7, &[(1, 1)], &limits, NOW_SECS),
        Ok(vec![1, 1])
    );
    assert_eq!(
        admit(&mut slot, 7, &[(1, 1)], &limits, NOW_SECS),
        Err(vec![1, 1])
    );
}

#[test]
fn idle_records_make_room() {
    let limits = [(1, Period::Minute, 5)];
    let mut slot = blank();
    for application in 0..100 {
        admit(&mut slot, application, &[(1, 1)], &limits, NOW_SECS).expect("room");
    }
    let record = 16 + 24 + 24;
    assert_eq!(slot.as_bytes().len(), 32 + 100 * record);
    // Not while there is something to report …
    admit(&mut slot, 100, &[(1, 1)], &limits, NOW_SECS + 600).expect("room");
    assert_eq!(slot.as_bytes().len(), 32 + 101 * record);
    let rows = slot.rows();
    assert!(slot.debit(1, &rows));
    assert_eq!(slot.as_bytes().len(), 32 + 101 * (record - 24));
    // … nor while a window is open, or was a moment ago.
    admit(&mut slot, 101, &[(1, 1)], &limits, NOW_SECS + 660).expect("room");
    assert_eq!(slot.as_bytes().len(), 32 + (record - 24) + record);
    assert_eq!(
        admit(&mut slot, 100, &[(1, 5)], &limits, NOW_SECS + 659),
        Err(vec![1])
    );
    // An eternity never ends.
    let rows = slot.rows();
    slot.debit(2, &rows);
    admit(
        &mut slot,
        102,
        &[(1, 1)],
        &[(1, Period::Eternity, 1)],
        NOW_SECS + 720,
    )
    .expect("room");
    let rows = slot.rows();
    slot.debit(3, &rows);
    admit(
        &mut slot,
        103,
        &[(1, 1)],
        &limits,
        NOW_SECS + 4_000 * 86_400 / 2,
    )
    .expect("room");
    let forever = [(1, Period::Eternity, 1)];
    assert_eq!(
        admit(&mut slot, 102, &[(1, 1)], &forever, NOW_SECS),
        Err(vec![1])
    );
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
        (4, 2),
        (7, 255),
        (40, 2),
        (43, 255),
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

// === against a naive map ===

/// All that ever happened, in maps that forget nothing.
#[derive(Default)]
struct Model {
    spent: BTreeMap<(i64, i64, Period, u64), u64>,
    latest: BTreeMap<(i64, i64, Period), u64>,
    usage: BTreeMap<(i64, i64, u32), u64>,
}

impl Model {
    fn admit(
        &mut self,
        application: i64,
        used: &[(i64, u64)],
        limits: &[Limit],
        now_secs: u64,
    ) -> Result<Vec<u64>, Vec<u64>> {
        let met: Vec<_> = limits
            .iter()
            .filter_map(|&(metric, period, value)| {
                let (_, delta) = used.iter().find(|(used, _)| *used == metric)?;
                Some((metric, period, value, *delta))
            })
            .collect();
        let seen = met
            .iter()
            .filter_map(|&(metric, period, ..)| self.latest.get(&(application, metric, period)));
        let now_secs = seen.copied().fold(now_secs, u64::max);
        let cell =
            |metric, period: Period| (application, metric, period, period.window(now_secs).start);
        let spent = |metric, period| self.spent.get(&cell(metric, period)).copied().unwrap_or(0);
        if met
            .iter()
            .any(|&(metric, period, value, delta)| spent(metric, period) + delta > value)
        {
            return Err(met
                .iter()
                .map(|&(metric, period, ..)| spent(metric, period))
                .collect());
        }
        let mut after = Vec::new();
        for (metric, period, _, delta) in met {
            let spent = self.spent.entry(cell(metric, period)).or_default();
            *spent += delta;
            after.push(*spent);
            let latest = self
                .latest
                .entry((application, metric, period))
                .or_default();
            *latest = (*latest).max(period.window(now_secs).start);
        }
        let minute = u32::try_from(now_secs / 60).expect("before 2106");
        for &(metric, delta) in used {
            *self.usage.entry((application, metric, minute)).or_default() += delta;
        }
        Ok(after)
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// A request of an application, at so many seconds before the latest time there was.
    Admit(i64, Vec<(i64, u64)>, u64),
    /// A plan's limit is changed, or a new one comes.
    Limit(Limit),
    /// Time passes, in seconds.
    Wait(u64),
    /// What the records held a moment ago, or every other row of it, is debited; perhaps twice.
    Debit(bool, bool),
}

fn limit() -> impl Strategy<Value = Limit> {
    (1_i64..4, prop::sample::select(&Period::ALL[..]), 1_u64..12)
}

fn step() -> impl Strategy<Value = Step> {
    let used = prop::collection::btree_map(1_i64..4, 1_u64..4, 1..3);
    let used = used.prop_map(|used| used.into_iter().collect());
    prop_oneof![
        12 => (1_i64..8, used, 0_u64..55).prop_map(|(id, used, back)| Step::Admit(id, used, back)),
        1 => limit().prop_map(Step::Limit),
        3 => prop_oneof![1_u64..70, 1_000_u64..100_000, 100_000_u64..40_000_000].prop_map(Step::Wait),
        3 => (any::<bool>(), any::<bool>()).prop_map(|(all, again)| Step::Debit(all, again)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn slots_count_like_a_map(
        limits in prop::collection::vec(limit(), 0..6),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let steps = limits.into_iter().map(Step::Limit).chain(steps);
        let mut limits: Vec<Limit> = Vec::new();
        let mut model = Model::default();
        let mut slot = blank();
        let mut now_secs = NOW_SECS;
        let mut sealed = 0;
        for step in steps {
            match &step {
                Step::Admit(application, used, back) => {
                    let expected = model.admit(*application, used, &limits, now_secs - back);
                    let found = admit(&mut slot, *application, used, &limits, now_secs - back);
                    prop_assert_eq!(found, expected, "{:?} at {}", step, now_secs);
                }
                Step::Limit(limit) => {
                    limits.retain(|(metric, period, _)| (*metric, *period) != (limit.0, limit.1));
                    limits.push(*limit);
                }
                Step::Wait(secs) => now_secs += secs,
                Step::Debit(all, again) => {
                    let mut rows = slot.rows();
                    if !all {
                        rows = rows.into_iter().step_by(2).collect();
                    }
                    sealed += 1;
                    prop_assert!(slot.debit(sealed, &rows));
                    for row in &rows {
                        for usage in &row.usage {
                            model.usage.remove(&(row.application.0, usage.metric.0, usage.minute));
                        }
                    }
                    if *again {
                        prop_assert!(!slot.debit(sealed, &rows));
                    }
                }
            }
            slot = reread(&slot);
            prop_assert!(sealed == 0 && model.usage.is_empty() || !slot.was_blank());
            prop_assert_eq!(slot.is_dirty(), !model.usage.is_empty());
            prop_assert_eq!(&usage(&slot), &model.usage);
        }
    }

    #[test]
    fn any_bytes_are_read(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        in_place in prop::collection::vec((0_usize..300, any::<u8>()), 0..4),
        real in any::<bool>(),
    ) {
        let mut slot = blank();
        for application in 0..3 {
            admit(&mut slot, application, &[(1, 1)], &[(1, Period::Day, 9)], NOW_SECS).expect("room");
        }
        let mut bytes = if real { slot.as_bytes().to_vec() } else { bytes };
        for (at, byte) in in_place {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        let mut slot = Slot::read(Some(bytes), &INSTANCE);
        let rows = slot.rows();
        let _ = admit(&mut slot, 1, &[(1, 1)], &[(1, Period::Day, 9)], NOW_SECS);
        let _ = admit(&mut slot, 9, &[(2, 1)], &[(2, Period::Week, 9)], NOW_SECS + 100 * HOUR_SECS);
        slot.debit(u64::MAX, &rows);
        prop_assert!(!reread(&slot).was_blank(), "what is written can be read");
    }
}
