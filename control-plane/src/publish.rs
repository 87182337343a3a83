//! From rows to what gateways read: one page of [`SnapshotV1`] after a cursor.
//!
//! Products come first, then applications, each in order of revision, all from one state of the database.
//! A page ends where it would pass the size that is asked for. Never here: HTTP, waiting, writing.

mod applications;
mod frozen;
mod products;

use crate::db::{Db, Tx};
use crate::error::Error;
use crate::gateway_api::Form;
use crate::secrets::Secrets;
use crate::store::snapshot as store;
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};
use tallygate_core::wire::{Cursor, SnapshotV1};

pub use frozen::Frozen;

/// Which of its two configurations a product is read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Where a new configuration is tried.
    Staging,
    /// Where customers call.
    Production,
}

/// How many applications there are: counted when a gateway begins to read, remembered for its later pages.
#[derive(Debug, Default)]
pub struct ApplicationCount(AtomicU64);

/// What is left of a page, in bytes of the form it is sent in.
#[derive(Debug)]
struct Room {
    form: Form,
    left: usize,
    /// Nothing is in it yet: whatever comes first goes in, if need be alone.
    empty: bool,
}

/// What surrounds the entries of a page, at most.
const FRAME_BYTES: usize = 256;

/// The page after a cursor, of at most `page_bytes` or one entry. It is complete when nothing is left.
///
/// # Errors
/// When the database does not answer.
pub async fn page(
    db: &Db,
    secrets: &Secrets,
    count: &ApplicationCount,
    environment: Environment,
    after: Cursor,
    form: Form,
    page_bytes: usize,
) -> Result<SnapshotV1, Error> {
    let mut tx = db.read().await?;
    let head = store::head(&mut tx).await?;
    let mut after = after;
    if after.products > head.revision || after.applications > head.revision {
        tracing::warn!(
            head = head.revision,
            ?after,
            "a gateway knows a newer revision than the database does: it reads all again"
        );
        after = Cursor::default();
    }
    let mut room = Room {
        form,
        left: page_bytes.saturating_sub(FRAME_BYTES),
        empty: true,
    };
    let (products, read_up_to) = products::changed(
        &mut tx,
        secrets,
        environment,
        after.products,
        head.revision,
        &mut room,
    )
    .await?;
    let (applications, next) = if read_up_to == head.revision {
        let (applications, next) =
            applications::changed(&mut tx, after, head.revision, &mut room).await?;
        (
            applications,
            next.map(|next| Cursor {
                products: head.revision,
                ..next
            }),
        )
    } else {
        (
            Vec::new(),
            Some(Cursor {
                products: read_up_to,
                ..after
            }),
        )
    };
    Ok(SnapshotV1 {
        epoch: head.epoch,
        now_ms: tx.now_ms().await?.unsigned_abs(),
        next: next.unwrap_or(all_up_to(head.revision)),
        complete: next.is_none(),
        applications_total: count.get(&mut tx, after).await?,
        products,
        applications,
    })
}

/// The cursor of who has read everything up to a revision.
#[must_use]
pub const fn all_up_to(revision: i64) -> Cursor {
    Cursor {
        products: revision,
        applications: revision,
        application: i64::MAX,
    }
}

// === impl Environment ===

impl Environment {
    /// By the name that gateways use.
    #[must_use]
    pub fn of_gateway(name: &str) -> Option<Self> {
        match name {
            "staging" => Some(Self::Staging),
            "production" => Some(Self::Production),
            _ => None,
        }
    }

    /// Its name among proxy configs, which is 3scale's.
    #[must_use]
    pub const fn of_configs(self) -> &'static str {
        match self {
            Self::Staging => "sandbox",
            Self::Production => "production",
        }
    }
}

// === impl ApplicationCount ===

impl ApplicationCount {
    async fn get(&self, tx: &mut Tx, after: Cursor) -> Result<u64, Error> {
        let known = self.0.load(Ordering::Relaxed);
        // Counting a million rows takes longer than making a page.
        if known > 0 && after.applications > 0 {
            return Ok(known);
        }
        let counted = store::count_applications(tx).await?.unsigned_abs();
        self.0.store(counted, Ordering::Relaxed);
        Ok(counted)
    }
}

// === impl Room ===

impl Room {
    /// Takes the room that entries need; false when there is not enough.
    fn take<T: Serialize>(&mut self, entries: &[T]) -> bool {
        let bytes: usize = entries.iter().map(|entry| self.form.size(entry)).sum();
        if bytes > self.left && !self.empty {
            self.left = 0;
            return false;
        }
        self.left = self.left.saturating_sub(bytes);
        self.empty = false;
        true
    }
}
