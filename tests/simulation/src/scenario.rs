//! What a schedule plays with: drawn from its seed, each time with other faults, and with some of them left out.

mod kinds;
mod mixed;

use crate::database::{Key, Limits, Row};
use crate::random::Random;
use crate::schedule::Kind;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) start_ms: u64,
    pub(crate) length_ms: u64,
    pub(crate) gateways: usize,
    pub(crate) workers: usize,
    pub(crate) replicas: usize,
    pub(crate) is_sqlite: bool,
    /// Statements take long: many transactions are open at a time.
    pub(crate) is_database_slow: bool,
    pub(crate) slots: u32,
    pub(crate) applications: i64,
    /// Limits by plan.
    pub(crate) plans: BTreeMap<i64, Limits>,
    /// Between two requests of a gateway, on average, by gateway.
    pub(crate) request_every_ms: Vec<u64>,
    pub(crate) largest_delta: u64,
    pub(crate) tick_ms: u64,
    /// Every VM flushes on every tick, as no election would have it.
    pub(crate) everyone_leads: bool,
    pub(crate) allows_overdraft: bool,
    pub(crate) clients_leave: bool,
    pub(crate) guards_against_wipes: bool,
    pub(crate) checks_expiry: bool,
    /// Limits are held to exactly for as long as demand lasts.
    pub(crate) is_live: bool,
    /// Backups are restored while every gateway can say in time what it holds: then no more is lost than usage.
    pub(crate) is_restored_in_peace: bool,
    pub(crate) latency_ms: u64,
    pub(crate) lost_percent: u64,
    pub(crate) twice_percent: u64,
    pub(crate) late_percent: u64,
    pub(crate) skews_ms: Vec<i64>,
    /// Snapshots are read this often.
    pub(crate) poll_ms: u64,
    /// Once in so many steps time goes on though there is work.
    pub(crate) time_flies: u64,
    /// Once in so many steps one of these happens.
    pub(crate) fault_every: u64,
    pub(crate) faults: Vec<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A VM traps.
    Trap,
    /// A gateway is killed, and starts again.
    Kill,
    /// Shared data are wiped under live VMs.
    Wipe,
    /// A listener is reloaded: a second generation of VMs beside the first.
    Reload,
    /// A gateway is drained and stopped.
    Drain,
    /// A gateway is cut off from the control plane.
    Cut,
    /// The control plane is away.
    Outage,
    /// A replica is killed, at any statement.
    Crash,
    /// The database restarts: all transactions are gone.
    Restart,
    /// A backup is restored.
    Restore,
    /// A gateway's clock is set.
    Clock,
    /// A limit is added, raised, lowered, removed.
    Limit,
    /// An application goes to another plan.
    Move,
}

/// Values of limits.
const VALUES: [u64; 6] = [1, 3, 7, 20, 60, 200];

impl Scenario {
    pub(crate) fn of(kind: Kind, random: &mut Random) -> Self {
        match kind {
            Kind::Hostile => Self::hostile(random),
            Kind::Calm => Self::calm(random),
            Kind::Restored => Self::restored(random),
            Kind::Busy => Self::busy(random),
            Kind::CutOff => Self::cut_off(random),
            Kind::Wiped => Self::wiped(random),
        }
    }

    /// The database as it is at the beginning.
    pub(crate) fn rows(&self) -> BTreeMap<Key, Row> {
        let mut rows = BTreeMap::from([
            (
                Key::Epoch,
                Row::Epoch {
                    epoch: 1,
                    grace_until_ms: Some(0),
                },
            ),
            (Key::Revision, Row::Revision(1)),
            (Key::Writer, Row::Lock),
        ]);
        for (plan, limits) in &self.plans {
            let limits = limits.clone();
            rows.insert(
                Key::Plan(*plan),
                Row::Plan {
                    limits,
                    revision: 1,
                },
            );
        }
        for application in 1..=self.applications {
            let plan = application % 2 + 1;
            rows.insert(
                Key::Application(application),
                Row::Application { plan, revision: 1 },
            );
        }
        rows
    }
}

/// A value that a limit is set to.
pub(crate) fn value(random: &mut Random) -> u64 {
    random.pick(&VALUES)
}
