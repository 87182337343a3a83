//! `Idempotency-Key` of agents: a charge is done once under a key, by a row that is written in its transaction.
//!
//! The rows are those of the Account Management API's keys, and kept as long. A charge that took nothing leaves none: it
//! may be tried again under the same key.

use super::Charge;
use crate::db::Tx;
use crate::error::Error;
use crate::store::idempotency as rows;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// A key, and what it was sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    key: Vec<u8>,
    request: Vec<u8>,
}

/// What is to become of a charge.
#[derive(Clone, Debug)]
pub(super) enum Begun {
    /// It is to be done.
    Do,
    /// It was done.
    Done,
    /// It may not be done.
    Refused(Error),
}

/// How long keys are kept.
const KEEP_MS: i64 = 24 * 60 * 60 * 1000;
/// What a row says that was done: there is no answer to repeat, the next one says how things stand then.
const DONE: i64 = 200;

impl Once {
    /// A key as it was sent, for a call to `path` of a product with these parameters.
    #[must_use]
    pub fn new(product: i64, path: &str, key: &str, parameters: &[(String, String)]) -> Self {
        let mut request = Sha256::new().chain_update(key);
        // In whatever order they came; of those with one name it matters.
        let mut parameters: Vec<&(String, String)> = parameters.iter().collect();
        parameters.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (name, value) in parameters {
            request.update(format!("\n{}:{name}={}:{value}", name.len(), value.len()));
        }
        Self {
            key: Sha256::digest(format!("agent {product}\n{path}\n{key}")).to_vec(),
            request: request.finalize().to_vec(),
        }
    }
}

/// Finds out which charges are to be done. The keys are taken in their order: who waits for a key holds none behind it.
pub(super) async fn begin(
    tx: &mut Tx,
    now_ms: i64,
    charges: &[Charge],
) -> Result<Vec<Begun>, Error> {
    let mut begun = vec![Begun::Do; charges.len()];
    let mut by_key: BTreeMap<&[u8], Vec<(usize, &Once)>> = BTreeMap::new();
    for (n, charge) in charges.iter().enumerate() {
        if let Some(once) = &charge.once {
            by_key.entry(&once.key).or_default().push((n, once));
        }
    }
    if by_key.is_empty() {
        return Ok(begun);
    }
    rows::sweep(tx, now_ms - KEEP_MS).await?;
    for (key, mut of_key) in by_key {
        let (n, once) = of_key.remove(0);
        if !rows::begin(tx, key, &once.request, now_ms).await? {
            let kept = rows::find(tx, key).await?.ok_or(Error::Busy)?;
            let outcome = if kept.request_digest == once.request {
                Begun::Done
            } else {
                Begun::Refused(Error::invalid(
                    "Idempotency-Key",
                    "was used for a request with other parameters: take a new one for each request",
                ))
            };
            if let Some(begun) = begun.get_mut(n) {
                *begun = outcome;
            }
        }
        for (n, _) in of_key {
            if let Some(begun) = begun.get_mut(n) {
                *begun = Begun::Refused(Error::conflict(
                    "A request with this Idempotency-Key is still being served",
                ));
            }
        }
    }
    Ok(begun)
}

/// Keeps the keys of what was done, and gives back the others.
pub(super) async fn end(
    tx: &mut Tx,
    now_ms: i64,
    charges: &[Charge],
    was_done: impl Fn(usize) -> Option<bool>,
) -> Result<(), Error> {
    for (n, charge) in charges.iter().enumerate() {
        let Some(once) = &charge.once else { continue };
        match was_done(n) {
            Some(true) => {
                rows::finish(tx, &once.key, now_ms, DONE, &[]).await?;
            }
            Some(false) => rows::abandon(tx, &once.key, now_ms).await?,
            None => {}
        }
    }
    Ok(())
}
