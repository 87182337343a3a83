//! Plans: what is sold, with limits and features.

use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::drop;
use crate::error::Error;
use crate::store::features;
use crate::store::metrics::{self, MetricRow};
use crate::store::plans::{self, PlanRow};
use crate::store::pricing_rules::{self, PricingRuleRow};

drop! {
    /// A plan.
    pub struct PlanDrop as "plan" {
        /// Its id.
        id: i64,
        /// Its name.
        name: String,
        /// Its stable slug.
        system_name: String,
        /// What it costs a month; 0 when free.
        cost_per_month: f64,
        /// The same as it is written, as in `29.95`.
        cost_text: String,
        /// What it costs once.
        setup_fee: f64,
        /// The same as it is written.
        setup_fee_text: String,
        /// Whether it costs nothing.
        is_free: bool,
        /// Days before it costs anything.
        trial_period_days: i64,
        /// Whether the provider must accept who takes it.
        approval_required: bool,
        /// Whether it is taken when none is chosen.
        is_default: bool,
        /// What may be used of it, metric by metric.
        limits: Vec<LimitDrop>,
        /// What comes with it.
        features: Vec<FeatureDrop>,
        /// What usage costs.
        prices: Vec<PriceDrop>,
    }
}

drop! {
    /// At most so much of a metric in a period.
    pub struct LimitDrop as "usage_limit" {
        /// What is counted.
        metric_name: String,
        /// The metric's stable slug.
        metric_system_name: String,
        /// What one is called, as in `hit`.
        unit: String,
        /// `minute`, `hour`, `day`, `week`, `month`, `year` or `eternity`.
        period: String,
        /// The most; 0 when the plan does not have it.
        value: i64,
        /// The same with a narrow space between thousands.
        value_text: String,
        /// In words, as in `600 a minute`.
        words: String,
    }
}

drop! {
    /// Something that comes with a plan.
    pub struct FeatureDrop as "feature" {
        /// Its name.
        name: String,
        /// Its stable slug.
        system_name: String,
        /// What the provider says of it.
        description: String,
    }
}

drop! {
    /// What some usage of a metric costs.
    pub struct PriceDrop as "pricing_rule" {
        /// What is paid for.
        metric_name: String,
        /// The metric's stable slug.
        metric_system_name: String,
        /// The first that costs this.
        min: i64,
        /// The last; nothing when there is no end.
        max: Option<i64>,
        /// What each costs.
        cost_per_unit: f64,
        /// In words, as in `1 – 1 000: 0.05 each`.
        words: String,
    }
}

/// A plan with its limits and visible features.
///
/// # Errors
/// When the database does not answer.
pub async fn plan(tx: &mut Tx, row: &PlanRow) -> Result<PlanDrop, Error> {
    let counted = match row.product_id {
        Some(product_id) => metrics::list_counted(tx, product_id).await?,
        None => Vec::new(),
    };
    let everything = Page {
        number: 1,
        size: 500,
    };
    let (rules, _) = pricing_rules::page(tx, row.id, None, everything).await?;
    let prices = rules.iter().filter_map(|rule| price(rule, &counted));
    let prices = prices.collect();
    let mut limits = Vec::new();
    for limit in plans::limits(tx, row.id, None).await? {
        if let Some(metric) = counted.iter().find(|metric| metric.id == limit.metric_id) {
            limits.push(LimitDrop {
                metric_name: metric.friendly_name.clone(),
                metric_system_name: metric.wire_name(),
                unit: metric.unit.clone(),
                value: limit.value,
                value_text: grouped(limit.value),
                words: words(limit.value, &limit.period),
                period: limit.period,
            });
        }
    }
    let (features, _) = features::page_of_plan(
        tx,
        row.id,
        Page {
            number: 1,
            size: 100,
        },
    )
    .await?;
    Ok(PlanDrop {
        id: row.id,
        name: row.name.clone(),
        system_name: row.system_name.clone(),
        cost_per_month: row.cost_per_month,
        cost_text: amount(row.cost_per_month),
        setup_fee: row.setup_fee,
        setup_fee_text: amount(row.setup_fee),
        is_free: row.cost_per_month <= 0.0 && row.setup_fee <= 0.0,
        trial_period_days: row.trial_period_days,
        approval_required: row.approval_required,
        is_default: row.is_default,
        limits,
        prices,
        features: features
            .into_iter()
            .filter(|feature| feature.visible)
            .map(|feature| FeatureDrop {
                name: feature.name,
                system_name: feature.system_name,
                description: feature.description,
            })
            .collect(),
    })
}

/// Whole, or with two decimals.
fn amount(amount: f64) -> String {
    let text = format!("{amount:.2}");
    text.strip_suffix(".00").map_or(text.clone(), str::to_owned)
}

fn price(rule: &PricingRuleRow, counted: &[MetricRow]) -> Option<PriceDrop> {
    let metric = counted.iter().find(|metric| metric.id == rule.metric_id)?;
    let range = match (rule.min, rule.max) {
        (1, None) => String::new(),
        (min, None) => format!("from {} on: ", grouped(min)),
        (min, Some(max)) => format!("{} – {}: ", grouped(min), grouped(max)),
    };
    let (units, rest) = (
        rule.cost_per_unit_e4 / 10_000,
        rule.cost_per_unit_e4 % 10_000,
    );
    let mut cost = format!("{units}.{rest:04}");
    while cost.ends_with("00") {
        cost.pop();
    }
    Some(PriceDrop {
        metric_name: metric.friendly_name.clone(),
        metric_system_name: metric.wire_name(),
        min: rule.min,
        max: rule.max,
        cost_per_unit: cost.parse().unwrap_or_default(),
        words: format!("{range}{cost} each"),
    })
}

fn words(value: i64, period: &str) -> String {
    match (value, period) {
        (0, _) => "not included".into(),
        (value, "eternity") => format!("{} in all", grouped(value)),
        (value, "hour") => format!("{} an hour", grouped(value)),
        (value, period) => format!("{} a {period}", grouped(value)),
    }
}

/// With a narrow space between thousands.
#[must_use]
pub fn grouped(value: i64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}
