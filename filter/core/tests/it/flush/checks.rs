//! What holds at every moment of the random schedules.

use super::ledger::Ledger;
use super::world::{LIMITS, SLOTS, World};
use super::*;
use tallygate_core::shared::SharedData as _;

impl World {
    /// A write that adds usage is the admission, whatever happens to the VM afterwards. Returns whether it is one.
    pub(super) fn note_admission(
        &self,
        id: i64,
        usage: &[(i64, u64)],
        old: Option<&[u8]>,
        new: &[u8],
    ) -> bool {
        let instance: Instance = new[8..24].try_into().unwrap();
        let before = counts(&Slot::read(old.map(<[u8]>::to_vec), &instance).rows());
        let after = counts(&Slot::read(Some(new.to_vec()), &instance).rows());
        let mut admitted = self.admitted.borrow_mut();
        let admitted = admitted.entry(instance).or_default();
        let mut added: BTreeMap<i64, u64> = BTreeMap::new();
        for (&(application, metric, minute), sum) in &after {
            let more = sum - before.get(&(application, metric, minute)).unwrap_or(&0);
            if more > 0 {
                assert_eq!(application, id, "another application was charged");
                *added.entry(metric).or_default() += more;
                *admitted.entry((application, metric, minute)).or_default() += more;
            }
        }
        if added.is_empty() {
            return false;
        }
        assert_eq!(
            added,
            usage.iter().copied().collect(),
            "admitted something else"
        );
        if self.current() != Some(instance) {
            // A worker that was in the middle of a request has brought back what it had read before a wipe.
            return true;
        }
        for (metric, period, value) in LIMITS {
            let mut windows: BTreeMap<u64, u64> = BTreeMap::new();
            for ((application, counted, minute), sum) in &*admitted {
                if (*application, *counted) == (id, metric) {
                    let window = period.window(u64::from(*minute) * 60).start;
                    *windows.entry(window).or_default() += sum;
                }
            }
            for (window, sum) in windows {
                assert!(
                    sum <= value,
                    "application {id}, metric {metric}, {period:?} at {window}: {sum} > {value}"
                );
            }
        }
        true
    }

    /// What holds at every moment.
    pub(super) fn check(&self) {
        let ledger = self.ledger.borrow();
        let admitted = self.admitted.borrow();
        for (instance, counts) in &ledger.counts {
            for (key, sum) in counts {
                let admitted = admitted.get(instance).and_then(|counts| counts.get(key));
                assert!(
                    admitted.is_some_and(|admitted| sum <= admitted),
                    "{key:?}: the ledger has {sum}, admitted were {admitted:?}"
                );
            }
        }
        if let Some(instance) = self.current() {
            let admitted = admitted.get(&instance).cloned().unwrap_or_default();
            assert_eq!(
                self.somewhere(instance, &ledger),
                admitted,
                "what was admitted must be in the ledger, on its way, or in a record, and in one of them only"
            );
        }
    }

    /// The process's instance, unless shared data were just wiped.
    pub(super) fn current(&self) -> Option<Instance> {
        self.memory.get(&self.keys.instance()).0?.try_into().ok()
    }

    /// All usage of an instance, wherever it is.
    pub(super) fn somewhere(&self, instance: Instance, ledger: &Ledger) -> Counts {
        let flush = Flush {
            data: &self.memory,
            keys: &self.keys,
            instance,
        };
        let mut all = ledger.counts.get(&instance).cloned().unwrap_or_default();
        let mut add = |more: Counts| {
            for (key, sum) in more {
                *all.entry(key).or_default() += sum;
            }
        };
        let outbox = flush.outbox().0;
        let known = ledger.batches.get(&(instance, outbox.epoch));
        let known = known.map_or(0, Vec::len) as u64;
        for batch in outbox.batches.iter().filter(|batch| batch.seq > known) {
            add(counts(&decode::<Vec<UsageRowV1>>(&batch.rows).unwrap()));
        }
        for number in 0..SLOTS {
            let mut slot = flush.slot(number).0;
            if let Some(last) = outbox.last().filter(|_| !outbox.debited) {
                let rows: Vec<UsageRowV1> = decode(&last.rows).unwrap();
                let here = |row: &UsageRowV1| slot_of(row.application, SLOTS) == number;
                let rows: Vec<_> = rows.into_iter().filter(here).collect();
                if !rows.is_empty() {
                    slot.debit(outbox.sealed, &rows);
                }
            }
            add(counts(&slot.rows()));
        }
        all
    }

    /// Whether nothing is left to seal or send.
    pub(super) fn is_flushed(&self) -> bool {
        self.current().is_some_and(|instance| {
            let flush = Flush {
                data: &self.memory,
                keys: &self.keys,
                instance,
            };
            flush.outbox().0.next().is_none()
                && (0..SLOTS).all(|slot| !flush.slot(slot).0.is_dirty())
        })
    }
}
