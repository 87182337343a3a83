//! A gateway: one process with its shared data and its VMs, running the core's code of admission, flush and leases.

pub(crate) mod host;
pub(crate) mod layout;
pub(crate) mod memory;
pub(crate) mod request;
pub(crate) mod tick;

use crate::database::Limits;
use memory::Memory;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tallygate_core::clock::Measurements;
use tallygate_core::contact::Contact;
use tallygate_core::flush::Sent;
use tallygate_core::forget::Quiet;
use tallygate_core::id::MetricId;
use tallygate_core::period::Period;
use tallygate_core::shared::Keys;
use tallygate_core::slot::{Charge, LimitCharge};
use tallygate_core::wire::Instance;

pub(crate) struct Gateway {
    pub(crate) index: usize,
    pub(crate) keys: Keys,
    pub(crate) memory: RefCell<Memory>,
    pub(crate) vms: RefCell<Vec<Rc<Vm>>>,
    pub(crate) state: Cell<State>,
    /// How far its clock is ahead of the right one.
    pub(crate) skew_ms: Cell<i64>,
    pub(crate) clock_was_set: Cell<bool>,
    /// What it has read of the configuration.
    pub(crate) snapshot: RefCell<Rc<Snapshot>>,
    /// Cut off from the control plane until then.
    pub(crate) cut_until_ms: Cell<u64>,
    /// No answers reach it until then.
    pub(crate) deaf_until_ms: Cell<u64>,
    /// By its own clock, when the last sync was sent that was answered.
    pub(crate) heard_ms: Cell<u64>,
    /// The newest revision that it was told a cell's mark of.
    pub(crate) told_revisions: RefCell<BTreeMap<(i64, i64, Period, u64), i64>>,
    pub(crate) generation: Cell<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Up,
    Draining,
    /// Stopped, or killed.
    Down,
}

/// One VM. What it knows goes with it.
pub(crate) struct Vm {
    pub(crate) number: u64,
    pub(crate) gateway: usize,
    /// 0 is the one on the main thread, which serves nothing.
    pub(crate) worker: usize,
    pub(crate) generation: u64,
    /// It does one thing at a time.
    pub(crate) is_busy: Cell<bool>,
    pub(crate) is_ticking: Cell<bool>,
    pub(crate) instance: Cell<Option<Instance>>,
    pub(crate) ahead_ms: Cell<i64>,
    pub(crate) contact: Cell<Contact>,
    pub(crate) snapshot: RefCell<Rc<Snapshot>>,
    /// Slots that it has seen unchanged, and may forget.
    pub(crate) quiet: RefCell<Quiet>,
    pub(crate) ticks: Cell<u64>,
    pub(crate) sync: Cell<Option<SyncUnderWay>>,
    pub(crate) clock: Cell<Measurements>,
    /// Requests that wait with the one that calls, by application.
    pub(crate) waiting: RefCell<BTreeMap<i64, Waiting>>,
}

/// Who waits for one application's credit in a VM.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) call: u64,
    pub(crate) count: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SyncUnderWay {
    pub(crate) call: u64,
    pub(crate) sent: Sent,
    pub(crate) sent_ms: u64,
    pub(crate) declared: u32,
}

/// The configuration as a gateway knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) epoch: i64,
    pub(crate) revision: i64,
    /// By application: limits, and their revision.
    pub(crate) applications: BTreeMap<i64, (Limits, i64)>,
}

impl Snapshot {
    /// What a request of an application meets.
    pub(crate) fn charge(&self, application: i64, usage: &[(i64, u64)], now_ms: u64) -> Charge {
        let now_secs = now_ms / 1_000;
        let (limits, limits_rev) = self
            .applications
            .get(&application)
            .cloned()
            .unwrap_or_default();
        let limits = limits
            .iter()
            .filter_map(|((metric, period), value)| {
                let (_, delta) = usage.iter().find(|(used, _)| used == metric)?;
                let window = period.window(now_secs);
                Some(LimitCharge {
                    metric: MetricId(*metric),
                    period: *period,
                    value: *value,
                    delta: *delta,
                    window: u32::try_from(window.start).unwrap_or(u32::MAX),
                    window_end: window.end,
                    left: 0,
                    elsewhere: false,
                })
            })
            .collect();
        Charge {
            usage: usage
                .iter()
                .map(|(metric, delta)| (MetricId(*metric), *delta))
                .collect(),
            limits,
            limits_rev,
        }
    }
}

impl Gateway {
    pub(crate) fn new(index: usize, slots: u32) -> Self {
        Self {
            index,
            keys: Keys::new(&["control_plane", "gateway", "production"], slots),
            memory: RefCell::default(),
            vms: RefCell::default(),
            state: Cell::new(State::Down),
            skew_ms: Cell::new(0),
            clock_was_set: Cell::new(false),
            snapshot: RefCell::default(),
            cut_until_ms: Cell::new(0),
            deaf_until_ms: Cell::new(0),
            heard_ms: Cell::new(0),
            told_revisions: RefCell::default(),
            generation: Cell::new(0),
        }
    }

    /// Its clock, when the right one says `now_ms`.
    pub(crate) fn clock_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add_signed(self.skew_ms.get())
    }

    /// The VM of this number, if it still lives.
    pub(crate) fn vm(&self, number: u64) -> Option<Rc<Vm>> {
        self.vms
            .borrow()
            .iter()
            .find(|vm| vm.number == number)
            .cloned()
    }

    /// The process's instance now, if shared data have one.
    pub(crate) fn instance(&self) -> Option<Instance> {
        let memory = self.memory.borrow();
        let bytes = memory.look(&self.keys.instance())?;
        bytes.try_into().ok()
    }
}

impl Vm {
    pub(crate) fn new(number: u64, gateway: usize, worker: usize, generation: u64) -> Self {
        Self {
            number,
            gateway,
            worker,
            generation,
            is_busy: Cell::new(false),
            is_ticking: Cell::new(false),
            instance: Cell::new(None),
            ahead_ms: Cell::new(0),
            contact: Cell::default(),
            snapshot: RefCell::default(),
            quiet: RefCell::default(),
            ticks: Cell::new(0),
            sync: Cell::new(None),
            clock: Cell::default(),
            waiting: RefCell::default(),
        }
    }

    pub(crate) fn name(&self) -> String {
        format!("g{}.w{}#{}", self.gateway, self.worker, self.number)
    }
}
