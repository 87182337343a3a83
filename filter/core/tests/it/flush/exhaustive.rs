//! A seal that is broken off, or met by another VM, at each of its calls in turn; and seals that do it in a wrong order,
//! which must not pass.

use super::*;
use tallygate_core::outbox::Outbox;
use tallygate_core::shared::{SharedData as _, Version};
use tallygate_core::wire::encode;

/// Some way to move usage from the records to the outbox.
type Seal = fn(&Flush<'_, Hooked<'_>>);

/// What happens at one of the calls.
#[derive(Clone, Copy, Debug)]
enum Event {
    Trap,
    /// Another VM admits requests.
    Admit,
    /// Another VM admits requests and flushes, all the way to the ledger.
    Flush,
    /// The same, and then requests are admitted again.
    FlushAndAdmit,
    /// Another VM admits requests and seals.
    Seal,
    /// Another VM seals and is trapped at its call of that number.
    TrappedSeal(u32),
}

struct Process {
    memory: Memory,
    keys: Keys,
    seal: Seal,
    now_secs: Cell<u64>,
    admitted: RefCell<Counts>,
    /// The last batch, and the sum of all.
    ledger: RefCell<(u64, Counts)>,
}

const SLOTS: u32 = 2;

impl Process {
    fn new(seal: Seal) -> Self {
        let process = Self {
            memory: Memory::new(),
            keys: keys(SLOTS),
            seal,
            now_secs: Cell::new(NOW_SECS),
            admitted: RefCell::default(),
            ledger: RefCell::default(),
        };
        process.memory.put(&process.keys.instance(), &INSTANCE);
        process.flush(|flush| flush.acknowledge(Sent::of(&flush.outbox().0), EPOCH, 0, 0));
        process.admit();
        process
    }

    fn flush<T>(&self, work: impl FnOnce(&Flush<'_, Hooked<'_>>) -> T) -> T {
        self.hooked(&|| (), work)
    }

    fn hooked<T>(&self, hook: &dyn Fn(), work: impl FnOnce(&Flush<'_, Hooked<'_>>) -> T) -> T {
        work(&Flush {
            data: &Hooked::new(&self.memory, hook),
            keys: &self.keys,
            instance: INSTANCE,
        })
    }

    /// Some requests, half of them in a minute of their own: there, what is counted twice is not made up for by what is
    /// lost of later requests; in the first minute it is the other way round.
    fn admit(&self) {
        self.now_secs.set(self.now_secs.get() + 60);
        for application in 1..4 {
            for (metric, now_secs) in [(1, NOW_SECS), (2, self.now_secs.get())] {
                let mut charge = charge(&[(metric, 5)], &[], now_secs);
                self.flush(|flush| {
                    admit(
                        flush,
                        ApplicationId(application),
                        &mut charge,
                        &moment(now_secs),
                    )
                });
                let minute = u32::try_from(now_secs / 60).unwrap();
                let mut admitted = self.admitted.borrow_mut();
                *admitted.entry((application, metric, minute)).or_default() += 5;
            }
        }
    }

    /// The oldest batch to the ledger, and the answer back.
    fn deliver(&self) {
        let outbox = self.flush(|flush| flush.outbox().0);
        let Some(batch) = outbox.next() else { return };
        let ack = {
            let (last, sums) = &mut *self.ledger.borrow_mut();
            if batch.seq == *last + 1 {
                *last = batch.seq;
                let rows: Vec<UsageRowV1> = decode(&batch.rows).expect("rows");
                for (key, sum) in counts(&rows) {
                    *sums.entry(key).or_default() += sum;
                }
            }
            *last
        };
        self.flush(|flush| flush.acknowledge(Sent::of(&outbox), EPOCH, ack, 0));
    }

    fn meanwhile(&self, event: Event) {
        match event {
            Event::Trap => trap(),
            Event::Admit => self.admit(),
            Event::Flush => {
                self.admit();
                self.flush(self.seal);
                self.deliver();
            }
            Event::FlushAndAdmit => {
                self.meanwhile(Event::Flush);
                self.admit();
            }
            Event::Seal => {
                self.admit();
                self.flush(self.seal);
            }
            Event::TrappedSeal(at) => _ = self.seal_until(at, Event::Trap),
        }
    }

    /// Seals, with an event at the call of that number. Returns whether it came to that call.
    fn seal_until(&self, at: u32, event: Event) -> bool {
        let calls = Cell::new(0);
        let hook = || {
            let call = calls.replace(calls.get() + 1);
            if call == at {
                self.meanwhile(event);
            }
        };
        until_trapped(|| self.hooked(&hook, self.seal));
        calls.get() > at
    }

    /// Lets another VM finish, and compares. Only a trap makes a sweep necessary.
    fn settle(self, sweep: bool) -> Result<(), String> {
        self.admit();
        if sweep {
            self.flush(|flush| flush.sweep(0..SLOTS));
        }
        for _ in 0..6 {
            self.flush(self.seal);
            self.deliver();
        }
        let left: usize = (0..SLOTS)
            .map(|slot| self.flush(|flush| flush.slot(slot).0.rows().len()))
            .sum();
        let (ledger, admitted) = (self.ledger.into_inner().1, self.admitted.into_inner());
        if ledger == admitted && left == 0 {
            Ok(())
        } else {
            Err(format!(
                "{admitted:?} were admitted, the ledger has {ledger:?}, {left} rows are left"
            ))
        }
    }
}

/// Tries each event at each call. Returns how many schedules there were.
fn check(seal: Seal) -> Result<u32, String> {
    let mut events = vec![
        Event::Trap,
        Event::Admit,
        Event::Flush,
        Event::FlushAndAdmit,
        Event::Seal,
    ];
    events.extend((0..40).map(Event::TrappedSeal));
    let mut schedules = 0;
    for event in events {
        for at in 0.. {
            let process = Process::new(seal);
            let came_to_it = process.seal_until(at, event);
            process
                .settle(matches!(event, Event::Trap | Event::TrappedSeal(_)))
                .map_err(|problem| format!("{event:?} at call {at}: {problem}"))?;
            schedules += 1;
            if !came_to_it {
                break;
            }
        }
    }
    Ok(schedules)
}

/// Rows of all the records.
fn rows(flush: &Flush<'_, Hooked<'_>>) -> Vec<UsageRowV1> {
    let slots = 0..flush.keys.slots();
    slots.flat_map(|slot| flush.slot(slot).0.rows()).collect()
}

/// Takes rows out of the records, under the number that `number` makes of a record.
fn debit(flush: &Flush<'_, Hooked<'_>>, rows: &[UsageRowV1], number: impl Fn(&Slot) -> u64) {
    for slot in 0..flush.keys.slots() {
        let here = |row: &&UsageRowV1| slot_of(row.application, flush.keys.slots()) == slot;
        let rows: Vec<_> = rows.iter().filter(here).cloned().collect();
        loop {
            let (mut record, version) = flush.slot(slot);
            let number = number(&record);
            if rows.is_empty() || !record.debit(number, &rows) {
                break;
            }
            let key = flush.keys.slot(slot);
            if flush.data.set(&key, record.as_bytes(), version).is_ok() {
                break;
            }
        }
    }
}

fn put(flush: &Flush<'_, Hooked<'_>>, outbox: &Outbox, version: Version) -> bool {
    let key = flush.keys.outbox();
    flush.data.set(&key, &outbox.to_bytes(), version).is_ok()
}

fn last_rows(outbox: &Outbox) -> Vec<UsageRowV1> {
    outbox
        .last()
        .map(|batch| decode(&batch.rows).expect("rows"))
        .unwrap_or_default()
}

/// Copies the records into a batch, if the last one is debited.
fn copy(flush: &Flush<'_, Hooked<'_>>) {
    let (mut outbox, version) = flush.outbox();
    let rows = rows(flush);
    if outbox.debited && !rows.is_empty() {
        outbox.seal(encode(&rows));
        put(flush, &outbox, version);
    }
}

/// Takes the last batch out of the records, if that is still to be done.
fn take_out(flush: &Flush<'_, Hooked<'_>>) {
    let (mut outbox, version) = flush.outbox();
    if !outbox.debited {
        debit(flush, &last_rows(&outbox), |_| outbox.sealed);
        outbox.debited = true;
        put(flush, &outbox, version);
    }
}

fn right(flush: &Flush<'_, Hooked<'_>>) {
    flush.seal();
}

/// In the same terms as the wrong ones: shows that it is the order that fails them.
fn right_by_hand(flush: &Flush<'_, Hooked<'_>>) {
    take_out(flush);
    copy(flush);
    take_out(flush);
}

fn debit_before_seal(flush: &Flush<'_, Hooked<'_>>) {
    let (mut outbox, version) = flush.outbox();
    let rows = rows(flush);
    if !rows.is_empty() {
        debit(flush, &rows, |_| outbox.sealed + 1);
        outbox.seal(encode(&rows));
        outbox.debited = true;
        put(flush, &outbox, version);
    }
}

fn outbox_read_last(flush: &Flush<'_, Hooked<'_>>) {
    take_out(flush);
    let rows = rows(flush);
    let (mut outbox, version) = flush.outbox();
    if outbox.debited && !rows.is_empty() {
        outbox.seal(encode(&rows));
        put(flush, &outbox, version);
    }
    take_out(flush);
}

fn said_before_debited(flush: &Flush<'_, Hooked<'_>>) {
    let take_out = || {
        let (mut outbox, version) = flush.outbox();
        if !outbox.debited {
            outbox.debited = true;
            if put(flush, &outbox, version) {
                debit(flush, &last_rows(&outbox), |_| outbox.sealed);
            }
        }
    };
    take_out();
    copy(flush);
    take_out();
}

fn debit_without_a_number(flush: &Flush<'_, Hooked<'_>>) {
    let take_out = || {
        let (mut outbox, version) = flush.outbox();
        if !outbox.debited {
            debit(flush, &last_rows(&outbox), |record| record.debited() + 1);
            outbox.debited = true;
            put(flush, &outbox, version);
        }
    };
    take_out();
    copy(flush);
    take_out();
}

#[test]
fn wherever_a_seal_is_stopped_another_vm_finishes_it() {
    let schedules = check(right).expect("exactly once");
    assert!(schedules > 500, "only {schedules} schedules");
    check(right_by_hand).expect("exactly once");
}

#[test]
fn a_seal_in_a_wrong_order_is_caught() {
    let wrong: [(&str, Seal); 4] = [
        ("debit before the seal", debit_before_seal),
        ("the outbox read after the records", outbox_read_last),
        ("said to be debited before it is", said_before_debited),
        ("debited however often", debit_without_a_number),
    ];
    for (what, seal) in wrong {
        assert!(check(seal).is_err(), "{what}: not caught");
    }
}
