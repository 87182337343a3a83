//! Admitting: what a request needs is taken from every limited cell or from none, and its usage is written down.

use super::cell::{self, CellKey};
use super::{CROWDED, Place, Slot, USAGE, quarter_of, usage_at, usage_entry};
use crate::credit::{Credit, Moment, Standing};
use crate::id::{ApplicationId, MetricId};
use crate::period::Period;
use crate::wire::{AskedCellV1, LeaseTotalsV1};
use alloc::vec::Vec;

/// One limit that a request meets: what it asks for, and, once answered, how the cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitCharge {
    /// The limited metric.
    pub metric: MetricId,
    /// The limit's period.
    pub period: Period,
    /// The most that may be spent in a window.
    pub value: u64,
    /// What the request needs.
    pub delta: u64,
    /// Start of the current window, seconds since 1970.
    pub window: u32,
    /// End of the current window; none for eternity.
    pub window_end: Option<u64>,
    /// What is left in the window as far as this gateway knows: after this request, if it was admitted.
    pub left: u64,
    /// What was lacking is held by other gateways, which have been asked to return it.
    pub elsewhere: bool,
}

/// What a request would add and which limits it meets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// Metric and delta, methods rolled up to their parents.
    pub usage: Vec<(MetricId, u64)>,
    /// All limits on those metrics.
    pub limits: Vec<LimitCharge>,
    /// The limits' revision: that of the product or of the application, whichever changed last.
    pub limits_rev: i64,
}

/// Why nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Short {
    /// A limit has no room for the request.
    Exhausted,
    /// A cell has too little credit here, and more may be had.
    Dry,
}

impl Slot {
    /// Takes the charge from every limited cell, or from none. Returns how much of it was overdraft.
    ///
    /// Fills in how each cell stands either way.
    ///
    /// # Errors
    /// [`Short`] when a cell has too little; the slot is unchanged then.
    pub fn admit(
        &mut self,
        application: ApplicationId,
        charge: &mut Charge,
        moment: &Moment,
    ) -> Result<u64, Short> {
        let place = self.find(application);
        let limits_rev = charge.limits_rev;
        let (mut exhausted, mut dry) = (false, false);
        for limit in &mut charge.limits {
            let credit = self.credit(place, &limit.key());
            let by_itself = credit.left_by_itself(limit.value);
            limit.left = credit.known_left(limit.value, moment);
            // What this gateway has admitted by itself nobody gives back.
            limit.elsewhere = credit.mark.elsewhere && limit.delta <= by_itself;
            match credit.standing(limit.delta, limit.value, limits_rev, moment) {
                Standing::Covered => {}
                Standing::Exhausted => exhausted = true,
                Standing::Dry => {
                    // Nobody has said that there is too little: a refusal must not name this limit.
                    limit.left = by_itself;
                    dry = true;
                }
            }
        }
        if exhausted {
            return Err(Short::Exhausted);
        }
        if dry && !moment.may_overdraw {
            return Err(Short::Dry);
        }
        let now_secs = moment.now_ms / 1_000;
        let mut place = place.unwrap_or_else(|| self.make(application, now_secs));
        let mut overdraft: u64 = 0;
        for limit in &mut charge.limits {
            let key = limit.key();
            let mut credit = self.credit(Some(place), &key);
            overdraft = overdraft.saturating_add(credit.spend(limit.delta, moment));
            limit.left = limit.left.saturating_sub(limit.delta);
            self.put_credit(&mut place, &key, &credit, now_secs);
        }
        let minute = u32::try_from(now_secs / 60).unwrap_or(u32::MAX);
        if place.end.saturating_sub(place.usages) / USAGE >= CROWDED {
            self.coarsen(&mut place, minute);
        }
        for &(metric, delta) in &charge.usage {
            match self.usage(place, metric, minute) {
                Some((at, sum)) => {
                    let usage = usage_entry(metric, minute, sum.saturating_add(delta));
                    super::bytes::put(&mut self.bytes, at, &usage);
                }
                None => self.insert_usage(&mut place, &usage_entry(metric, minute, delta)),
            }
            self.set_dirty(true);
        }
        Ok(overdraft)
    }

    /// What to ask for when a request found a cell dry: all of its cells, as they stand here. `want` is in so many times
    /// the request's need.
    #[must_use]
    pub fn asked(
        &self,
        application: ApplicationId,
        charge: &Charge,
        times: u64,
    ) -> Vec<AskedCellV1> {
        let place = self.find(application);
        let asked = |limit: &LimitCharge| {
            let key = limit.key();
            AskedCellV1 {
                totals: totals(&key, &self.credit(place, &key)),
                need: limit.delta,
                want: limit.delta.saturating_mul(times.max(1)),
            }
        };
        charge.limits.iter().map(asked).collect()
    }

    /// Puts usage of earlier minutes under the quarters of an hour that they are in. What is used now keeps its minute: a limit
    /// per minute is held against it.
    fn coarsen(&mut self, place: &mut Place, now: u32) {
        let mut at = place.usages;
        while at < place.end {
            let (metric, minute, sum) = usage_at(&self.bytes, at);
            let quarter = quarter_of(minute);
            if minute >= now || minute == quarter {
                at = at.saturating_add(USAGE);
                continue;
            }
            match self.usage(*place, metric, quarter) {
                Some((of_quarter, total)) => {
                    let usage = usage_entry(metric, quarter, total.saturating_add(sum));
                    super::bytes::put(&mut self.bytes, of_quarter, &usage);
                    self.remove_usage(*place, at);
                    place.end = place.end.saturating_sub(USAGE);
                }
                None => {
                    super::bytes::put(&mut self.bytes, at, &usage_entry(metric, quarter, sum));
                    at = at.saturating_add(USAGE);
                }
            }
        }
    }

    /// The credit of a cell; none when it never was any.
    pub(super) fn credit(&self, place: Option<Place>, key: &CellKey) -> Credit {
        place
            .and_then(|place| self.cell(place, key))
            .map_or_else(Credit::default, |at| cell::read(&self.bytes, at))
    }
}

impl LimitCharge {
    fn key(&self) -> CellKey {
        CellKey {
            metric: self.metric,
            period: self.period,
            window: self.window,
        }
    }
}

/// A cell's totals as they are told.
pub(super) fn totals(key: &CellKey, credit: &Credit) -> LeaseTotalsV1 {
    LeaseTotalsV1 {
        metric: key.metric,
        period: key.period,
        window: u64::from(key.window),
        granted: credit.granted,
        spent: credit.spent,
        returned: credit.returned,
    }
}
