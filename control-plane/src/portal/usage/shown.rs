//! Numbers as a template shows them: choices, a chart, and the table beside it.

use super::asked::Span;
use super::measured::{Measured, Usage, total};
use crate::chart::{Chart, Series, Unit, time};
use crate::drop;
use crate::drops::grouped;
use crate::liquid::Html;
use crate::stats::range::{Granularity, Period};
use crate::store::applications::Application;

drop! {
    /// Something to choose.
    pub struct ChoiceDrop as "choice" {
        /// What it is called.
        name: String,
        /// Its value in the form.
        value: String,
        /// Where it is shown; blank when a form leads there.
        url: String,
        /// Whether it is what is shown.
        is_current: bool,
        /// Whether it is a part of the one before: a method.
        is_below: bool,
    }
}

drop! {
    /// What was used.
    pub struct UsageDrop as "usage" {
        /// The metric.
        metric_name: String,
        /// In words, as in `in the last 24 hours`.
        period_words: String,
        /// Whether the last bar has not ended yet.
        is_growing: bool,
        /// The sum.
        total: i64,
        /// The same with a narrow space between thousands.
        total_text: String,
        /// How much more than in the stretch before, as in `+12 %`; blank when there is nothing to compare with.
        change: String,
        /// What there was in the stretch before.
        previous_text: String,
        /// The most in one bucket.
        busiest_text: String,
        /// Which bucket that was; blank when nothing was used.
        busiest_at: String,
        /// `hour`, `6 hours`, `day` or `month`.
        bucket: &'static str,
        /// Drawn.
        chart: ChartDrop,
    }
}

drop! {
    /// A chart, and the numbers that it is made of.
    pub struct ChartDrop as "chart" {
        /// The drawing.
        svg: Html,
        /// Its colours.
        legend: Vec<LegendDrop>,
        /// What the numbers are of.
        caption: String,
        /// The table's columns, besides the time.
        columns: Vec<String>,
        /// The table's rows.
        rows: Vec<RowDrop>,
    }
}

drop! {
    /// A colour of a chart.
    pub struct LegendDrop as "legend" {
        /// What it stands for.
        name: String,
        /// Its class.
        class: String,
        /// The sum; blank for durations.
        total_text: String,
    }
}

drop! {
    /// A row of a chart's table.
    pub struct RowDrop as "row" {
        /// When.
        time: String,
        /// The numbers.
        values: Vec<String>,
    }
}

/// Methods with a colour of their own; the others share one.
const MOST_METHODS: usize = 4;
const REST_COLOUR: u8 = 6;

/// The account's applications.
pub(super) fn applications(all: &[Application], shown: &Application) -> Vec<ChoiceDrop> {
    all.iter()
        .map(|row| ChoiceDrop {
            name: row.name.clone(),
            value: row.id.to_string(),
            url: format!("/buyer/stats?application_id={}", row.id),
            is_current: row.id == shown.id,
            is_below: false,
        })
        .collect()
}

/// What the API counts, methods below their metrics.
pub(super) fn metrics(measured: &Measured) -> Vec<ChoiceDrop> {
    let shown = measured.metric_name();
    let mut rows: Vec<_> = measured.metrics.iter().collect();
    rows.sort_by_key(|row| (row.parent_id.unwrap_or(row.id), row.parent_id, row.id));
    rows.into_iter()
        .map(|row| ChoiceDrop {
            name: row.friendly_name.clone(),
            value: row.wire_name(),
            url: String::new(),
            is_current: row.wire_name() == shown,
            is_below: row.parent_id.is_some(),
        })
        .collect()
}

/// Stretches of time, up to now.
pub(super) fn periods(measured: &Measured) -> Vec<ChoiceDrop> {
    [Period::Day, Period::Week, Period::Month, Period::Year]
        .map(|period| ChoiceDrop {
            name: length(period).into(),
            value: period.as_str().into(),
            url: format!("/buyer/stats?{}", measured.query_of(Span::Last(period))),
            is_current: measured.span == Span::Last(period),
            is_below: false,
        })
        .into()
}

/// What was used.
pub(super) fn usage(measured: &Measured) -> Option<UsageDrop> {
    let usage = measured.usage.as_ref()?;
    let name = &usage.metric.friendly_name;
    let bucket = bucket(measured.granularity);
    let names = time::names(&measured.bounds, measured.granularity);
    let sum = total(&usage.values);
    let busiest = (1..)
        .zip(&usage.values)
        .max_by_key(|(n, value)| (**value, -*n));
    let busiest = busiest.filter(|(_, value)| **value > 0);
    let words = match measured.span {
        Span::Last(period) => format!("in the last {}", length(period)),
        Span::Days(since, until) if since == until => since.strftime("on %-d %b %Y").to_string(),
        Span::Days(since, until) => format!(
            "from {} to {}",
            since.strftime("%-d %b %Y"),
            until.strftime("%-d %b %Y")
        ),
    };
    let chart = Chart {
        label: format!(
            "{name} per {bucket}, {words}: {} in all. The table has the numbers.",
            grouped(sum)
        ),
        unit: Unit::Count,
        ticks: time::ticks(&measured.bounds, measured.granularity),
        series: series(usage),
    };
    Some(UsageDrop {
        metric_name: name.clone(),
        total: sum,
        total_text: grouped(sum),
        change: change(sum, usage.previous_total),
        previous_text: grouped(usage.previous_total),
        busiest_text: grouped(busiest.map_or(0, |(_, value)| *value)),
        busiest_at: busiest
            .and_then(|(n, _): (i64, _)| names.get(usize::try_from(n - 1).ok()?))
            .cloned()
            .unwrap_or_default(),
        bucket,
        chart: drawn(chart, names, format!("{name} per {bucket}, {words}")),
        period_words: words,
        is_growing: measured.is_growing,
    })
}

/// A chart: counts as bars, durations as lines.
pub(super) fn drawn(chart: Chart, names: Vec<String>, caption: String) -> ChartDrop {
    let count = |value: u64| grouped(i64::try_from(value).unwrap_or(i64::MAX));
    let is_count = chart.unit == Unit::Count;
    let told = |value: Option<u64>| match value {
        Some(value) if is_count => count(value),
        Some(value) => chart.unit.short(value),
        None => "–".to_owned(),
    };
    let rows = names
        .into_iter()
        .enumerate()
        .map(|(bucket, time)| RowDrop {
            time,
            values: chart
                .series
                .iter()
                .map(|series| told(series.values.get(bucket).copied().flatten()))
                .collect(),
        })
        .collect();
    let total = |values: &[Option<u64>]| {
        values
            .iter()
            .flatten()
            .copied()
            .fold(0, u64::saturating_add)
    };
    ChartDrop {
        svg: Html(if is_count {
            chart.bars()
        } else {
            chart.lines()
        }),
        legend: chart
            .series
            .iter()
            .map(|series| LegendDrop {
                name: series.name.clone(),
                class: format!("series-{}", series.colour),
                total_text: if is_count {
                    count(total(&series.values))
                } else {
                    String::new()
                },
            })
            .collect(),
        caption,
        columns: chart.series.into_iter().map(|series| series.name).collect(),
        rows,
    }
}

/// The metric by its methods where they were used, else alone.
fn series(usage: &Usage) -> Vec<Series> {
    let known = |values: &[i64]| -> Vec<Option<u64>> {
        values
            .iter()
            .map(|value| Some(u64::try_from(*value).unwrap_or(0)))
            .collect()
    };
    if usage.methods.is_empty() {
        return vec![Series {
            name: usage.metric.friendly_name.clone(),
            colour: 1,
            values: known(&usage.values),
        }];
    }
    let mut rest = usage.values.clone();
    let mut series = Vec::new();
    for (colour, (method, values)) in (1..).zip(usage.methods.iter().take(MOST_METHODS)) {
        for (rest, value) in rest.iter_mut().zip(values) {
            *rest = rest.saturating_sub(*value).max(0);
        }
        series.push(Series {
            name: method.friendly_name.clone(),
            colour,
            values: known(values),
        });
    }
    if rest.iter().any(|value| *value > 0) {
        series.push(Series {
            name: "Other".into(),
            colour: REST_COLOUR,
            values: known(&rest),
        });
    }
    series
}

fn length(period: Period) -> &'static str {
    match period {
        Period::Week => "7 days",
        Period::Month => "month",
        Period::Year => "12 months",
        Period::Day | Period::Eternity => "24 hours",
    }
}

fn bucket(granularity: Granularity) -> &'static str {
    match granularity {
        Granularity::Hour => "hour",
        Granularity::SixHours => "6 hours",
        Granularity::Day | Granularity::Eternity => "day",
        Granularity::Month => "month",
    }
}

/// In whole percent; blank from nothing.
fn change(total: i64, previous: i64) -> String {
    if previous <= 0 {
        return String::new();
    }
    let percent = i128::from(total) * 100 / i128::from(previous) - 100;
    let sign = match percent {
        0 => "±",
        1.. => "+",
        _ => "−",
    };
    format!("{sign}{}\u{202f}%", percent.unsigned_abs())
}
