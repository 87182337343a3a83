//! `GET /stats/applications/{id}/traffic`: how requests were answered, and how fast. Approximate, unlike usage.

use crate::admin_api::auth::ReadStats;
use crate::admin_api::format::{Answer, List, Node, Object, timestamp};
use crate::admin_api::path::Ids;
use crate::app::App;
use crate::error::Error;
use crate::store::stats as applications;
use crate::store::traffic::{self as store, Codes, Latency};
use axum::extract::State;
use std::collections::BTreeMap;

/// Periods, how long they are and what they are cut into, in seconds. All end now, at the end of a step.
const PERIODS: [(&str, i64, i64); 3] = [
    ("day", 86_400, 900),
    ("week", 604_800, 21_600),
    ("month", 2_592_000, 86_400),
];

/// Steps without requests are left out.
///
/// # Errors
/// See [`Error`].
pub async fn of_application(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: ReadStats,
) -> Result<Answer, Error> {
    let names = PERIODS.map(|(name, ..)| name);
    let name = call.params.opt_choice("period", &names).unwrap_or("day");
    call.params.check()?;
    let (_, length, step) = PERIODS
        .into_iter()
        .find(|(known, ..)| *known == name)
        .ok_or_else(|| Error::internal("a period that is none"))?;
    let mut tx = app.db.read().await?;
    applications::application(&mut tx, id).await?;
    let now_secs = tx.now_ms().await?.div_euclid(1_000);
    let until = now_secs - now_secs.rem_euclid(step) + step;
    let since = until - length;
    let codes = store::codes(&mut tx, id, since, until, step).await?;
    let latency = store::latency(&mut tx, id, since, until, step).await?;
    let mut steps: BTreeMap<i64, (Codes, Option<Latency>)> = codes
        .into_iter()
        .map(|codes| (codes.start_secs, (codes, None)))
        .collect();
    for latency in latency {
        if let Some((_, known)) = steps.get_mut(&latency.start_secs) {
            *known = Some(latency);
        }
    }
    let values = steps
        .values()
        .map(|(codes, latency)| value(codes, latency.as_ref()));
    let object = Object::new("traffic")
        .with("period", name)
        .with("since", timestamp(since * 1_000))
        .with("until", timestamp(until * 1_000))
        .with("step_seconds", step)
        .with("values", List::new("values", "value", values));
    Ok(Answer::ok(object))
}

fn value(codes: &Codes, latency: Option<&Latency>) -> Object {
    let percentile = |per_mille| {
        let ms = latency.and_then(|latency| latency.percentile_ms(per_mille));
        ms.map_or(Node::Null, |ms| Node::Int(ms.cast_signed()))
    };
    Object::new("value")
        .with("since", timestamp(codes.start_secs * 1_000))
        .with("success", codes.success)
        .with("redirection", codes.redirection)
        .with("client_error", codes.client_error)
        .with("server_error", codes.server_error)
        .with("refused_credentials", codes.refused_credentials)
        .with("refused_metric", codes.refused_metric)
        .with("refused_limits", codes.refused_limits)
        .with("refused_not_ready", codes.refused_not_ready)
        .with("p50_ms", percentile(500))
        .with("p95_ms", percentile(950))
        .with("p99_ms", percentile(990))
}
