//! How an application's requests were answered, and how long that took: two more charts over the same buckets.

use super::measured::Measured;
use super::shown::{ChartDrop, drawn};
use crate::chart::{Chart, Series, Unit, time};
use crate::db::Tx;
use crate::drop;
use crate::drops::grouped;
use crate::error::Error;
use crate::stats::range::Granularity;
use crate::store::traffic::{self as store, Codes, Latency};
use tallygate_core::traffic::BUCKETS;

drop! {
    /// How requests were answered. Approximate: gateways report it beside the usage.
    pub struct TrafficDrop as "traffic" {
        /// All requests, with a narrow space between thousands.
        total_text: String,
        /// Those that the API answered with 5xx, in percent of what it answered.
        error_rate: String,
        /// What half of the answers took at most, as in `12 ms`; blank when nothing was answered.
        p50: String,
        /// What 95 of 100 took at most.
        p95: String,
        /// What 99 of 100 took at most.
        p99: String,
        /// By classes of status.
        chart: ChartDrop,
        /// How long answers took; none when nothing was answered.
        latency: Option<ChartDrop>,
        /// What gateways refused, by reason.
        refusals: Vec<RefusalDrop>,
    }
}

drop! {
    /// Requests that a gateway refused.
    pub struct RefusalDrop as "refusal" {
        /// Why.
        reason: &'static str,
        /// How many, with a narrow space between thousands.
        count_text: String,
    }
}

/// Classes of answers: a name, a colour, and how many.
type Class = (&'static str, u8, fn(&Codes) -> i64);
const CLASSES: &[Class] = &[
    ("2xx", 1, |codes| codes.success),
    ("3xx", 2, |codes| codes.redirection),
    ("4xx", 3, |codes| codes.client_error),
    ("5xx", 5, |codes| codes.server_error),
    ("Refused", 6, Codes::refused),
];
type Reason = (&'static str, fn(&Codes) -> i64);
const REASONS: &[Reason] = &[
    ("A limit was exceeded", |codes| codes.refused_limits),
    (
        "Wrong key or referrer, or the application may not call",
        |codes| codes.refused_credentials,
    ),
    ("Not in the plan", |codes| codes.refused_metric),
    ("The gateway could not decide", |codes| {
        codes.refused_not_ready
    }),
];
/// Parts of the answers, per mille.
const PERCENTILES: &[(&str, u8, u64)] = &[("p50", 1, 500), ("p95", 2, 950), ("p99", 4, 990)];

/// Traffic in the buckets of a page; none when there was none.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn read(tx: &mut Tx, measured: &Measured) -> Result<Option<TrafficDrop>, Error> {
    let bounds = measured.bounds.as_slice();
    let [from, .., until] = *bounds else {
        return Ok(None);
    };
    let step_secs = match measured.granularity {
        Granularity::Hour => 3_600,
        Granularity::SixHours => 21_600,
        Granularity::Day | Granularity::Month | Granularity::Eternity => 86_400,
    };
    let application = measured.application_id;
    let codes = store::codes(tx, application, from, until, step_secs).await?;
    if codes.is_empty() {
        return Ok(None);
    }
    let latency = store::latency(tx, application, from, until, step_secs).await?;
    Ok(Some(traffic(measured, &codes, &latency)))
}

fn traffic(measured: &Measured, codes: &[Codes], latency: &[Latency]) -> TrafficDrop {
    let names = time::names(&measured.bounds, measured.granularity);
    let sum = |of: fn(&Codes) -> i64| codes.iter().map(of).fold(0, i64::saturating_add);
    let (answered, refused) = (sum(Codes::answered), sum(Codes::refused));
    let all = sums(latency.iter());
    let told = |per_mille: u64| {
        let took = all.percentile_ms(per_mille);
        took.map_or_else(String::new, |took| Unit::Milliseconds.short(took))
    };
    let chart = Chart {
        label: format!(
            "Requests by how they were answered: {} by the API, {} refused. The table has the numbers.",
            grouped(answered),
            grouped(refused)
        ),
        unit: Unit::Count,
        ticks: time::ticks(&measured.bounds, measured.granularity),
        series: classes(measured, codes),
    };
    TrafficDrop {
        total_text: grouped(answered.saturating_add(refused)),
        error_rate: rate(sum(|codes| codes.server_error), answered),
        p50: told(500),
        p95: told(950),
        p99: told(990),
        chart: drawn(
            chart,
            names.clone(),
            "Requests by how they were answered".into(),
        ),
        latency: all
            .percentile_ms(500)
            .map(|_| latencies(measured, latency, names)),
        refusals: REASONS
            .iter()
            .map(|(reason, of)| (*reason, sum(*of)))
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| RefusalDrop {
                reason,
                count_text: grouped(count),
            })
            .collect(),
    }
}

/// The classes that there were, by bucket.
fn classes(measured: &Measured, codes: &[Codes]) -> Vec<Series> {
    CLASSES
        .iter()
        .filter(|(_, _, of)| codes.iter().any(|codes| of(codes) > 0))
        .map(|(name, colour, of)| {
            let mut values = vec![Some(0_u64); measured.buckets()];
            for codes in codes {
                let bucket = measured.bucket(codes.start_secs);
                if let Some(Some(value)) = bucket.and_then(|bucket| values.get_mut(bucket)) {
                    *value = value.saturating_add(of(codes).max(0).unsigned_abs());
                }
            }
            Series {
                name: (*name).into(),
                colour: *colour,
                values,
            }
        })
        .collect()
}

fn latencies(measured: &Measured, latency: &[Latency], names: Vec<String>) -> ChartDrop {
    let buckets: Vec<Latency> = (0..measured.buckets())
        .map(|n| {
            sums(
                latency
                    .iter()
                    .filter(|row| measured.bucket(row.start_secs) == Some(n)),
            )
        })
        .collect();
    let series = PERCENTILES
        .iter()
        .map(|(name, colour, per_mille)| Series {
            name: (*name).into(),
            colour: *colour,
            values: buckets
                .iter()
                .map(|bucket| bucket.percentile_ms(*per_mille))
                .collect(),
        })
        .collect();
    let chart = Chart {
        label: "How long answers took: half of them, 95 and 99 of 100. The table has the numbers."
            .into(),
        unit: Unit::Milliseconds,
        ticks: time::ticks(&measured.bounds, measured.granularity),
        series,
    };
    drawn(chart, names, "How long answers took".into())
}

fn sums<'a>(rows: impl Iterator<Item = &'a Latency>) -> Latency {
    let mut all = Latency {
        start_secs: 0,
        counts: [0; BUCKETS],
    };
    for row in rows {
        for (sum, count) in all.counts.iter_mut().zip(row.counts) {
            *sum = sum.saturating_add(count);
        }
    }
    all
}

/// In percent, to one decimal.
fn rate(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "0\u{202f}%".into();
    }
    let per_mille = i128::from(part) * 1_000 / i128::from(whole);
    format!("{}.{}\u{202f}%", per_mille / 10, per_mille % 10)
}
