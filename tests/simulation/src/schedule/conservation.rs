//! I2: every unit that was admitted is in the ledger, on its way, or in a record; and in one of them only.

use super::Schedule;
use crate::check::{last_seq, sum_in_ledger};
use crate::gateway::layout;
use tallygate_core::outbox::Outbox;
use tallygate_core::slot::slot_of;
use tallygate_core::wire::{Instance, UsageRowV1, decode};

impl Schedule {
    /// Usage is in the ledger, or on its way, or in a record: in one of them, and nowhere twice.
    pub(super) fn check_conservation(&self) {
        for gateway in 0..self.world.gateways.len() {
            self.check_conservation_of(gateway);
        }
    }

    pub(super) fn check_conservation_of(&self, gateway: usize) {
        let Some((instance, somewhere)) = self.somewhere(gateway) else {
            return;
        };
        let checks = self.world.checks.borrow();
        let lost = checks.lost.get(&instance).copied().unwrap_or_default();
        let admitted = checks.sum_admitted(instance);
        drop(checks);
        if somewhere + lost != admitted {
            self.world.violate(format!(
                "I2: {admitted} admitted by {}, {somewhere} of it are somewhere, {lost} lost",
                instance[0]
            ));
        }
    }

    /// What an instance has admitted, by all that is known of it.
    fn somewhere(&self, gateway: usize) -> Option<(Instance, u64)> {
        let gateway = &self.world.gateways[gateway];
        let instance = gateway.instance()?;
        let memory = gateway.memory.borrow();
        let database = self.world.database.borrow();
        let outbox = Outbox::read(memory.look(&gateway.keys.outbox()), &instance);
        // A backup that was restored has batches of the epochs before.
        let in_ledger = last_seq(&database, instance, outbox.epoch);
        let usage = |rows: &[u8]| decode::<Vec<UsageRowV1>>(rows).unwrap_or_default();
        let sum = |row: &UsageRowV1| row.usage.iter().map(|usage| usage.delta).sum::<u64>();
        let waiting: u64 = outbox
            .batches
            .iter()
            .filter(|batch| batch.seq > in_ledger)
            .flat_map(|batch| usage(&batch.rows))
            .map(|row| sum(&row))
            .sum();
        let slots: Vec<layout::Slot> = (0..gateway.keys.slots())
            .map(|slot| {
                memory
                    .look(&gateway.keys.slot(slot))
                    .and_then(layout::read)
                    .filter(|slot| slot.instance == instance)
                    .unwrap_or_default()
            })
            .collect();
        let mut in_records: u64 = slots
            .iter()
            .flat_map(|slot| &slot.records)
            .flat_map(|record| &record.usages)
            .map(|usage| usage.2)
            .sum();
        if !outbox.debited {
            // Sealed already, and not yet taken out of every record.
            for row in outbox
                .last()
                .map(|batch| usage(&batch.rows))
                .unwrap_or_default()
            {
                let slot = slot_of(row.application, gateway.keys.slots());
                let slot = usize::try_from(slot).ok().and_then(|n| slots.get(n));
                if slot.is_some_and(|slot| slot.debited < outbox.sealed) {
                    in_records = in_records.saturating_sub(sum(&row));
                }
            }
        }
        let somewhere = sum_in_ledger(&database, instance) + waiting + in_records;
        Some((instance, somewhere))
    }

    /// What was in the ledger after the backup was made, and is nowhere else, is lost.
    pub(super) fn note_losses(&self) {
        for gateway in 0..self.world.gateways.len() {
            let Some((instance, somewhere)) = self.somewhere(gateway) else {
                continue;
            };
            let mut checks = self.world.checks.borrow_mut();
            let admitted = checks.sum_admitted(instance);
            checks
                .lost
                .insert(instance, admitted.saturating_sub(somewhere));
        }
    }
}
