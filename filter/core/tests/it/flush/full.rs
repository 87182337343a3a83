//! Batches that are full: what finds no room waits, the totals of cells with it, and none waits for ever.

use super::*;
use tallygate_core::outbox::BATCH_BYTES;
use tallygate_core::wire::encode;

const LAST: ApplicationId = ApplicationId(i64::MAX);

/// So many metrics, in numbers that take the most bytes there are.
fn big_usage(metrics: i64) -> Vec<(i64, u64)> {
    (0..metrics)
        .map(|n| (i64::MAX - n, u64::MAX / 1_000))
        .collect()
}

/// A slot that fills a batch but for some 500 bytes.
fn nearly_full() -> Slot {
    let mut slot = Slot::read(None, &INSTANCE);
    for id in 1.. {
        let bytes: usize = slot.rows().iter().map(|row| encode(row).len()).sum();
        let metrics = (BATCH_BYTES - bytes - 500) / 25;
        let metrics = i64::try_from(metrics.min(100)).expect("small");
        if metrics == 0 {
            break;
        }
        let mut charge = charge(&big_usage(metrics), &[], NOW_SECS);
        slot.admit(ApplicationId(id), &mut charge, &moment(NOW_SECS))
            .expect("no limit");
    }
    slot
}

#[test]
fn totals_are_told_beside_the_last_of_their_usage() {
    let nearly_full = nearly_full();
    let limits = Period::ALL.map(|period| (1, period, 9));
    let moment = moment(NOW_SECS);
    let mut first_with_totals = BTreeSet::new();
    for filling in (60..84).step_by(2) {
        let mut slot = nearly_full.clone();
        let usage: Vec<_> = (1..=filling).map(|metric| (metric, 1)).collect();
        slot.admit(
            ApplicationId(-1),
            &mut charge(&usage, &[], NOW_SECS),
            &moment,
        )
        .expect("no limit");
        let mut last = charge(&[(1, 1)], &limits, NOW_SECS);
        slot.apply(LAST, &all_of(&last), moment.now_ms);
        slot.admit(LAST, &mut last, &moment).expect("room");

        let process = Quiet::new(1);
        process.memory.put(&process.keys.slot(0), slot.as_bytes());
        process.flush().enqueue(0);
        let mut told = Vec::new();
        for batch in 1.. {
            if process.flush().seal() == Sealed::Nothing {
                break;
            }
            let outbox = process.flush().outbox().0;
            let rows = &outbox.next().expect("a batch").rows;
            assert!(rows.len() <= PAGE_BYTES);
            let rows: Vec<UsageRowV1> = decode(rows).expect("rows");
            for row in rows.iter().filter(|row| row.application == LAST) {
                told.push((batch, row.usage.len(), row.cells.len()));
            }
            process.deliver();
        }
        let [(batch, 1, 7)] = told[..] else {
            unreachable!("behind {filling} usages: {told:?}");
        };
        first_with_totals.insert(batch);
    }
    assert_eq!(first_with_totals, BTreeSet::from([1, 2]));
}

#[test]
fn batches_stay_within_a_page_and_nothing_is_left_out() {
    // Big numbers take most bytes: one slot holds several batches' worth.
    const METRICS: i64 = 100;
    const APPLICATIONS: i64 = 120;
    let process = Quiet::new(1);
    let usage = big_usage(METRICS);
    for application in 0..APPLICATIONS {
        process.admit(i64::MAX - application, &usage);
    }
    let all_of_them = usize::try_from(METRICS * APPLICATIONS).unwrap();
    let mut all = Counts::new();
    let mut batches = 0;
    loop {
        let sealed = process.flush().seal();
        if sealed == Sealed::Nothing {
            break;
        }
        batches += 1;
        let bytes = process
            .flush()
            .outbox()
            .0
            .next()
            .map(|batch| batch.rows.len());
        assert!(bytes <= Some(PAGE_BYTES), "{bytes:?}");
        let carried = process.deliver();
        for (key, sum) in carried {
            assert!(all.insert(key, sum).is_none(), "{key:?} was carried before");
        }
        assert_eq!(
            sealed == Sealed::Batch { more: true },
            all.len() < all_of_them
        );
    }
    assert_eq!((all.len(), batches), (all_of_them, 2));
}

#[test]
fn no_slot_waits_for_ever_behind_busier_ones() {
    // Two slots' worth fill a batch, and all are dirty again before the seal is through.
    const SLOTS: u32 = 24;
    let process = Quiet::new(SLOTS);
    let mut slots = vec![Slot::read(None, &INSTANCE); SLOTS as usize];
    for id in (1..=i64::from(SLOTS) * 55).map(ApplicationId) {
        let mut charge = charge(&big_usage(100), &[], NOW_SECS);
        let slot = &mut slots[slot_of(id, SLOTS) as usize];
        slot.admit(id, &mut charge, &moment(NOW_SECS))
            .expect("no limit");
    }
    let again = |number: u32| {
        // As before, but for the batch that was debited last.
        let mut bytes = slots[number as usize].as_bytes().to_vec();
        let now = process.flush().slot(number).0;
        bytes[24..32].copy_from_slice(&now.debited().to_le_bytes());
        process.memory.put(&process.keys.slot(number), &bytes);
        if !now.is_dirty() {
            process.flush().enqueue(number);
        }
    };
    (0..SLOTS).for_each(again);
    let writes = Cell::new(0);
    let wrote = |key: &str, _: Option<&[u8]>, _: &[u8]| {
        // The second write of each seal to the outbox says that all is debited.
        if key.contains("outbox") && writes.replace(writes.get() + 1) % 2 == 1 {
            (0..SLOTS).for_each(again);
        }
    };
    let data = Hooked::new(&process.memory, &|| ()).watched(&wrote);
    let mut carried = BTreeSet::new();
    for _ in 0..SLOTS / 3 {
        let flush = Flush {
            data: &data,
            keys: &process.keys,
            instance: INSTANCE,
        };
        assert_eq!(flush.seal(), Sealed::Batch { more: true });
        let applications = process
            .deliver()
            .into_keys()
            .map(|(id, ..)| ApplicationId(id));
        carried.extend(applications.map(|id| slot_of(id, SLOTS)));
    }
    assert_eq!(carried, (0..SLOTS).collect());
}

#[test]
fn an_outage_fills_neither_outbox_nor_queues() {
    let process = Quiet::new(8);
    let mut expected = 0;
    for round in 0..50 {
        for application in 0..20 {
            process.admit(application, &[(1, 1)]);
            expected += 1;
        }
        process.flush().sweep(0..8);
        let sealed = process.flush().seal();
        assert_eq!(sealed == Sealed::Full, round >= MOST_BATCHES);
    }
    assert_eq!(process.flush().outbox().0.batches.len(), MOST_BATCHES);
    assert!(
        process.memory.bytes("dirty.") < 100,
        "the sweep adds what is queued already"
    );
    let mut sum = 0;
    while process.flush().outbox().0.next().is_some() {
        sum += process.deliver().values().sum::<u64>();
        process.flush().seal();
    }
    assert_eq!(sum, expected);
}
