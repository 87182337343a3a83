//! Usage on its way from the records to the ledger, with VMs that trap and meet wherever they can.

mod answers;
mod exhaustive;
mod forget;
mod full;
mod ledger;
mod random;
mod threads;
mod world;

use crate::support::control_plane::{ControlPlane, admit_or_ask};
use crate::support::request::{all_of, charge, moment};
use crate::support::{Hooked, Memory, Wrote, keys, trap, until_trapped};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use tallygate_core::admission::{Admission, admit};
use tallygate_core::credit::Moment;
use tallygate_core::flush::{Flush, Sealed, Sent};
use tallygate_core::id::ApplicationId;
use tallygate_core::outbox::MOST_BATCHES;
use tallygate_core::period::Period;
use tallygate_core::shared::Keys;
use tallygate_core::slot::{Slot, slot_of};
use tallygate_core::wire::{Instance, PAGE_BYTES, UsageRowV1, decode};
use world::Counts;

fn counts(rows: &[UsageRowV1]) -> Counts {
    let mut counts = BTreeMap::new();
    for row in rows {
        for usage in &row.usage {
            let key = (row.application.0, usage.metric.0, usage.minute);
            *counts.entry(key).or_default() += usage.delta;
        }
    }
    counts
}

/// A process whose ledger's epoch is known, with one VM that nothing happens to.
struct Quiet {
    memory: Memory,
    keys: Keys,
}

const INSTANCE: Instance = [3; 16];
const EPOCH: i64 = 7;
const NOW_SECS: u64 = 1_000_000_000;
const ADMITTED: Admission = Admission::Admitted {
    lost: 0,
    overdraft: 0,
};

impl Quiet {
    fn new(slots: u32) -> Self {
        let process = Self {
            memory: Memory::new(),
            keys: keys(slots),
        };
        process.memory.put(&process.keys.instance(), &INSTANCE);
        process.flush().acknowledge(
            Sent {
                instance: INSTANCE,
                epoch: 0,
            },
            EPOCH,
            0,
            0,
        );
        process
    }

    fn flush(&self) -> Flush<'_, Memory> {
        Flush {
            data: &self.memory,
            keys: &self.keys,
            instance: INSTANCE,
        }
    }

    fn admit(&self, application: i64, usage: &[(i64, u64)]) {
        let mut charge = charge(usage, &[], NOW_SECS);
        let admission = admit(
            &self.flush(),
            ApplicationId(application),
            &mut charge,
            &moment(NOW_SECS),
        );
        assert_eq!(admission, ADMITTED);
    }

    /// Acknowledges the oldest batch, and returns what it carried.
    fn deliver(&self) -> Counts {
        let outbox = self.flush().outbox().0;
        let batch = outbox.next().expect("a batch");
        assert!(
            self.flush()
                .acknowledge(Sent::of(&outbox), outbox.epoch, batch.seq, 0)
        );
        counts(&decode::<Vec<UsageRowV1>>(&batch.rows).expect("rows"))
    }
}

#[test]
fn nothing_is_sealed_before_the_ledger_has_named_its_epoch() {
    let process = Quiet {
        memory: Memory::new(),
        keys: keys(4),
    };
    process.memory.put(&process.keys.instance(), &INSTANCE);
    process.admit(1, &[(1, 1)]);
    assert_eq!(process.flush().seal(), Sealed::Full);
    let sent = Sent::of(&process.flush().outbox().0);
    process.flush().acknowledge(sent, EPOCH, 0, 0);
    assert_eq!(process.flush().seal(), Sealed::Batch { more: false });
    assert_eq!(process.flush().seal(), Sealed::Nothing);
}

#[test]
fn batches_of_a_new_epoch_count_from_1_again() {
    let process = Quiet::new(4);
    for application in 1..=3 {
        process.admit(application, &[(1, 1)]);
        process.flush().seal();
    }
    process.deliver();
    // The database was restored.
    let sent = Sent::of(&process.flush().outbox().0);
    process.flush().acknowledge(sent, 8, 0, 0);
    (1..=4).for_each(|application| process.admit(application, &[(1, 1)]));
    process.flush().seal();
    let outbox = process.flush().outbox().0;
    let numbers: Vec<_> = outbox.batches.iter().map(|batch| batch.seq).collect();
    assert_eq!((outbox.epoch, numbers), (8, vec![1, 2, 3]));
    assert_eq!(
        (0..4)
            .map(|slot| process.flush().slot(slot).0.rows().len())
            .sum::<usize>(),
        0,
        "records know a batch of the new epoch from one of the old"
    );
}

#[test]
fn what_a_restored_backup_has_is_not_sent_again() {
    let process = Quiet::new(4);
    for application in 1..=3 {
        process.admit(application, &[(1, 1)]);
        process.flush().seal();
    }
    // The backup was made when two of them had been taken, and none of that had been heard of here.
    let sent = Sent::of(&process.flush().outbox().0);
    let third = process.flush().outbox().0.batches[2].rows.clone();
    assert!(process.flush().acknowledge(sent, EPOCH + 1, 2, 0));
    let outbox = process.flush().outbox().0;
    assert_eq!((outbox.epoch, outbox.batches.len()), (EPOCH + 1, 1));
    assert_eq!(
        (outbox.batches[0].seq, &outbox.batches[0].rows),
        (1, &third)
    );
}

#[test]
fn a_late_answer_changes_nothing() {
    let process = Quiet::new(4);
    process.admit(1, &[(1, 1)]);
    process.flush().seal();
    let now = Sent::of(&process.flush().outbox().0);
    let before = process.flush().outbox().0;
    let elsewhere = Sent {
        instance: [9; 16],
        ..now
    };
    let earlier = Sent { epoch: 6, ..now };
    assert!(!process.flush().acknowledge(elsewhere, EPOCH, 1, 0));
    assert!(!process.flush().acknowledge(earlier, 6, 1, 0));
    assert!(!process.flush().acknowledge(earlier, EPOCH, 1, 0));
    assert_eq!(process.flush().outbox().0, before);
    assert!(process.flush().acknowledge(now, EPOCH, 1, 0));
    assert!(
        !process.flush().acknowledge(now, EPOCH, 1, 0),
        "once is enough"
    );
}

#[test]
fn a_batch_stays_until_it_is_debited() {
    let process = Quiet::new(4);
    process.admit(1, &[(1, 1)]);
    // Stopped between seal and debit: the outbox's second write does not come.
    let writes = Cell::new(0);
    let wrote = |key: &str, _: Option<&[u8]>, _: &[u8]| {
        if key.contains("outbox") {
            writes.set(writes.get() + 1);
            trap();
        }
    };
    let data = Hooked::new(&process.memory, &|| ()).watched(&wrote);
    let flush = Flush {
        data: &data,
        keys: &process.keys,
        instance: INSTANCE,
    };
    assert!(until_trapped(|| flush.seal()).is_none());
    // Another VM sends it, and the ledger takes it; then the database is restored, and takes it again.
    for epoch in [EPOCH, EPOCH + 1, EPOCH + 1] {
        let sent = Sent::of(&process.flush().outbox().0);
        process.flush().acknowledge(sent, epoch, 1, 0);
        let outbox = process.flush().outbox().0;
        assert_eq!((outbox.batches.len(), outbox.debited), (1, false));
    }
    assert_eq!(
        process.flush().seal(),
        Sealed::Nothing,
        "it is debited first"
    );
    assert_eq!(process.deliver().values().sum::<u64>(), 1);
    assert!(process.flush().outbox().0.next().is_none());
}

#[test]
fn a_request_that_is_trapped_after_its_write_is_found_by_the_sweep() {
    for at in 0.. {
        let process = Quiet::new(4);
        let calls = Cell::new(0);
        let hook = || {
            if calls.replace(calls.get() + 1) == at {
                trap();
            }
        };
        let data = Hooked::new(&process.memory, &hook);
        let flush = Flush {
            data: &data,
            keys: &process.keys,
            instance: INSTANCE,
        };
        let mut charge = charge(&[(1, 1)], &[], NOW_SECS);
        let done =
            until_trapped(|| admit(&flush, ApplicationId(1), &mut charge, &moment(NOW_SECS)));
        let slot = slot_of(ApplicationId(1), 4);
        let admitted = process.flush().slot(slot).0.rows().len();
        process.flush().sweep(0..4);
        let sealed = process.flush().seal();
        assert_eq!(
            sealed == Sealed::Batch { more: false },
            admitted == 1,
            "call {at}"
        );
        if done.is_some() {
            assert_eq!(
                (admitted, at),
                (1, 5),
                "get, get instance, set, get and set the queue"
            );
            break;
        }
    }
}

/// So many metrics, in numbers that take the most bytes there are.
fn big_usage(metrics: i64) -> Vec<(i64, u64)> {
    (0..metrics)
        .map(|n| (i64::MAX - n, u64::MAX / 1_000))
        .collect()
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

#[test]
fn what_stands_there_of_another_instance_is_left_alone() {
    let process = Quiet::new(1);
    process.admit(1, &[(1, 1)]);
    let stale = Flush {
        data: &process.memory,
        keys: &process.keys,
        instance: [4; 16],
    };
    let before = process.flush().outbox().0;
    assert_eq!(stale.seal(), Sealed::Full);
    assert!(!stale.acknowledge(Sent::of(&stale.outbox().0), EPOCH, 5, 0));
    let mut charge = charge(&[(1, 1)], &[], NOW_SECS);
    let admission = admit(&stale, ApplicationId(1), &mut charge, &moment(NOW_SECS));
    assert_eq!(admission, Admission::OtherInstance);
    assert_eq!(process.flush().outbox().0, before);
    assert_eq!(process.flush().slot(0).0.rows().len(), 1);
}

#[test]
fn what_a_worker_brings_back_after_a_wipe_is_not_sealed() {
    let process = Quiet::new(1);
    process.admit(1, &[(1, 1)]);
    process.memory.put(&process.keys.instance(), &[4; 16]);
    let before = process.flush().outbox().0;
    assert_eq!(process.flush().seal(), Sealed::Lost);
    assert!(
        !process
            .flush()
            .acknowledge(Sent::of(&before), EPOCH + 1, 0, 0)
    );
    assert_eq!(process.flush().outbox().0, before);
}

#[test]
fn any_bytes_can_stand_in_shared_data() {
    let process = Quiet::new(1);
    for bytes in [&b""[..], b"\0", b"\xff\xff\xff\xff\xff\xff", &[1; 64]] {
        process.memory.put(&process.keys.outbox(), bytes);
        process.memory.put(&process.keys.queue(0), bytes);
        process.memory.put(&process.keys.slot(0), bytes);
        process.admit(1, &[(1, 1)]);
        process.flush().sweep(0..1);
        process.flush().seal();
        let sent = Sent::of(&process.flush().outbox().0);
        process.flush().acknowledge(sent, EPOCH, 0, 0);
        process.flush().seal();
        assert_eq!(process.deliver().values().sum::<u64>(), 1);
    }
}
