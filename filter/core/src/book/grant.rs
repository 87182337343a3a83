//! What is granted: what a waiting request needs, in full or not at all; beyond that, by the rate that was reported.

use super::{Cell, Holder, Lease};
use crate::lease::{AHEAD_SECS, FLOOR, IDLE_WINDOWS};
use crate::wire::{AskedCellV1, OutcomeV1};

/// A cell that a waiting request meets, and its lease.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The cell.
    pub cell: &'a mut Cell,
    /// What the asker holds of it.
    pub lease: &'a mut Lease,
    /// What it asks for.
    pub asked: AskedCellV1,
    /// What processes have left of it that are not heard of: they return nothing.
    pub silent: u64,
}

/// Grants what a waiting request needs on all of its cells, or on none.
///
/// What the asker says it has spent and returned is read here, and not settled: that is for the row that carries the
/// usage. An ask that is repeated finds that its need is held already, and grants nothing new.
pub fn ask(cells: &mut [Asked<'_>], holder: &Holder) -> OutcomeV1 {
    for asked in cells.iter_mut() {
        super::declare(asked.cell, asked.lease, asked.asked.totals.granted);
    }
    if cells
        .iter()
        .all(|asked| asked.lack() <= asked.cell.free_for(holder))
    {
        for asked in cells {
            let lack = asked.lack();
            if lack > 0 {
                let credit = lack.saturating_add(asked.extra(lack, holder));
                asked.cell.grant(asked.lease, holder, credit);
            }
            if asked
                .cell
                .reservation
                .is_some_and(|kept| kept.instance == holder.instance)
            {
                asked.cell.reservation = None;
            }
        }
        return OutcomeV1::Granted;
    }
    // What can never be had is not waited for: nothing is kept from others for its sake.
    let possible = cells.iter().all(Asked::is_possible);
    for asked in cells.iter_mut().filter(|_| possible) {
        // Kept on every cell, so that nobody takes away one while the other is waited for.
        let lack = asked.lack();
        if lack > 0 {
            asked.cell.reserve(holder, lack);
        }
    }
    OutcomeV1::Short
}

/// Grants more to a holder that has just reported, if it will soon be dry. Returns whether it did.
pub fn renew(cell: &mut Cell, lease: &mut Lease, holder: &Holder) -> bool {
    let target = lease.target();
    let left = lease.left();
    if lease.is_recalled(holder.now_ms) || left >= target.div_ceil(2) {
        return false;
    }
    let credit = target
        .saturating_sub(left)
        .min(share(cell.free_for(holder), holder));
    if credit > 0 {
        cell.grant(lease, holder, credit);
    }
    credit > 0
}

/// Grants of a window that begins soon, to a holder in the one before. Returns whether it did.
pub fn prefetch(cell: &mut Cell, lease: &mut Lease, before: &Lease, holder: &Holder) -> bool {
    if lease.granted > 0 {
        return false;
    }
    let idle_windows = if before.spent > 0 {
        0
    } else {
        before.idle_windows.saturating_add(1)
    };
    let credit = before.target().min(share(cell.free_for(holder), holder));
    if credit == 0 || idle_windows > IDLE_WINDOWS {
        return false;
    }
    lease.rate_milli = before.rate_milli;
    lease.settled_at_ms = before.settled_at_ms;
    lease.idle_windows = idle_windows;
    cell.grant(lease, holder, credit);
    true
}

/// Half of what is free, divided by all who may want it: so that the last ones are served as long as possible.
fn share(free: u64, holder: &Holder) -> u64 {
    (free / 2) / holder.live.max(1)
}

// === impl Asked ===

impl Asked<'_> {
    /// Whether the need could be met if all others that are alive returned what they have left: what is used stays used.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let used = self.cell.used.saturating_add(self.lease.left());
        let gone = used.saturating_add(self.silent);
        self.cell
            .limit
            .is_none_or(|limit| self.lack() <= limit.saturating_sub(gone))
    }

    /// What is missing, given what the asker says it has spent meanwhile.
    fn lack(&self) -> u64 {
        let held = self
            .lease
            .granted
            .saturating_sub(self.lease.spent.max(self.asked.totals.spent))
            .saturating_sub(self.lease.returned.max(self.asked.totals.returned));
        self.asked.need.saturating_sub(held)
    }

    /// What is granted beyond the need. A holder that never reported gets no more than what waits at this moment.
    fn extra(&self, lack: u64, holder: &Holder) -> u64 {
        let waiting = self.asked.want.saturating_sub(self.asked.need);
        let by_rate = if self.lease.settled_at_ms == 0 {
            0
        } else {
            self.lease.target()
        };
        let free = self.cell.free_for(holder).saturating_sub(lack);
        waiting.max(by_rate).min(share(free, holder))
    }
}

// === impl Lease ===

impl Lease {
    /// What its holder should have at hand.
    fn target(&self) -> u64 {
        (self.rate_milli.saturating_mul(AHEAD_SECS) / 1_000).max(FLOOR)
    }
}
