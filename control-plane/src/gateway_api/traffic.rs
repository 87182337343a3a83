//! `POST /gateway/v1/traffic`: how requests were answered. Approximate, and apart from usage: nothing waits for it.
//!
//! A report is applied at most once. What names no application is left out.

use super::Form;
use super::auth::Caller;
use crate::app::App;
use crate::db::Db;
use crate::error::Error;
use crate::store::keys;
use crate::store::traffic::{self as store, NewRow};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use std::collections::BTreeMap;
use tallygate_core::traffic::{BUCKETS, MOST_ROWS, OUTCOMES, QUARTER_SECS};
use tallygate_core::wire::{Traffic, TrafficAnswer, TrafficAnswerV1, TrafficRowV1, TrafficV1};

/// Quarters of an hour that a report may be about: the last day, and what a clock may be ahead.
const OLDEST: i64 = 96;
const AHEAD: i64 = 1;
/// Keys that one report may name.
const MOST_KEYS: usize = 2 * MOST_ROWS;

/// Takes one report; answers in the form it came in.
pub async fn traffic(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let form = Form::sent(&headers)?;
    let Traffic::V1(report) = form.read(&body)?;
    let applied = take(&app.db, caller.id, &report).await?;
    Ok(form.answer(&TrafficAnswer::V1(TrafficAnswerV1 { applied })))
}

/// Applies a report that came with a gateway's token, unless one with its number or a later one was applied before.
///
/// # Errors
/// When the database does not answer.
pub async fn take(db: &Db, gateway: i64, report: &TrafficV1) -> Result<bool, Error> {
    let mut tx = db.begin_aside().await?;
    let number = i64::try_from(report.number).unwrap_or(i64::MAX);
    if !store::take_number(&mut tx, &report.instance, gateway, number).await? {
        return Ok(false);
    }
    let now_ms = tx.now_ms().await?;
    let rows = rows(&report.rows, now_ms);
    store::add(&mut tx, &rows).await?;
    tx.commit().await?;
    if let Err(error) = note_keys(db, report, now_ms).await {
        tracing::warn!(%error, "which keys were used last is not noted");
    }
    Ok(true)
}

/// By itself: who changes keys is not to be waited for while the instance is locked.
async fn note_keys(db: &Db, report: &TrafficV1, now_ms: i64) -> Result<(), Error> {
    let used = report.rows.iter().flat_map(|row| {
        let keys = row.keys.iter();
        keys.map(|key| (row.application.0, key.as_slice()))
    });
    let used: Vec<_> = used.take(MOST_KEYS).collect();
    if used.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin_aside().await?;
    keys::used(&mut tx, &used, now_ms).await?;
    tx.commit().await
}

/// One row for each application and quarter of an hour, in this order.
fn rows(reported: &[TrafficRowV1], now_ms: i64) -> Vec<NewRow> {
    let quarter_secs = QUARTER_SECS.cast_signed();
    let now = now_ms.div_euclid(1_000).div_euclid(quarter_secs);
    let mut rows: BTreeMap<(i64, i64), NewRow> = BTreeMap::new();
    for row in reported.iter().take(MOST_ROWS) {
        let quarter = i64::from(row.quarter).clamp(now - OLDEST, now + AHEAD);
        let start_secs = quarter.saturating_mul(quarter_secs);
        let sum = rows
            .entry((row.application.0, start_secs))
            .or_insert_with(|| NewRow {
                application_id: row.application.0,
                start_secs,
                outcomes: [0; OUTCOMES],
                durations: [0; BUCKETS],
            });
        for (outcome, count) in &row.outcomes {
            add(sum.outcomes.get_mut(*outcome as usize), *count);
        }
        for (bucket, count) in &row.durations {
            add(sum.durations.get_mut(usize::from(*bucket)), *count);
        }
    }
    rows.into_values().collect()
}

/// Sums stay far from what a column holds, whatever a gateway says.
fn add(sum: Option<&mut i64>, count: u64) {
    if let Some(sum) = sum {
        let count = i64::from(u32::try_from(count).unwrap_or(u32::MAX));
        *sum = sum.saturating_add(count);
    }
}
