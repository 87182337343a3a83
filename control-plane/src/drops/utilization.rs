//! How far an application's limits are used up, now.

use super::plan::grouped;
use crate::charges::standing::{self, Standing};
use crate::db::Tx;
use crate::drop;
use crate::error::Error;
use crate::leases::terms::Terms;
use crate::liquid::Moment;
use crate::store::applications::Application;
use crate::store::metrics::{self, MetricRow};
use std::collections::BTreeSet;
use tallygate_core::period::Period;

drop! {
    /// How far a limit is used up, now.
    pub struct UtilizationDrop as "utilization" {
        /// What is limited.
        metric_name: String,
        /// The metric's stable slug.
        metric_system_name: String,
        /// `minute`, `hour`, `day`, `week`, `month`, `year` or `eternity`.
        period: String,
        /// In words, as in `per hour`.
        period_words: String,
        /// How much was used since the period began.
        used: i64,
        /// The same with a narrow space between thousands.
        used_text: String,
        /// The most; 0 when the plan does not have it.
        limit: i64,
        /// The same with a narrow space between thousands.
        limit_text: String,
        /// How much is left.
        left_text: String,
        /// Used in percent of the limit; may be above 100.
        percent: i64,
        /// `ok` below 80 %, `warn` below 100 %, then `bad`.
        level: &'static str,
        /// When counting begins again; none for `eternity`.
        resets_at: Option<Moment>,
        /// In words, as in `in 12 min`; blank for `eternity`.
        resets_in: String,
    }
}

/// How far each limit of an application is used up, what is nearest to its limit first.
///
/// # Errors
/// When the database does not answer.
pub async fn utilization(
    tx: &mut Tx,
    application: &Application,
) -> Result<Vec<UtilizationDrop>, Error> {
    let now_secs = tx.now_ms().await?.unsigned_abs() / 1000;
    let metrics = metrics::list_counted(tx, application.product_id).await?;
    let terms = Terms::read(tx, &BTreeSet::from([application.id])).await?;
    let standings = standing::read(tx, &terms, application.id, None, now_secs).await?;
    let mut limits: Vec<UtilizationDrop> = standings
        .iter()
        .filter_map(|standing| {
            let metric = metrics.iter().find(|row| row.id == standing.metric.0)?;
            Some(UtilizationDrop::new(standing, metric, now_secs))
        })
        .collect();
    // What is not included at all is no news; it comes last.
    limits.sort_by_key(|limit| (limit.limit == 0, -limit.percent));
    Ok(limits)
}

impl UtilizationDrop {
    fn new(standing: &Standing, metric: &MetricRow, now_secs: u64) -> Self {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let (used, limit) = (number(standing.used), number(standing.limit));
        let percent = u128::from(standing.used) * 100 / u128::from(standing.limit.max(1));
        let percent = i64::try_from(percent).unwrap_or(i64::MAX);
        let end = match standing.period {
            Period::Eternity => None,
            _ => standing.window.end,
        };
        Self {
            metric_name: metric.friendly_name.clone(),
            metric_system_name: metric.wire_name(),
            period: standing.period.as_str().into(),
            period_words: match standing.period {
                Period::Eternity => "in all".into(),
                period => format!("per {}", period.as_str()),
            },
            used,
            used_text: grouped(used),
            limit,
            limit_text: grouped(limit),
            left_text: grouped(number(standing.limit.saturating_sub(standing.used))),
            percent,
            level: match percent {
                _ if limit == 0 => "bad",
                ..80 => "ok",
                80..100 => "warn",
                _ => "bad",
            },
            resets_at: end.map(|end| Moment(number(end).saturating_mul(1000))),
            resets_in: end.map_or_else(String::new, |end| within(end.saturating_sub(now_secs))),
        }
    }
}

/// `in 42 s`, `in 12 min`, `in 3 h`, `in 5 days`: the largest unit that is there at least twice.
fn within(secs: u64) -> String {
    match secs {
        0..120 => format!("in {secs}\u{202f}s"),
        120..7_200 => format!("in {}\u{202f}min", secs / 60),
        7_200..172_800 => format!("in {}\u{202f}h", secs / 3_600),
        _ => format!("in {} days", secs / 86_400),
    }
}
