//! Reporting: what a record has to tell, copied into a batch; and the same, taken out once the batch is sealed.

use super::bytes::{get_i64, put};
use super::cell::{self, CELL, CellKey};
use super::{DEBITED, Place, Slot, USAGE, quarter_of, usage_at};
use crate::id::{ApplicationId, MetricId};
use crate::wire::{CellTotalsV1, UsageRowV1, UsageV1};
use alloc::vec::Vec;

impl Slot {
    /// What every application here has to report, as rows for a batch: usage, and beside it the totals of its cells.
    #[must_use]
    pub fn rows(&self) -> Vec<UsageRowV1> {
        self.places()
            .filter(|place| self.has_to_report(*place))
            .map(|place| UsageRowV1 {
                application: ApplicationId(get_i64(&self.bytes, place.start)),
                usage: self.usages(place),
                cells: self.reported(place),
            })
            .collect()
    }

    /// Takes out what batch number `sealed` carries of this slot. Doing it again changes nothing.
    ///
    /// Returns whether anything changed.
    pub fn debit(&mut self, sealed: u64, rows: &[UsageRowV1]) -> bool {
        if self.debited() >= sealed {
            return false;
        }
        for row in rows {
            for usage in &row.usage {
                let missing =
                    self.subtract(row.application, usage.metric, usage.minute, usage.delta);
                // Since it was sealed, the record may have become crowded.
                let quarter = quarter_of(usage.minute);
                self.subtract(row.application, usage.metric, quarter, missing);
            }
            if let Some(place) = self.find(row.application)
                && self.is_told(place, &row.cells)
            {
                self.set_returning(place, false);
            }
        }
        put(&mut self.bytes, DEBITED, &sealed.to_le_bytes());
        let dirty = self.places().any(|place| self.has_to_report(place));
        self.set_dirty(dirty);
        true
    }

    /// Takes out usage, as far as it is there. Returns what is missing.
    fn subtract(
        &mut self,
        application: ApplicationId,
        metric: MetricId,
        minute: u32,
        delta: u64,
    ) -> u64 {
        let found = self
            .find(application)
            .and_then(|place| Some((place, self.usage(place, metric, minute)?)));
        let Some((place, (at, sum))) = found.filter(|_| delta > 0) else {
            return delta;
        };
        match sum.saturating_sub(delta) {
            0 => self.remove_usage(place, at),
            left => put(&mut self.bytes, at.saturating_add(16), &left.to_le_bytes()),
        }
        delta.saturating_sub(sum)
    }

    pub(super) fn has_to_report(&self, place: Place) -> bool {
        place.usages < place.end || self.is_returning(place)
    }

    fn usages(&self, place: Place) -> Vec<UsageV1> {
        (place.usages..place.end)
            .step_by(USAGE)
            .map(|at| {
                let (metric, minute, delta) = usage_at(&self.bytes, at);
                UsageV1 {
                    metric,
                    minute,
                    delta,
                }
            })
            .collect()
    }

    fn reported(&self, place: Place) -> Vec<CellTotalsV1> {
        (place.cells..place.usages)
            .step_by(CELL)
            .filter_map(|at| {
                let key = CellKey::at(&self.bytes, at)?;
                let credit = cell::read(&self.bytes, at);
                (credit.granted > 0).then_some(CellTotalsV1 {
                    metric: key.metric,
                    period: key.period,
                    window: u64::from(key.window),
                    spent: credit.spent,
                    returned: credit.returned,
                })
            })
            .collect()
    }

    /// Whether these totals tell all that the record has returned.
    fn is_told(&self, place: Place, cells: &[CellTotalsV1]) -> bool {
        self.reported(place).iter().all(|now| {
            let told = cells.iter().find(|told| {
                (told.metric, told.period, told.window) == (now.metric, now.period, now.window)
            });
            now.returned == told.map_or(0, |told| told.returned)
        })
    }
}
