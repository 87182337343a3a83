//! Credit that comes and goes: answers applied to a record, recalls honoured, leases declared.

use super::bytes::{get_i64, get_u32};
use super::cell::{self, CELL, CellKey};
use super::spend::totals;
use super::{Place, Slot, USAGE};
use crate::credit::Credit;
use crate::id::ApplicationId;
use crate::wire::{CreditV1, LeaseTotalsV1, LeasesV1};
use alloc::vec::Vec;

impl Slot {
    /// Applies what the control plane says of an application's cells. Of windows that are over for good nothing is taken:
    /// what was known of them may be forgotten here. Returns whether anything changed.
    pub fn apply(&mut self, application: ApplicationId, told: &[CreditV1], now_ms: u64) -> bool {
        let mut changed = false;
        for told in told {
            changed |= self.change(application, &told.totals, now_ms, |credit, key| {
                let before = *credit;
                credit.apply(told, key.window().end, now_ms);
                *credit != before
            });
        }
        changed
    }

    /// Returns what is left of these leases. Returns whether anything changed; the slot is dirty then.
    pub fn recall(
        &mut self,
        application: ApplicationId,
        told: &[LeaseTotalsV1],
        now_ms: u64,
    ) -> bool {
        let mut changed = false;
        for told in told {
            changed |= self.change(application, told, now_ms, |credit, _| credit.recall(told));
        }
        if changed && let Some(place) = self.find(application) {
            self.set_returning(place, true);
            self.set_dirty(true);
        }
        changed
    }

    /// What every application here holds in windows that are not over.
    #[must_use]
    pub fn leases(&self, now_ms: u64) -> Vec<LeasesV1> {
        self.places()
            .map(|place| LeasesV1 {
                application: ApplicationId(get_i64(&self.bytes, place.start)),
                cells: (place.cells..place.usages)
                    .step_by(CELL)
                    .filter_map(|at| {
                        let key = CellKey::at(&self.bytes, at)?;
                        let credit = cell::read(&self.bytes, at);
                        (credit.granted > 0 && !key.is_over(now_ms / 1_000))
                            .then(|| totals(&key, &credit))
                    })
                    .collect(),
            })
            .filter(|leases| !leases.cells.is_empty())
            .collect()
    }

    /// Changes a cell, which is made if need be.
    fn change(
        &mut self,
        application: ApplicationId,
        told: &LeaseTotalsV1,
        now_ms: u64,
        change: impl FnOnce(&mut Credit, &CellKey) -> bool,
    ) -> bool {
        let Ok(window) = u32::try_from(told.window) else {
            return false;
        };
        let key = CellKey {
            metric: told.metric,
            period: told.period,
            window,
        };
        let now_secs = now_ms / 1_000;
        if key.is_over(now_secs) {
            return false;
        }
        let place = self.find(application);
        let mut credit = self.credit(place, &key);
        if !change(&mut credit, &key) {
            return false;
        }
        let mut place = place.unwrap_or_else(|| self.make(application, now_secs));
        self.put_credit(&mut place, &key, &credit, now_secs);
        true
    }

    /// Writes a cell. One that is new takes the place of those of the same limit whose windows are over: not of the last
    /// before it, nor of one with usage to report. The ledger may not have heard of what was spent there, and the clock may
    /// have gone wrong and come back.
    pub(super) fn put_credit(
        &mut self,
        place: &mut Place,
        key: &CellKey,
        credit: &Credit,
        now_secs: u64,
    ) {
        if let Some(at) = self.cell(*place, key) {
            cell::write(&mut self.bytes, at, credit);
            return;
        }
        let before = self.window_before(*place, key);
        let mut at = place.cells;
        while at < place.usages {
            let over = CellKey::at(&self.bytes, at).is_none_or(|known| {
                known.is_of_limit(key)
                    && known.is_over(now_secs)
                    && Some(known.window) != before
                    && !self.has_usage_in(*place, &known)
            });
            if over {
                self.remove_cell(place, at);
            } else {
                at = at.saturating_add(CELL);
            }
        }
        self.insert_cell(place, &key.entry(credit));
    }

    /// The last window before a new one of the same limit.
    fn window_before(&self, place: Place, key: &CellKey) -> Option<u32> {
        (place.cells..place.usages)
            .step_by(CELL)
            .filter_map(|at| CellKey::at(&self.bytes, at))
            .filter(|known| known.is_of_limit(key) && known.window < key.window)
            .map(|known| known.window)
            .max()
    }

    /// Whether a record still has to report usage of a cell.
    fn has_usage_in(&self, place: Place, key: &CellKey) -> bool {
        let window = key.window();
        (place.usages..place.end).step_by(USAGE).any(|at| {
            let at_secs = u64::from(get_u32(&self.bytes, at.saturating_add(8))).saturating_mul(60);
            get_i64(&self.bytes, at) == key.metric.0
                && at_secs >= window.start
                && window.end.is_none_or(|end| at_secs < end)
        })
    }
}
