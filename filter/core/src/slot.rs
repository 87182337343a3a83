//! Application records: credit spent and usage not yet reported, in slots of shared data.
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
//! record  application i64 · cells u16 · returning u8 · 1 unused · usages u32              (16 bytes)
//! cell    metric i64 · window u32 · period u8 · elsewhere u8 · 2 unused
//!         · granted u64 · spent u64 · returned u64 · over u64
//!         · free u64 · version u64 · limits_rev i64 · until_ms u64                        (80 bytes)
//! usage   metric i64 · minute u32 · 4 unused · delta u64                                  (24 bytes)
//! ```
//!
//! Cells are tagged by metric, period and window, never known by their position.

mod bytes;
mod cell;
mod credit;
mod report;
mod spend;

use crate::id::{ApplicationId, MetricId};
use crate::shared::LAYOUT;
use crate::wire::Instance;
use alloc::vec::Vec;
use bytes::{get_i64, get_u16, get_u32, get_u64, put};
use cell::{CELL, CellKey};

pub use spend::{Charge, LimitCharge, Short};

const SLOT: usize = 32;
const RECORD: usize = 16;
const USAGE: usize = 24;
/// Where a slot keeps its number of records, and the number of the batch it was debited by last.
const RECORDS: usize = 4;
const DEBITED: usize = 24;
/// Where a record keeps its number of cells, whether it has to tell of returned credit, and its number of usages.
const CELLS: usize = 8;
const RETURNING: usize = 10;
const USAGES: usize = 12;

/// How long after a window's end, in seconds, what happened in it is remembered: clocks step back, and workers read theirs
/// before they meet here.
const GRACE_SECS: u64 = 60;
/// From so many usages on, a record keeps those of earlier minutes by the quarter of an hour, the ledger's finest unit.
/// Every request copies the record, and without a ledger to take them they add up.
const CROWDED: usize = 256;
/// Minutes in a quarter of an hour.
const QUARTER: u32 = 15;

/// The records of the applications that share one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    bytes: Vec<u8>,
    blank: bool,
}

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

    /// Whether there is usage, or returned credit, that no sealed batch has taken.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.bytes.get(1).is_some_and(|&dirty| dirty != 0)
    }

    /// The last batch that was debited here, by its number among all that this instance sealed.
    #[must_use]
    pub fn debited(&self) -> u64 {
        get_u64(&self.bytes, DEBITED)
    }

    fn set_dirty(&mut self, dirty: bool) {
        put(&mut self.bytes, 1, &[u8::from(dirty)]);
    }

    /// Whether a record has to tell of returned credit.
    fn is_returning(&self, place: Place) -> bool {
        self.bytes
            .get(place.start.saturating_add(RETURNING))
            .is_some_and(|&flag| flag != 0)
    }

    fn set_returning(&mut self, place: Place, returning: bool) {
        let at = place.start.saturating_add(RETURNING);
        put(&mut self.bytes, at, &[u8::from(returning)]);
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

    /// Offset of a cell.
    fn cell(&self, place: Place, key: &CellKey) -> Option<usize> {
        (place.cells..place.usages)
            .step_by(CELL)
            .find(|&at| key.is_at(&self.bytes, at))
    }

    /// Offset and sum of a usage.
    fn usage(&self, place: Place, metric: MetricId, minute: u32) -> Option<(usize, u64)> {
        (place.usages..place.end)
            .step_by(USAGE)
            .find(|&at| {
                get_i64(&self.bytes, at) == metric.0
                    && get_u32(&self.bytes, at.saturating_add(8)) == minute
            })
            .map(|at| (at, get_u64(&self.bytes, at.saturating_add(16))))
    }

    /// Makes a record at the end, in the place of those that are idle: nothing to report, and no window open, nor
    /// just closed.
    fn make(&mut self, application: ApplicationId, now_secs: u64) -> Place {
        self.retain(|slot, place| {
            slot.has_to_report(place) || slot.holds_open_window(place, now_secs)
        });
        let records = get_u32(&self.bytes, RECORDS).saturating_add(1);
        put(&mut self.bytes, RECORDS, &records.to_le_bytes());
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&application.0.to_le_bytes());
        self.bytes.extend_from_slice(&[0; 8]);
        let end = start.saturating_add(RECORD);
        Place {
            start,
            cells: end,
            usages: end,
            end,
        }
    }

    /// Keeps those records only. Returns whether any went.
    fn retain(&mut self, keep: impl Fn(&Self, Place) -> bool) -> bool {
        let mut kept = Vec::with_capacity(self.bytes.len().saturating_add(RECORD + CELL + USAGE));
        kept.extend_from_slice(self.bytes.get(..SLOT).unwrap_or_default());
        let mut records: u32 = 0;
        for place in self.places().filter(|place| keep(self, *place)) {
            kept.extend_from_slice(self.bytes.get(place.start..place.end).unwrap_or_default());
            records = records.saturating_add(1);
        }
        let gone = kept.len() < self.bytes.len();
        self.bytes = kept;
        put(&mut self.bytes, RECORDS, &records.to_le_bytes());
        gone
    }

    /// Forgets the records that hold nothing and have nothing to report, as far as this slot can tell. Returns whether there
    /// were any.
    pub fn forget(&mut self, now_ms: u64) -> bool {
        self.retain(|slot, place| slot.has_to_report(place) || slot.holds_credit(place, now_ms))
    }

    /// Whether a record has anything in an open window that only it knows, or was told of just now.
    fn holds_credit(&self, place: Place, now_ms: u64) -> bool {
        (place.cells..place.usages).step_by(CELL).any(|at| {
            let credit = cell::read(&self.bytes, at);
            let over = CellKey::at(&self.bytes, at).is_some_and(|key| key.is_over(now_ms / 1_000));
            // That nothing is left must be known also when nobody can be asked.
            let known = credit.left() > 0 || credit.over > 0 || credit.mark.is_used_up();
            !over && (known || credit.mark.until_ms > now_ms)
        })
    }

    fn holds_open_window(&self, place: Place, now_secs: u64) -> bool {
        (place.cells..place.usages)
            .step_by(CELL)
            .any(|at| CellKey::at(&self.bytes, at).is_none_or(|key| !key.is_over(now_secs)))
    }

    fn insert_cell(&mut self, place: &mut Place, cell: &[u8]) {
        let at = place.usages;
        self.bytes.splice(at..at, cell.iter().copied());
        place.usages = place.usages.saturating_add(CELL);
        place.end = place.end.saturating_add(CELL);
        self.count_cells(*place);
    }

    fn remove_cell(&mut self, place: &mut Place, at: usize) {
        self.bytes.drain(at..at.saturating_add(CELL));
        place.usages = place.usages.saturating_sub(CELL);
        place.end = place.end.saturating_sub(CELL);
        self.count_cells(*place);
    }

    fn insert_usage(&mut self, place: &mut Place, usage: &[u8; USAGE]) {
        let at = place.end;
        self.bytes.splice(at..at, usage.iter().copied());
        place.end = place.end.saturating_add(USAGE);
        self.count_usages(*place);
    }

    fn remove_usage(&mut self, mut place: Place, at: usize) {
        self.bytes.drain(at..at.saturating_add(USAGE));
        place.end = place.end.saturating_sub(USAGE);
        self.count_usages(place);
    }

    fn count_cells(&mut self, place: Place) {
        let cells = place.usages.saturating_sub(place.cells) / CELL;
        let cells = u16::try_from(cells).unwrap_or(u16::MAX);
        put(
            &mut self.bytes,
            place.start.saturating_add(CELLS),
            &cells.to_le_bytes(),
        );
    }

    fn count_usages(&mut self, place: Place) {
        let usages = place.end.saturating_sub(place.usages) / USAGE;
        let usages = u32::try_from(usages).unwrap_or(u32::MAX);
        put(
            &mut self.bytes,
            place.start.saturating_add(USAGES),
            &usages.to_le_bytes(),
        );
    }
}

/// The quarter of an hour that a minute is in, by its first minute.
fn quarter_of(minute: u32) -> u32 {
    minute.saturating_sub(minute % QUARTER)
}

/// Metric, minute and sum of the usage at this offset.
fn usage_at(bytes: &[u8], at: usize) -> (MetricId, u32, u64) {
    (
        MetricId(get_i64(bytes, at)),
        get_u32(bytes, at.saturating_add(8)),
        get_u64(bytes, at.saturating_add(16)),
    )
}

fn usage_entry(metric: MetricId, minute: u32, delta: u64) -> [u8; USAGE] {
    let mut entry = [0; USAGE];
    put(&mut entry, 0, &metric.0.to_le_bytes());
    put(&mut entry, 8, &minute.to_le_bytes());
    put(&mut entry, 16, &delta.to_le_bytes());
    entry
}

fn place_at(bytes: &[u8], start: usize) -> Place {
    let cells = start.saturating_add(RECORD);
    let of_cells = usize::from(get_u16(bytes, start.saturating_add(CELLS))).saturating_mul(CELL);
    let of_usages = (get_u32(bytes, start.saturating_add(USAGES)) as usize).saturating_mul(USAGE);
    let usages = cells.saturating_add(of_cells);
    Place {
        start,
        cells,
        usages,
        end: usages.saturating_add(of_usages),
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
