//! The control plane's side of leases: one cell's account, and what may be granted of it.
//!
//! Pure arithmetic on rows which the caller holds locked, in the transaction that writes them back. What must be true
//! after each of these functions: `used + leased` has not grown past the limit, and `leased` is the sum of what all
//! leases of the cell have left.

mod grant;
mod settle;

use crate::lease::{RECALL_MS, RESERVED_MS};
use crate::wire::Instance;

pub use grant::{Asked, ask, prefetch, renew};
pub use settle::{Settled, declare, settle, takes_back};

/// A cell: application × metric × window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// The limit that the application's plan has there now; none when it has none any more.
    pub limit: Option<u64>,
    /// All usage that was reported in the window, covered by credit or not.
    pub used: u64,
    /// What all leases of the cell have left.
    pub leased: u64,
    /// Counts the changes of the cell.
    pub version: u64,
    /// Who is next, if somebody was short.
    pub reservation: Option<Reservation>,
}

/// What an asker lacks is kept for it a moment: two that need much must not starve each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// For whom.
    pub instance: Instance,
    /// How much.
    pub need: u64,
    /// Until when, milliseconds since 1970.
    pub until_ms: u64,
}

/// What one gateway process holds of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    /// Granted, in all.
    pub granted: u64,
    /// Spent, in all, as far as reported.
    pub spent: u64,
    /// Returned, in all, as far as reported.
    pub returned: u64,
    /// When it was last granted something, milliseconds since 1970.
    pub granted_at_ms: u64,
    /// When its holder last reported; 0 before the first report.
    pub settled_at_ms: u64,
    /// How fast it was spent lately, in thousandths a second.
    pub rate_milli: u64,
    /// Windows in a row, up to this one, that it was granted ahead and nothing was spent of it.
    pub idle_windows: u32,
    /// When somebody was last short of what this one holds, milliseconds since 1970.
    pub recalled_at_ms: u64,
}

/// For whom and when a grant is considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The gateway process.
    pub instance: Instance,
    /// How many gateway processes are heard of, this one with them.
    pub live: u64,
    /// The database's clock, milliseconds since 1970.
    pub now_ms: u64,
}

// === impl Cell ===

impl Cell {
    /// What could be granted to this holder: what is kept for another is not.
    #[must_use]
    pub fn free_for(&self, holder: &Holder) -> u64 {
        let kept = self.kept_from(holder).map_or(0, |kept| kept.need);
        self.free().saturating_sub(kept)
    }

    /// Whether something is kept for another than this holder: it may be had in a moment, if that one does not come.
    #[must_use]
    pub fn is_kept_from(&self, holder: &Holder) -> bool {
        self.kept_from(holder).is_some()
    }

    /// What nobody has used or holds.
    #[must_use]
    pub fn free(&self) -> u64 {
        self.limit
            .unwrap_or(i64::MAX.unsigned_abs())
            .saturating_sub(self.used.saturating_add(self.leased))
    }

    /// Whether more is used and held than the limit allows, as after it was lowered: then holders return what they can.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.limit
            .is_some_and(|limit| self.used.saturating_add(self.leased) > limit)
    }

    /// Whether others than this lease's holder have something left.
    #[must_use]
    pub fn is_held_elsewhere(&self, mine: &Lease) -> bool {
        self.leased > mine.left()
    }

    fn kept_from(&self, holder: &Holder) -> Option<Reservation> {
        self.reservation
            .filter(|kept| kept.instance != holder.instance && holder.now_ms < kept.until_ms)
    }

    /// Keeps what is lacking for who was short, unless it is kept for somebody who came before.
    fn reserve(&mut self, holder: &Holder, need: u64) {
        let kept = self
            .kept_from(holder)
            .is_some_and(|kept| kept.until_ms <= holder.now_ms.saturating_add(RESERVED_MS));
        if !kept {
            self.reservation = Some(Reservation {
                instance: holder.instance,
                need,
                until_ms: holder.now_ms.saturating_add(RESERVED_MS),
            });
        }
    }

    /// Charges a grant.
    fn grant(&mut self, lease: &mut Lease, holder: &Holder, credit: u64) {
        lease.granted = lease.granted.saturating_add(credit);
        lease.granted_at_ms = holder.now_ms;
        self.leased = self.leased.saturating_add(credit);
        self.version = self.version.saturating_add(1);
    }
}

// === impl Lease ===

impl Lease {
    /// What its holder may still spend, as far as is known here.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.granted
            .saturating_sub(self.spent)
            .saturating_sub(self.returned)
    }

    /// Whether somebody was short of it just now.
    #[must_use]
    pub fn is_recalled(&self, now_ms: u64) -> bool {
        self.recalled_at_ms != 0 && now_ms < self.recalled_at_ms.saturating_add(RECALL_MS)
    }
}
