//! What the control plane says of credit, taken into the records: granted, recalled, and declared back to it.
//!
//! Each is one compare-and-swap on one slot, right from any VM and harmless twice.

use crate::flush::Flush;
use crate::id::ApplicationId;
use crate::shared::SharedData;
use crate::slot::{Slot, slot_of};
use crate::wire::{CreditV1, LeaseTotalsV1, LeasesV1};
use alloc::vec::Vec;
use core::ops::Range;

/// Tries at a slot: each one that is lost means that somebody else got on.
const TRIES: u32 = 1_000;

impl<D: SharedData> Flush<'_, D> {
    /// Applies what an ask or a sync of this instance was told of an application's cells.
    pub fn apply(&self, application: ApplicationId, told: &[CreditV1], now_ms: u64) {
        self.change(application, |slot| slot.apply(application, told, now_ms));
    }

    /// Returns what is left of these leases, and sees to it that a flush tells so. Returns whether there is
    /// anything to tell.
    pub fn recall(&self, application: ApplicationId, told: &[LeaseTotalsV1], now_ms: u64) -> bool {
        self.change(application, |slot| slot.recall(application, told, now_ms))
    }

    /// Of a range of slots, what the process holds: for a ledger that was restored. Stops after the slot that makes it
    /// `most` cells or more; the number that comes back is the first slot that was not looked at.
    pub fn leases(&self, slots: Range<u32>, most: usize, now_ms: u64) -> (Vec<LeasesV1>, u32) {
        let mut leases = Vec::new();
        let mut cells: usize = 0;
        for slot in slots.clone() {
            if cells >= most {
                return (leases, slot);
            }
            let held = self.slot(slot).0.leases(now_ms);
            cells = held
                .iter()
                .fold(cells, |sum, held| sum.saturating_add(held.cells.len()));
            leases.extend(held);
        }
        (leases, slots.end)
    }

    /// Changes a slot unless another instance owns shared data by now. Returns whether anything was changed.
    fn change(&self, application: ApplicationId, change: impl Fn(&mut Slot) -> bool) -> bool {
        let number = slot_of(application, self.keys.slots());
        let key = self.keys.slot(number);
        for _ in 0..TRIES {
            let (mut slot, version) = self.slot(number);
            if slot.was_blank() && !self.is_current() {
                return false;
            }
            let was_dirty = slot.is_dirty();
            if !change(&mut slot) {
                return false;
            }
            if self.data.set(&key, slot.as_bytes(), version).is_ok() {
                if !was_dirty && slot.is_dirty() {
                    self.enqueue(number);
                }
                return true;
            }
        }
        false
    }
}
