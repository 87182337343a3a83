//! What a VM sees of its host: shared data, with a pause before each call, and a look at each record that it writes
//! ([`watch`]). A mutation changes what is read and written ([`mutated`]).

mod mutated;
mod watch;

use super::{Gateway, Vm};
use crate::mutation::Mutation;
use crate::task::{Host, Pause};
use crate::world::World;
use std::cell::{Cell, RefCell};
use tallygate_core::flush::Flush;
use tallygate_core::outbox::Outbox;
use tallygate_core::period::Period;
use tallygate_core::shared::{Lost, SharedData, Version};
use tallygate_core::wire::Instance;

/// One piece of a VM's work.
pub(crate) struct VmHost<'a> {
    pub(crate) world: &'a World,
    pub(crate) host: &'a Host,
    pub(crate) gateway: &'a Gateway,
    pub(crate) vm: &'a Vm,
    pub(crate) doing: RefCell<Doing>,
    /// The batch that is in the outbox has not been taken out of the records yet.
    is_debiting: Cell<bool>,
    /// The last admission was written for an instance that is no more.
    pub(crate) was_ghost: Cell<bool>,
}

/// What a VM is at, as far as its writes must fit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Admit(Admitting),
    Seal,
    Other,
}

/// A request, by what it would be charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admitting {
    pub(crate) application: i64,
    pub(crate) usage: Vec<(i64, u64)>,
    /// Metric, period, what is needed, and the limit.
    pub(crate) limits: Vec<(i64, Period, u64, u64)>,
    /// The gateway's own clock when it was decided.
    pub(crate) clock_ms: u64,
}

/// What an admission took.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    pub(crate) instance: Instance,
    pub(crate) application: i64,
    /// Metric, minute, how much.
    pub(crate) usage: Vec<(i64, u32, u64)>,
    /// Metric, period, window, covered, overdraft.
    pub(crate) cells: Vec<(i64, Period, u64, u64, u64)>,
}

impl<'a> VmHost<'a> {
    pub(crate) fn new(world: &'a World, host: &'a Host, gateway: &'a Gateway, vm: &'a Vm) -> Self {
        Self {
            world,
            host,
            gateway,
            vm,
            doing: RefCell::new(Doing::Other),
            is_debiting: Cell::new(false),
            was_ghost: Cell::new(false),
        }
    }

    pub(crate) fn flush(&self, instance: Instance) -> Flush<'_, Self> {
        Flush {
            data: self,
            keys: &self.gateway.keys,
            instance,
        }
    }

    /// Others may come in between.
    pub(crate) fn step(&self) {
        self.host.suspend(Pause::Step);
    }

    /// The process's own clock.
    pub(crate) fn clock_ms(&self) -> u64 {
        self.step();
        self.gateway.clock_ms(self.world.now_ms.get())
    }

    fn is_slot(&self, key: &str) -> bool {
        // Slots have the shortest names: the namespace, an `s`, a number.
        key.as_bytes().get(7) == Some(&b's')
    }

    fn is_sealing(&self) -> bool {
        *self.doing.borrow() == Doing::Seal
    }
}

impl SharedData for VmHost<'_> {
    fn get(&self, key: &str) -> (Option<Vec<u8>>, Version) {
        self.step();
        if self.world.is(Mutation::NoWipeCheck)
            && key == self.gateway.keys.instance()
            && let Some(instance) = self.vm.instance.get()
        {
            return (Some(instance.to_vec()), Version::At(1));
        }
        let read = self.gateway.memory.borrow().get(key);
        let read = self.read_differently(key, read);
        if key == self.gateway.keys.outbox()
            && self.is_sealing()
            && let Some(instance) = self.vm.instance.get()
        {
            let outbox = Outbox::read(read.0.as_deref(), &instance);
            self.is_debiting.set(!outbox.debited);
        }
        read
    }

    fn set(&self, key: &str, value: &[u8], version: Version) -> Result<(), Lost> {
        self.step();
        let (value, version) = self.write_differently(key, value, version);
        let before = self
            .is_slot(key)
            .then(|| self.gateway.memory.borrow().look(key).map(<[u8]>::to_vec));
        self.gateway.memory.borrow_mut().set(key, &value, version)?;
        if let Some(before) = before {
            self.wrote(before.as_deref(), &value);
        }
        Ok(())
    }
}
