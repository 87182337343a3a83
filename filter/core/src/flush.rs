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

/// The queue of slots that became dirty. `base` counts the entries taken out so far, so it tells an entry from an equal
/// one that came later.
///
/// In shared data: `base u64`, then `slot u32` each, so that a request adds to its end without taking it apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Queue {
    base: u64,
    slots: Vec<u32>,
}

/// Bytes before a queue's first entry.
const BASE: usize = 8;

/// Slots as a seal read them: a debit that finds nothing newer there need not read them again.
type Reads = BTreeMap<u32, (Slot, Version)>;

/// The most that a row without its usage, and one usage, can take in a batch.
const ROW_BYTES: usize = 32;
const USAGE_BYTES: usize = 25;

/// What a seal came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// Nothing was waiting.
    Nothing,
    /// A batch was sealed and debited; `more` when usage was left for the next.
    Batch {
        /// Whether the next should follow as soon as this one is acknowledged.
        more: bool,
    },
    /// The outbox is full, or the ledger's epoch is not known yet.
    Full,
    /// Somebody else was at it: try again on the next tick.
    Lost,
}

/// What an answer answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Whose outbox it was.
    pub instance: Instance,
    /// The epoch it was in.
    pub epoch: i64,
}

/// Rows for a batch.
#[derive(Default)]
struct Load {
    rows: Vec<UsageRowV1>,
    bytes: usize,
    full: bool,
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
            let mut queue = value
                .filter(|queue| queue.len() >= BASE)
                .unwrap_or_else(|| Queue::default().to_bytes());
            queue.extend_from_slice(&slot.to_le_bytes());
            if self.data.set(&key, &queue, version).is_ok() {
                return;
            }
        }
    }

    /// Seals what is dirty into one batch, and debits it.
    pub fn seal(&self) -> Sealed {
        // The outbox is read before any record: whoever seals in between makes the write below fail.
        let (mut outbox, mut version) = self.outbox();
        if !outbox.debited {
            if self.debit(&outbox, version, Reads::new()).is_err() {
                return Sealed::Lost;
            }
            (outbox, version) = self.outbox();
        }
        if !outbox.has_room() {
            return Sealed::Full;
        }
        let seen = self.queues();
        // Longest waiting first, and each batch begins with another queue. A slot may stand in its queue several times.
        let mut known = BTreeSet::new();
        let first = usize::try_from(outbox.sealed).unwrap_or_default() % seen.len().max(1);
        let (later, earlier) = seen.split_at(first);
        let slots: Vec<u32> = earlier
            .iter()
            .chain(later)
            .flat_map(|queue| queue.slots.iter().copied())
            .filter(|&slot| known.insert(slot))
            .collect();
        let mut load = Load::default();
        let mut visited = BTreeSet::new();
        let mut reads = Reads::new();
        for number in slots {
            visited.insert(number);
            let (slot, version) = self.slot(number);
            if !slot.is_dirty() {
                continue;
            }
            let taken = slot.rows().into_iter().all(|row| load.take(row));
            reads.insert(number, (slot, version));
            if !taken {
                break;
            }
        }
        let mut dirty: BTreeSet<u32> = reads.keys().copied().collect();
        let Load { rows, full, .. } = load;
        let sealed = if rows.is_empty() {
            Sealed::Nothing
        } else {
            outbox.seal(encode(&rows));
            // Asked after all was read: what a worker brought back after a wipe is never sealed again.
            if !self.is_current()
                || self
                    .data
                    .set(&self.keys.outbox(), &outbox.to_bytes(), version)
                    .is_err()
            {
                return Sealed::Lost;
            }
            let (outbox, version) = self.outbox();
            match self.debit(&outbox, version, reads) {
                Ok(clean) => dirty.retain(|slot| !clean.contains(slot)),
                Err(Lost) => return Sealed::Lost,
            }
            Sealed::Batch { more: full }
        };
        self.drop_seen(&seen, &visited, &dirty);
        sealed
    }

    /// Takes the last sealed batch's usage out of the records, then says so in the outbox. Gives back the slots that
    /// this left clean: whoever makes one of them dirty again enters it in its queue again.
    ///
    /// `reads` are slots that have just been read.
    fn debit(
        &self,
        outbox: &Outbox,
        version: Version,
        mut reads: Reads,
    ) -> Result<BTreeSet<u32>, Lost> {
        let mut clean = BTreeSet::new();
        if outbox.debited {
            return Ok(clean);
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
                    let (mut record, version) =
                        reads.remove(&slot).unwrap_or_else(|| self.slot(slot));
                    // Blank means wiped since it was sealed: what stands there is not this instance's to change.
                    if record.was_blank()
                        || !record.debit(outbox.sealed, &rows)
                        || self
                            .data
                            .set(&self.keys.slot(slot), record.as_bytes(), version)
                            .is_ok()
                    {
                        if !record.is_dirty() {
                            clean.insert(slot);
                        }
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
            .set(&self.keys.outbox(), &done.to_bytes(), version)?;
        Ok(clean)
    }

    /// Takes the entries that were seen out of the queues and, in the same write, leaves those that are still `dirty` and
    /// those whose turn has not come.
    ///
    /// Slots that had their turn go to the end: none waits for ever where more become dirty than a batch can carry.
    fn drop_seen(&self, seen: &[Queue], visited: &BTreeSet<u32>, dirty: &BTreeSet<u32>) {
        for (number, seen) in (0..).zip(seen) {
            if seen.slots.iter().all(|slot| !visited.contains(slot)) {
                continue;
            }
            let mut left = seen.slots.clone();
            left.retain(|slot| dirty.contains(slot) || !visited.contains(slot));
            keep_last(&mut left);
            let (again, waiting): (Vec<u32>, Vec<u32>) =
                left.into_iter().partition(|slot| visited.contains(slot));
            let gone = seen.slots.len().saturating_sub(waiting.len());
            let key = self.keys.queue(number);
            loop {
                let (value, version) = self.data.get(&key);
                let queue = Queue::read(value.as_deref());
                let Some(later) = queue.slots.strip_prefix(seen.slots.as_slice()) else {
                    break;
                };
                if queue.base != seen.base {
                    // Somebody else has been through: equal entries may be new ones.
                    break;
                }
                let next = Queue {
                    base: queue.base.saturating_add(gone as u64),
                    slots: [&waiting, later, &again].concat(),
                };
                if self.data.set(&key, &next.to_bytes(), version).is_ok() {
                    break;
                }
            }
        }
    }

    /// Records an answer to what was sent as `sent`. Returns whether a batch left the outbox.
    ///
    /// An answer that comes late, to what was sent by another instance or in another epoch, is left alone: its
    /// numbers are not those of the outbox as it stands now. `declared` is how far what is held was told with it.
    pub fn acknowledge(&self, sent: Sent, epoch: i64, ack: u64, declared: u32) -> bool {
        loop {
            let (mut outbox, version) = self.outbox();
            if sent != Sent::of(&outbox) || !self.is_current() {
                return false;
            }
            let waiting = outbox.batches.len();
            if !outbox.acknowledge(epoch, ack, declared) {
                return false;
            }
            if self
                .data
                .set(&self.keys.outbox(), &outbox.to_bytes(), version)
                .is_ok()
            {
                return outbox.batches.len() < waiting;
            }
        }
    }

    /// Enqueues the dirty slots of a range that are in no queue: heals a trap between a record's write and its
    /// entry in the queue.
    pub fn sweep(&self, slots: core::ops::Range<u32>) {
        let mut dirty: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for slot in slots {
            if self.slot(slot).0.is_dirty() {
                dirty.entry(slot % QUEUES).or_default().push(slot);
            }
        }
        for (number, slots) in dirty {
            let key = self.keys.queue(number);
            loop {
                let (value, version) = self.data.get(&key);
                let mut queue = Queue::read(value.as_deref());
                let queued: BTreeSet<u32> = queue.slots.iter().copied().collect();
                let before = queue.slots.len();
                let missing = slots.iter().filter(|slot| !queued.contains(slot));
                queue.slots.extend(missing);
                if queue.slots.len() == before
                    || self.data.set(&key, &queue.to_bytes(), version).is_ok()
                {
                    break;
                }
            }
        }
    }

    /// Whether shared data still belong to this instance.
    pub fn is_current(&self) -> bool {
        self.data.get(&self.keys.instance()).0.as_deref() == Some(self.instance.as_slice())
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
            .map(|key: String| Queue::read(self.data.get(&key).0.as_deref()))
            .collect()
    }
}

// === impl Sent ===

impl Sent {
    /// What is sent from this outbox.
    #[must_use]
    pub fn of(outbox: &Outbox) -> Self {
        Self {
            instance: outbox.instance,
            epoch: outbox.epoch,
        }
    }
}

// === impl Load ===

impl Load {
    /// Adds a row, or as much of it as there is room for: what is left out stays in its record. Returns whether there
    /// was room for all.
    fn take(&mut self, mut row: UsageRowV1) -> bool {
        let room = BATCH_BYTES.saturating_sub(self.bytes);
        let mut bytes = encode(&row).len();
        if bytes > room {
            self.full = true;
            // What was spent settles beside all of its usage, or later: so some of it waits, and takes the totals along.
            let fitting = room.saturating_sub(ROW_BYTES) / USAGE_BYTES;
            row.usage
                .truncate(fitting.min(row.usage.len().saturating_sub(1)));
            row.cells.clear();
            bytes = encode(&row).len();
        }
        if !row.usage.is_empty() || !row.cells.is_empty() {
            self.bytes = self.bytes.saturating_add(bytes);
            self.rows.push(row);
        }
        !self.full
    }
}

/// Leaves the last of equal entries: the earlier ones have been seen to.
fn keep_last(slots: &mut Vec<u32>) {
    let mut known = BTreeSet::new();
    slots.reverse();
    slots.retain(|&slot| known.insert(slot));
    slots.reverse();
}

// === impl Queue ===

impl Queue {
    fn read(bytes: Option<&[u8]>) -> Self {
        let (base, slots) = bytes
            .and_then(|bytes| bytes.split_first_chunk::<BASE>())
            .unwrap_or((&[0; BASE], &[]));
        let (slots, _) = slots.as_chunks();
        Self {
            base: u64::from_le_bytes(*base),
            slots: slots.iter().copied().map(u32::from_le_bytes).collect(),
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let slots = self.slots.iter().flat_map(|slot| slot.to_le_bytes());
        self.base.to_le_bytes().into_iter().chain(slots).collect()
    }
}
