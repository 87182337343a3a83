//! How far a soak has come.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tallygate_simulation::{Counts, Kind};

/// A kind of schedule, its seed, and what was wrong.
pub(crate) type Failure = (Kind, u64, String);

pub(crate) struct Progress {
    began: Instant,
    so_far: Mutex<(Counts, Vec<Failure>)>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            so_far: Mutex::default(),
        }
    }
}

impl Progress {
    pub(crate) fn add(&self, counts: &Counts, failure: Option<Failure>) {
        let mut so_far = self.so_far.lock().unwrap_or_else(PoisonError::into_inner);
        so_far.0 += *counts;
        so_far.1.extend(failure);
    }

    pub(crate) fn failures(&self) -> Vec<Failure> {
        let so_far = self.so_far.lock().unwrap_or_else(PoisonError::into_inner);
        so_far.1.clone()
    }

    /// One line.
    pub(crate) fn status(&self, failed: bool) -> String {
        let so_far = self.so_far.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = &so_far.0;
        format!(
            "{} schedules, {}/s · {} steps, {}/s · {} faults{}",
            grouped(counts.schedules),
            grouped(self.per_second(counts.schedules)),
            grouped(counts.steps),
            grouped(self.per_second(counts.steps)),
            grouped(counts.faults()),
            if failed { " · stopping" } else { "" }
        )
    }

    /// All that was counted.
    pub(crate) fn summary(&self) -> String {
        let mut text = self.status(false);
        let so_far = self.so_far.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, count) in so_far.0.named() {
            let _ = write!(text, "\n  {name:<15} {:>15}", grouped(count));
        }
        text
    }

    fn per_second(&self, count: u64) -> u64 {
        let elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        count * 1_000 / elapsed_ms.max(1)
    }
}

/// A number as people read it.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}
