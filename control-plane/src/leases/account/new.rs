//! Cells that do not exist yet: found, made from their series, and removed when their windows are long over.

use super::PER_STATEMENT;
use crate::db::Tx;
use crate::error::Error;
use crate::leases::key::{CellKey, KEPT_SECS};
use crate::ledger::totals::Sum;
use crate::series::Series;
use crate::store::leases::{number, stored};
use crate::store::ledger::cells::{self, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Those of the cells that do not exist yet. Nothing is locked: whoever wants to make one locks its sum and looks again.
///
/// # Errors
/// When the database does not answer.
pub async fn missing(tx: &mut Tx, keys: &BTreeSet<CellKey>) -> Result<Vec<CellKey>, Error> {
    let keys: Vec<CellKey> = keys.iter().copied().collect();
    let mut missing = Vec::new();
    for keys in keys.chunks(PER_STATEMENT) {
        let rows: Vec<cells::Cell> = keys.iter().map(|key| growth(key, 0)).collect();
        let existing = cells::existing(tx, &rows).await?;
        missing.extend(
            keys.iter()
                .zip(existing)
                .filter(|(_, exists)| !exists)
                .map(|(key, _)| *key),
        );
    }
    Ok(missing)
}

/// What is added to the series to lock them before cells are made: nothing, in the order of the table's key.
#[must_use]
pub fn locking_sums(missing: &[CellKey]) -> Vec<Sum> {
    let of: BTreeSet<(i64, i64)> = missing
        .iter()
        .map(|key| (key.application, key.metric))
        .collect();
    of.into_iter()
        .map(|(owner, metric)| Sum {
            owner,
            metric,
            series: Series::Eternity,
            window_start: 0,
            value: 0,
        })
        .collect()
}

/// What series have of these cells' windows, which new cells start from; a minute has none, and starts at nothing.
pub(super) async fn in_series(
    tx: &mut Tx,
    keys: &[CellKey],
) -> Result<BTreeMap<CellKey, u64>, Error> {
    let (keys, spans): (Vec<CellKey>, Vec<Span>) = keys
        .iter()
        .filter_map(|key| Some((*key, span(key)?)))
        .unzip();
    let mut used = BTreeMap::new();
    for (keys, spans) in keys.chunks(PER_STATEMENT).zip(spans.chunks(PER_STATEMENT)) {
        let sums = cells::sums(tx, spans).await?;
        used.extend(keys.iter().copied().zip(sums.into_iter().map(number)));
    }
    Ok(used)
}

/// Removes cells and leases of the same limits whose windows are over for good.
///
/// # Errors
/// When the database does not answer.
pub async fn prune(tx: &mut Tx, made: &[CellKey], now_secs: u64) -> Result<(), Error> {
    let outdated: Vec<(cells::Cell, i64)> = made
        .iter()
        .filter_map(|key| {
            let start = key
                .period
                .window(now_secs.checked_sub(KEPT_SECS + PRUNE_LATER_SECS)?)
                .start;
            Some((growth(key, 0), stored(start)))
        })
        .filter(|(_, before)| *before > 0)
        .collect();
    for outdated in outdated.chunks(PER_STATEMENT) {
        cells::prune(tx, outdated).await?;
    }
    Ok(())
}

/// Rows are removed so much after nobody names them any more: no other transaction can hold one, in seconds.
const PRUNE_LATER_SECS: u64 = 120;

/// A cell as the ledger's statements take it.
#[must_use]
pub fn growth(key: &CellKey, used: i64) -> cells::Cell {
    cells::Cell {
        application: key.application,
        metric: key.metric,
        period: key.period,
        window_start: key.window_start,
        used,
    }
}

/// The rows of a series that add up to a cell's window; none for a minute, which starts at 0.
#[must_use]
pub fn span(key: &CellKey) -> Option<Span> {
    let series = Series::adding_up_to(key.period)?;
    let end = key.period.window(key.window()).end;
    Some(Span {
        application: key.application,
        metric: key.metric,
        series,
        start: key.window_start,
        end: end.map_or(i64::MAX, stored),
    })
}
