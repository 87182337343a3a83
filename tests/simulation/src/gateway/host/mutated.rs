//! What mutations make of reads and writes: the code under test knows nothing of it.

use super::{Doing, VmHost};
use crate::gateway::layout;
use crate::mutation::Mutation;
use tallygate_core::outbox::Outbox;
use tallygate_core::shared::Version;
use tallygate_core::wire::{UsageRowV1, decode, encode};

impl VmHost<'_> {
    /// What a mutation makes of a read.
    pub(super) fn read_differently(
        &self,
        key: &str,
        read: (Option<Vec<u8>>, Version),
    ) -> (Option<Vec<u8>>, Version) {
        let (value, version) = read;
        let (Some(mutation), Some(mut value)) = (self.world.mutation, value.clone()) else {
            return (value, version);
        };
        match mutation {
            Mutation::DrainFirst
                if self.is_slot(key) && self.is_sealing() && !self.is_debiting.get() =>
            {
                let mut memory = self.gateway.memory.borrow_mut();
                if let Some(drained) = layout::drained(&value) {
                    memory.put(key, &drained);
                }
                return (Some(value), memory.get(key).1);
            }
            Mutation::NoLastSeq
                if self.is_slot(key) && self.is_sealing() && self.is_debiting.get() =>
            {
                if let Some(debited) = value.get_mut(layout::DEBITED) {
                    debited.fill(0);
                }
            }
            Mutation::ForgetsTooSoon if self.is_slot(key) && !self.is_sealing() => {
                if let Some(kept) = layout::unreported(&value) {
                    value = kept;
                }
            }
            Mutation::NoInstanceTag if self.is_slot(key) => {
                if let (Some(tag), Some(instance)) =
                    (value.get_mut(layout::INSTANCE), self.vm.instance.get())
                {
                    tag.copy_from_slice(&instance);
                }
            }
            _ => {}
        }
        (Some(value), version)
    }

    /// What a mutation makes of a write: other bytes, at another version.
    pub(super) fn write_differently(
        &self,
        key: &str,
        value: &[u8],
        version: Version,
    ) -> (Vec<u8>, Version) {
        let mut value = value.to_vec();
        let unchanged = version;
        let Some(mutation) = self.world.mutation else {
            return (value, version);
        };
        let is_outbox = key == self.gateway.keys.outbox();
        let now = |key: &str| self.gateway.memory.borrow().get(key).1;
        match mutation {
            Mutation::SealsUnconditionally if is_outbox && self.is_sealing() => {
                return (value, now(key));
            }
            Mutation::AdmitsUnconditionally
                if self.is_slot(key) && matches!(*self.doing.borrow(), Doing::Admit(_)) =>
            {
                return (value, now(key));
            }
            Mutation::AppliesUnconditionally
                if self.is_slot(key) && *self.doing.borrow() == Doing::Other =>
            {
                return (value, now(key));
            }
            Mutation::OutboxReadLate if is_outbox && self.is_sealing() => {
                let memory = self.gateway.memory.borrow();
                let (now, version) = memory.get(key);
                let (Some(instance), Ok(sealed)) =
                    (self.vm.instance.get(), decode::<Outbox>(&value))
                else {
                    return (value, unchanged);
                };
                let mut outbox = Outbox::read(now.as_deref(), &instance);
                if let (Some(batch), false, true) =
                    (sealed.last(), sealed.debited, outbox.has_room())
                {
                    outbox.seal(batch.rows.clone());
                    return (encode(&outbox), version);
                }
            }
            Mutation::ReturnsUntold if is_outbox && self.is_sealing() => {
                if let Ok(mut outbox) = decode::<Outbox>(&value)
                    && !outbox.debited
                    && let Some(batch) = outbox.batches.back_mut()
                {
                    let mut rows: Vec<UsageRowV1> = decode(&batch.rows).unwrap_or_default();
                    for cell in rows.iter_mut().flat_map(|row| &mut row.cells) {
                        cell.returned = 0;
                    }
                    batch.rows = encode(&rows);
                    value = encode(&outbox);
                }
            }
            Mutation::DropWholeQueue if self.is_sealing() && key.contains("dirty.") => {
                let memory = self.gateway.memory.borrow();
                let (now, version) = memory.get(key);
                let now = now.unwrap_or_default();
                let base = now
                    .first_chunk::<8>()
                    .map_or(0, |base| u64::from_le_bytes(*base));
                let next = base + (now.len().saturating_sub(8) / 4) as u64;
                return (next.to_le_bytes().to_vec(), version);
            }
            Mutation::ClearUnseen if self.is_sealing() && self.is_slot(key) => {
                let no_usage = layout::read(&value)
                    .is_some_and(|slot| slot.records.iter().all(|record| record.usages.is_empty()));
                if no_usage && let Some(dirty) = value.get_mut(layout::DIRTY) {
                    *dirty = 0;
                }
            }
            _ => {}
        }
        (value, version)
    }
}
