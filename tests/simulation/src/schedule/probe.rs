//! What is free, or held by gateways that live, can be had at each of them.

use super::Schedule;
use crate::database::{CellKey, Key};
use crate::gateway::request::{self, Outcome};
use crate::gateway::{Vm, layout};
use std::cell::Cell;
use std::rc::Rc;
use tallygate_core::book;
use tallygate_core::id::ApplicationId;
use tallygate_core::slot::slot_of;

/// Calls of a probe, a bit more than a second apart: longer than any refusal holds without being asked again.
const PROBES: u32 = 28;

impl Schedule {
    /// What nobody holds but live gateways can be used at each of them.
    pub(super) fn probe(&mut self) {
        for gateway in 0..self.world.gateways.len() {
            for application in 1..=self.world.scenario.applications {
                let outcome = Rc::new(Cell::new(None));
                let mut may_be_had = true;
                for _ in 0..PROBES {
                    if !may_be_had {
                        break;
                    }
                    let vms = self.world.gateways[gateway].vms.borrow();
                    let Some(vm): Option<Rc<Vm>> = vms.iter().find(|vm| vm.worker > 0).cloned()
                    else {
                        return;
                    };
                    drop(vms);
                    may_be_had = self.may_be_had(gateway, application);
                    let told = Rc::clone(&outcome);
                    self.in_vm(&vm, move |world, host, gateway, vm| {
                        let usage = [(1, 1)];
                        let now = request::request(world, host, gateway, vm, application, &usage);
                        if told.get() != Some(Outcome::Admitted) {
                            told.set(Some(now));
                        }
                    });
                    self.run_for(1_300);
                    if outcome.get() == Some(Outcome::Admitted) || self.has_failed() {
                        break;
                    }
                }
                if may_be_had && outcome.get() != Some(Outcome::Admitted) && !self.has_failed() {
                    return self.world.violate(format!(
                        "I5: app {application} is not served at g{gateway}, though there is credit: {:?}; {}",
                        outcome.get(),
                        self.stands(gateway, application)
                    ));
                }
            }
        }
    }

    /// How an application's cells stand at a gateway and in the ledger, for whoever has to find out.
    fn stands(&self, gateway: usize, application: i64) -> String {
        let gateway = &self.world.gateways[gateway];
        let slot = slot_of(ApplicationId(application), gateway.keys.slots());
        let memory = gateway.memory.borrow();
        let record = memory
            .look(&gateway.keys.slot(slot))
            .and_then(layout::read)
            .map(|slot| slot.records);
        let database = self.world.database.borrow();
        let rows = database.rows().iter().filter(|(key, _)| match key {
            Key::Cell(cell) => cell.0 == application,
            Key::Lease(_, cell) => cell.0 == application,
            _ => false,
        });
        let rows: Vec<_> = rows.collect();
        format!("{:?} {record:?} {rows:?}", database.limits(application))
    }

    /// Whether one more call has room in each of its cells: free, or held by gateways that live.
    fn may_be_had(&self, gateway: usize, application: i64) -> bool {
        let database = self.world.database.borrow();
        let now_secs = self.world.now_ms.get() / 1_000;
        let snapshot = self.world.gateways[gateway].snapshot.borrow().clone();
        let known = snapshot.applications.get(&application).cloned();
        let (limits, revision) = database.limits(application);
        if known.is_none_or(|(_, known)| known != revision) {
            return false;
        }
        limits
            .iter()
            .filter(|((metric, _), _)| *metric == 1)
            .all(|((metric, period), limit)| {
                let key = (application, *metric, *period, period.window(now_secs).start);
                let cell = database.cell(key).cloned();
                let cell = cell.unwrap_or_else(|| book::Cell {
                    used: database.in_series(key),
                    ..Default::default()
                });
                // After a restore the ledger may take for held what was spent, and lost with its usage.
                let held: u64 = (0..self.world.gateways.len())
                    .filter_map(|gateway| {
                        let instance = self.world.gateways[gateway].instance()?;
                        let lease = database.lease(instance, key)?;
                        let (_, left) = self.record(gateway, key);
                        Some(lease.left().min(left))
                    })
                    .sum();
                let (alone, _) = self.record(gateway, key);
                alone.max((cell.used + cell.leased).saturating_sub(held)) < *limit
            })
    }

    /// What a gateway has admitted by itself in a cell (it never passes a limit alone), and what it has left there.
    fn record(&self, gateway: usize, (application, metric, period, window): CellKey) -> (u64, u64) {
        let gateway = &self.world.gateways[gateway];
        let slot = slot_of(ApplicationId(application), gateway.keys.slots());
        let memory = gateway.memory.borrow();
        let slot = memory.look(&gateway.keys.slot(slot)).and_then(layout::read);
        slot.iter()
            .flat_map(|slot| &slot.records)
            .filter(|record| record.application == application)
            .flat_map(|record| &record.cells)
            .find(|cell| (cell.metric, cell.period, cell.window) == (metric, period, window))
            .map_or((0, 0), |cell| {
                let left = cell.granted - cell.spent - cell.returned;
                (cell.spent + cell.over, left)
            })
    }
}
