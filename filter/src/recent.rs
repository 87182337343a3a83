//! What each VM keeps ready of those who called lately: applications, since a look-up in shared data costs a
//! microsecond or two, and digests of their credentials, since SHA-256 costs as much as the rest of the decision.
//!
//! Two generations: when the young one is full it becomes the old one, and who calls again is young again. What
//! nobody asks for is gone after two turns, and those who call all the time are never forgotten.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::mem;
use tallygate_core::wire::Digest;

/// Entries in one generation.
const GENERATION: usize = 8_192;

type Generation<T> = HashMap<Digest, T, BuildHasherDefault<First>>;

/// Entries by 128 bits that are as good as random.
pub(crate) struct Recent<T> {
    young: Generation<T>,
    old: Generation<T>,
}

/// A digest is as good as random: its first bytes are its hash.
#[derive(Default)]
struct First(u64);

// === impl Recent ===

impl<T: Clone> Recent<T> {
    pub(crate) fn find(&mut self, key: &Digest) -> Option<T> {
        if let Some(known) = self.young.get(key) {
            return Some(known.clone());
        }
        let known = self.old.remove(key)?;
        self.keep(key, known.clone());
        Some(known)
    }

    pub(crate) fn keep(&mut self, key: &Digest, value: T) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(*key, value);
    }

    pub(crate) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self {
            young: Generation::default(),
            old: Generation::default(),
        }
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
