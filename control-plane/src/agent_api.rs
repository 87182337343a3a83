//! The Service Management API: what agents that are not our gateways call, on 3scale's paths, in 3scale's XML.
//!
//! `authorize` asks, `authrep` asks and counts, `POST /transactions.xml` counts. A call goes [`params`] → [`product`]
//! (which product, by a service token or the provider key) → [`application`] (who calls, and may it) → `charges` (which
//! decides and counts, together with what gateways hold) → [`status`], or [`refusal`] in 3scale's words.
//! Beyond 3scale: an `Idempotency-Key` makes a call that is repeated count once, and `Retry-After` says when a denied one
//! may pass.

pub mod application;
pub mod authorize;
pub mod options;
pub mod params;
pub mod product;
pub mod referrer;
pub mod refusal;
pub mod report;
pub mod status;

use crate::charges::once::Once;
use crate::error::Error;
use axum::http::HeaderMap;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The call's `Idempotency-Key`, for this product, path and parameters.
fn once(
    headers: &HeaderMap,
    product: i64,
    path: &str,
    params: &params::Params,
) -> Result<Option<Once>, Error> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = key
        .to_str()
        .ok()
        .filter(|key| (1..=255).contains(&key.len()));
    match key {
        Some(key) => Ok(Some(Once::new(product, path, key, params.pairs()))),
        None => Err(Error::invalid(
            "Idempotency-Key",
            "must be 1 to 255 printable ASCII characters",
        )),
    }
}
