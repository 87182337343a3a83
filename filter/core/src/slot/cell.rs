//! A limited cell of a record, as bytes.

use super::bytes::{get_i64, get_u32, get_u64, put};
use crate::credit::{Credit, Mark};
use crate::id::MetricId;
use crate::period::{Period, Window};
use alloc::vec::Vec;

/// Bytes of a cell.
pub(super) const CELL: usize = 80;

/// Which cell of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CellKey {
    pub(super) metric: MetricId,
    pub(super) period: Period,
    /// Start of the window, seconds since 1970.
    pub(super) window: u32,
}

impl CellKey {
    /// The cell that begins at this offset; none when its period is not one.
    pub(super) fn at(bytes: &[u8], at: usize) -> Option<Self> {
        let period = *bytes.get(at.saturating_add(12))?;
        Some(Self {
            metric: MetricId(get_i64(bytes, at)),
            period: Period::ALL
                .into_iter()
                .find(|&known| known as u8 == period)?,
            window: get_u32(bytes, at.saturating_add(8)),
        })
    }

    /// Whether the cell at this offset is this one.
    pub(super) fn is_at(&self, bytes: &[u8], at: usize) -> bool {
        get_i64(bytes, at) == self.metric.0
            && get_u32(bytes, at.saturating_add(8)) == self.window
            && bytes.get(at.saturating_add(12)) == Some(&(self.period as u8))
    }

    /// Whether both are of one limit.
    pub(super) fn is_of_limit(&self, other: &Self) -> bool {
        (self.metric, self.period) == (other.metric, other.period)
    }

    /// Its window.
    pub(super) fn window(&self) -> Window {
        self.period.window(u64::from(self.window))
    }

    /// Whether its window is over for good.
    pub(super) fn is_over(&self, now_secs: u64) -> bool {
        self.window()
            .end
            .is_some_and(|end| end.saturating_add(super::GRACE_SECS) <= now_secs)
    }

    /// A whole cell.
    pub(super) fn entry(&self, credit: &Credit) -> Vec<u8> {
        let mut entry = alloc::vec![0; CELL];
        put(&mut entry, 0, &self.metric.0.to_le_bytes());
        put(&mut entry, 8, &self.window.to_le_bytes());
        put(&mut entry, 12, &[self.period as u8]);
        write(&mut entry, 0, credit);
        entry
    }
}

/// The credit of the cell at this offset.
pub(super) fn read(bytes: &[u8], at: usize) -> Credit {
    let number = |offset: usize| get_u64(bytes, at.saturating_add(offset));
    Credit {
        granted: number(16),
        spent: number(24),
        returned: number(32),
        over: number(40),
        mark: Mark {
            free: number(48),
            version: number(56),
            limits_rev: get_i64(bytes, at.saturating_add(64)),
            until_ms: number(72),
            elsewhere: bytes
                .get(at.saturating_add(13))
                .is_some_and(|&flag| flag != 0),
        },
    }
}

/// Writes the credit of the cell at this offset.
pub(super) fn write(bytes: &mut [u8], at: usize, credit: &Credit) {
    let numbers = [
        credit.granted,
        credit.spent,
        credit.returned,
        credit.over,
        credit.mark.free,
        credit.mark.version,
        credit.mark.limits_rev as u64,
        credit.mark.until_ms,
    ];
    put(
        bytes,
        at.saturating_add(13),
        &[u8::from(credit.mark.elsewhere)],
    );
    for (n, number) in numbers.into_iter().enumerate() {
        let offset = n.saturating_mul(8).saturating_add(16);
        put(bytes, at.saturating_add(offset), &number.to_le_bytes());
    }
}
