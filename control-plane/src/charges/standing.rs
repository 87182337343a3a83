//! How the cells of an application stand: what agents are told of limits.

use crate::db::Tx;
use crate::error::Error;
use crate::leases::account::Account;
use crate::leases::account::new::span;
use crate::leases::key::CellKey;
use crate::leases::terms::Terms;
use crate::store::charges as rows;
use crate::store::leases::{number, stored};
use crate::store::ledger::cells;
use std::collections::HashMap;
use tallygate_core::id::MetricId;
use tallygate_core::metric::Usage;
use tallygate_core::period::{Period, Window};

/// One limit of an application, and its window at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The limited metric.
    pub metric: MetricId,
    /// The limit's period.
    pub period: Period,
    /// The window.
    pub window: Window,
    /// The most in one window.
    pub limit: u64,
    /// All usage that was reported in it.
    pub used: u64,
    /// What gateways may still admit in it without asking.
    pub leased: u64,
}

// === impl Standing ===

impl Standing {
    /// Whether more was used than allowed.
    #[must_use]
    pub fn is_exceeded(&self) -> bool {
        self.used > self.limit
    }

    /// What nobody has used or holds.
    #[must_use]
    pub fn free(&self) -> u64 {
        self.limit
            .saturating_sub(self.used.saturating_add(self.leased))
    }

    /// How the cell of a limit stands in a transaction that holds it.
    pub(super) fn of(key: &CellKey, limit: u64, account: &Account) -> Self {
        let cell = account.cell(key).unwrap_or_default();
        Self {
            metric: MetricId(key.metric),
            period: key.period,
            window: key.period.window(key.window()),
            limit,
            used: cell.used,
            leased: cell.leased,
        }
    }
}

/// The cells of an application's limits at a moment, with what they allow; only those of metrics that are used, if that is
/// said.
#[must_use]
pub(super) fn limited(
    terms: &Terms,
    application: i64,
    used: Option<&Usage>,
    now_secs: u64,
) -> Vec<(CellKey, u64)> {
    let is_wanted =
        |metric: MetricId| used.is_none_or(|usage| usage.iter().any(|(of, _)| of == metric));
    terms
        .limits(application)
        .into_iter()
        .filter(|(metric, _, _)| is_wanted(*metric))
        .map(|(metric, period, limit)| {
            let key = CellKey {
                application,
                metric: metric.0,
                period,
                window_start: stored(period.window(now_secs).start),
            };
            (key, limit)
        })
        .collect()
}

/// How an application's limits stand; only those of metrics that are used, if that is said. Nothing is locked.
///
/// # Errors
/// When the database does not answer.
pub async fn read(
    tx: &mut Tx,
    terms: &Terms,
    application: i64,
    used: Option<&Usage>,
    now_secs: u64,
) -> Result<Vec<Standing>, Error> {
    let limited = limited(terms, application, used, now_secs);
    if limited.is_empty() {
        return Ok(Vec::new());
    }
    let kept: HashMap<(i64, String, i64), (u64, u64)> = rows::cells(tx, application)
        .await?
        .into_iter()
        .map(|row| {
            let key = (row.metric_id, row.period, row.window_start);
            (key, (number(row.used), number(row.leased)))
        })
        .collect();
    // A cell may be missing, or have missed what was used before there was such a limit.
    let spans: Vec<Option<cells::Span>> = limited.iter().map(|(key, _)| span(key)).collect();
    let known: Vec<cells::Span> = spans.iter().flatten().copied().collect();
    let mut sums = cells::sums(tx, &known).await?.into_iter();
    Ok(limited
        .into_iter()
        .zip(spans)
        .map(|((key, limit), span)| {
            let in_series = span.and_then(|_| sums.next()).map_or(0, number);
            let of = (key.metric, key.period.as_str().to_owned(), key.window_start);
            let (used, leased) = kept.get(&of).copied().unwrap_or_default();
            Standing {
                metric: MetricId(key.metric),
                period: key.period,
                window: key.period.window(key.window()),
                limit,
                used: used.max(in_series),
                leased,
            }
        })
        .collect())
}
