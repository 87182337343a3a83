//! What goes wrong: at any step, between any two host calls and statements.

use super::{Event, Schedule};
use crate::gateway::{State, Vm};
use crate::scenario::{Fault, value};
use crate::server::Change;
use crate::task::Owner;
use std::rc::Rc;
use tallygate_core::period::Period;

/// What clocks are set to, ahead of the right time: within the minute for which a record remembers what happened in a
/// window that is over.
const CLOCKS_MS: [i64; 8] = [0, 200, -1_500, 3_000, -8_000, 15_000, -25_000, 40_000];

impl Schedule {
    pub(super) fn fault(&mut self) {
        let (fault, gateway) = {
            let mut random = self.world.random.borrow_mut();
            let fault = random.pick(&self.world.scenario.faults);
            (fault, random.index(self.world.gateways.len()))
        };
        let is_down = self.world.gateways[gateway].state.get() == State::Down;
        let world = Rc::clone(&self.world);
        let between = |first, last| world.random.borrow_mut().between(first, last);
        let is_only_wiped = self.world.scenario.faults.len() == 2;
        match fault {
            Fault::Trap => self.trap(gateway),
            Fault::Kill if !is_down && between(0, 3) == 0 => self.kill(gateway),
            Fault::Wipe if !is_down && (is_only_wiped || between(0, 9) == 0) => {
                self.check_conservation_of(gateway);
                self.world.trace(|| format!("g{gateway} is WIPED"));
                let this = &self.world.gateways[gateway];
                self.note_death(gateway);
                this.memory.borrow_mut().wipe();
                self.world.counts.borrow_mut().wipes += 1;
            }
            Fault::Reload if !is_down => {
                self.world.trace(|| format!("g{gateway} RELOADS"));
                let generation = self.world.number();
                self.world.gateways[gateway].generation.set(generation);
                for worker in 0..=self.world.scenario.workers {
                    self.start_vm(gateway, worker, generation);
                }
                let delay_ms = between(100, 15_000);
                let event = Event::Retire {
                    gateway,
                    generation,
                };
                self.world.after(delay_ms, event);
                self.world.counts.borrow_mut().reloads += 1;
            }
            Fault::Drain if self.world.gateways[gateway].state.get() == State::Up => {
                self.world.trace(|| format!("g{gateway} is DRAINED"));
                self.world.gateways[gateway].state.set(State::Draining);
                self.world.after(1_000, Event::StopDrained { gateway });
                self.world.counts.borrow_mut().drains += 1;
            }
            Fault::Cut => {
                let until_ms = self.world.now_ms.get() + between(1_000, 45_000);
                self.world
                    .trace(|| format!("g{gateway} is CUT off until {until_ms}"));
                self.world.gateways[gateway].cut_until_ms.set(until_ms);
                self.world.counts.borrow_mut().partitions += 1;
            }
            Fault::Outage if between(0, 3) == 0 => {
                let until_ms = self.world.now_ms.get() + between(500, 40_000);
                self.away_until_ms = self.away_until_ms.max(until_ms);
                let until_ms = self.away_until_ms;
                self.world.trace(|| format!("OUTAGE until {until_ms}"));
                self.drop_tasks(|owner| !matches!(owner, Owner::Vm { .. }));
                self.world.counts.borrow_mut().outages += 1;
            }
            Fault::Crash => {
                let replica = self.world.random.borrow_mut().index(self.is_up.len());
                self.world.trace(|| format!("replica {replica} CRASHES"));
                self.is_up[replica] = false;
                self.drop_tasks(|owner| owner == Owner::Replica(replica));
                self.world
                    .after(between(50, 3_000), Event::StartReplica { replica });
                self.world.counts.borrow_mut().crashes += 1;
            }
            Fault::Restart => {
                self.world.trace(|| "the database RESTARTS".to_owned());
                self.drop_tasks(|owner| !matches!(owner, Owner::Vm { .. }));
                self.world.counts.borrow_mut().restarts += 1;
            }
            Fault::Restore => self.back_up_or_restore(),
            Fault::Clock => self.set_clock(gateway),
            Fault::Limit => self.change_limit(),
            Fault::Move => {
                let applications = self.world.scenario.applications.unsigned_abs();
                self.change(Change::Move {
                    application: between(1, applications).cast_signed(),
                    plan: between(1, 2).cast_signed(),
                });
                self.world.counts.borrow_mut().moves += 1;
            }
            _ => {}
        }
    }

    fn set_clock(&self, gateway: usize) {
        let this = &self.world.gateways[gateway];
        let skew_ms = self.world.random.borrow_mut().pick(&CLOCKS_MS);
        self.world
            .trace(|| format!("g{gateway} has its CLOCK set to {skew_ms} ms"));
        this.skew_ms.set(skew_ms);
        this.clock_was_set.set(true);
        self.world.counts.borrow_mut().clock_steps += 1;
    }

    fn change_limit(&self) {
        let mut random = self.world.random.borrow_mut();
        let (metric, period) = random.pick(&[
            (1, Period::Minute),
            (1, Period::Month),
            (2, Period::Minute),
            (2, Period::Hour),
            (1, Period::Eternity),
        ]);
        let change = Change::Limit {
            plan: random.between(1, 2).cast_signed(),
            metric,
            period,
            value: (!random.one_in(5)).then(|| value(&mut random)),
        };
        drop(random);
        self.change(change);
        self.world.counts.borrow_mut().limits_changed += 1;
    }

    fn trap(&mut self, gateway: usize) {
        let vms: Vec<Rc<Vm>> = self.world.gateways[gateway].vms.borrow().clone();
        if vms.is_empty() {
            return;
        }
        // One that is in the middle of something, if there is any.
        let busy: Vec<&Rc<Vm>> = vms.iter().filter(|vm| vm.is_busy.get()).collect();
        let vm = {
            let mut random = self.world.random.borrow_mut();
            let among: Vec<&Rc<Vm>> = if busy.is_empty() {
                vms.iter().collect()
            } else {
                busy
            };
            Rc::clone(random.pick(&among))
        };
        self.world.trace(|| format!("{} TRAPS", vm.name()));
        self.retire(gateway, |other| other.number == vm.number);
        let delay_ms = self.world.random.borrow_mut().between(10, 1_500);
        self.world.after(
            delay_ms,
            Event::StartVm {
                gateway,
                worker: vm.worker,
                generation: vm.generation,
            },
        );
        self.world.counts.borrow_mut().traps += 1;
    }

    /// Ends VMs where they stand.
    pub(super) fn retire(&mut self, gateway: usize, which: impl Fn(&Vm) -> bool) {
        let mut gone = Vec::new();
        self.world.gateways[gateway].vms.borrow_mut().retain(|vm| {
            let goes = which(vm);
            if goes {
                gone.push(vm.number);
            }
            !goes
        });
        self.drop_tasks(|owner| matches!(owner, Owner::Vm { vm, .. } if gone.contains(&vm)));
    }

    fn kill(&mut self, gateway: usize) {
        self.check_conservation_of(gateway);
        self.world.trace(|| format!("g{gateway} is KILLED"));
        self.stop(gateway);
        self.world.counts.borrow_mut().kills += 1;
    }

    fn note_death(&self, gateway: usize) {
        if let Some(instance) = self.world.gateways[gateway].instance() {
            let mut checks = self.world.checks.borrow_mut();
            checks.dead.insert(instance, self.world.now_ms.get());
        }
    }

    pub(super) fn stop(&mut self, gateway: usize) {
        self.retire(gateway, |_| true);
        self.note_death(gateway);
        let this = &self.world.gateways[gateway];
        this.memory.borrow_mut().wipe();
        this.state.set(State::Down);
        this.heard_ms.set(0);
        this.told_revisions.borrow_mut().clear();
        let delay_ms = self.world.random.borrow_mut().between(100, 6_000);
        self.world.after(delay_ms, Event::StartGateway { gateway });
    }
}
