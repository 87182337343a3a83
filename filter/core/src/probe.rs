//! The control plane's own request through a gateway: how it shows that it may see what was decided, and how the gateway
//! shows that it is one.
//!
//! Both know the product's secret token, and neither sends it: the request carries a tag over product and time, the answer
//! a tag over the request's.

use crate::id::ProductId;
use crate::key::same;
use crate::wire::Digest;
use alloc::{format, string::String};
use sha2::{Digest as _, Sha256};

/// How long a request may be on its way, in seconds.
pub const LIFETIME_SECS: u64 = 60;
const PREFIX: &str = "probe.";

/// The value of `X-Tallygate-Debug` that a gateway of this product believes until `until_secs` since 1970.
#[must_use]
pub fn sign(secret_token: &[u8], product: ProductId, until_secs: u64) -> String {
    let tag = tag(secret_token, b"ask", &asked(product, until_secs));
    format!("{PREFIX}{until_secs}.{}", hex(&tag))
}

/// Whether a value was made by [`sign`] for this product, for no longer than [`LIFETIME_SECS`] from `now_secs`.
#[must_use]
pub fn is_signed(value: &[u8], secret_token: &[u8], product: ProductId, now_secs: u64) -> bool {
    let until_secs = core::str::from_utf8(value)
        .ok()
        .and_then(|text| text.strip_prefix(PREFIX)?.split('.').next()?.parse().ok());
    let Some(until_secs) = until_secs else {
        return false;
    };
    let in_time = (now_secs..=now_secs.saturating_add(LIFETIME_SECS)).contains(&until_secs);
    let right = sign(secret_token, product, until_secs);
    !secret_token.is_empty()
        && in_time
        && same(
            &tag(secret_token, b"cmp", value),
            &tag(secret_token, b"cmp", right.as_bytes()),
        )
}

/// What only who knows the secret token can answer to a request with this value.
#[must_use]
pub fn answer(secret_token: &[u8], value: &[u8]) -> String {
    hex(&tag(secret_token, b"ans", value))
}

fn asked(product: ProductId, until_secs: u64) -> [u8; 16] {
    let mut asked = [0; 16];
    let bytes = product
        .0
        .to_le_bytes()
        .into_iter()
        .chain(until_secs.to_le_bytes());
    for (to, from) in asked.iter_mut().zip(bytes) {
        *to = from;
    }
    asked
}

/// Both parts are hashed first: what is hashed last has one length, and cannot be made longer.
fn tag(secret: &[u8], purpose: &[u8; 3], message: &[u8]) -> Digest {
    let message = Sha256::new().chain_update(purpose).chain_update(message);
    let hash: [u8; 32] = Sha256::new()
        .chain_update(Sha256::digest(secret))
        .chain_update(message.finalize())
        .finalize()
        .into();
    let mut tag = Digest::default();
    for (to, from) in tag.iter_mut().zip(hash) {
        *to = from;
    }
    tag
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
