//! Cells: usage held against the limits of each application's plan.
//!
//! Called after the sums have been added to the series: whoever adds usage of an application's metric holds
//! its series rows until the end of the transaction, so nobody else can be making the same cell.

use super::batch::Known;
use super::totals::Entry;
use crate::alerts;
use crate::alerts::growth::Growth;
use crate::db::Tx;
use crate::error::Error;
use crate::leases::account::new::{growth, prune, span};
use crate::leases::key::{CellKey, KEPT_SECS};
use crate::store::ledger as store;
use crate::store::ledger::cells::{self, Cell, Span};
use std::collections::{BTreeSet, HashMap};
use tallygate_core::period::Period;

/// Cells handled by one statement.
const PER_STATEMENT: usize = 20_000;

/// Cells that usage touches, in the order of their keys.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    /// Each with what it grows by.
    pub(crate) cells: Vec<(CellKey, i64)>,
    /// The limit of each.
    limits: Vec<i64>,
}

impl Touched {
    /// The limit of each cell.
    pub(crate) fn by_key(&self) -> impl Iterator<Item = (CellKey, i64)> + '_ {
        let keys = self.cells.iter().map(|(key, _)| *key);
        keys.zip(self.limits.iter().copied())
    }

    /// Raises the alerts of cells that have grown.
    pub(super) async fn watch(&self, tx: &mut Tx, grown: &[Growth]) -> Result<(), Error> {
        for growth in grown {
            let place = self
                .cells
                .binary_search_by_key(&growth.key, |(key, _)| *key);
            if let Some(limit) = place.ok().and_then(|place| self.limits.get(place)) {
                alerts::watch(tx, *growth, *limit).await?;
            }
        }
        Ok(())
    }
}

/// The cells of the limits that entries, sorted and merged, are held against, and what each grows by; in the order of
/// their keys.
pub(crate) async fn touched(
    tx: &mut Tx,
    known: &Known,
    entries: &[Entry],
    now_ms: i64,
) -> Result<Touched, Error> {
    let limits = Limits::look_up(tx, known, entries).await?;
    Ok(limits.cells(known, entries, now_ms.unsigned_abs() / 1000))
}

/// Adds to cells in which nobody reports on credit. Returns how they have grown.
///
/// A cell that does not exist (a new limit, a new plan, a new window) starts from its series.
pub(super) async fn add_to_cells(
    tx: &mut Tx,
    touched: &[(CellKey, i64)],
    now_ms: i64,
) -> Result<Vec<Growth>, Error> {
    let mut growths = Vec::with_capacity(touched.len());
    for touched in touched.chunks(PER_STATEMENT) {
        let mut grown: Vec<Cell> = touched
            .iter()
            .map(|(key, used)| growth(key, *used))
            .collect();
        // Nobody else adds to them meanwhile.
        let existing = cells::used(tx, &grown).await?;
        let made: Vec<(usize, CellKey)> = touched
            .iter()
            .zip(&existing)
            .enumerate()
            .filter(|(_, (_, used))| used.is_none())
            .map(|(place, ((key, _), _))| (place, *key))
            .collect();
        let (places, spans): (Vec<usize>, Vec<Span>) = made
            .iter()
            .filter_map(|(place, key)| Some((*place, span(key)?)))
            .unzip();
        for (place, sum) in places.into_iter().zip(cells::sums(tx, &spans).await?) {
            if let Some(cell) = grown.get_mut(place) {
                // The series has this batch's usage already.
                cell.used = sum;
            }
        }
        cells::add(tx, &grown).await?;
        for ((key, _), (before, grown)) in touched.iter().zip(existing.iter().zip(&grown)) {
            let before = before.unwrap_or_default();
            growths.push(Growth {
                key: *key,
                before,
                after: before.saturating_add(grown.used),
            });
        }
        let made: Vec<CellKey> = made.into_iter().map(|(_, key)| key).collect();
        prune(tx, &made, now_ms.unsigned_abs() / 1000).await?;
    }
    Ok(growths)
}

/// Limited periods and their limits, by plan and metric.
struct Limits(HashMap<(i64, i64), Vec<(Period, i64)>>);

impl Limits {
    async fn look_up(tx: &mut Tx, known: &Known, entries: &[Entry]) -> Result<Self, Error> {
        let plans: BTreeSet<i64> = entries
            .iter()
            .filter_map(|entry| known.plan_of(entry.owner))
            .collect();
        let plans: Vec<i64> = plans.into_iter().collect();
        let mut limits: HashMap<(i64, i64), Vec<(Period, i64)>> = HashMap::new();
        for limit in store::limits(tx, &plans).await? {
            if let Some(period) = Period::parse(&limit.period) {
                limits
                    .entry((limit.plan_id, limit.metric_id))
                    .or_default()
                    .push((period, limit.value));
            }
        }
        Ok(Self(limits))
    }

    /// The cells that entries touch, in the order of the table's key, none twice.
    fn cells(&self, known: &Known, entries: &[Entry], now_secs: u64) -> Touched {
        let mut touched = Vec::new();
        for entry in entries {
            let Some(periods) = known
                .plan_of(entry.owner)
                .and_then(|plan| self.0.get(&(plan, entry.metric)))
            else {
                continue;
            };
            for (period, limit) in periods {
                let window = period.window(u64::from(entry.minute) * 60);
                if window.end.is_some_and(|end| end + KEPT_SECS < now_secs) {
                    continue;
                }
                let key = CellKey {
                    application: entry.owner,
                    metric: entry.metric,
                    period: *period,
                    window_start: i64::try_from(window.start).unwrap_or(i64::MAX),
                };
                touched.push((key, entry.delta, *limit));
            }
        }
        touched.sort_unstable_by_key(|(key, _, _)| *key);
        touched.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 = first.1.saturating_add(later.1);
            }
            same
        });
        let (cells, limits) = touched
            .into_iter()
            .map(|(key, delta, limit)| ((key, delta), limit))
            .unzip();
        Touched { cells, limits }
    }
}
