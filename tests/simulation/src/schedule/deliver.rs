//! Messages that arrive: requests at replicas, answers at VMs, the configuration at gateways.

use super::{Event, Schedule};
use crate::database::{Key, Row};
use crate::gateway::host::VmHost;
use crate::gateway::{Snapshot, State, request, tick};
use crate::network::{Answer, Message, Request};
use crate::server::{self, Replica};
use crate::task::{Owner, Pause, Task};
use std::rc::Rc;

impl Schedule {
    pub(super) fn is_cut(&self, gateway: usize) -> bool {
        self.world.now_ms.get() < self.world.gateways[gateway].cut_until_ms.get()
    }

    /// A request reaches one of the replicas, or none.
    pub(super) fn serve(&self, call: u64, gateway: usize, request: Request) {
        let up: Vec<usize> = (0..self.is_up.len()).filter(|n| self.is_up[*n]).collect();
        if self.is_cut(gateway) {
            return;
        }
        if up.is_empty() || self.world.now_ms.get() < self.away_until_ms {
            if self.world.one_in(2) {
                // Refused at once, rather than by the clock.
                self.world.after(
                    1,
                    Event::Deliver(Message::Answer {
                        call,
                        gateway,
                        answer: Answer::Nothing,
                    }),
                );
            }
            return;
        }
        let replica = self.world.random.borrow_mut().pick(&up);
        let world = Rc::clone(&self.world);
        let task = Task::new(Owner::Replica(replica), None, move |host| {
            let replica = Replica {
                world: &world,
                host,
            };
            let answer = match &request {
                Request::Ask(ask) => Answer::Ask(server::ask(&replica, ask)),
                Request::Sync(sync) => Answer::Sync(server::sync(&replica, sync)),
            };
            host.suspend(Pause::Step);
            world.send(Message::Answer {
                call,
                gateway,
                answer,
            });
        });
        self.world.begin(task);
    }

    /// An answer reaches the VM that called, if that still lives.
    pub(super) fn answer(&self, gateway: usize, call: u64, answer: Answer) {
        let (of_call, again) = {
            let mut network = self.world.network.borrow_mut();
            let Some(of_call) = network.calls.get_mut(&call) else {
                return;
            };
            let again = of_call.answer.is_some();
            if !again {
                of_call.answer = Some(answer.clone());
            }
            (of_call.clone(), again)
        };
        self.world.trace(|| {
            format!(
                "answer to call {call}{}: {answer:?}",
                if again { " again" } else { "" }
            )
        });
        let Some(vm) = self.world.gateways[gateway].vm(of_call.vm) else {
            return;
        };
        if let Some(sync) = of_call.sync {
            self.in_vm(&vm, move |world, host, gateway, vm| {
                tick::answered(world, host, gateway, vm, sync, &answer);
            });
        } else if again
            && let (Some(application), Answer::Ask(answer)) = (of_call.application, answer)
        {
            self.in_vm(&vm, move |world, host, gateway, vm| {
                let host = VmHost::new(world, host, gateway, vm);
                request::apply(&host, of_call.instance, application, &answer.cells);
            });
        }
    }

    pub(super) fn poll(&self, gateway: usize) {
        if self.world.gateways[gateway].state.get() == State::Down {
            return;
        }
        let poll_ms = self.world.scenario.poll_ms;
        self.world.after(poll_ms, Event::Poll { gateway });
        if self.is_cut(gateway) || self.world.now_ms.get() < self.away_until_ms {
            return;
        }
        let snapshot = self.snapshot();
        let delay_ms = self.world.random.borrow_mut().between(1, poll_ms);
        self.world
            .after(delay_ms, Event::Install { gateway, snapshot });
    }

    pub(super) fn install_now(&self, gateway: usize) {
        self.world.gateways[gateway]
            .snapshot
            .replace(self.snapshot());
    }

    fn snapshot(&self) -> Rc<Snapshot> {
        let database = self.world.database.borrow();
        let applications = 1..=self.world.scenario.applications;
        let revision = match database.rows().get(&Key::Revision) {
            Some(Row::Revision(revision)) => *revision,
            _ => 0,
        };
        Rc::new(Snapshot {
            epoch: database.epoch().0,
            revision,
            applications: applications
                .map(|application| (application, database.limits(application)))
                .collect(),
        })
    }
}
