//! Shared data of one Envoy process, in memory, with a hook before every call: there the test traps the VM, or lets
//! another VM do something in between.

pub(crate) mod control_plane;
pub(crate) mod request;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use tallygate_core::shared::{Keys, Lost, SharedData, Version};

/// As proxy-wasm keeps it: a compare-and-swap of an absent key creates it, whatever version is given; versions come
/// from one counter that never is 0; nothing can be deleted, but all of it may be wiped.
pub(crate) struct Memory {
    entries: RefCell<HashMap<String, (Vec<u8>, u32)>>,
    changes: Cell<u32>,
}

/// One VM's view of it.
pub(crate) struct Hooked<'a> {
    memory: &'a Memory,
    /// Called before every call.
    before: &'a dyn Fn(),
    wrote: &'a Wrote<'a>,
    read: RefCell<HashMap<String, Option<Vec<u8>>>>,
}

/// Told of every write that was not lost: the key, what this VM had read there, and what it wrote.
pub(crate) type Wrote<'a> = dyn Fn(&str, Option<&[u8]>, &[u8]) + 'a;

/// What a VM stops with when the test traps it.
struct Trapped;

/// Keys of a process with that many slots.
pub(crate) fn keys(slots: u32) -> Keys {
    Keys::new(
        &["control_plane", "tallygate.example.com", "production"],
        slots,
    )
}

/// Stops the VM that is running, as a trap does: nothing of it survives but what it wrote.
pub(crate) fn trap() {
    resume_unwind(Box::new(Trapped));
}

/// Runs a VM until it is through, or trapped.
pub(crate) fn until_trapped<T>(vm: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(vm)) {
        Ok(done) => Some(done),
        Err(payload) if payload.is::<Trapped>() => None,
        Err(failure) => resume_unwind(failure),
    }
}

// === impl Memory ===

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            entries: RefCell::default(),
            changes: Cell::new(u32::MAX - 3), // soon to wrap
        }
    }

    pub(crate) fn wipe(&self) {
        self.entries.borrow_mut().clear();
    }

    /// Bytes of all values whose key contains `part`.
    pub(crate) fn bytes(&self, part: &str) -> usize {
        let entries = self.entries.borrow();
        let values = entries.iter().filter(|(key, _)| key.contains(part));
        values.map(|(_, (value, _))| value.len()).sum()
    }

    /// Writes whatever is there.
    pub(crate) fn put(&self, key: &str, value: &[u8]) {
        let (_, version) = self.get(key);
        self.set(key, value, version).expect("nobody is between");
    }
}

impl SharedData for Memory {
    fn get(&self, key: &str) -> (Option<Vec<u8>>, Version) {
        match self.entries.borrow().get(key) {
            Some((value, cas)) => (Some(value.clone()), Version::At(*cas)),
            None => (None, Version::Absent),
        }
    }

    fn set(&self, key: &str, value: &[u8], version: Version) -> Result<(), Lost> {
        let cas = match version {
            Version::Absent => u32::MAX,
            Version::At(cas) => cas,
        };
        let mut entries = self.entries.borrow_mut();
        if entries.get(key).is_some_and(|(_, current)| *current != cas) {
            return Err(Lost);
        }
        // The version that stands for "absent" is left out, so that no test depends on one in 2^32.
        let next = match self.changes.get().wrapping_add(1) {
            0 | u32::MAX => 1,
            next => next,
        };
        self.changes.set(next);
        entries.insert(key.to_owned(), (value.to_vec(), next));
        Ok(())
    }
}

// === impl Hooked ===

impl<'a> Hooked<'a> {
    pub(crate) fn new(memory: &'a Memory, before: &'a dyn Fn()) -> Self {
        Self {
            memory,
            before,
            wrote: &|_, _, _| {},
            read: RefCell::default(),
        }
    }

    pub(crate) fn watched(self, wrote: &'a Wrote<'a>) -> Self {
        Self { wrote, ..self }
    }
}

impl SharedData for Hooked<'_> {
    fn get(&self, key: &str) -> (Option<Vec<u8>>, Version) {
        (self.before)();
        let (value, version) = self.memory.get(key);
        self.read.borrow_mut().insert(key.to_owned(), value.clone());
        (value, version)
    }

    fn set(&self, key: &str, value: &[u8], version: Version) -> Result<(), Lost> {
        (self.before)();
        self.memory.set(key, value, version)?;
        let read = self.read.borrow_mut().remove(key).flatten();
        (self.wrote)(key, read.as_deref(), value);
        Ok(())
    }
}
