//! What rendering may use: time, rounds of loops, depth, and bytes.

use super::runtime::refuse;
use liquid_core::Runtime;
use liquid_core::error::Result;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// The longest that a rendered page or mail may be, in bytes.
pub(super) const OUTPUT_BYTES: usize = 1024 * 1024;
/// The longest text that a variable or a filter's result may be, in bytes.
pub(super) const TEXT_BYTES: usize = 64 * 1024;
/// The longest list that a filter may make.
pub(super) const LIST_ITEMS: usize = 10_000;
/// How many bytes all variables and filters of a page may make together.
pub(super) const WORK_BYTES: usize = 16 * 1024 * 1024;
/// The longest range, as in `(1..1000)`.
pub(super) const RANGE: i64 = 1_000;
/// How often all loops of a page may go round together.
pub(super) const ROUNDS: u32 = 50_000;
/// How deep partials may include each other.
pub(super) const PARTIALS: usize = 10;
/// How deep the blocks of a page and its partials may nest together.
const DEPTH: usize = 120;
/// How long rendering may take.
pub(super) const TIME: Duration = Duration::from_secs(2);

/// What was used, and where rendering is.
#[derive(Debug, Default)]
pub(super) struct Used {
    deadline: Option<Instant>,
    rounds: u32,
    bytes: usize,
    depth: usize,
    /// Partials that are being rendered, innermost last.
    partials: Vec<String>,
}

/// Begins to count time.
pub(super) fn begin(runtime: &dyn Runtime) -> Instant {
    let deadline = Instant::now() + TIME;
    runtime.registers().get_mut::<Used>().deadline = Some(deadline);
    deadline
}

/// A loop goes round once more.
pub(super) fn round(runtime: &dyn Runtime) -> Result<()> {
    let mut used = runtime.registers().get_mut::<Used>();
    used.rounds += 1;
    if used.rounds > ROUNDS {
        return refuse(format!("loops go round more than {ROUNDS} times in all"));
    }
    used.in_time()
}

/// A text or list is made.
pub(super) fn made(runtime: &dyn Runtime, bytes: usize) -> Result<()> {
    let mut used = runtime.registers().get_mut::<Used>();
    used.bytes = used.bytes.saturating_add(bytes);
    if used.bytes > WORK_BYTES {
        return refuse("variables and filters make more than 16 MiB in all");
    }
    used.in_time()
}

/// A partial begins.
pub(super) fn enter(runtime: &dyn Runtime, name: &str) -> Result<()> {
    let mut used = runtime.registers().get_mut::<Used>();
    if used.partials.len() >= PARTIALS {
        return refuse(format!(
            "partials include each other more than {PARTIALS} deep"
        ));
    }
    used.partials.push(name.to_owned());
    used.in_time()
}

/// A partial ends.
pub(super) fn leave(runtime: &dyn Runtime) {
    runtime.registers().get_mut::<Used>().partials.pop();
}

/// A template begins whose blocks nest so deep.
pub(super) fn descend(runtime: &dyn Runtime, depth: usize) -> Result<()> {
    let mut used = runtime.registers().get_mut::<Used>();
    used.depth += depth + 1;
    if used.depth > DEPTH {
        return refuse(format!("blocks and partials nest more than {DEPTH} deep"));
    }
    Ok(())
}

/// It ends.
pub(super) fn ascend(runtime: &dyn Runtime, depth: usize) {
    let mut used = runtime.registers().get_mut::<Used>();
    used.depth = used.depth.saturating_sub(depth + 1);
}

/// The partial that is being rendered, innermost.
pub(super) fn innermost(runtime: &dyn Runtime) -> Option<String> {
    runtime
        .registers()
        .get_mut::<Used>()
        .partials
        .last()
        .cloned()
}

impl Used {
    fn in_time(&self) -> Result<()> {
        match self.deadline {
            Some(deadline) if Instant::now() > deadline => refuse("takes too long to render"),
            _ => Ok(()),
        }
    }
}

/// What is written, no longer than it may be, and no later.
pub(super) struct Bounded {
    bytes: Vec<u8>,
    most: usize,
    deadline: Option<Instant>,
}

impl Bounded {
    /// At most so many bytes.
    pub(super) fn new(most: usize, deadline: Option<Instant>) -> Self {
        Self {
            bytes: Vec::new(),
            most,
            deadline,
        }
    }

    /// What was written.
    pub(super) fn into_text(self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            return Err(io::Error::other("is too long"));
        }
        if self
            .deadline
            .is_some_and(|deadline| Instant::now() > deadline)
        {
            return Err(io::Error::other("takes too long to render"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
