//! Applications that called lately, kept ready by each VM: a look-up in shared data costs a microsecond or two.
//!
//! Two generations: when the young one is full it becomes the old one, and who calls again is young again. What
//! nobody asks for is gone after two turns, and those who call all the time are never forgotten.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::mem;
use std::sync::Arc;
use tallygate_core::directory::Application;
use tallygate_core::wire::Digest;

/// Applications in one generation.
const GENERATION: usize = 8_192;

type Generation = HashMap<Digest, Arc<Application>, BuildHasherDefault<First>>;

/// The applications, by ident.
#[derive(Default)]
pub(crate) struct Recent {
    young: Generation,
    old: Generation,
}

/// A digest is as good as random: its first bytes are its hash.
#[derive(Default)]
struct First(u64);

// === impl Recent ===

impl Recent {
    pub(crate) fn find(&mut self, ident: &Digest) -> Option<Arc<Application>> {
        if let Some(known) = self.young.get(ident) {
            return Some(Arc::clone(known));
        }
        let known = self.old.remove(ident)?;
        self.keep(ident, Arc::clone(&known));
        Some(known)
    }

    pub(crate) fn keep(&mut self, ident: &Digest, application: Arc<Application>) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(*ident, application);
    }

    pub(crate) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

// === impl First ===

impl Hasher for First {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// The length, which is always the same.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
