//! What must hold in the end: all is reported, what was recalled is returned, and what is free can be used.

use super::{Event, Schedule};
use crate::check::sum_in_ledger;
use crate::database::{CellKey, Database};
use crate::gateway::{Gateway, State, layout};
use tallygate_core::book::takes_back;
use tallygate_core::lease::TTL_MS;
use tallygate_core::wire::Instance;

/// How long all takes to be well again, at most, in milliseconds.
const CONVERGES_MS: u64 = 40_000;
/// Recalls that are younger may still be on their way.
const RECALLED_MS: u64 = 6_000;

impl Schedule {
    /// Faults stop, requests stop: everything comes to rest.
    pub(super) fn converge(&mut self) {
        if self.has_failed() {
            return;
        }
        self.world.trace(|| "QUIET".to_owned());
        self.check_live();
        self.world.is_quiet.set(true);
        if self.is_restoring {
            self.run_for(30_000);
        }
        self.away_until_ms = 0;
        for gateway in &self.world.gateways {
            gateway.cut_until_ms.set(0);
            gateway.deaf_until_ms.set(0);
        }
        self.is_up.fill(true);
        let rebuilding_ms = match self.world.database.borrow().epoch().1 {
            Some(until_ms) => until_ms.saturating_sub(self.world.now_ms.get()),
            None => TTL_MS + 5_000,
        };
        let rebuilt_ms = self.world.now_ms.get() + rebuilding_ms;
        let until_ms = rebuilt_ms + CONVERGES_MS;
        loop {
            self.run_for(1_000);
            let left = self.what_is_left();
            if self.has_failed() {
                return;
            }
            let Some(left) = left else { break };
            if self.world.now_ms.get() > until_ms {
                return self.world.violate(left);
            }
        }
        self.check_conservation();
        // Nothing is granted while gateways still tell what they hold.
        self.run_for(rebuilt_ms.saturating_sub(self.world.now_ms.get()));
        self.probe();
    }

    /// What has not come to rest yet.
    fn what_is_left(&self) -> Option<String> {
        let database = self.world.database.borrow();
        let checks = self.world.checks.borrow();
        let now_ms = self.world.now_ms.get();
        for gateway in &self.world.gateways {
            match gateway.state.get() {
                State::Up => {}
                State::Draining => return Some(format!("I5: g{} is never drained", gateway.index)),
                State::Down => continue,
            }
            let Some(instance) = gateway.instance() else {
                continue;
            };
            let admitted = checks.sum_admitted(instance);
            let lost = checks.lost.get(&instance).copied().unwrap_or_default();
            let in_ledger = sum_in_ledger(&database, instance);
            if in_ledger + lost != admitted {
                return Some(format!(
                    "I2: the ledger has {in_ledger} of {}, admitted were {admitted}, lost {lost}",
                    instance[0]
                ));
            }
            if let Some(unknown) = self.what_is_not_known(gateway, instance, &database) {
                return Some(unknown);
            }
            for (key, lease) in database.leases_of(instance) {
                let is_over = |end_secs: u64| end_secs * 1_000 < now_ms;
                if key.2.window(key.3).end.is_some_and(is_over) {
                    continue;
                }
                let mut cell = database.cell(key).cloned().unwrap_or_default();
                let (limits, _) = database.limits(key.0);
                cell.limit = limits.get(&(key.1, key.2)).copied();
                let before_ms = now_ms.saturating_sub(RECALLED_MS);
                if takes_back(&cell, lease, false, before_ms)
                    && takes_back(&cell, lease, false, now_ms)
                {
                    return Some(format!(
                        "I5: {} never returns {lease:?} of {key:?}: {cell:?}",
                        instance[0]
                    ));
                }
            }
        }
        None
    }

    /// When grants begin again after a restore, the ledger knows of all credit.
    pub(super) fn check_declared(&self) {
        let database = self.world.database.borrow();
        for gateway in &self.world.gateways {
            if gateway.state.get() == State::Up
                && let Some(instance) = gateway.instance()
                && let Some(unknown) = self.what_is_not_known(gateway, instance, &database)
            {
                self.world.violate(unknown);
            }
        }
    }

    /// What a gateway holds that the ledger does not know of, as after a restore, until it has told.
    fn what_is_not_known(
        &self,
        gateway: &Gateway,
        instance: Instance,
        database: &Database,
    ) -> Option<String> {
        let memory = gateway.memory.borrow();
        let now_secs = self.world.now_ms.get() / 1_000;
        (0..gateway.keys.slots())
            .filter_map(|slot| memory.look(&gateway.keys.slot(slot)).and_then(layout::read))
            .filter(|slot| slot.instance == instance)
            .flat_map(|slot| slot.records)
            .flat_map(|record| {
                let application = record.application;
                record
                    .cells
                    .into_iter()
                    .map(move |cell| (application, cell))
            })
            .find_map(|(application, cell)| {
                let key = (application, cell.metric, cell.period, cell.window);
                let is_open = cell
                    .period
                    .window(cell.window)
                    .end
                    .is_none_or(|end| end > now_secs);
                let known = database
                    .lease(instance, key)
                    .map_or(0, |lease| lease.granted);
                (is_open && known < cell.granted).then(|| {
                    format!(
                        "I5: the ledger takes {key:?} of {} for {known}: {cell:?}",
                        instance[0]
                    )
                })
            })
    }

    pub(super) fn stop_if_drained(&mut self, gateway: usize) {
        if self.world.gateways[gateway].state.get() != State::Draining {
            return;
        }
        let is_done = self.is_drained(gateway);
        if is_done {
            self.check_conservation_of(gateway);
            self.world.trace(|| format!("g{gateway} is drained"));
            self.stop(gateway);
        } else {
            self.world.after(1_000, Event::StopDrained { gateway });
        }
    }

    fn is_drained(&self, gateway: usize) -> bool {
        let gateway = &self.world.gateways[gateway];
        let Some(instance) = gateway.instance() else {
            return true;
        };
        let database = self.world.database.borrow();
        let checks = self.world.checks.borrow();
        let lost = checks.lost.get(&instance).copied().unwrap_or_default();
        let now_secs = self.world.now_ms.get() / 1_000;
        let is_open = |key: &CellKey| key.2.window(key.3).end.is_none_or(|end| end > now_secs);
        let all_returned = database
            .leases_of(instance)
            .all(|(key, lease)| lease.left() == 0 || !is_open(&key));
        all_returned && sum_in_ledger(&database, instance) + lost == checks.sum_admitted(instance)
    }

    /// I4: of every whole window, all that the limit allows, but for what one request may not fit into.
    fn check_live(&self) {
        let scenario = &self.world.scenario;
        if !scenario.is_live {
            return;
        }
        let checks = self.world.checks.borrow();
        let Some(limit) = scenario
            .plans
            .get(&1)
            .and_then(|limits| limits.values().next())
        else {
            return;
        };
        let minute = |ms: u64| ms / 60_000;
        for window in minute(scenario.start_ms) + 1..minute(self.world.now_ms.get()) {
            let key = (1, 1, tallygate_core::period::Period::Minute, window * 60);
            let admitted = checks.covered.get(&key).copied().unwrap_or_default();
            let least =
                (limit - limit / 1_000).min(limit.saturating_sub(scenario.largest_delta - 1));
            if admitted < least {
                self.world.violate(format!(
                    "I4: {admitted} of {limit} admitted in window {window}, {} gateways",
                    scenario.gateways
                ));
            }
        }
    }
}
