//! `tallygate-soak`: runs schedules until it is stopped, or replays one.

mod options;
mod progress;

use nix::sys::signal::{SigSet, Signal};
use options::{Options, USAGE, What};
use progress::{Progress, grouped};
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;
use tallygate_simulation::{Kind, Report, run};

/// One schedule in so many asks for more than there is, and nothing goes wrong: what may be had must be had.
const CALM_EVERY: u64 = 50;

/// What the workers share.
struct Soak {
    options: Options,
    next: AtomicU64,
    stopped: AtomicBool,
    progress: Progress,
}

fn main() -> ExitCode {
    let outcome = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => match options.what {
            What::Help => say(USAGE).map(|()| true),
            What::Replay(seed) => replay(&options, seed),
            What::Soak => soak(options),
        },
        Err(wrong) => say(&format!("{wrong}\n\n{USAGE}")).map(|()| false),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

fn replay(options: &Options, seed: u64) -> io::Result<bool> {
    let kind = options.kind.unwrap_or(Kind::Hostile);
    let report = run(kind, seed, options.mutation, options.trace);
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in &report.trace {
        writeln!(out, "{line}")?;
    }
    for (name, count) in report.counts.named() {
        if count > 0 {
            write!(out, "{name} {}  ", grouped(count))?;
        }
    }
    writeln!(out)?;
    match &report.violation {
        Some(violation) => writeln!(out, "seed {seed}: {violation}")?,
        None => writeln!(out, "seed {seed}: all is well")?,
    }
    out.flush()?;
    Ok(report.violation.is_none())
}

fn soak(options: Options) -> io::Result<bool> {
    let workers = options
        .workers
        .unwrap_or_else(|| thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let soak = Soak {
        next: AtomicU64::new(options.first),
        options,
        stopped: AtomicBool::new(false),
        progress: Progress::default(),
    };
    // Blocked here and in all threads that begin here, but for the one that waits for them.
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.thread_block()?;
    let soak = Arc::new(soak);
    thread::spawn({
        let soak = Arc::clone(&soak);
        move || {
            let _any = signals.wait();
            soak.stopped.store(true, Ordering::Relaxed);
        }
    });
    let (finished, all_finished) = mpsc::channel::<()>();
    for _ in 0..workers {
        let (soak, finished) = (Arc::clone(&soak), finished.clone());
        thread::spawn(move || {
            work(&soak);
            drop(finished);
        });
    }
    drop(finished);
    while all_finished.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
        let stopped = soak.stopped.load(Ordering::Relaxed);
        let mut out = io::stdout().lock();
        write!(out, "\r\x1b[2K{}", soak.progress.status(stopped))?;
        out.flush()?;
    }
    say(&format!("\r\x1b[2K{}", soak.progress.summary()))?;
    let failed = soak.progress.failures();
    for (kind, seed, violation) in &failed {
        say(&format!(
            "seed {seed}: {violation}\n  tallygate-soak --kind {} --seed {seed} --trace",
            kind.name()
        ))?;
    }
    Ok(failed.is_empty())
}

/// Runs one schedule after the other.
fn work(soak: &Soak) {
    while !soak.stopped.load(Ordering::Relaxed) {
        let seed = soak.next.fetch_add(1, Ordering::Relaxed);
        if soak.options.last().is_some_and(|last| seed >= last) {
            return;
        }
        let kind = soak.options.kind.unwrap_or({
            if seed.is_multiple_of(CALM_EVERY) {
                Kind::Calm
            } else {
                Kind::Hostile
            }
        });
        let Report {
            counts, violation, ..
        } = run(kind, seed, soak.options.mutation, false);
        let failed = violation.is_some();
        soak.progress
            .add(&counts, violation.map(|it| (kind, seed, it)));
        if failed && !soak.options.goes_on {
            soak.stopped.store(true, Ordering::Relaxed);
        }
    }
}
