//! How many gateway processes are alive: what is free is shared out among so many.

use crate::db::Tx;
use crate::error::Error;
use crate::store::leases::{self as store, number, stored};
use std::sync::{Arc, Mutex};
use tallygate_core::lease::TTL_MS;

/// Counts them, about once a second. Clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// When, in which epoch, how many.
    known: Arc<Mutex<Option<(i64, i64, u64)>>>,
}

/// How long a count holds, in milliseconds.
const FRESH_MS: i64 = 1_000;

impl Live {
    /// Processes of this epoch which were heard of lately and are not being drained.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count(&self, tx: &mut Tx, epoch: i64, now_ms: i64) -> Result<u64, Error> {
        let known = self.known.lock().ok().and_then(|known| *known);
        if let Some((at, of_epoch, count)) = known
            && of_epoch == epoch
            && (at..at + FRESH_MS).contains(&now_ms)
        {
            return Ok(count);
        }
        let count = number(store::count_live(tx, epoch, now_ms - stored(TTL_MS)).await?);
        if let Ok(mut known) = self.known.lock() {
            *known = Some((now_ms, epoch, count));
        }
        Ok(count)
    }
}
