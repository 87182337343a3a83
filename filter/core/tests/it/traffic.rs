//! Tallies, the record that they meet in, and what is told of them.

use crate::support::{Memory, keys};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tallygate_core::id::ApplicationId;
use tallygate_core::shared::SharedData as _;
use tallygate_core::traffic::{
    BOUNDS_MS, BUCKETS, MOST_ROWS, Tally, bucket, merge, percentile_ms, take,
};
use tallygate_core::verdict::Reason;
use tallygate_core::wire::{
    PAGE_BYTES, Traffic, TrafficOutcomeV1 as Outcome, TrafficRowV1, TrafficV1, encode,
};

const NOW_SECS: u64 = 1_795_514_430;

fn row(application: i64, quarter: u32, n: u64) -> TrafficRowV1 {
    TrafficRowV1 {
        application: ApplicationId(application),
        quarter,
        outcomes: vec![(Outcome::Success, n), (Outcome::RefusedLimits, 1)],
        durations: vec![(3, n)],
        keys: vec![[u8::try_from(n % 256).unwrap(); 16]],
    }
}

#[test]
fn few_requests_are_counted_one_by_one() {
    let mut tally = Tally::default();
    for n in 0..32 {
        let counts_for = tally.answered(Some(&[7; 16])).expect("looked at");
        assert_eq!(counts_for, 1, "{n}");
        tally.looked_at(
            Some(if n < 30 { 200 } else { 503 }),
            Some(1_500),
            counts_for,
        );
    }
    tally.refused(Reason::LimitsExceeded);
    tally.refused(Reason::AuthFailed);
    // Nobody knows whose these were.
    tally.refused(Reason::UnknownHost);
    let row = tally.into_row(ApplicationId(5), NOW_SECS);
    assert_eq!(
        row.outcomes,
        [
            (Outcome::Success, 30),
            (Outcome::ServerError, 2),
            (Outcome::RefusedCredentials, 1),
            (Outcome::RefusedLimits, 1)
        ]
    );
    assert_eq!(row.durations, [(1, 32)]);
    assert_eq!(row.keys, [[7; 16]]);
    assert_eq!(u64::from(row.quarter), NOW_SECS / 900);
}

#[test]
fn many_requests_are_counted_by_some_of_them() {
    for total in [33, 47, 48, 1_000, 100_000_u64] {
        let mut tally = Tally::default();
        let mut looks = 0;
        for _ in 0..total {
            if let Some(counts_for) = tally.answered(None) {
                looks += 1;
                tally.looked_at(Some(200), None, counts_for);
            }
        }
        let row = tally.into_row(ApplicationId(5), NOW_SECS);
        let (_, counted) = row.outcomes[0];
        assert!(
            counted <= total && total - counted < 16,
            "{counted} of {total}"
        );
        assert!(looks <= 32 + total / 16, "{looks} looks for {total}");
    }
}

#[test]
fn what_is_no_final_answer_counts_nowhere() {
    let mut tally = Tally::default();
    for status in [None, Some(0), Some(101), Some(600), Some(u64::MAX)] {
        tally.looked_at(status, None, 1);
    }
    let row = tally.into_row(ApplicationId(5), u64::MAX);
    assert_eq!((row.outcomes.len(), row.quarter), (0, u32::MAX));
}

#[test]
fn durations_fall_into_buckets() {
    for (us, expected) in [
        (0, 0),
        (1_000, 0),
        (1_001, 1),
        (5_000_000, 11),
        (5_000_001, 12),
        (u64::MAX, 12),
    ] {
        assert_eq!(bucket(us), expected, "{us}");
    }
    let mut counts = [0; BUCKETS];
    assert_eq!(percentile_ms(&counts, 500), None);
    counts[2] = 98;
    counts[8] = 1;
    counts[12] = 1;
    let percentiles = [0, 500, 980, 981, 990, 991, 1_000, 5_000];
    assert_eq!(
        percentiles.map(|per_mille| percentile_ms(&counts, per_mille).unwrap()),
        [5, 5, 5, 500, 500, 10_000, 10_000, 10_000]
    );
    assert_eq!(percentile_ms(&[u64::MAX; BUCKETS], 1), Some(BOUNDS_MS[0]));
}

#[test]
fn the_record_is_told_once() {
    let (memory, keys) = (Memory::new(), keys(8));
    assert_eq!(take(&memory, &keys), None);
    assert_eq!(
        merge(&memory, &keys, &[row(2, 7, 3), row(1, 8, 1), row(1, 7, 2)]),
        Ok(())
    );
    assert_eq!(merge(&memory, &keys, &[row(1, 7, 40)]), Ok(()));
    let (number, rows) = take(&memory, &keys).expect("there is something");
    assert_eq!(number, 1);
    let mut sum = row(1, 7, 42);
    sum.outcomes[1].1 = 2;
    sum.keys = vec![[2; 16], [40; 16]];
    assert_eq!(rows, [sum, row(2, 7, 3), row(1, 8, 1)]);
    assert_eq!(take(&memory, &keys), None);
    assert_eq!(merge(&memory, &keys, &[row(1, 7, 1)]), Ok(()));
    assert_eq!(take(&memory, &keys), Some((2, vec![row(1, 7, 1)])));
}

#[test]
fn the_record_is_bounded() {
    let (memory, keys) = (Memory::new(), keys(8));
    for page in 0..5 {
        let rows: Vec<_> = (0..1_000)
            .map(|n| row(page * 1_000 + n, 7, u64::MAX))
            .collect();
        assert_eq!(merge(&memory, &keys, &rows), Ok(()));
    }
    // Who has a place is still counted.
    assert_eq!(merge(&memory, &keys, &[row(0, 7, 1)]), Ok(()));
    let (number, rows) = take(&memory, &keys).expect("there is something");
    assert_eq!(rows.len(), MOST_ROWS);
    assert_eq!(
        rows[0].outcomes,
        [(Outcome::Success, u64::MAX), (Outcome::RefusedLimits, 2)]
    );
    let report = Traffic::V1(TrafficV1 {
        instance: [1; 16],
        number,
        rows,
    });
    assert!(encode(&report).len() < PAGE_BYTES);
}

#[test]
fn what_cannot_be_read_is_begun_anew() {
    let (memory, keys) = (Memory::new(), keys(8));
    memory.put(&keys.traffic(), b"\xff\xff\xff");
    assert_eq!(take(&memory, &keys), None);
    assert_eq!(merge(&memory, &keys, &[row(1, 7, 1)]), Ok(()));
    assert_eq!(take(&memory, &keys), Some((1, vec![row(1, 7, 1)])));
    assert!(memory.get(&keys.traffic()).0.is_some());
}

proptest! {
    #[test]
    fn nothing_is_told_twice_or_lost(steps in prop::collection::vec(prop::option::of((0_i64..4, 0_u32..3, 0_u64..1_000)), 0..40)) {
        let (memory, keys) = (Memory::new(), keys(8));
        let mut model: BTreeMap<(i64, u32), u64> = BTreeMap::new();
        let mut told: BTreeMap<(i64, u32), u64> = BTreeMap::new();
        let mut last = 0;
        for step in steps.iter().copied().chain([None]) {
            match step {
                Some((application, quarter, n)) => {
                    prop_assert_eq!(merge(&memory, &keys, &[row(application, quarter, n)]), Ok(()));
                    *model.entry((application, quarter)).or_default() += n;
                }
                None => {
                    for (number, row) in take(&memory, &keys).into_iter().flat_map(|(number, rows)| rows.into_iter().map(move |row| (number, row))) {
                        prop_assert!(number >= last);
                        last = number;
                        *told.entry((row.application.0, row.quarter)).or_default() += row.durations[0].1;
                    }
                }
            }
        }
        prop_assert_eq!(told, model);
    }
}
