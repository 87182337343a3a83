//! The gateway's side of leases: what it may still admit in one cell without asking.
//!
//! Pure arithmetic; [`crate::slot`] keeps these numbers where all workers meet. All but the mark are totals that only
//! grow, so an answer may be applied twice, late or never.

use crate::lease::{LASTING_MS, SOON_MS};
use crate::wire::{CreditV1, LeaseTotalsV1};

/// One gateway process's credit in a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// Granted, in all.
    pub granted: u64,
    /// Spent, in all.
    pub spent: u64,
    /// Returned, in all.
    pub returned: u64,
    /// Admitted without credit while the control plane was away, in all.
    pub over: u64,
    /// What the control plane last said of the rest.
    pub mark: Mark,
}

/// How a cell stood when the control plane last spoke of it: while it binds, nobody needs to ask again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Of two marks the newer has the higher.
    pub version: u64,
    /// What could still be granted.
    pub free: u64,
    /// The limit's revision.
    pub limits_rev: i64,
    /// Until when it binds, milliseconds since 1970 by the database's clock.
    pub until_ms: u64,
    /// Others hold credit that they have been asked to return.
    pub elsewhere: bool,
}

/// When a request is decided, and what may be relied on then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since 1970 by the database's clock: it names the usage's minute and every window.
    pub now_ms: u64,
    /// Whether credit may be spent: not when the control plane has not been heard of for too long.
    pub credit_is_valid: bool,
    /// Whether requests without credit are admitted: the control plane is away, and the product's policy says so.
    pub may_overdraw: bool,
}

/// How a request stands in one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is credit for it.
    Covered,
    /// There is none to be had.
    Exhausted,
    /// There is none here: ask.
    Dry,
}

// === impl Credit ===

impl Credit {
    /// What has been granted and neither spent nor returned.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.granted
            .saturating_sub(self.spent)
            .saturating_sub(self.returned)
    }

    /// What may be spent at this moment.
    #[must_use]
    pub fn spendable(&self, moment: &Moment) -> u64 {
        if moment.credit_is_valid {
            self.left()
        } else {
            0
        }
    }

    /// What is left of a limit of `value` as far as this gateway knows.
    #[must_use]
    pub fn known_left(&self, value: u64, moment: &Moment) -> u64 {
        self.spendable(moment)
            .saturating_add(self.mark.free)
            .min(self.left_by_itself(value))
    }

    /// What a gateway that knows of no other leaves of a limit of `value`.
    #[must_use]
    pub fn left_by_itself(&self, value: u64) -> u64 {
        value.saturating_sub(self.admitted())
    }

    /// How a request that needs `delta` stands, under a limit of `value` in its revision `limits_rev`.
    #[must_use]
    pub fn standing(&self, delta: u64, value: u64, limits_rev: i64, moment: &Moment) -> Standing {
        // A gateway alone never passes the limit, whatever it holds: so a limit that was lowered binds at once, and one that
        // is cut off holds it by itself.
        if delta > self.left_by_itself(value) {
            return Standing::Exhausted;
        }
        if self.spendable(moment) >= delta {
            return Standing::Covered;
        }
        // A delta of 10 that is refused must not shut out deltas of 1.
        let refused = delta > self.left().saturating_add(self.mark.free);
        if refused && self.mark.binds(limits_rev, moment) {
            return Standing::Exhausted;
        }
        Standing::Dry
    }

    /// Takes what the request needs; what there is no credit for is overdraft. Returns how much that was.
    pub fn spend(&mut self, delta: u64, moment: &Moment) -> u64 {
        let covered = delta.min(self.spendable(moment));
        let over = delta.saturating_sub(covered);
        self.spent = self.spent.saturating_add(covered);
        self.over = self.over.saturating_add(over);
        over
    }

    /// Applies what the control plane says of the lease and of the cell.
    ///
    /// It may know of more spent and returned than stands here: a record is forgotten once the ledger knows all of it.
    pub fn apply(&mut self, told: &CreditV1, window_end: Option<u64>, now_ms: u64) {
        let came = told.totals.granted > self.granted;
        self.raise(&told.totals);
        // One that is over gives way in any case: a ledger that was restored counts from where its backup was.
        if told.version >= self.mark.version || now_ms >= self.mark.until_ms {
            let binds_ms = match (told.elsewhere, came) {
                (false, _) => LASTING_MS,
                (true, false) => SOON_MS,
                // Who has just been granted something was not short: nobody was asked to return anything.
                (true, true) => 0,
            };
            let end_ms = window_end.map_or(u64::MAX, |end| end.saturating_mul(1_000));
            self.mark = Mark {
                version: told.version,
                free: told.free,
                limits_rev: told.limits_rev,
                until_ms: now_ms.saturating_add(binds_ms).min(end_ms),
                elsewhere: told.elsewhere,
            };
        }
    }

    /// Returns all that is left, of what was granted up to now. Returns whether there is anything to tell: after a restore
    /// the ledger may have forgotten what it was told before.
    pub fn recall(&mut self, told: &LeaseTotalsV1) -> bool {
        let is_ahead = self.spent > told.spent || self.returned > told.returned;
        self.raise(told);
        let left = self.left();
        if left > 0 {
            self.returned = self.returned.saturating_add(left);
            // What is given back can be had again, here as well.
            self.mark.until_ms = 0;
        }
        left > 0 || is_ahead
    }

    fn raise(&mut self, told: &LeaseTotalsV1) {
        self.granted = self.granted.max(told.granted);
        self.spent = self.spent.max(told.spent);
        self.returned = self.returned.max(told.returned);
    }

    /// All that was admitted here.
    fn admitted(&self) -> u64 {
        self.spent.saturating_add(self.over)
    }
}

// === impl Mark ===

impl Mark {
    /// Whether all of the limit was used and held here when it was said.
    pub(crate) fn is_used_up(&self) -> bool {
        self.until_ms > 0 && self.free == 0 && !self.elsewhere
    }

    /// Whether it still says how the cell stands. A limit that has changed since here, and not there, unbinds it.
    fn binds(&self, limits_rev: i64, moment: &Moment) -> bool {
        let current = self.until_ms > 0 && self.limits_rev >= limits_rev;
        if moment.may_overdraw {
            // Nobody can be asked. What nobody had left then, nobody has now.
            current && !self.elsewhere
        } else {
            // One that binds for longer than any does was written while the clock was wrong.
            let latest_ms = moment.now_ms.saturating_add(LASTING_MS);
            let binding = moment.now_ms < self.until_ms && self.until_ms <= latest_ms;
            current && moment.credit_is_valid && binding
        }
    }
}
