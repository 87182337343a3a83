//! The numbers of a page: usage of one metric and of the methods below it, in buckets of time.

use super::asked::{Asked, Span};
use crate::db::Tx;
use crate::error::Error;
use crate::stats;
use crate::stats::range::{Granularity, Range};
use crate::store::applications::Application;
use crate::store::metrics::{self, MetricRow};
use crate::store::stats::Whose;
use jiff::Timestamp;

/// What was measured.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// Whose usage it is.
    pub(super) application_id: i64,
    /// What the product counts.
    pub(super) metrics: Vec<MetricRow>,
    /// What is shown; none when nothing is counted.
    pub(super) usage: Option<Usage>,
    /// When.
    pub(super) span: Span,
    /// How it is cut.
    pub(super) granularity: Granularity,
    /// Where each bucket begins, and where the last one ends; seconds since 1970.
    pub(super) bounds: Vec<i64>,
    /// Whether the last bucket has not ended yet.
    pub(super) is_growing: bool,
}

/// Usage of a metric.
#[derive(Clone, Debug)]
pub(super) struct Usage {
    /// The metric.
    pub(super) metric: MetricRow,
    /// Of each bucket.
    pub(super) values: Vec<i64>,
    /// Its methods, those that were used at all, most first.
    pub(super) methods: Vec<(MetricRow, Vec<i64>)>,
    /// Of the stretch before, of the same length.
    pub(super) previous_total: i64,
}

impl Measured {
    /// Reads it.
    ///
    /// # Errors
    /// 422 when there is no such metric or stretch of time, and when the database does not answer.
    pub(super) async fn read(
        tx: &mut Tx,
        application: &Application,
        asked: &Asked,
    ) -> Result<Self, Error> {
        let now = Timestamp::from_millisecond(tx.now_ms().await?)
            .map_err(|error| Error::internal(error.to_string()))?;
        let (range, granularity) = asked
            .span
            .range(now)
            .map_err(|error| Error::invalid("until", error.0))?;
        let metrics = metrics::list_counted(tx, application.product_id).await?;
        let metric = match &asked.metric_name {
            Some(name) => {
                let found = metrics.iter().find(|metric| metric.wire_name() == *name);
                Some(found.ok_or_else(|| Error::invalid("metric_name", "is not counted here"))?)
            }
            None => metrics.first(),
        };
        let usage = match metric.cloned() {
            Some(metric) => Some(Usage::read(tx, application.id, metric, &metrics, &range).await?),
            None => None,
        };
        Ok(Self {
            application_id: application.id,
            metrics,
            usage,
            span: asked.span,
            granularity,
            is_growing: range
                .bounds
                .last()
                .is_some_and(|end| *end > now.as_second()),
            bounds: range.bounds,
        })
    }

    /// How many buckets there are.
    pub(super) fn buckets(&self) -> usize {
        self.bounds.len().saturating_sub(1)
    }

    /// Which bucket a moment is in, seconds since 1970.
    pub(super) fn bucket(&self, at_secs: i64) -> Option<usize> {
        self.bounds
            .partition_point(|bound| *bound <= at_secs)
            .checked_sub(1)
    }

    /// The shown metric's name on the wire.
    pub(super) fn metric_name(&self) -> String {
        let shown = self.usage.as_ref();
        shown.map_or_else(String::new, |usage| usage.metric.wire_name())
    }

    /// The first day and the last.
    pub(super) fn days(&self) -> [String; 2] {
        let day = |secs: i64| {
            let at = Timestamp::from_second(secs).unwrap_or_default();
            at.strftime("%Y-%m-%d").to_string()
        };
        match (self.span, self.bounds.as_slice()) {
            (Span::Days(since, until), _) => [since.to_string(), until.to_string()],
            (_, [first, .., last]) => [day(*first), day(*last - 1)],
            _ => [String::new(), String::new()],
        }
    }

    /// The query that shows this again.
    pub(super) fn query(&self) -> String {
        self.query_of(self.span)
    }

    /// The query that shows another stretch of time.
    pub(super) fn query_of(&self, span: Span) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("application_id", &self.application_id.to_string());
        query.append_pair("metric_name", &self.metric_name());
        query.append_pair("period", span.name());
        if let Span::Days(since, until) = span {
            query.append_pair("since", &since.to_string());
            query.append_pair("until", &until.to_string());
        }
        query.finish()
    }
}

impl Usage {
    async fn read(
        tx: &mut Tx,
        application_id: i64,
        metric: MetricRow,
        metrics: &[MetricRow],
        range: &Range,
    ) -> Result<Self, Error> {
        let whose = Whose::Application(application_id);
        let values = stats::values_between(tx, whose, metric.id, &range.bounds).await?;
        let mut methods = Vec::new();
        for method in metrics {
            if method.parent_id == Some(metric.id) {
                let values = stats::values_between(tx, whose, method.id, &range.bounds).await?;
                if values.iter().any(|value| *value > 0) {
                    methods.push((method.clone(), values));
                }
            }
        }
        methods.sort_by_key(|(_, values)| std::cmp::Reverse(total(values)));
        let before = stats::values_between(tx, whose, metric.id, &range.previous).await?;
        Ok(Self {
            metric,
            values,
            methods,
            previous_total: total(&before),
        })
    }
}

/// The sum.
pub(super) fn total(values: &[i64]) -> i64 {
    values
        .iter()
        .fold(0, |total, value| total.saturating_add(*value))
}
