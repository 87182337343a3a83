//! How many gateway processes are alive: what is free is shared out among so many.

use crate::db::Tx;
use crate::error::Error;
use crate::store::leases::{self as store, number, stored};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tallygate_core::lease::TTL_MS;

/// Counts them, about once a second. Clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct Live {
    known: Arc<Mutex<Option<(Instant, i64, u64)>>>,
}

/// How long a count holds.
const FRESH: Duration = Duration::from_secs(1);

impl Live {
    /// Processes of this epoch which were heard of lately and are not being drained.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count(&self, tx: &mut Tx, epoch: i64, now_ms: i64) -> Result<u64, Error> {
        let known = self.known.lock().ok().and_then(|known| *known);
        if let Some((at, of_epoch, count)) = known
            && of_epoch == epoch
            && at.elapsed() < FRESH
        {
            return Ok(count);
        }
        let count = number(store::count_live(tx, epoch, now_ms - stored(TTL_MS)).await?);
        if let Ok(mut known) = self.known.lock() {
            *known = Some((Instant::now(), epoch, count));
        }
        Ok(count)
    }
}
