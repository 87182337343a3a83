//! The mixture: any size, any limits, any faults, and some of them left out.

use super::{Fault, Scenario, VALUES};
use crate::database::Limits;
use crate::random::Random;
use std::collections::BTreeMap;
use tallygate_core::period::Period;

const DEC_1_2026_MS: u64 = 1_796_083_200_000;
const SOME_MINUTE_MS: u64 = 1_795_514_400_000;

impl Scenario {
    pub(super) fn mixed(random: &mut Random) -> Self {
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
