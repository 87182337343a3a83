//! Slots read by their layout, as it is written down in `core::slot`: the checks do not rely on the code they check.

use tallygate_core::period::Period;
use tallygate_core::shared::LAYOUT;
use tallygate_core::wire::Instance;

/// Where a slot says that it is dirty, whose it is, and by which batch it was debited last.
pub(crate) const DIRTY: usize = 1;
pub(crate) const INSTANCE: std::ops::Range<usize> = 8..24;
pub(crate) const DEBITED: std::ops::Range<usize> = 24..32;
const SLOT: usize = 32;
const RECORD: usize = 16;
const CELL: usize = 80;
const USAGE: usize = 24;

#[derive(Clone, Debug, Default)]
pub(crate) struct Slot {
    pub(crate) instance: Instance,
    pub(crate) debited: u64,
    pub(crate) records: Vec<Record>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) application: i64,
    pub(crate) cells: Vec<Cell>,
    pub(crate) usages: Vec<(i64, u32, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) metric: i64,
    pub(crate) period: Period,
    pub(crate) window: u64,
    pub(crate) granted: u64,
    pub(crate) spent: u64,
    pub(crate) returned: u64,
    pub(crate) over: u64,
}

/// Reads a slot; none when it is not one.
pub(crate) fn read(bytes: &[u8]) -> Option<Slot> {
    if *bytes.first()? != LAYOUT {
        return None;
    }
    let mut slot = Slot {
        instance: bytes.get(INSTANCE)?.try_into().ok()?,
        debited: number(bytes, DEBITED.start)?,
        records: Vec::new(),
    };
    let records = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    let mut at = SLOT;
    for _ in 0..records {
        let cells = u16::from_le_bytes(bytes.get(at + 8..at + 10)?.try_into().ok()?);
        let usages = u32::from_le_bytes(bytes.get(at + 12..at + 16)?.try_into().ok()?);
        let mut record = Record {
            application: number(bytes, at)?.cast_signed(),
            ..Record::default()
        };
        at += RECORD;
        for _ in 0..cells {
            let period = *bytes.get(at + 12)?;
            record.cells.push(Cell {
                metric: number(bytes, at)?.cast_signed(),
                period: Period::ALL.into_iter().find(|&p| p as u8 == period)?,
                window: u64::from(short(bytes, at + 8)?),
                granted: number(bytes, at + 16)?,
                spent: number(bytes, at + 24)?,
                returned: number(bytes, at + 32)?,
                over: number(bytes, at + 40)?,
            });
            at += CELL;
        }
        for _ in 0..usages {
            record.usages.push((
                number(bytes, at)?.cast_signed(),
                short(bytes, at + 8)?,
                number(bytes, at + 16)?,
            ));
            at += USAGE;
        }
        slot.records.push(record);
    }
    (at == bytes.len()).then_some(slot)
}

/// The same slot with no usage in it, and clean: for a mutation.
pub(crate) fn drained(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = rewritten(bytes, |out, record, cells, _| {
        let start = out.len();
        out.extend_from_slice(record);
        out.get_mut(start + 12..start + 16)?.fill(0);
        out.extend_from_slice(cells);
        Some(true)
    })?;
    *out.get_mut(DIRTY)? = 0;
    Some(out)
}

/// The same slot with those records only that have usage to report: for a mutation.
pub(crate) fn unreported(bytes: &[u8]) -> Option<Vec<u8>> {
    rewritten(bytes, |out, record, cells, usages| {
        if !usages.is_empty() {
            out.extend_from_slice(record);
            out.extend_from_slice(cells);
            out.extend_from_slice(usages);
        }
        Some(!usages.is_empty())
    })
}

/// A slot, record by record: its head, cells and usages are written anew, or it is left out.
fn rewritten(
    bytes: &[u8],
    mut write: impl FnMut(&mut Vec<u8>, &[u8], &[u8], &[u8]) -> Option<bool>,
) -> Option<Vec<u8>> {
    let slot = read(bytes)?;
    let mut out = bytes.get(..SLOT)?.to_vec();
    let mut at = SLOT;
    let mut kept: u32 = 0;
    for record in &slot.records {
        let cells = at + RECORD;
        let usages = cells + record.cells.len() * CELL;
        let end = usages + record.usages.len() * USAGE;
        let parts = (
            bytes.get(at..cells)?,
            bytes.get(cells..usages)?,
            bytes.get(usages..end)?,
        );
        kept += u32::from(write(&mut out, parts.0, parts.1, parts.2)?);
        at = end;
    }
    out.get_mut(4..8)?.copy_from_slice(&kept.to_le_bytes());
    Some(out)
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    bytes
        .get(at..at + 8)?
        .try_into()
        .ok()
        .map(u64::from_le_bytes)
}

fn short(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
