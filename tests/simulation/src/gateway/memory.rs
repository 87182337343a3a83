//! Shared data as proxy-wasm keeps them: a compare-and-swap of an absent key creates it, whatever version is given;
//! versions come from one counter that never is 0; nothing can be deleted, but all of it may be wiped.

use std::collections::HashMap;
use tallygate_core::shared::{Lost, Version};

#[derive(Debug, Default)]
pub(crate) struct Memory {
    entries: HashMap<String, (Vec<u8>, u32)>,
    changes: u32,
}

impl Memory {
    pub(crate) fn wipe(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn look(&self, key: &str) -> Option<&[u8]> {
        self.entries.get(key).map(|(value, _)| value.as_slice())
    }

    pub(crate) fn get(&self, key: &str) -> (Option<Vec<u8>>, Version) {
        match self.entries.get(key) {
            Some((value, change)) => (Some(value.clone()), Version::At(*change)),
            None => (None, Version::Absent),
        }
    }

    pub(crate) fn set(&mut self, key: &str, value: &[u8], version: Version) -> Result<(), Lost> {
        let expected = match version {
            Version::Absent => u32::MAX,
            Version::At(change) => change,
        };
        // The version that stands for "absent" is left out: no schedule shall depend on one in 2^32.
        self.changes = match self.changes.wrapping_add(1) {
            0 | u32::MAX => 1,
            next => next,
        };
        match self.entries.get_mut(key) {
            Some((_, current)) if *current != expected => Err(Lost),
            Some(entry) => {
                entry.0.clear();
                entry.0.extend_from_slice(value);
                entry.1 = self.changes;
                Ok(())
            }
            None => {
                self.entries
                    .insert(key.to_owned(), (value.to_vec(), self.changes));
                Ok(())
            }
        }
    }

    /// Writes whatever is there.
    pub(crate) fn put(&mut self, key: &str, value: &[u8]) {
        let (_, version) = self.get(key);
        let _never_lost = self.set(key, value, version);
    }
}
