//! Digests: how secrets and identifiers are known at the edge.
//!
//! A digest is the first 16 bytes of SHA-256: keys are random, so 128 bits are as hard to meet as the key
//! itself, and they halve what a million applications cost in memory.

use crate::id::ProductId;
use crate::wire::Digest;
use sha2::{Digest as _, Sha256};

/// Digest of a key or a debug secret.
#[must_use]
pub fn digest(secret: &[u8]) -> Digest {
    first_half(Sha256::digest(secret).into())
}

/// Digest by which a request finds its application: of the product and of `app_id` or `user_key`.
#[must_use]
pub fn ident(product: ProductId, identifier: &[u8]) -> Digest {
    let hash = Sha256::new()
        .chain_update(product.0.to_le_bytes())
        .chain_update(identifier);
    first_half(hash.finalize().into())
}

/// Whether two digests are equal, in a time that does not depend on where they differ.
#[must_use]
pub fn same(left: &Digest, right: &Digest) -> bool {
    left.iter()
        .zip(right)
        .fold(0, |differing, (l, r)| differing | (l ^ r))
        == 0
}

fn first_half(hash: [u8; 32]) -> Digest {
    let mut half = Digest::default();
    for (to, from) in half.iter_mut().zip(hash) {
        *to = from;
    }
    half
}
