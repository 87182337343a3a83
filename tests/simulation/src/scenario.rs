//! What a schedule plays with: drawn from its seed, each time with other faults, and with some of them left out.

use crate::database::{Key, Limits, Row};
use crate::random::Random;
use crate::schedule::Kind;
use std::collections::BTreeMap;
use tallygate_core::period::Period;

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

const DEC_1_2026_MS: u64 = 1_796_083_200_000;
const SOME_MINUTE_MS: u64 = 1_795_514_400_000;

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

    /// Anything may happen.
    fn hostile(random: &mut Random) -> Self {
        match random.below(100) {
            0..3 => Self::restored(random),
            3..13 => Self::sleepy(random),
            13..20 => Self::busy(random),
            20..23 => Self::cut_off(random),
            _ => Self::mixed(random),
        }
    }

    /// Gateways are cut off for longer than credit lasts, and hold some.
    fn cut_off(random: &mut Random) -> Self {
        Self {
            faults: vec![Fault::Cut],
            fault_every: 4_000,
            length_ms: 120_000,
            request_every_ms: vec![5_000; 3],
            allows_overdraft: false,
            checks_expiry: true,
            is_database_slow: false,
            latency_ms: 10,
            time_flies: 1_000,
            ..Self::mixed(random)
        }
    }

    /// Shared data are wiped again and again, at any step of whatever is under way.
    fn wiped(random: &mut Random) -> Self {
        let mixed = Self::mixed(random);
        Self {
            faults: vec![Fault::Wipe, Fault::Trap],
            fault_every: 300,
            length_ms: 40_000,
            workers: 3,
            slots: 1,
            request_every_ms: vec![100; mixed.gateways],
            ..mixed
        }
    }

    /// Backups are restored, and little else happens.
    fn restored(random: &mut Random) -> Self {
        let mixed = Self::mixed(random);
        let gateways = random.index(2) + 2;
        let value = random.pick(&[20, 60, 200]);
        let limits = BTreeMap::from([((1, Period::Eternity), value)]);
        Self {
            gateways,
            skews_ms: vec![0; gateways],
            plans: (1..=2).map(|plan| (plan, limits.clone())).collect(),
            faults: vec![
                Fault::Restore,
                Fault::Restore,
                Fault::Trap,
                Fault::Crash,
                Fault::Reload,
            ],
            fault_every: 1_500,
            length_ms: random.between(80_000, 110_000),
            is_restored_in_peace: true,
            lost_percent: 0,
            twice_percent: 0,
            late_percent: 0,
            latency_ms: random.pick(&[10, 200]),
            time_flies: 1_000,
            is_database_slow: false,
            tick_ms: 400,
            allows_overdraft: false,
            request_every_ms: (0..gateways)
                .map(|_| random.pick(&[300, 1_500, 6_000]))
                .collect(),
            checks_expiry: true,
            ..mixed
        }
    }

    /// Everybody does everything at once, while limits change.
    fn busy(random: &mut Random) -> Self {
        let mixed = Self::mixed(random);
        let gateways = random.index(2) + 2;
        Self {
            gateways,
            skews_ms: vec![0; gateways],
            request_every_ms: vec![60; gateways],
            workers: 3,
            slots: 1,
            replicas: 3,
            is_sqlite: false,
            is_database_slow: true,
            applications: 2,
            everyone_leads: true,
            tick_ms: 400,
            latency_ms: 10,
            length_ms: 30_000,
            time_flies: 400,
            fault_every: 150,
            faults: vec![Fault::Limit, Fault::Move, Fault::Trap],
            checks_expiry: false,
            ..mixed
        }
    }

    /// So little goes on, for so long, that records are forgotten.
    fn sleepy(random: &mut Random) -> Self {
        let mixed = Self::mixed(random);
        Self {
            length_ms: random.between(250_000, 500_000),
            request_every_ms: mixed.request_every_ms.iter().map(|_| 40_000).collect(),
            applications: 2,
            slots: 1,
            tick_ms: 1_000,
            everyone_leads: false,
            fault_every: 2_000,
            poll_ms: 15_000,
            ..mixed
        }
    }

    fn mixed(random: &mut Random) -> Self {
        let gateways = random.index(3) + 1;
        let is_sqlite = random.one_in(3);
        let mut faults = Vec::new();
        // Often many of the small ones, now and then one of the big ones.
        for (fault, weight, percent) in [
            (Fault::Trap, 6, 60),
            (Fault::Kill, 2, 40),
            (Fault::Reload, 1, 40),
            (Fault::Drain, 1, 30),
            (Fault::Cut, 2, 50),
            (Fault::Outage, 1, 40),
            (Fault::Crash, 4, 50),
            (Fault::Restart, 1, 30),
            (Fault::Wipe, 1, 20),
            (Fault::Restore, 1, 15),
            (Fault::Clock, 2, 30),
            (Fault::Limit, 3, 50),
            (Fault::Move, 2, 40),
        ] {
            if random.percent(percent) {
                faults.extend([fault].repeat(weight));
            }
        }
        let plans = (1..=2).map(|plan| (plan, limits(random))).collect();
        let slow = random.one_in(2);
        Self {
            start_ms: if random.one_in(3) {
                DEC_1_2026_MS - random.between(5_000, 50_000)
            } else {
                SOME_MINUTE_MS + random.below(60_000)
            },
            length_ms: random.between(40_000, 130_000),
            gateways,
            workers: random.index(3) + 1,
            replicas: if is_sqlite { 1 } else { random.index(3) + 1 },
            is_sqlite,
            is_database_slow: random.one_in(3),
            slots: u32::try_from(random.between(1, 3)).unwrap_or(1),
            applications: random.pick(&[1, 1, 2, 3]),
            plans,
            request_every_ms: (0..gateways)
                .map(|_| random.pick(&[60, 200, 500, 2_000]))
                .collect(),
            largest_delta: random.pick(&[1, 1, 3, 10]),
            tick_ms: random.pick(&[400, 700, 1_000]),
            everyone_leads: random.one_in(3),
            allows_overdraft: random.one_in(2),
            clients_leave: random.one_in(2),
            guards_against_wipes: random.one_in(2),
            checks_expiry: !faults.contains(&Fault::Clock) && !slow,
            is_live: false,
            is_restored_in_peace: false,
            latency_ms: random.pick(&[2, 10, 80, 600]),
            lost_percent: random.pick(&[0, 0, 2, 15]),
            twice_percent: random.pick(&[0, 0, 3, 15]),
            late_percent: random.pick(&[0, 0, 2, 10]),
            skews_ms: (0..gateways)
                .map(|_| random.pick(&[0, 0, 300, -700, 4_000, -9_000]))
                .collect(),
            poll_ms: random.pick(&[300, 1_000, 15_000]),
            time_flies: if slow { random.pick(&[20, 100]) } else { 400 },
            fault_every: random.pick(&[150, 400, 1_200]),
            faults,
        }
    }

    /// Nothing goes wrong, and more is wanted than there is.
    fn calm(random: &mut Random) -> Self {
        let mut scenario = Self::mixed(random);
        scenario.faults.clear();
        (
            scenario.lost_percent,
            scenario.twice_percent,
            scenario.late_percent,
        ) = (0, 0, 0);
        scenario.latency_ms = 10;
        scenario.allows_overdraft = false;
        scenario.clients_leave = false;
        scenario.checks_expiry = true;
        scenario.is_live = true;
        scenario.time_flies = 2_000;
        scenario.is_database_slow = false;
        scenario.tick_ms = 400;
        scenario.poll_ms = 300;
        scenario.applications = 1;
        scenario.length_ms = 200_000;
        let value = random.pick(&[1, 7, 100, 300]);
        let limits = BTreeMap::from([((1, Period::Minute), value)]);
        scenario.plans = (1..=2).map(|plan| (plan, limits.clone())).collect();
        scenario.largest_delta = if value >= 100 {
            random.pick(&[1, 1, 5])
        } else {
            1
        };
        // Three times as much, 80 / 15 / 5.
        let units = value * 3;
        let mean_delta = scenario.largest_delta.div_ceil(2);
        let every_ms = |percent: u64| 60_000 * 100 * mean_delta / (units * percent).max(1);
        scenario.request_every_ms = match scenario.gateways {
            1 => vec![every_ms(100)],
            2 => vec![every_ms(80), every_ms(20)],
            _ => vec![every_ms(80), every_ms(15), every_ms(5)],
        };
        for every_ms in &mut scenario.request_every_ms {
            *every_ms = (*every_ms).clamp(20, 3_000);
        }
        scenario
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

/// A plan's limits: on `hits` (1), and on its method (2).
fn limits(random: &mut Random) -> Limits {
    let mut limits = BTreeMap::new();
    for (metric, period, percent) in [
        (1, Period::Minute, 75),
        (1, Period::Month, 50),
        (2, Period::Minute, 30),
        (2, Period::Hour, 20),
        (1, Period::Eternity, 20),
    ] {
        if random.percent(percent) {
            limits.insert((metric, period), random.pick(&VALUES));
        }
    }
    limits
}

/// A value that a limit is set to.
pub(crate) fn value(random: &mut Random) -> u64 {
    random.pick(&VALUES)
}
