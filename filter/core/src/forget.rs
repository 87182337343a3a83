//! Records of applications that have gone quiet make room, also where their windows last for months.
//!
//! A record may be forgotten once the ledger knows all of it: the next ask is told what was granted, spent and returned,
//! and goes on from there. Credit that is still held is in the record alone, so the control plane recalls it first. And
//! no answer may be under way that tells less than what was spent since: so a slot must have been left alone for longer than
//! any call lasts.

use crate::flush::Flush;
use crate::shared::{SharedData, Version};
use alloc::collections::BTreeMap;
use core::ops::Range;

/// How long a slot must have been left alone, in milliseconds: calls end within seconds.
pub const QUIET_MS: u64 = 60_000;

/// Slots with something to forget, as one VM saw them: at which version, and since when.
#[derive(Clone, Debug, Default)]
pub struct Quiet(BTreeMap<u32, (Version, u64)>);

impl<D: SharedData> Flush<'_, D> {
    /// Forgets the records of a range of slots that hold nothing and have nothing to report, if nobody has written to their
    /// slot for long enough.
    pub fn forget(&self, quiet: &mut Quiet, slots: Range<u32>, now_ms: u64) {
        for number in slots {
            // Read in this order: if what the slot was debited by is acknowledged after it was read, it was complete.
            let (mut slot, version) = self.slot(number);
            if slot.was_blank() || !slot.forget(now_ms) {
                quiet.0.remove(&number);
                continue;
            }
            let (seen, since_ms) = *quiet.0.entry(number).or_insert((version, now_ms));
            if seen != version || now_ms < since_ms {
                quiet.0.insert(number, (version, now_ms));
            } else if now_ms.saturating_sub(since_ms) >= QUIET_MS
                && self.outbox().0.is_acknowledged(slot.debited())
                && self.is_current()
            {
                // Lost to a request: then it is not quiet.
                let _ = self
                    .data
                    .set(&self.keys.slot(number), slot.as_bytes(), version);
                quiet.0.remove(&number);
            }
        }
    }
}
