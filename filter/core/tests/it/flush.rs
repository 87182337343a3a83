//! Usage on its way from the records to the ledger, with VMs that trap and meet wherever they can.

mod answers;
mod checks;
mod epoch;
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
use tallygate_core::outbox::{MOST_BATCHES, Outbox};
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
