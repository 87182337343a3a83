//! Kinds of scenarios: a mixture of everything, and some that show one thing well.

use super::{Fault, Scenario};
use crate::random::Random;
use std::collections::BTreeMap;
use tallygate_core::period::Period;

impl Scenario {
    /// Anything may happen.
    pub(super) fn hostile(random: &mut Random) -> Self {
        match random.below(100) {
            0..3 => Self::restored(random),
            3..13 => Self::sleepy(random),
            13..20 => Self::busy(random),
            20..23 => Self::cut_off(random),
            _ => Self::mixed(random),
        }
    }

    /// Gateways are cut off for longer than credit lasts, and hold some.
    pub(super) fn cut_off(random: &mut Random) -> Self {
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
    pub(super) fn wiped(random: &mut Random) -> Self {
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
    pub(super) fn restored(random: &mut Random) -> Self {
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
    pub(super) fn busy(random: &mut Random) -> Self {
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
    pub(super) fn sleepy(random: &mut Random) -> Self {
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

    /// Nothing goes wrong, and more is wanted than there is.
    pub(super) fn calm(random: &mut Random) -> Self {
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
}
