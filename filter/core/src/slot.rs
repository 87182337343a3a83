//! Application records: limits spent and usage not yet reported, in slots of shared data.
//!
//! It is the single place where the workers of one Envoy meet: a request is admitted by one
//! compare-and-swap of one slot, so limits are exact across workers and what was admitted outlives a VM.
//! Slots are fixed in number, because shared data can be neither listed nor deleted from: a sweep can
//! visit them all, and the place of an idle application is taken by the next one.
//!
//! A slot is edited in place, since every request copies it out of shared data and back:
//!
//! ```text
//! slot    layout u8 · dirty u8 · 2 unused · records u32 · instance [16] · debited u64     (32 bytes)
//! record  application i64 · cells u32 · usages u32                                        (16 bytes)
//! cell    metric i64 · window u32 · period u8 · 3 unused · spent u64                      (24 bytes)
//! usage   metric i64 · minute u32 · 4 unused · delta u64                                  (24 bytes)
//! ```

mod bytes;

use crate::id::{ApplicationId, MetricId};
use crate::period::Period;
use crate::shared::LAYOUT;
use crate::wire::{Instance, UsageRowV1, UsageV1};
use alloc::vec::Vec;
use bytes::{get_i64, get_u32, get_u64, put};

const SLOT: usize = 32;
const RECORD: usize = 16;
const ENTRY: usize = 24;
/// Where a slot keeps its number of records.
const RECORDS: usize = 4;
/// Where a record keeps its numbers of cells and of usages.
const CELLS: usize = 8;
const USAGES: usize = 12;

/// How far a clock may step back, in seconds, without an idle record being forgotten too early. Workers read their
/// clocks before they meet here, so at the turn of a minute steps back are everyday.
const GRACE_SECS: u64 = 60;
/// A cell that lies farther ahead than this, in seconds, was named by a clock that went wrong: it does not bind. (The
/// ledger refuses usage from there, too.)
const FARTHEST_AHEAD_SECS: u64 = 3_600;
/// From so many usages on, a record keeps them by the quarter of an hour, the ledger's finest unit. Every request
/// copies the record, and without a ledger to take them they add up.
const CROWDED: usize = 256;
/// Minutes in a quarter of an hour.
const QUARTER: u32 = 15;

/// The records of the applications that share one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    bytes: Vec<u8>,
    blank: bool,
}

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
    /// Spent in the window so far, with this request if it was admitted.
    pub spent: u64,
}

/// What a request would add and which limits it meets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// Metric and delta, methods rolled up to their parents.
    pub usage: Vec<(MetricId, u64)>,
    /// All limits on those metrics.
    pub limits: Vec<LimitCharge>,
}

/// At least one limit has less left than the request needs; nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded;

/// Where a record lies: its own start, its cells, its usages, its end.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    cells: usize,
    usages: usize,
    end: usize,
}

/// The slot of an application.
#[must_use]
pub fn slot_of(application: ApplicationId, slots: u32) -> u32 {
    // Fibonacci hashing: ids are small and dense, and neighbours should not share a slot.
    let spread = (application.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    u32::try_from(spread % u64::from(slots.max(1))).unwrap_or_default()
}

impl Slot {
    /// Reads what a slot's key holds. Nothing, another instance's records and what cannot be read count as blank.
    #[must_use]
    pub fn read(bytes: Option<Vec<u8>>, instance: &Instance) -> Self {
        match bytes {
            Some(bytes) if is_sound(&bytes, instance) => Self {
                bytes,
                blank: false,
            },
            _ => Self::blank(instance),
        }
    }

    fn blank(instance: &Instance) -> Self {
        let mut bytes = alloc::vec![0; SLOT];
        put(&mut bytes, 0, &[LAYOUT]);
        put(&mut bytes, 8, instance);
        Self { bytes, blank: true }
    }

    /// Whether nothing of this instance was there: a reason to look whether it still is the process's instance.
    #[must_use]
    pub fn was_blank(&self) -> bool {
        self.blank
    }

    /// What to write back.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether there is usage that no sealed batch has taken.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.bytes.get(1).is_some_and(|&dirty| dirty != 0)
    }

    /// The last batch that was debited here, by its number among all that this instance sealed.
    #[must_use]
    pub fn debited(&self) -> u64 {
        get_u64(&self.bytes, 24)
    }

    /// Takes the charge from every limited cell, or from none, at `now_secs` since 1970.
    ///
    /// Fills in how each cell stands either way. When another worker, or the same before its clock stepped back, has
    /// been here in a later window already, the charge goes there: limits and usage, so that both always name
    /// the same window and a window that was left stays as it is.
    ///
    /// # Errors
    /// [`Exceeded`] when a cell has less left than its delta; the slot is unchanged then.
    pub fn admit(
        &mut self,
        application: ApplicationId,
        charge: &mut Charge,
        now_secs: u64,
    ) -> Result<(), Exceeded> {
        let place = self.find(application);
        let now_secs = self.latest(place, charge, now_secs);
        let mut short = false;
        for limit in &mut charge.limits {
            limit.spent = place
                .and_then(|place| self.cell(place, limit.metric, limit.period))
                .filter(|&(_, window, _)| window == limit.window)
                .map_or(0, |(_, _, spent)| spent);
            short |= limit
                .spent
                .checked_add(limit.delta)
                .is_none_or(|sum| sum > limit.value);
        }
        if short {
            return Err(Exceeded);
        }
        let mut place = match place {
            Some(place) => place,
            None => self.make(application, now_secs),
        };
        for limit in &mut charge.limits {
            limit.spent = limit.spent.saturating_add(limit.delta);
            let cell = entry(limit.metric, limit.window, limit.period as u8, limit.spent);
            match self.cell(place, limit.metric, limit.period) {
                Some((at, _, _)) => put(&mut self.bytes, at, &cell),
                None => self.insert(&mut place, true, &cell),
            }
        }
        let minute = self.minute(place, now_secs);
        for &(metric, delta) in &charge.usage {
            match self.usage(place, metric, minute) {
                Some((at, sum)) => {
                    let usage = entry(metric, minute, 0, sum.saturating_add(delta));
                    put(&mut self.bytes, at, &usage);
                }
                None => self.insert(&mut place, false, &entry(metric, minute, 0, delta)),
            }
            put(&mut self.bytes, 1, &[1]);
        }
        Ok(())
    }

    /// The usage of every application here, as rows for a batch.
    #[must_use]
    pub fn rows(&self) -> Vec<UsageRowV1> {
        self.places()
            .filter_map(|place| {
                let usage: Vec<_> = (place.usages..place.end)
                    .step_by(ENTRY)
                    .map(|at| UsageV1 {
                        metric: MetricId(get_i64(&self.bytes, at)),
                        minute: get_u32(&self.bytes, at.saturating_add(8)),
                        delta: get_u64(&self.bytes, at.saturating_add(16)),
                    })
                    .collect();
                let application = ApplicationId(get_i64(&self.bytes, place.start));
                (!usage.is_empty()).then_some(UsageRowV1 {
                    application,
                    usage,
                    cells: Vec::new(),
                })
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
                let Some(place) = self.find(row.application) else {
                    continue;
                };
                let Some((at, sum)) = self.usage(place, usage.metric, usage.minute) else {
                    continue;
                };
                match sum.saturating_sub(usage.delta) {
                    0 => self.remove(place, at),
                    left => put(&mut self.bytes, at.saturating_add(16), &left.to_le_bytes()),
                }
            }
        }
        put(&mut self.bytes, 24, &sealed.to_le_bytes());
        let dirty = self.places().any(|place| place.usages < place.end);
        put(&mut self.bytes, 1, &[u8::from(dirty)]);
        true
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        let mut at = SLOT;
        (0..get_u32(&self.bytes, RECORDS)).map(move |_| {
            let place = place_at(&self.bytes, at);
            at = place.end;
            place
        })
    }

    fn find(&self, application: ApplicationId) -> Option<Place> {
        self.places()
            .find(|place| get_i64(&self.bytes, place.start) == application.0)
    }

    /// The later of `now_secs` and the start of the latest window that these limits have been met in; the limits'
    /// windows are moved there with it.
    fn latest(&self, place: Option<Place>, charge: &mut Charge, now_secs: u64) -> u64 {
        let Some(place) = place else { return now_secs };
        let latest = charge
            .limits
            .iter()
            .filter_map(|limit| self.cell(place, limit.metric, limit.period))
            .map(|(_, window, _)| u64::from(window))
            .filter(|&window| window <= now_secs.saturating_add(FARTHEST_AHEAD_SECS))
            .fold(now_secs, u64::max);
        if latest > now_secs {
            for limit in &mut charge.limits {
                let window = limit.period.window(latest);
                limit.window = u32::try_from(window.start).unwrap_or(u32::MAX);
                limit.window_end = window.end;
            }
        }
        latest
    }

    /// The minute that usage goes under.
    fn minute(&self, place: Place, now_secs: u64) -> u32 {
        let minute = u32::try_from(now_secs / 60).unwrap_or(u32::MAX);
        if (place.end.saturating_sub(place.usages)) / ENTRY < CROWDED {
            minute
        } else {
            minute.saturating_sub(minute % QUARTER)
        }
    }

    /// Offset, window and spent of a cell.
    fn cell(&self, place: Place, metric: MetricId, period: Period) -> Option<(usize, u32, u64)> {
        (place.cells..place.usages)
            .step_by(ENTRY)
            .find(|&at| {
                get_i64(&self.bytes, at) == metric.0
                    && self.bytes.get(at.saturating_add(12)) == Some(&(period as u8))
            })
            .map(|at| {
                (
                    at,
                    get_u32(&self.bytes, at.saturating_add(8)),
                    get_u64(&self.bytes, at.saturating_add(16)),
                )
            })
    }

    /// Offset and sum of a usage.
    fn usage(&self, place: Place, metric: MetricId, minute: u32) -> Option<(usize, u64)> {
        (place.usages..place.end)
            .step_by(ENTRY)
            .find(|&at| {
                get_i64(&self.bytes, at) == metric.0
                    && get_u32(&self.bytes, at.saturating_add(8)) == minute
            })
            .map(|at| (at, get_u64(&self.bytes, at.saturating_add(16))))
    }

    /// Makes a record at the end, in the place of those that are idle: nothing to report, and no window open, nor
    /// just closed.
    fn make(&mut self, application: ApplicationId, now_secs: u64) -> Place {
        let mut kept = Vec::with_capacity(self.bytes.len().saturating_add(RECORD));
        kept.extend_from_slice(self.bytes.get(..SLOT).unwrap_or_default());
        let mut records: u32 = 0;
        for place in self.places() {
            if place.usages < place.end || self.holds_open_window(place, now_secs) {
                kept.extend_from_slice(self.bytes.get(place.start..place.end).unwrap_or_default());
                records = records.saturating_add(1);
            }
        }
        let start = kept.len();
        kept.extend_from_slice(&application.0.to_le_bytes());
        kept.extend_from_slice(&[0; 8]);
        self.bytes = kept;
        put(
            &mut self.bytes,
            RECORDS,
            &records.saturating_add(1).to_le_bytes(),
        );
        let end = start.saturating_add(RECORD);
        Place {
            start,
            cells: end,
            usages: end,
            end,
        }
    }

    fn holds_open_window(&self, place: Place, now_secs: u64) -> bool {
        (place.cells..place.usages).step_by(ENTRY).any(|at| {
            let period = self
                .bytes
                .get(at.saturating_add(12))
                .and_then(|&n| Period::ALL.into_iter().find(|&p| p as u8 == n));
            period.is_none_or(|period| {
                u64::from(get_u32(&self.bytes, at.saturating_add(8)))
                    >= period.window(now_secs.saturating_sub(GRACE_SECS)).start
            })
        })
    }

    /// Puts an entry at the end of a record's cells or usages.
    fn insert(&mut self, place: &mut Place, cell: bool, entry: &[u8; ENTRY]) {
        let (at, count) = if cell {
            (place.usages, CELLS)
        } else {
            (place.end, USAGES)
        };
        self.bytes.splice(at..at, entry.iter().copied());
        if cell {
            place.usages = place.usages.saturating_add(ENTRY);
        }
        place.end = place.end.saturating_add(ENTRY);
        self.count(place.start.saturating_add(count), 1);
    }

    /// Takes out a usage.
    fn remove(&mut self, place: Place, at: usize) {
        self.bytes.drain(at..at.saturating_add(ENTRY));
        self.count(place.start.saturating_add(USAGES), -1);
    }

    fn count(&mut self, at: usize, change: i32) {
        let count = get_u32(&self.bytes, at).saturating_add_signed(change);
        put(&mut self.bytes, at, &count.to_le_bytes());
    }
}

fn entry(metric: MetricId, time: u32, period: u8, amount: u64) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    put(&mut entry, 0, &metric.0.to_le_bytes());
    put(&mut entry, 8, &time.to_le_bytes());
    put(&mut entry, 12, &[period]);
    put(&mut entry, 16, &amount.to_le_bytes());
    entry
}

fn place_at(bytes: &[u8], start: usize) -> Place {
    let cells = start.saturating_add(RECORD);
    let entries =
        |at: usize| (get_u32(bytes, start.saturating_add(at)) as usize).saturating_mul(ENTRY);
    let usages = cells.saturating_add(entries(CELLS));
    Place {
        start,
        cells,
        usages,
        end: usages.saturating_add(entries(USAGES)),
    }
}

/// Whether the bytes are a slot of this layout and instance whose records fill it exactly. All offsets
/// computed later lie within, so splicing cannot go out of bounds.
fn is_sound(bytes: &[u8], instance: &Instance) -> bool {
    if bytes.first() != Some(&LAYOUT)
        || bytes.get(8..24) != Some(instance.as_slice())
        || bytes.len() < SLOT
    {
        return false;
    }
    let mut at = SLOT;
    for _ in 0..get_u32(bytes, RECORDS) {
        at = place_at(bytes, at).end;
        if at > bytes.len() {
            return false;
        }
    }
    at == bytes.len()
}
