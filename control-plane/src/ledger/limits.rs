//! Cells: usage held against the limits of each application's plan.
//!
//! Called after the sums have been added to the series: whoever adds usage of an application's metric holds
//! its series rows until the end of the transaction, so nobody else can be making the same cell.

use super::batch::Known;
use super::totals::Entry;
use crate::db::Tx;
use crate::error::Error;
use crate::series::Series;
use crate::store::ledger as store;
use crate::store::ledger::cells::{self, Cell, Span};
use std::collections::{BTreeSet, HashMap};
use tallygate_core::period::Period;

/// How long a cell is kept after its window's end: nobody holds credit in it any more.
const KEPT_SECS: u64 = 3600;
/// Cells handled by one statement.
const PER_STATEMENT: usize = 20_000;

/// Adds entries, sorted and merged, to the cells of the limits they are held against.
///
/// A cell that does not exist (a new limit, a new plan, a new window) starts from its series.
pub(super) async fn add_to_cells(
    tx: &mut Tx,
    known: &Known,
    entries: &[Entry],
    now_ms: i64,
) -> Result<(), Error> {
    let limits = Limits::look_up(tx, known, entries).await?;
    let now_secs = now_ms.unsigned_abs() / 1000;
    let touched = limits.cells(known, entries, now_secs);
    for touched in touched.chunks(PER_STATEMENT) {
        let existing = cells::existing(tx, touched).await?;
        let is_new = |place: usize| existing.get(place) == Some(&false);
        let mut grown = touched.to_vec();

        let (places, spans): (Vec<usize>, Vec<Span>) = touched
            .iter()
            .enumerate()
            .filter(|(place, _)| is_new(*place))
            .filter_map(|(place, cell)| Some((place, span(cell)?)))
            .unzip();
        for (place, sum) in places.into_iter().zip(cells::sums(tx, &spans).await?) {
            if let Some(cell) = grown.get_mut(place) {
                // The series has this batch's usage already.
                cell.used = sum;
            }
        }
        cells::add(tx, &grown).await?;

        let outdated: Vec<(Cell, i64)> = touched
            .iter()
            .enumerate()
            .filter(|(place, _)| is_new(*place))
            .filter_map(|(_, cell)| Some((*cell, outdated_before(cell.period, now_secs)?)))
            .collect();
        cells::prune(tx, &outdated).await?;
    }
    Ok(())
}

/// Limited periods by plan and metric.
struct Limits(HashMap<(i64, i64), Vec<Period>>);

impl Limits {
    async fn look_up(tx: &mut Tx, known: &Known, entries: &[Entry]) -> Result<Self, Error> {
        let plans: BTreeSet<i64> = entries
            .iter()
            .filter_map(|entry| known.plan_of(entry.owner))
            .collect();
        let plans: Vec<i64> = plans.into_iter().collect();
        let mut limits: HashMap<(i64, i64), Vec<Period>> = HashMap::new();
        for limit in store::limits(tx, &plans).await? {
            if let Some(period) = Period::parse(&limit.period) {
                limits
                    .entry((limit.plan_id, limit.metric_id))
                    .or_default()
                    .push(period);
            }
        }
        Ok(Self(limits))
    }

    /// The cells that entries touch, in the order of the table's key, none twice.
    fn cells(&self, known: &Known, entries: &[Entry], now_secs: u64) -> Vec<Cell> {
        let mut touched = Vec::new();
        for entry in entries {
            let Some(periods) = known
                .plan_of(entry.owner)
                .and_then(|plan| self.0.get(&(plan, entry.metric)))
            else {
                continue;
            };
            for period in periods {
                let window = period.window(u64::from(entry.minute) * 60);
                if window.end.is_some_and(|end| end + KEPT_SECS < now_secs) {
                    continue;
                }
                touched.push(Cell {
                    application: entry.owner,
                    metric: entry.metric,
                    period: *period,
                    window_start: i64::try_from(window.start).unwrap_or(i64::MAX),
                    used: entry.delta,
                });
            }
        }
        let key = |cell: &Cell| {
            (
                cell.application,
                cell.metric,
                cell.period.as_str(),
                cell.window_start,
            )
        };
        touched.sort_unstable_by_key(key);
        touched.dedup_by(|later, first| {
            let same = key(later) == key(first);
            if same {
                first.used = first.used.saturating_add(later.used);
            }
            same
        });
        touched
    }
}

/// The rows of a series that add up to a cell's window; none for a minute, which starts at 0.
fn span(cell: &Cell) -> Option<Span> {
    let series = Series::adding_up_to(cell.period)?;
    let end = cell.period.window(cell.window_start.unsigned_abs()).end;
    Some(Span {
        application: cell.application,
        metric: cell.metric,
        series,
        start: cell.window_start,
        end: end
            .and_then(|end| i64::try_from(end).ok())
            .unwrap_or(i64::MAX),
    })
}

/// Windows that began before this are over for good; none for periods that leave few rows behind.
fn outdated_before(period: Period, now_secs: u64) -> Option<i64> {
    let length_secs = match period {
        Period::Minute | Period::Hour | Period::Day | Period::Week => period.length_secs()?,
        Period::Month | Period::Year | Period::Eternity => return None,
    };
    i64::try_from(now_secs.saturating_sub(length_secs + KEPT_SECS)).ok()
}
