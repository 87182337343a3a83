//! Fingerprints of credentials: by what a VM finds their digests again without hashing them anew.
//!
//! 128 bits of a keyed hash. The keys are this VM's secret and never leave it, so nobody can aim at a fingerprint, and
//! a fingerprint tells nothing of what it was made of.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use tallygate_core::decide::Credentials;
use tallygate_core::wire::Digest;

/// Makes fingerprints.
pub(crate) struct Fingerprint([RandomState; 2]);

impl Fingerprint {
    pub(crate) fn new() -> Self {
        Self([RandomState::new(), RandomState::new()])
    }

    pub(crate) fn of(&self, credentials: &Credentials<'_>) -> Digest {
        let mut fingerprint = Digest::default();
        let (halves, _) = fingerprint.as_chunks_mut::<8>();
        for (half, keys) in halves.iter_mut().zip(&self.0) {
            let mut hasher = keys.build_hasher();
            hasher.write_i64(credentials.product.0);
            // With the length in front, no identifier and key together look like another two.
            hasher.write_usize(credentials.identifier.len());
            hasher.write(credentials.identifier);
            if let Some(key) = credentials.key {
                hasher.write_u8(1);
                hasher.write(key);
            }
            *half = hasher.finish().to_le_bytes();
        }
        fingerprint
    }
}
