//! Answers and recalls taken into the records, by VMs that trap and meet, of data that were wiped or taken over.

use super::*;
use tallygate_core::admission::{admit_guarded, asked};
use tallygate_core::wire::{CreditV1, LeaseTotalsV1};

const ONE: ApplicationId = ApplicationId(1);
const NOW_MS: u64 = NOW_SECS * 1_000;
const LIMITS: [(i64, Period, u64); 1] = [(1, Period::Hour, 10)];

/// An answer that grants all ten of the hour.
fn ten() -> Vec<CreditV1> {
    all_of(&charge(&[(1, 1)], &LIMITS, NOW_SECS))
}

/// A recall of them.
fn recalled() -> [LeaseTotalsV1; 1] {
    [ten()[0].totals]
}

impl Quiet {
    /// Granted, spent and returned of the hour.
    fn hour(&self) -> [u64; 3] {
        let charge = charge(&[(1, 1)], &LIMITS, NOW_SECS);
        let LeaseTotalsV1 {
            granted,
            spent,
            returned,
            ..
        } = asked(&self.flush(), ONE, &charge, 1)[0].totals;
        [granted, spent, returned]
    }

    fn spend(&self, delta: u64) -> Admission {
        let mut charge = charge(&[(1, delta)], &LIMITS, NOW_SECS);
        admit(&self.flush(), ONE, &mut charge, &moment(NOW_SECS))
    }

    /// Seals and delivers all there is, and says what was told last of the hour: spent and returned.
    fn tell(&self) -> Option<(u64, u64)> {
        let mut told = None;
        while self.flush().seal() != Sealed::Nothing {
            let outbox = self.flush().outbox().0;
            let batch = outbox.next().expect("a batch");
            let rows: Vec<UsageRowV1> = decode(&batch.rows).expect("rows");
            let cells = rows.iter().flat_map(|row| &row.cells);
            told = cells
                .map(|cell| (cell.spent, cell.returned))
                .next_back()
                .or(told);
            self.deliver();
        }
        told
    }

    /// A VM for which something happens before its call of that number.
    fn at_call<T>(
        &self,
        at: u32,
        event: &dyn Fn(),
        vm: impl FnOnce(&Flush<'_, Hooked<'_>>) -> T,
    ) -> (Option<T>, bool) {
        let calls = Cell::new(0);
        let before = || {
            if calls.replace(calls.get() + 1) == at {
                event();
            }
        };
        let data = Hooked::new(&self.memory, &before);
        let flush = Flush {
            data: &data,
            keys: &self.keys,
            instance: INSTANCE,
        };
        let done = until_trapped(|| vm(&flush));
        (done, calls.get() > at)
    }
}

#[test]
fn credit_is_spent_and_what_is_recalled_is_told() {
    let process = Quiet::new(4);
    assert_eq!(process.spend(1), Admission::Dry);
    process.flush().apply(ONE, &ten(), NOW_MS);
    assert_eq!(process.flush().seal(), Sealed::Nothing, "nothing to report");
    assert_eq!(process.spend(4), ADMITTED);
    assert_eq!(process.spend(7), Admission::Exceeded);
    assert_eq!(process.tell(), Some((4, 0)));
    assert!(process.flush().recall(ONE, &recalled(), NOW_MS));
    assert_eq!(process.hour(), [10, 4, 6]);
    // It needs no request to be told.
    assert_eq!(process.tell(), Some((4, 6)));
    // To a ledger that has forgotten, as after a restore, it is told again.
    assert!(process.flush().recall(ONE, &recalled(), NOW_MS));
    assert_eq!(process.tell(), Some((4, 6)));
    let known = recalled().map(|told| LeaseTotalsV1 {
        spent: 4,
        returned: 6,
        ..told
    });
    assert!(!process.flush().recall(ONE, &known, NOW_MS));
    assert_eq!(process.tell(), None);
}

#[test]
fn nothing_is_written_for_an_instance_that_is_gone() {
    // Shared data were wiped, or they were and belong to another instance now.
    for successor in [None, Some([4; 16])] {
        let process = Quiet::new(4);
        process.memory.wipe();
        if let Some(successor) = successor {
            process.memory.put(&process.keys.instance(), &successor);
        }
        let before = process.memory.bytes("");
        process.flush().apply(ONE, &ten(), NOW_MS);
        assert!(!process.flush().recall(ONE, &recalled(), NOW_MS));
        assert_eq!(process.memory.bytes(""), before);
    }
    // Nor over what another instance has there.
    let process = Quiet::new(1);
    process.flush().apply(ONE, &ten(), NOW_MS);
    let stale = Flush {
        data: &process.memory,
        keys: &process.keys,
        instance: [4; 16],
    };
    let before = process.flush().slot(0);
    stale.apply(ONE, &ten(), NOW_MS);
    assert!(!stale.recall(ONE, &recalled(), NOW_MS));
    assert_eq!(process.flush().slot(0), before);
}

#[test]
fn wherever_a_recall_is_stopped_what_it_returned_is_told() {
    for at in 0.. {
        let process = Quiet::new(4);
        process.flush().apply(ONE, &ten(), NOW_MS);
        process.spend(4);
        process.tell();
        let (done, came_to_it) =
            process.at_call(at, &trap, |flush| flush.recall(ONE, &recalled(), NOW_MS));
        assert_eq!(done.is_some(), !came_to_it);
        process.flush().sweep(0..4);
        let [10, 4, returned] = process.hour() else {
            unreachable!("{:?}", process.hour());
        };
        let told = process.tell();
        assert_eq!(told, (returned > 0).then_some((4, returned)), "call {at}");
        // The next sync is told to recall again, until it is told that nothing is left.
        process.flush().recall(ONE, &recalled(), NOW_MS);
        process.tell();
        assert_eq!(process.hour(), [10, 4, 6]);
        if !came_to_it {
            assert_eq!(at, 4, "get, set, get and set the queue");
            break;
        }
    }
}

#[test]
fn workers_that_meet_over_a_record_lose_nothing() {
    for at in 0.. {
        // An answer, while another worker spends and a third one's recall comes in.
        let process = Quiet::new(4);
        process.flush().apply(ONE, &ten(), NOW_MS);
        let more = CreditV1 {
            totals: LeaseTotalsV1 {
                granted: 15,
                ..ten()[0].totals
            },
            version: 2,
            ..ten()[0]
        };
        let meanwhile = || {
            assert_eq!(process.spend(3), ADMITTED);
            process.flush().recall(ONE, &recalled(), NOW_MS);
        };
        let (_, came_to_it) =
            process.at_call(at, &meanwhile, |flush| flush.apply(ONE, &[more], NOW_MS));
        if !came_to_it {
            assert_eq!(at, 2, "get and set");
            break;
        }
        // What was granted before the recall is gone, what came after it is here.
        assert_eq!(process.hour(), [15, 3, 7], "call {at}");
        assert_eq!(process.tell(), Some((3, 7)));
    }
    for at in 0.. {
        // A recall, while others spend.
        let process = Quiet::new(4);
        process.flush().apply(ONE, &ten(), NOW_MS);
        let before_it = Cell::new(false);
        let meanwhile = || before_it.set(process.spend(3) == ADMITTED);
        let (_, came_to_it) = process.at_call(at, &meanwhile, |flush| {
            flush.recall(ONE, &recalled(), NOW_MS)
        });
        if !came_to_it {
            break;
        }
        let expected = if before_it.get() {
            [10, 3, 7]
        } else {
            [10, 0, 10]
        };
        assert_eq!(process.hour(), expected, "call {at}");
        assert_eq!(process.tell(), Some((expected[1], expected[2])));
    }
}

#[test]
fn a_recall_in_the_middle_of_a_seal_goes_with_the_next() {
    let mut told_at_once = BTreeSet::new();
    for at in 0.. {
        let process = Quiet::new(4);
        process.flush().apply(ONE, &ten(), NOW_MS);
        process.spend(4);
        let meanwhile = || _ = process.flush().recall(ONE, &recalled(), NOW_MS);
        let (_, came_to_it) = process.at_call(at, &meanwhile, |flush| flush.seal());
        let outbox = process.flush().outbox().0;
        let rows: Vec<UsageRowV1> = decode(&outbox.next().expect("a batch").rows).expect("rows");
        let told = (rows[0].cells[0].spent, rows[0].cells[0].returned);
        process.deliver();
        let last = process.tell().unwrap_or(told);
        if !came_to_it {
            assert_eq!((told, last), ((4, 0), (4, 0)));
            break;
        }
        assert_eq!(last, (4, 6), "call {at}");
        told_at_once.insert(told == last);
    }
    assert_eq!(told_at_once, BTreeSet::from([false, true]));
}

#[test]
fn all_that_is_held_is_declared_in_pieces() {
    const SLOTS: u32 = 8;
    let process = Quiet::new(SLOTS);
    for application in 1..=20 {
        let application = ApplicationId(application);
        process.flush().apply(application, &ten(), NOW_MS);
    }
    let (all, end) = process.flush().leases(0..SLOTS, usize::MAX, NOW_MS);
    assert_eq!((all.len(), end), (20, SLOTS));
    assert!(all.iter().all(|leases| leases.cells == recalled()));
    let mut pieces = Vec::new();
    let mut from = 0;
    while from < SLOTS {
        let (piece, next) = process.flush().leases(from..SLOTS, 5, NOW_MS);
        assert!(next > from, "it goes on");
        assert!(next == SLOTS || piece.len() >= 5, "as much as asked for");
        let (without_the_last, _) = process.flush().leases(from..next - 1, usize::MAX, NOW_MS);
        assert!(without_the_last.len() < 5, "and no slot more");
        pieces.extend(piece);
        from = next;
    }
    assert_eq!(pieces, all);
    let over_ms = NOW_MS + 2 * 3_600_000;
    assert_eq!(
        process.flush().leases(0..SLOTS, usize::MAX, over_ms),
        (Vec::new(), SLOTS)
    );
}

#[test]
fn a_guarded_admission_that_was_wiped_does_not_count() {
    for at in 0.. {
        let process = Quiet::new(4);
        process.flush().apply(ONE, &ten(), NOW_MS);
        let wipe = || {
            process.memory.wipe();
            process.memory.put(&process.keys.instance(), &[4; 16]);
        };
        let (done, came_to_it) = process.at_call(at, &wipe, |flush| {
            let mut charge = charge(&[(1, 1)], &LIMITS, NOW_SECS);
            admit_guarded(flush, ONE, &mut charge, &moment(NOW_SECS))
        });
        let expected = if came_to_it {
            Admission::OtherInstance
        } else {
            ADMITTED
        };
        assert_eq!(done, Some(expected), "call {at}");
        if !came_to_it {
            assert_eq!(at, 5, "get, set, get and set the queue, get the instance");
            break;
        }
    }
}
