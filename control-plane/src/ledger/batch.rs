//! The rows of a batch: read, checked one by one, and sorted into usage that counts and rows that are bad.
//!
//! One bad row must never hold up a batch, so nothing here can fail as a whole. Usage of an application or
//! metric that has since been suspended or deleted is not bad: it was admitted.

use super::totals::{Entry, merge};
use crate::db::Tx;
use crate::error::Error;
use crate::series::DAY_SECS;
use crate::store::ledger as store;
use std::collections::{HashMap, HashSet};
use tallygate_core::wire::{CellTotalsV1, UsageRowV1};

/// A row as it came.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// Its bytes; of an unreadable row, all that follow too.
    pub bytes: &'a [u8],
    /// What it says, unless it is unreadable.
    pub usage: Option<UsageRowV1>,
}

/// A row that is not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection<'a> {
    /// Its place in the batch.
    pub index: u32,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Why.
    pub reason: String,
}

/// The most that one metric of one application may be used in a minute: the integers that JSON carries exactly.
pub const MOST: u64 = (1 << 53) - 1;
/// How old usage may be.
const OLDEST_SECS: i64 = 400 * DAY_SECS;
/// How far a gateway's clock may be ahead.
const AHEAD_SECS: i64 = 3600;

/// Reads the rows of a batch: their number, then one after the other. What cannot be read is one row, the last.
#[must_use]
pub fn read(bytes: &[u8]) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let (mut missing, mut left) = match postcard::take_from_bytes::<u64>(bytes) {
        Ok(read) => read,
        Err(_) => (0, bytes),
    };
    while missing > 0
        && let Ok((usage, rest)) = postcard::take_from_bytes::<UsageRowV1>(left)
    {
        let (row, _) = left
            .split_at_checked(left.len() - rest.len())
            .unwrap_or((left, rest));
        rows.push(Row {
            bytes: row,
            usage: Some(usage),
        });
        (missing, left) = (missing - 1, rest);
    }
    if missing > 0 || !left.is_empty() {
        rows.push(Row {
            bytes: left,
            usage: None,
        });
    }
    rows
}

/// What the database knows of the applications and metrics that rows name.
#[derive(Clone, Debug, Default)]
pub struct Known {
    applications: HashMap<i64, store::Application>,
    metrics: store::Metrics,
}

impl Known {
    /// Looks up all that the rows name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look_up<'a>(
        tx: &mut Tx,
        rows: impl Iterator<Item = &'a Row<'a>>,
    ) -> Result<Self, Error> {
        let mut applications = HashSet::new();
        let mut metrics = HashSet::new();
        for usage in rows.filter_map(|row| row.usage.as_ref()) {
            applications.insert(usage.application.0);
            metrics.extend(usage.usage.iter().map(|usage| usage.metric.0));
            metrics.extend(usage.cells.iter().map(|cell| cell.metric.0));
        }
        Self::of(tx, applications, metrics).await
    }

    /// Looks up these.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(
        tx: &mut Tx,
        applications: impl IntoIterator<Item = i64>,
        metrics: impl IntoIterator<Item = i64>,
    ) -> Result<Self, Error> {
        let applications: Vec<i64> = applications.into_iter().collect();
        let metrics: Vec<i64> = metrics.into_iter().collect();
        Ok(Self {
            applications: store::applications(tx, &applications)
                .await?
                .into_iter()
                .map(|row| (row.id, row))
                .collect(),
            metrics: store::metrics(tx, &metrics).await?,
        })
    }

    /// Appends the usage of good rows to `entries` and what they tell of leases to `told`, and gives the bad ones.
    pub fn sort_out<'a>(
        &self,
        rows: Vec<Row<'a>>,
        now_ms: i64,
        entries: &mut Vec<Entry>,
        told: &mut Vec<(i64, CellTotalsV1)>,
    ) -> Vec<Rejection<'a>> {
        let mut rejections = Vec::new();
        for (index, row) in rows.into_iter().enumerate() {
            let before = entries.len();
            if let Err(reason) = self.accept(row.usage.as_ref(), now_ms, entries) {
                entries.truncate(before);
                let index = u32::try_from(index).unwrap_or(u32::MAX);
                rejections.push(Rejection {
                    index,
                    bytes: row.bytes,
                    reason,
                });
            } else if let Some(row) = row.usage {
                let application = row.application.0;
                told.extend(row.cells.into_iter().map(|cell| (application, cell)));
            }
        }
        rejections
    }

    fn accept(
        &self,
        row: Option<&UsageRowV1>,
        now_ms: i64,
        entries: &mut Vec<Entry>,
    ) -> Result<(), String> {
        let row = row.ok_or("cannot be read, and so cannot what follows it")?;
        let application = self
            .applications
            .get(&row.application.0)
            .ok_or_else(|| format!("there is no application {}", row.application))?;
        let now_secs = now_ms / 1000;
        for usage in &row.usage {
            let metric = usage.metric.0;
            if !self.metrics.belongs(metric, application.product_id) {
                return Err(if self.metrics.exists(metric) {
                    format!(
                        "metric {metric} is of another product than application {}",
                        row.application
                    )
                } else {
                    format!("there is no metric {metric}")
                });
            }
            let at_secs = i64::from(usage.minute) * 60;
            if at_secs < now_secs - OLDEST_SECS {
                return Err(format!("minute {} is more than 400 days ago", usage.minute));
            }
            if at_secs > now_secs + AHEAD_SECS {
                return Err(format!(
                    "minute {} is more than an hour ahead",
                    usage.minute
                ));
            }
            if usage.delta > MOST {
                return Err(format!(
                    "a usage of {} overflows: the most in one minute is {MOST}",
                    usage.delta
                ));
            }
            if usage.delta > 0 {
                entries.push(Entry {
                    owner: row.application.0,
                    metric: usage.metric.0,
                    minute: usage.minute,
                    delta: i64::try_from(usage.delta).unwrap_or(i64::MAX),
                });
            }
        }
        Ok(())
    }

    /// Whether a metric is one that the application's product counts.
    #[must_use]
    pub fn belong(&self, application: i64, metric: i64) -> bool {
        self.applications
            .get(&application)
            .is_some_and(|row| self.metrics.belongs(metric, row.product_id))
    }

    /// The plan of an application.
    #[must_use]
    pub fn plan_of(&self, application: i64) -> Option<i64> {
        self.applications.get(&application).map(|row| row.plan_id)
    }

    /// The same usage by product.
    #[must_use]
    pub fn by_product(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        entries.retain_mut(|entry| match self.applications.get(&entry.owner) {
            Some(application) => {
                entry.owner = application.product_id;
                true
            }
            None => false,
        });
        merge(&mut entries);
        entries
    }

    /// Applications which these entries, sorted, are the first traffic of, ever or on a new day:
    /// (id, ever, first on the latest day), in milliseconds.
    #[must_use]
    pub fn first_traffic(&self, entries: &[Entry]) -> Vec<(i64, i64, i64)> {
        let day_of = |at_ms: i64| at_ms / 1000 / DAY_SECS;
        let mut firsts = Vec::new();
        for of_one in entries.chunk_by(|a, b| a.owner == b.owner) {
            let at_ms = || of_one.iter().map(|entry| i64::from(entry.minute) * 60_000);
            let (Some(first), Some(last)) = (at_ms().min(), at_ms().max()) else {
                continue;
            };
            let Some(application) = of_one
                .first()
                .and_then(|entry| self.applications.get(&entry.owner))
            else {
                continue;
            };
            let seen_that_day = application
                .first_daily_traffic_at
                .is_some_and(|at_ms| day_of(at_ms) >= day_of(last));
            if application.first_traffic_at.is_some() && seen_that_day {
                continue;
            }
            let daily = if seen_that_day {
                application.first_daily_traffic_at.unwrap_or(last)
            } else {
                at_ms()
                    .filter(|at_ms| day_of(*at_ms) == day_of(last))
                    .min()
                    .unwrap_or(last)
            };
            firsts.push((application.id, first, daily));
        }
        firsts
    }
}
