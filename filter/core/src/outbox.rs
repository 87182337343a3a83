//! Sealed batches on their way to the ledger: one value of shared data, right from any VM.
//!
//! A batch keeps its number and its bytes until it is acknowledged *and* debited, so it can be sent again by
//! whoever leads next, and the ledger sees the same batch. During a long outage several wait here.

use crate::wire::{Instance, PAGE_BYTES, decode, encode};
use alloc::{collections::VecDeque, vec::Vec};
use serde::{Deserialize, Serialize};

/// How many sealed batches may wait; what comes later stays in the records, by minute.
pub const MOST_BATCHES: usize = 8;

/// One gateway's outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    /// Whose usage this is.
    pub instance: Instance,
    /// The ledger's epoch, 0 before the first answer.
    pub epoch: i64,
    /// Number of the last batch sealed in this epoch.
    pub seq: u64,
    /// How many batches were sealed in all epochs: by this number records remember which was debited last.
    pub sealed: u64,
    /// Whether its usage has been taken out of the records.
    pub debited: bool,
    /// Slots below this number have told the ledger, in this epoch, what is held in them.
    pub declared: u32,
    /// Waiting batches, oldest first.
    pub batches: VecDeque<Batch>,
}

/// A sealed batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Its number in this instance and epoch.
    pub seq: u64,
    /// Compact [`crate::wire::UsageRowV1`]s; never changed once sealed.
    #[serde(with = "crate::wire::bytes")]
    pub rows: Vec<u8>,
}

impl Outbox {
    /// Reads what the key holds; nothing, and another instance's, count as empty.
    #[must_use]
    pub fn read(bytes: Option<&[u8]>, instance: &Instance) -> Self {
        bytes
            .and_then(|bytes| decode::<Self>(bytes).ok())
            .filter(|outbox| outbox.instance == *instance)
            .unwrap_or_else(|| Self {
                instance: *instance,
                debited: true,
                declared: u32::MAX,
                ..Self::default()
            })
    }

    /// What to write back.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// Whether another batch may be sealed: not before the ledger has named its epoch.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.debited && self.epoch != 0 && self.batches.len() < MOST_BATCHES
    }

    /// Whether the ledger holds the batch with this number among all that were sealed, and those before it.
    #[must_use]
    pub fn is_acknowledged(&self, sealed: u64) -> bool {
        let waiting = u64::try_from(self.batches.len()).unwrap_or(u64::MAX);
        sealed <= self.sealed.saturating_sub(waiting)
    }

    /// The batch sealed last, if it is still here.
    #[must_use]
    pub fn last(&self) -> Option<&Batch> {
        self.batches.back().filter(|batch| batch.seq == self.seq)
    }

    /// The batch to send: the oldest.
    #[must_use]
    pub fn next(&self) -> Option<&Batch> {
        self.batches.front()
    }

    /// Adds a batch of these rows.
    pub fn seal(&mut self, rows: Vec<u8>) {
        self.seq = self.seq.saturating_add(1);
        self.sealed = self.sealed.saturating_add(1);
        self.debited = false;
        self.batches.push_back(Batch {
            seq: self.seq,
            rows,
        });
    }

    /// Lets go of what the ledger holds. The last batch stays until it is debited.
    ///
    /// `ack` counts in the epoch that was sent. A new epoch began with a backup, which may have some of what waits: that goes.
    /// The rest is numbered from 1 again, and all that is held is told again. Returns whether anything changed.
    pub fn acknowledge(&mut self, epoch: i64, ack: u64, declared: u32) -> bool {
        if self.epoch == epoch {
            let before = (self.batches.len(), self.declared);
            let (seq, debited) = (self.seq, self.debited);
            self.batches
                .retain(|batch| batch.seq > ack || (batch.seq == seq && !debited));
            self.declared = self.declared.max(declared);
            return (self.batches.len(), self.declared) != before;
        }
        if !self.debited {
            // What the backup has of the last batch must be out of the records first: then the next answer will do.
            return false;
        }
        self.batches.retain(|batch| batch.seq > ack);
        // Before the first epoch nothing was granted.
        self.declared = if self.epoch == 0 { u32::MAX } else { 0 };
        self.epoch = epoch;
        self.seq = 0;
        for batch in &mut self.batches {
            self.seq = self.seq.saturating_add(1);
            batch.seq = self.seq;
        }
        true
    }
}

/// Most bytes of rows in one batch, less the count that precedes them.
pub const BATCH_BYTES: usize = PAGE_BYTES - 8;
