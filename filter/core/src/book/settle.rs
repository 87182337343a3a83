//! What is settled: spent and returned credit, beside the usage that it was spent on.

use super::{Cell, Lease};
use crate::lease::{FLOOR, IDLE_MS, LONG_IDLE_MS};

/// Reports that come closer upon another than this tell no rate, in milliseconds.
const SHORTEST_MS: u64 = 500;
/// What lies farther back than this tells nothing about now, in milliseconds.
const LONGEST_MS: u64 = 60_000;

/// How a row's totals went into the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// As expected, also when they were known already.
    Fine,
    /// The holder has spent or returned more than it was ever granted: history was lost, or somebody is wrong. Its
    /// usage counts all the same.
    Overspent,
}

/// Settles what a row says was spent and returned. Totals that are lower than known are old, and change nothing.
pub fn settle(
    cell: &mut Cell,
    lease: &mut Lease,
    spent: u64,
    returned: u64,
    now_ms: u64,
) -> Settled {
    let left = lease.left();
    let newly_spent = spent.saturating_sub(lease.spent);
    let newly_returned = returned.saturating_sub(lease.returned);
    lease.measure(newly_spent, now_ms);
    lease.spent = lease.spent.max(spent);
    lease.returned = lease.returned.max(returned);
    let sum = lease.spent.saturating_add(lease.returned);
    let overspent = sum > lease.granted;
    lease.granted = lease.granted.max(sum);
    cell.leased = cell
        .leased
        .saturating_sub(left)
        .saturating_add(lease.left());
    if newly_spent > 0 || newly_returned > 0 {
        cell.version = cell.version.saturating_add(1);
    }
    if overspent {
        Settled::Overspent
    } else {
        Settled::Fine
    }
}

/// Takes a holder's word for what it was granted. It knows more than the ledger only after a restore; then the limit
/// may be passed by what was granted since the backup.
pub fn declare(cell: &mut Cell, lease: &mut Lease, granted: u64) {
    let more = granted.saturating_sub(lease.granted);
    if more > 0 {
        lease.granted = granted;
        cell.leased = cell.leased.saturating_add(more);
        cell.version = cell.version.saturating_add(1);
    }
}

/// Whether a holder should return what it has left: somebody was short of it, it goes away, it has not used it for long,
/// or the limit was lowered.
#[must_use]
pub fn takes_back(cell: &Cell, lease: &Lease, draining: bool, now_ms: u64) -> bool {
    let last_ms = lease.settled_at_ms.max(lease.granted_at_ms);
    let patience_ms = if lease.left() > FLOOR {
        IDLE_MS
    } else {
        LONG_IDLE_MS
    };
    let idle = now_ms >= last_ms.saturating_add(patience_ms);
    lease.left() > 0 && (draining || lease.is_recalled(now_ms) || idle || cell.is_over())
}

// === impl Lease ===

impl Lease {
    /// Notes a report.
    fn measure(&mut self, newly_spent: u64, now_ms: u64) {
        let first = self.settled_at_ms == 0;
        let since_ms = if first {
            self.granted_at_ms
        } else {
            self.settled_at_ms
        };
        let elapsed_ms = now_ms
            .saturating_sub(since_ms)
            .clamp(SHORTEST_MS, LONGEST_MS);
        // Thousandths a second, from units in milliseconds.
        let sample = newly_spent
            .saturating_mul(1_000_000)
            .checked_div(elapsed_ms)
            .unwrap_or_default();
        self.rate_milli = if first {
            sample
        } else {
            self.rate_milli.midpoint(sample)
        };
        self.settled_at_ms = now_ms.max(1);
        if newly_spent > 0 {
            self.idle_windows = 0;
        }
    }
}
