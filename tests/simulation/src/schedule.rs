//! One schedule: which piece of work goes on next, when time goes on, what goes wrong.

mod conservation;
mod deliver;
mod end;
mod events;
mod faults;
mod probe;
mod restore;

pub(crate) use events::Event;

use crate::counts::Counts;
use crate::database::{Database, Key, Row};
use crate::gateway::{Gateway, Vm};
use crate::mutation::Mutation;
use crate::random::Random;
use crate::scenario::Scenario;
use crate::task::{Host, Owner, Pause, Task};
use crate::world::World;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All faults.
    Hostile,
    /// None, and more demand than the limits allow.
    Calm,
    /// Backups are restored, and little else happens.
    Restored,
    /// Everybody does everything at once, while limits change.
    Busy,
    /// Gateways are cut off for longer than credit lasts.
    CutOff,
    /// Shared data are wiped again and again.
    Wiped,
}

impl Kind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Hostile,
        Self::Calm,
        Self::Restored,
        Self::Busy,
        Self::CutOff,
        Self::Wiped,
    ];

    /// Its name, as `tallygate-soak --kind` knows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hostile => "hostile",
            Self::Calm => "calm",
            Self::Restored => "restored",
            Self::Busy => "busy",
            Self::CutOff => "cut-off",
            Self::Wiped => "wiped",
        }
    }
}

/// How a schedule went.
#[derive(Clone, Debug)]
pub struct Report {
    /// What happened.
    pub counts: Counts,
    /// The first thing that was wrong.
    pub violation: Option<String>,
    /// What was done, if it was asked for.
    pub trace: Vec<String>,
}

/// Runs the schedule of this seed.
#[must_use]
pub fn run(kind: Kind, seed: u64, mutation: Option<Mutation>, traced: bool) -> Report {
    let mut random = Random::new(seed);
    let scenario = Scenario::of(kind, &mut random);
    let mut schedule = Schedule::new(scenario, random, mutation, traced);
    schedule.run();
    schedule.report()
}

pub(crate) struct Schedule {
    world: Rc<World>,
    tasks: Vec<Task>,
    is_up: Vec<bool>,
    /// Nobody at the control plane answers until then.
    away_until_ms: u64,
    backup: Option<BTreeMap<Key, Row>>,
    is_restoring: bool,
}

/// Work that waits is enough work.
const MOST_TASKS: usize = 64;

impl Schedule {
    fn new(scenario: Scenario, random: Random, mutation: Option<Mutation>, traced: bool) -> Self {
        let database = Database::new(scenario.is_sqlite, scenario.rows());
        let gateways = (0..scenario.gateways).map(|index| {
            let gateway = Gateway::new(index, scenario.slots);
            gateway.skew_ms.set(scenario.skews_ms[index]);
            gateway
        });
        let gateways = gateways.collect();
        let is_up = vec![true; scenario.replicas];
        let world = World::new(scenario, random, mutation, database, gateways, traced);
        world.trace(|| format!("{:?}", world.scenario));
        Self {
            world: Rc::new(world),
            tasks: Vec::new(),
            is_up,
            away_until_ms: 0,
            backup: None,
            is_restoring: false,
        }
    }

    fn run(&mut self) {
        self.world.counts.borrow_mut().schedules = 1;
        for gateway in 0..self.world.gateways.len() {
            self.start_gateway(gateway);
            let first_ms = self.world.random.borrow_mut().between(0, 500);
            self.world.after(first_ms, Event::Request { gateway });
        }
        self.run_for(self.world.scenario.length_ms);
        self.converge();
    }

    fn run_for(&mut self, length_ms: u64) {
        let end_ms = self.world.now_ms.get() + length_ms;
        while self.world.now_ms.get() < end_ms && !self.has_failed() {
            self.step();
        }
    }

    fn has_failed(&self) -> bool {
        self.world.violation.borrow().is_some()
    }

    fn report(&mut self) -> Report {
        self.tasks.clear();
        Report {
            counts: *self.world.counts.borrow(),
            violation: self.world.violation.borrow().clone(),
            trace: self.world.take_trace(),
        }
    }

    fn step(&mut self) {
        let steps = {
            let mut counts = self.world.counts.borrow_mut();
            counts.steps += 1;
            counts.steps
        };
        if !self.world.is_quiet.get() {
            let fault_every = self.world.scenario.fault_every;
            if !self.world.scenario.faults.is_empty() && self.world.one_in(fault_every) {
                self.fault();
            }
        }
        if steps.is_multiple_of(997) {
            self.check_conservation();
        }
        let time_flies = self.world.one_in(self.world.scenario.time_flies);
        let ready = self.ready().filter(|n| !time_flies && !self.is_slow(*n));
        match ready {
            Some(n) => self.go_on(n),
            None => self.next_event(),
        }
        self.tasks.append(&mut self.world.begun.borrow_mut());
    }

    /// A task that may go on, by chance.
    fn ready(&self) -> Option<usize> {
        let first = self.world.random.borrow_mut().index(self.tasks.len());
        let (earlier, later) = self.tasks.split_at_checked(first)?;
        let later = later.iter().position(|task| self.is_ready(task));
        later
            .map(|n| n + first)
            .or_else(|| earlier.iter().position(|task| self.is_ready(task)))
    }

    /// Whether this is a transaction, and in no hurry.
    fn is_slow(&self, n: usize) -> bool {
        let is_transaction = |task: &Task| !matches!(task.owner, Owner::Vm { .. });
        self.world.scenario.is_database_slow
            && self.tasks.get(n).is_some_and(is_transaction)
            && !self.world.is_quiet.get()
            && !self.world.one_in(3)
    }

    fn is_ready(&self, task: &Task) -> bool {
        let vm_is_free = || task.vm.as_ref().is_none_or(|vm| !vm.is_busy.get());
        match &task.pause {
            Pause::Step => task.begun || vm_is_free(),
            Pause::Lock(tx, key, mode) => self.world.database.borrow().may_go_on(*tx, key, *mode),
            Pause::Answer(call) => self.world.network.borrow().is_answered(*call) && vm_is_free(),
        }
    }

    fn go_on(&mut self, n: usize) {
        let Some(task) = self.tasks.get_mut(n) else {
            return;
        };
        let goes_on = task.resume();
        if let Some(vm) = &task.vm {
            let waits = matches!(task.pause, Pause::Answer(_));
            vm.is_busy.set(goes_on && !waits);
        }
        if !goes_on {
            drop(self.tasks.swap_remove(n));
        }
    }

    fn next_event(&mut self) {
        let Some(((at_ms, _), event)) = self.world.events.borrow_mut().pop_first() else {
            return;
        };
        self.world.now_ms.set(self.world.now_ms.get().max(at_ms));
        self.happen(event);
    }

    /// Lets a VM do something, as soon as it is free.
    fn in_vm(&self, vm: &Rc<Vm>, work: impl FnOnce(&World, &Host, &Gateway, &Vm) + 'static) {
        let world = Rc::clone(&self.world);
        let this = Rc::clone(vm);
        let owner = Owner::Vm {
            gateway: vm.gateway,
            vm: vm.number,
        };
        let task = Task::new(owner, Some(Rc::clone(vm)), move |host| {
            if let Some(gateway) = world.gateways.get(this.gateway) {
                work(&world, host, gateway, &this);
            }
        });
        self.world.begin(task);
    }

    /// Ends all work of these owners where it stands.
    fn drop_tasks(&mut self, of: impl Fn(Owner) -> bool) {
        self.tasks.append(&mut self.world.begun.borrow_mut());
        self.tasks.retain(|task| !of(task.owner));
    }
}
