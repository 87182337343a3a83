//! Backups: made, and restored.

use super::{Event, Schedule};
use crate::database::{Database, Key, Row};
use crate::task::Owner;
use tallygate_core::lease::TTL_MS;

/// How long the control plane is stopped for a backup to be restored, in milliseconds.
const RESTORING_MS: u64 = 20_000;

impl Schedule {
    /// The first time a backup is made; the next time the control plane stops, for so long that nothing is on its way
    /// any more, and then the backup is restored.
    pub(super) fn back_up_or_restore(&mut self) {
        let once = self.world.scenario.is_restored_in_peace;
        if once && self.world.counts.borrow().restores > 0 {
            return;
        }
        if once {
            if !self.is_restoring {
                self.restore_in_peace();
            }
        } else if self.backup.is_none() {
            self.back_up();
        } else if !self.is_restoring {
            self.begin_to_restore(0);
        }
    }

    /// Somebody does not hear of what was taken just before the backup, which is in there.
    fn restore_in_peace(&mut self) {
        self.is_restoring = true;
        let mut random = self.world.random.borrow_mut();
        let deaf = random.index(self.world.gateways.len());
        let backup_ms = random.between(100, 3_000);
        let restore_ms = backup_ms + random.between(100, 8_000);
        drop(random);
        let until_ms = self.world.now_ms.get() + restore_ms + RESTORING_MS;
        self.world.gateways[deaf].deaf_until_ms.set(until_ms);
        self.world.trace(|| format!("g{deaf} is DEAF"));
        self.world.after(backup_ms, Event::BackUp);
        self.world.after(restore_ms, Event::StopToRestore);
    }

    pub(super) fn back_up(&mut self) {
        self.world.trace(|| "a backup is made".to_owned());
        self.backup = Some(self.world.database.borrow().rows().clone());
    }

    fn begin_to_restore(&mut self, in_ms: u64) {
        self.is_restoring = true;
        self.world.after(in_ms, Event::StopToRestore);
    }

    pub(super) fn stop_to_restore(&mut self) {
        self.drop_tasks(|owner| !matches!(owner, Owner::Vm { .. }));
        let until_ms = self.world.now_ms.get() + RESTORING_MS;
        self.away_until_ms = self.away_until_ms.max(until_ms);
        self.world
            .trace(|| "a backup is going to be RESTORED".to_owned());
        self.world.after(RESTORING_MS, Event::Restore);
    }

    pub(super) fn restore(&mut self) {
        self.is_restoring = false;
        let Some(mut rows) = self.backup.take() else {
            return;
        };
        self.drop_tasks(|owner| !matches!(owner, Owner::Vm { .. }));
        let now_ms = self.world.now_ms.get();
        {
            let mut database = self.world.database.borrow_mut();
            let (epoch, _) = database.epoch();
            rows.insert(
                Key::Epoch,
                Row::Epoch {
                    epoch: epoch + 1,
                    grace_until_ms: None,
                },
            );
            self.world
                .trace(|| format!("the backup is RESTORED, epoch {}", epoch + 1));
            let backup = Database::new(database.is_sqlite, rows.clone());
            self.world.checks.borrow_mut().restored(
                &database,
                &backup,
                now_ms,
                self.world.scenario.is_restored_in_peace,
            );
            database.replace(rows);
        }
        self.world.counts.borrow_mut().restores += 1;
        if self.world.scenario.is_restored_in_peace {
            self.world.after(TTL_MS, Event::HaveDeclared);
        }
        self.note_losses();
    }
}
