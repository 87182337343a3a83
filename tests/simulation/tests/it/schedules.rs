//! Thousands of schedules, each from its seed.

use std::time::Instant;
use tallygate_simulation::{Counts, Kind, Report, run};

/// Lines of a failed schedule that are shown.
const LINES: usize = 60;

/// Two halves, since tests are what runs in parallel.
#[test]
fn hostile_schedules_first_half() {
    run_all(Kind::Hostile, (1..=6_000).step_by(2));
}

#[test]
fn hostile_schedules_second_half() {
    run_all(Kind::Hostile, (2..=6_000).step_by(2));
}

/// What was acknowledged after the backup is lost, and a limit may be passed by that much; no more.
#[test]
fn restored_schedules() {
    run_all(Kind::Restored, 1..=300);
}

#[test]
fn busy_schedules() {
    run_all(Kind::Busy, 1..=300);
}

/// I4: what limits allow is admitted, where nothing goes wrong and more is wanted.
#[test]
fn calm_schedules() {
    run_all(Kind::Calm, 1..=60);
}

#[test]
fn a_seed_gives_the_same_schedule() {
    for seed in [3, 77, 1_010] {
        let once = run(Kind::Hostile, seed, None, true);
        let again = run(Kind::Hostile, seed, None, true);
        assert!(once.counts.steps > 1_000);
        assert_eq!(once.counts, again.counts, "seed {seed}");
        assert!(once.trace == again.trace, "seed {seed}");
    }
}

fn run_all(kind: Kind, seeds: impl Iterator<Item = u64>) {
    let began = Instant::now();
    let mut counts = Counts::default();
    for seed in seeds {
        let Report {
            counts: of_one,
            violation,
            ..
        } = run(kind, seed, None, false);
        counts += of_one;
        if let Some(violation) = violation {
            let trace = run(kind, seed, None, true).trace;
            let last = trace.get(trace.len().saturating_sub(LINES)..);
            let last = last.unwrap_or_default().join("\n");
            let name = kind.name();
            panic!(
                "{last}\nseed {seed}: {violation}\n\ntallygate-soak --kind {name} --seed {seed} --trace"
            );
        }
    }
    println!(
        "{} {} schedules of {} steps with {} faults in {:.1} s",
        counts.schedules,
        kind.name(),
        counts.steps,
        counts.faults(),
        began.elapsed().as_secs_f64()
    );
    assert!(
        counts.admitted > 10 * counts.schedules,
        "hardly anything happened"
    );
}
