//! Usage from the records into the outbox: seal, debit, drop, each one compare-and-swap on one key.
//!
//! Any VM may do any of it at any time, twice or halfway: which one leads saves work, and no safety rests on it.
//! The order is what makes it right: a batch is a *copy* of usage, it counts once sealed, and only then is
//! the same usage taken out of the records, once per record however often that is tried.

use crate::outbox::{BATCH_BYTES, Outbox};
use crate::shared::{Keys, Lost, QUEUES, SharedData, Version};
use crate::slot::{Slot, slot_of};
use crate::wire::{Instance, UsageRowV1, decode, encode};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

/// The queue of slots that became dirty. Entries have an absolute index: `base` is that of the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Queue {
    base: u64,
    slots: Vec<u32>,
}

/// What a seal came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// Nothing was waiting.
    Nothing,
    /// A batch was sealed and debited; `more` when usage was left for the next.
    Batch {
        /// Whether the next should follow at once.
        more: bool,
    },
    /// The outbox is full, or the ledger's epoch is not known yet.
    Full,
    /// Somebody else was at it: try again on the next tick.
    Lost,
}

/// One process's flush: its shared data, keys and instance.
pub struct Flush<'a, D> {
    /// Shared data.
    pub data: &'a D,
    /// Names of its keys.
    pub keys: &'a Keys,
    /// The process.
    pub instance: Instance,
}

impl<D: SharedData> Flush<'_, D> {
    /// Puts a slot that became dirty where a flush will find it. Called once by the request that made it so.
    pub fn enqueue(&self, slot: u32) {
        let key = self.keys.queue(slot % QUEUES);
        loop {
            let (value, version) = self.data.get(&key);
            let mut queue = read_queue(value.as_deref());
            queue.slots.push(slot);
            if self.data.set(&key, &encode(&queue), version).is_ok() {
                return;
            }
        }
    }

    /// Seals what is dirty into one batch, and debits it.
    pub fn seal(&self) -> Sealed {
        // The outbox is read before any record: whoever seals in between makes the write below fail.
        let (outbox, version) = self.outbox();
        if self.debit(&outbox, version).is_err() {
            return Sealed::Lost;
        }
        let (mut outbox, version) = self.outbox();
        if !outbox.has_room() {
            return Sealed::Full;
        }
        let seen = self.queues();
        // Longest waiting first; a slot may stand in its queue several times.
        let mut known = BTreeSet::new();
        let slots: Vec<u32> = seen
            .iter()
            .flat_map(|queue| queue.slots.iter().copied())
            .filter(|&slot| known.insert(slot))
            .collect();
        let mut rows: Vec<UsageRowV1> = Vec::new();
        let mut bytes = 0_usize;
        let mut more = false;
        for slot in slots {
            let read = self.slot(slot).0;
            if !read.is_dirty() {
                continue;
            }
            let of_slot = read.rows();
            let size: usize = of_slot.iter().map(|row| encode(row).len()).sum();
            if bytes > 0 && bytes.saturating_add(size) > BATCH_BYTES {
                more = true;
                break;
            }
            bytes = bytes.saturating_add(size);
            rows.extend(of_slot);
        }
        let sealed = if rows.is_empty() {
            Sealed::Nothing
        } else {
            outbox.seal(encode(&rows));
            if self
                .data
                .set(&self.keys.outbox(), &outbox.to_bytes(), version)
                .is_err()
            {
                return Sealed::Lost;
            }
            let (outbox, version) = self.outbox();
            if self.debit(&outbox, version).is_err() {
                return Sealed::Lost;
            }
            Sealed::Batch { more }
        };
        self.drop_seen(&seen);
        sealed
    }

    /// Takes the last sealed batch's usage out of the records, then says so in the outbox.
    fn debit(&self, outbox: &Outbox, version: Version) -> Result<(), Lost> {
        if outbox.debited {
            return Ok(());
        }
        if let Some(batch) = outbox.last() {
            let rows: Vec<UsageRowV1> = decode(&batch.rows).unwrap_or_default();
            let mut by_slot: BTreeMap<u32, Vec<UsageRowV1>> = BTreeMap::new();
            for row in rows {
                by_slot
                    .entry(slot_of(row.application, self.keys.slots()))
                    .or_default()
                    .push(row);
            }
            for (slot, rows) in by_slot {
                loop {
                    let (mut record, version) = self.slot(slot);
                    if !record.debit(batch.seq, &rows)
                        || self
                            .data
                            .set(&self.keys.slot(slot), record.as_bytes(), version)
                            .is_ok()
                    {
                        break;
                    }
                }
            }
        }
        let done = Outbox {
            debited: true,
            ..outbox.clone()
        };
        self.data
            .set(&self.keys.outbox(), &done.to_bytes(), version)
    }

    /// Takes the entries that were seen out of the queues and puts back, in the same write, those still dirty.
    fn drop_seen(&self, seen: &[Queue]) {
        for (number, seen) in (0..).zip(seen) {
            if seen.slots.is_empty() {
                continue;
            }
            let mut dirty: Vec<u32> = seen.slots.clone();
            dirty.sort_unstable();
            dirty.dedup();
            dirty.retain(|&slot| self.slot(slot).0.is_dirty());
            let key = self.keys.queue(number);
            loop {
                let (value, version) = self.data.get(&key);
                let queue = read_queue(value.as_deref());
                let seen_to = seen.base.saturating_add(seen.slots.len() as u64);
                let gone = usize::try_from(seen_to.saturating_sub(queue.base))
                    .unwrap_or(usize::MAX)
                    .min(queue.slots.len());
                if gone == 0 {
                    break;
                }
                let mut slots = queue.slots.get(gone..).unwrap_or_default().to_vec();
                slots.extend_from_slice(&dirty);
                let left = Queue {
                    base: queue.base.saturating_add(gone as u64),
                    slots,
                };
                if self.data.set(&key, &encode(&left), version).is_ok() {
                    break;
                }
            }
        }
    }

    /// Records what the ledger answered. Returns whether a batch left the outbox.
    pub fn acknowledge(&self, epoch: i64, ack: u64) -> bool {
        loop {
            let (mut outbox, version) = self.outbox();
            if !outbox.acknowledge(epoch, ack) {
                return false;
            }
            if self
                .data
                .set(&self.keys.outbox(), &outbox.to_bytes(), version)
                .is_ok()
            {
                return true;
            }
        }
    }

    /// Enqueues every dirty slot of a range: heals a trap between a record's write and its entry in the queue.
    pub fn sweep(&self, slots: core::ops::Range<u32>) {
        for slot in slots {
            if self.slot(slot).0.is_dirty() {
                self.enqueue(slot);
            }
        }
    }

    /// The outbox and its version.
    pub fn outbox(&self) -> (Outbox, Version) {
        let (value, version) = self.data.get(&self.keys.outbox());
        (Outbox::read(value.as_deref(), &self.instance), version)
    }

    /// A slot and its version.
    pub fn slot(&self, slot: u32) -> (Slot, Version) {
        let (value, version) = self.data.get(&self.keys.slot(slot));
        (Slot::read(value, &self.instance), version)
    }

    fn queues(&self) -> Vec<Queue> {
        (0..QUEUES)
            .map(|number| self.keys.queue(number))
            .map(|key: String| read_queue(self.data.get(&key).0.as_deref()))
            .collect()
    }
}

fn read_queue(bytes: Option<&[u8]>) -> Queue {
    bytes
        .and_then(|bytes| decode(bytes).ok())
        .unwrap_or_default()
}
