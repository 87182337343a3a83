//! SQL of cells: what limits are held against.

use super::{column, json};
use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::row;
use crate::series::Series;
use tallygate_core::period::Period;

/// One limited window of an application, and what it grows by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The application.
    pub application: i64,
    /// The limited metric.
    pub metric: i64,
    /// The limit's period.
    pub period: Period,
    /// Start of the window, seconds since 1970.
    pub window_start: i64,
    /// What it grows by.
    pub used: i64,
}

/// Rows of a series that a new cell starts from.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The application.
    pub application: i64,
    /// The metric.
    pub metric: i64,
    /// Which series.
    pub series: Series,
    /// From this moment, seconds since 1970 …
    pub start: i64,
    /// … up to this one, exclusive.
    pub end: i64,
}

row! {
    struct Part {
        ord: i64,
        value: i64,
    }
}

/// Which of the cells exist, by their place in the list.
///
/// # Errors
/// When the database does not answer.
pub async fn existing(tx: &mut Tx, cells: &[Cell]) -> Result<Vec<bool>, Error> {
    let used = used(tx, cells).await?;
    Ok(used.iter().map(Option::is_some).collect())
}

/// What is used of cells, by their place in the list; none where there is no cell.
///
/// # Errors
/// When the database does not answer.
pub async fn used(tx: &mut Tx, cells: &[Cell]) -> Result<Vec<Option<i64>>, Error> {
    let found: Vec<Part> =
        match tx.handle() {
            Handle::Sqlite(c) => {
                sqlx::query_as(
                    "select n.key as ord, cell.used as value from json_each($1) as n cross join cell
                 on cell.application_id = n.value ->> 0 and cell.metric_id = n.value ->> 1
                 and cell.period = n.value ->> 2 and cell.window_start = n.value ->> 3",
                )
                .bind(json(&keys(cells)))
                .fetch_all(c)
                .await?
            }
            Handle::Postgres(c) => sqlx::query_as(
                "select n.ord - 1 as ord, cell.used as value from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
                 with ordinality as n (application_id, metric_id, period, window_start, ord)
                 join cell using (application_id, metric_id, period, window_start)",
            )
            .bind(column(cells, |cell| cell.application))
            .bind(column(cells, |cell| cell.metric))
            .bind(column(cells, |cell| cell.period.as_str()))
            .bind(column(cells, |cell| cell.window_start))
            .fetch_all(c)
            .await?,
        };
    let mut used = vec![None; cells.len()];
    for part in found {
        if let Some(of_cell) = usize::try_from(part.ord)
            .ok()
            .and_then(|place| used.get_mut(place))
        {
            *of_cell = Some(part.value);
        }
    }
    Ok(used)
}

/// The sums of series over spans, by their place in the list.
///
/// # Errors
/// When the database does not answer.
pub async fn sums(tx: &mut Tx, spans: &[Span]) -> Result<Vec<i64>, Error> {
    let parts: Vec<Part> = match tx.handle() {
        Handle::Sqlite(c) => {
            let rows: Vec<_> = spans
                .iter()
                .map(|span| {
                    (
                        span.application,
                        span.metric,
                        span.series.as_str(),
                        span.start,
                        span.end,
                    )
                })
                .collect();
            sqlx::query_as(
                "select n.key as ord, u.value from json_each($1) as n cross join usage_application as u
                 on u.application_id = n.value ->> 0 and u.metric_id = n.value ->> 1 and u.period = n.value ->> 2
                 and u.window_start >= n.value ->> 3 and u.window_start < n.value ->> 4",
            )
            .bind(json(&rows))
            .fetch_all(c)
            .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(
                "select n.ord - 1 as ord, u.value
                 from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[])
                 with ordinality as n (application_id, metric_id, period, from_start, to_start, ord)
                 join usage_application as u using (application_id, metric_id, period)
                 where u.window_start >= n.from_start and u.window_start < n.to_start",
            )
            .bind(column(spans, |span| span.application))
            .bind(column(spans, |span| span.metric))
            .bind(column(spans, |span| span.series.as_str()))
            .bind(column(spans, |span| span.start))
            .bind(column(spans, |span| span.end))
            .fetch_all(c)
            .await?
        }
    };
    let mut sums = vec![0_i64; spans.len()];
    for part in parts {
        if let Some(sum) = usize::try_from(part.ord)
            .ok()
            .and_then(|place| sums.get_mut(place))
        {
            *sum = sum.saturating_add(part.value);
        }
    }
    Ok(sums)
}

/// Adds to cells, making those that do not exist; `cells` in the order of the table's key.
///
/// # Errors
/// When the database does not answer.
pub async fn add(tx: &mut Tx, cells: &[Cell]) -> Result<(), Error> {
    match tx.handle() {
        Handle::Sqlite(c) => {
            let rows: Vec<_> = cells
                .iter()
                .map(|cell| {
                    (
                        cell.application,
                        cell.metric,
                        cell.period.as_str(),
                        cell.window_start,
                        cell.used,
                    )
                })
                .collect();
            sqlx::query(
                "insert into cell (application_id, metric_id, period, window_start, used)
                 select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 from json_each($1) where true
                 on conflict (application_id, metric_id, period, window_start) do update set used =
                 case when cell.used > 9223372036854775807 - excluded.used
                 then 9223372036854775807 else cell.used + excluded.used end",
            )
            .bind(json(&rows))
            .execute(c)
            .await?;
        }
        Handle::Postgres(c) => {
            sqlx::query(
                "insert into cell (application_id, metric_id, period, window_start, used)
                 select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[])
                 on conflict (application_id, metric_id, period, window_start) do update set used =
                 case when cell.used > 9223372036854775807 - excluded.used
                 then 9223372036854775807 else cell.used + excluded.used end",
            )
            .bind(column(cells, |cell| cell.application))
            .bind(column(cells, |cell| cell.metric))
            .bind(column(cells, |cell| cell.period.as_str()))
            .bind(column(cells, |cell| cell.window_start))
            .bind(column(cells, |cell| cell.used))
            .execute(c)
            .await?;
        }
    }
    Ok(())
}

/// Removes the cells of the same limits whose windows began before these moments, and their leases: (cell, seconds
/// since 1970).
///
/// # Errors
/// When the database does not answer.
pub async fn prune(tx: &mut Tx, before: &[(Cell, i64)]) -> Result<(), Error> {
    match tx.handle() {
        Handle::Sqlite(c) => {
            // SQLite looks for the rows of a list by half of their key only: one by one is faster.
            for (cell, before) in before {
                for sql in [
                    "delete from cell where application_id = $1 and metric_id = $2 and period = $3 and window_start < $4",
                    "delete from lease where application_id = $1 and metric_id = $2 and period = $3 and window_start < $4",
                ] {
                    sqlx::query(sql)
                        .bind(cell.application)
                        .bind(cell.metric)
                        .bind(cell.period.as_str())
                        .bind(before)
                        .execute(&mut *c)
                        .await?;
                }
            }
        }
        Handle::Postgres(c) => {
            for sql in [
                "delete from cell using unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
                 as n (application_id, metric_id, period, before)
                 where cell.application_id = n.application_id and cell.metric_id = n.metric_id
                 and cell.period = n.period and cell.window_start < n.before",
                "delete from lease using unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
                 as n (application_id, metric_id, period, before)
                 where lease.application_id = n.application_id and lease.metric_id = n.metric_id
                 and lease.period = n.period and lease.window_start < n.before",
            ] {
                sqlx::query(sql)
                    .bind(column(before, |(cell, _)| cell.application))
                    .bind(column(before, |(cell, _)| cell.metric))
                    .bind(column(before, |(cell, _)| cell.period.as_str()))
                    .bind(column(before, |(_, before)| *before))
                    .execute(&mut *c)
                    .await?;
            }
        }
    }
    Ok(())
}

fn keys(cells: &[Cell]) -> Vec<(i64, i64, &'static str, i64)> {
    cells
        .iter()
        .map(|cell| {
            (
                cell.application,
                cell.metric,
                cell.period.as_str(),
                cell.window_start,
            )
        })
        .collect()
}
