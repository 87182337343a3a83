//! All there is in a schedule: clock, database, network, gateways, and what is checked about them.

use crate::check::Checks;
use crate::counts::Counts;
use crate::database::{CellKey, Database, Key, Row, Tx};
use crate::gateway::Gateway;
use crate::mutation::Mutation;
use crate::network::Network;
use crate::random::Random;
use crate::scenario::Scenario;
use crate::schedule::Event;
use crate::task::{Host, Task};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use tallygate_core::book;
use tallygate_core::lease::{LATE_SECS, PREFETCH_SECS};
use tallygate_core::wire::Instance;

pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) mutation: Option<Mutation>,
    pub(crate) random: RefCell<Random>,
    /// The database's clock, which is right.
    pub(crate) now_ms: Cell<u64>,
    pub(crate) database: RefCell<Database>,
    pub(crate) network: RefCell<Network>,
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) checks: RefCell<Checks>,
    pub(crate) counts: RefCell<Counts>,
    /// What will happen when: by time, then in the order of being planned.
    pub(crate) events: RefCell<BTreeMap<(u64, u64), Event>>,
    /// Cells that have caught up with their series, by the limits of this revision, as replicas remember it.
    pub(crate) caught_up: RefCell<BTreeSet<(CellKey, i64)>>,
    /// Work that has just been begun.
    pub(crate) begun: RefCell<Vec<Task>>,
    /// The first thing that was wrong.
    pub(crate) violation: RefCell<Option<String>>,
    /// What happened, if anybody wants to know.
    trace: Option<RefCell<Vec<String>>>,
    numbers: Cell<u64>,
    /// Faults have stopped.
    pub(crate) is_quiet: Cell<bool>,
}

impl World {
    pub(crate) fn new(
        scenario: Scenario,
        random: Random,
        mutation: Option<Mutation>,
        database: Database,
        gateways: Vec<Gateway>,
        traced: bool,
    ) -> Self {
        let checks = Checks::new(&database, scenario.start_ms);
        Self {
            now_ms: Cell::new(scenario.start_ms),
            scenario,
            mutation,
            random: RefCell::new(random),
            database: RefCell::new(database),
            network: RefCell::default(),
            gateways,
            checks: RefCell::new(checks),
            counts: RefCell::default(),
            events: RefCell::default(),
            caught_up: RefCell::default(),
            begun: RefCell::default(),
            violation: RefCell::default(),
            trace: traced.then(RefCell::default),
            numbers: Cell::new(0),
            is_quiet: Cell::new(false),
        }
    }

    pub(crate) fn is(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// A number that nothing else in this schedule has.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    /// Plans something for so many milliseconds from now.
    pub(crate) fn after(&self, delay_ms: u64, event: Event) {
        let at = (self.now_ms.get() + delay_ms, self.number());
        self.events.borrow_mut().insert(at, event);
    }

    pub(crate) fn begin(&self, task: Task) {
        self.begun.borrow_mut().push(task);
    }

    pub(crate) fn one_in(&self, n: u64) -> bool {
        self.random.borrow_mut().one_in(n)
    }

    pub(crate) fn violate(&self, what: String) {
        self.trace(|| format!("VIOLATION {what}"));
        self.violation.borrow_mut().get_or_insert(what);
    }

    pub(crate) fn trace(&self, what: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            let since_ms = self.now_ms.get() - self.scenario.start_ms;
            trace.borrow_mut().push(format!(
                "{:>4}.{:03} {}",
                since_ms / 1_000,
                since_ms % 1_000,
                what()
            ));
        }
    }

    pub(crate) fn take_trace(&self) -> Vec<String> {
        self.trace.as_ref().map(RefCell::take).unwrap_or_default()
    }

    // What the control plane's transactions tell.

    pub(crate) fn committed(&self, writes: &BTreeMap<Key, Row>) {
        let database = self.database.borrow();
        let mut checks = self.checks.borrow_mut();
        let wrong = checks.committed(&database, writes, self.now_ms.get());
        if let Some(wrong) = wrong {
            self.violate(wrong);
        }
    }

    /// What is used of a cell, as an ask is decided by it, and as the series have it at that moment.
    pub(crate) fn is_decided_on(&self, key: CellKey, used: u64, in_series: u64) {
        if used < in_series {
            self.violate(format!(
                "{key:?} is taken for used by {used}, its series have {in_series}"
            ));
        }
    }

    /// A grant was decided on, in a transaction that began at `now_ms`.
    pub(crate) fn granted(&self, key: CellKey, cell: &book::Cell, epoch: i64, now_ms: u64) {
        self.counts.borrow_mut().grants += 1;
        let (_, _, period, window) = key;
        let now_secs = now_ms / 1_000;
        let end = period.window(window).end;
        let is_over = end.is_some_and(|end| end + LATE_SECS <= now_secs);
        if is_over || window > now_secs + PREFETCH_SECS {
            self.violate(format!(
                "granted at {now_secs}, which is no time for it: {key:?}"
            ));
        }
        let grace_until_ms = self.database.borrow().epoch().1;
        if grace_until_ms.is_none_or(|until_ms| now_ms < until_ms) {
            self.violate(format!(
                "granted before all have told what they hold: {key:?}"
            ));
        }
        let Some(limit) = cell.limit else { return };
        if cell.used + cell.leased > limit && epoch == 1 {
            self.violate(format!(
                "granted past the limit: {key:?}: {} used, {} leased, limit {limit}",
                cell.used, cell.leased
            ));
        }
    }

    pub(crate) fn settled(&self, instance: Instance, key: CellKey, settled: book::Settled) {
        let was_restored = self.database.borrow().epoch().0 > 1;
        if settled == book::Settled::Overspent && !was_restored {
            self.violate(format!(
                "{} reports more than it was granted of {key:?}",
                instance[0]
            ));
        }
    }

    /// The ledger moves on from one batch to another.
    pub(crate) fn batch_taken(&self, instance: Instance, epoch: i64, last_seq: u64, seq: u64) {
        if seq > last_seq + 1 && epoch == 1 {
            self.violate(format!(
                "a gap in the batches of {}: {seq} after {last_seq}",
                instance[0]
            ));
        }
    }

    /// The answer is given before this is durable, and then may never be.
    pub(crate) fn early(&self, host: &Host, tx: Tx<'_>) {
        host.suspend(crate::task::Pause::Step);
        if !self.one_in(8) {
            tx.commit();
        }
    }
}
