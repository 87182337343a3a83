//! What happens when its time has come.

use super::{MOST_TASKS, Schedule};
use crate::gateway::{Snapshot, State, Vm, request, tick};
use crate::network::{Answer, Message};
use crate::server::{self, Change, Replica};
use crate::task::{Owner, Task};
use std::rc::Rc;

#[derive(Clone, Debug)]
pub(crate) enum Event {
    Tick {
        gateway: usize,
        vm: u64,
    },
    Request {
        gateway: usize,
    },
    Deliver(Message),
    Timeout {
        gateway: usize,
        call: u64,
    },
    /// A gateway reads the configuration, as it is now …
    Poll {
        gateway: usize,
    },
    /// … and has it.
    Install {
        gateway: usize,
        snapshot: Rc<Snapshot>,
    },
    StartVm {
        gateway: usize,
        worker: usize,
        generation: u64,
    },
    StartGateway {
        gateway: usize,
    },
    StartReplica {
        replica: usize,
    },
    /// The VMs of earlier generations go.
    Retire {
        gateway: usize,
        generation: u64,
    },
    /// A draining gateway stops if it has nothing left.
    StopDrained {
        gateway: usize,
    },
    BackUp,
    StopToRestore,
    Restore,
    /// By now gateways have told what they hold.
    HaveDeclared,
}

impl Schedule {
    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::Tick { gateway, vm } => self.tick(gateway, vm),
            Event::Request { gateway } => self.request(gateway),
            Event::Deliver(Message::Request {
                call,
                gateway,
                request,
            }) => self.serve(call, gateway, request),
            Event::Deliver(Message::Answer {
                call,
                gateway,
                answer,
            }) => {
                let deaf_until_ms = self.world.gateways[gateway].deaf_until_ms.get();
                let is_deaf = self.world.now_ms.get() < deaf_until_ms;
                if !is_deaf && !self.is_cut(gateway) {
                    self.answer(gateway, call, answer);
                }
            }
            Event::Timeout { gateway, call } => {
                if !self.world.network.borrow().is_answered(call) {
                    self.answer(gateway, call, Answer::Nothing);
                }
            }
            Event::Poll { gateway } => self.poll(gateway),
            Event::Install { gateway, snapshot } => {
                let known = &self.world.gateways[gateway].snapshot;
                let age = |snapshot: &Snapshot| (snapshot.epoch, snapshot.revision);
                if age(&snapshot) > age(&known.borrow()) {
                    known.replace(snapshot);
                }
            }
            Event::StartVm {
                gateway,
                worker,
                generation,
            } => {
                let is_down = self.world.gateways[gateway].state.get() == State::Down;
                if !is_down && self.world.gateways[gateway].generation.get() == generation {
                    self.start_vm(gateway, worker, generation);
                }
            }
            Event::StartGateway { gateway } => self.start_gateway(gateway),
            Event::StartReplica { replica } => self.is_up[replica] = true,
            Event::Retire {
                gateway,
                generation,
            } => self.retire(gateway, |vm| vm.generation < generation),
            Event::HaveDeclared => self.check_declared(),
            Event::BackUp => self.back_up(),
            Event::StopToRestore => self.stop_to_restore(),
            Event::Restore => self.restore(),
            Event::StopDrained { gateway } => self.stop_if_drained(gateway),
        }
    }

    pub(super) fn start_gateway(&mut self, gateway: usize) {
        let this = &self.world.gateways[gateway];
        if this.state.get() != State::Down {
            return;
        }
        this.state.set(State::Up);
        this.generation.set(self.world.number());
        self.install_now(gateway);
        self.world.trace(|| format!("g{gateway} starts"));
        for worker in 0..=self.world.scenario.workers {
            let generation = self.world.gateways[gateway].generation.get();
            self.start_vm(gateway, worker, generation);
        }
        self.world
            .after(self.world.scenario.poll_ms, Event::Poll { gateway });
    }

    pub(super) fn start_vm(&self, gateway: usize, worker: usize, generation: u64) {
        let this = &self.world.gateways[gateway];
        let vm = Rc::new(Vm::new(self.world.number(), gateway, worker, generation));
        vm.snapshot.replace(this.snapshot.borrow().clone());
        let number = vm.number;
        this.vms.borrow_mut().push(vm);
        let delay_ms = self.world.random.borrow_mut().between(0, 300);
        self.world.after(
            delay_ms,
            Event::Tick {
                gateway,
                vm: number,
            },
        );
    }

    fn tick(&self, gateway: usize, vm: u64) {
        let Some(vm) = self.world.gateways[gateway].vm(vm) else {
            return;
        };
        let tick_ms = self.world.scenario.tick_ms;
        let next_ms = self
            .world
            .random
            .borrow_mut()
            .between(tick_ms / 2, tick_ms * 3 / 2);
        self.world.after(
            next_ms,
            Event::Tick {
                gateway,
                vm: vm.number,
            },
        );
        if !vm.is_ticking.replace(true) {
            self.in_vm(&vm, |world, host, gateway, vm| {
                vm.is_ticking.set(false);
                tick::tick(world, host, gateway, vm);
            });
        }
    }

    fn request(&self, gateway: usize) {
        if self.world.is_quiet.get() {
            return;
        }
        let mut random = self.world.random.borrow_mut();
        let every_ms = self.world.scenario.request_every_ms[gateway];
        let next_ms = random.between(1, 2 * every_ms);
        self.world.after(next_ms, Event::Request { gateway });
        let application = random.between(1, self.world.scenario.applications.unsigned_abs());
        let delta = random.between(1, self.world.scenario.largest_delta);
        let usage = if random.one_in(2) && !self.world.scenario.is_live {
            vec![(2, delta), (1, delta)]
        } else {
            vec![(1, delta)]
        };
        let vms = self.world.gateways[gateway].vms.borrow();
        let workers: Vec<&Rc<Vm>> = vms.iter().filter(|vm| vm.worker > 0).collect();
        let is_up = self.world.gateways[gateway].state.get() == State::Up;
        if !is_up || workers.is_empty() || self.tasks.len() > MOST_TASKS {
            return;
        }
        let vm = Rc::clone(random.pick(&workers));
        drop(random);
        self.in_vm(&vm, move |world, host, gateway, vm| {
            request::request(world, host, gateway, vm, application.cast_signed(), &usage);
        });
    }

    pub(super) fn change(&self, change: Change) {
        let world = Rc::clone(&self.world);
        world.trace(|| format!("{change:?}"));
        let task = Task::new(Owner::Admin, None, {
            let world = Rc::clone(&world);
            move |host| {
                let replica = Replica {
                    world: &world,
                    host,
                };
                server::change(&replica, change);
            }
        });
        self.world.begin(task);
    }
}
