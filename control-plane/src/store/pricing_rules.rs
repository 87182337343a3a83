//! Pricing rules: what usage of a metric costs on an application plan, by ranges of units.

use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// Units from `min` to `max` cost so much each.
    #[derive(Clone, Debug)]
    pub struct PricingRuleRow {
        /// Its id.
        pub id: i64,
        /// Its plan.
        pub plan_id: i64,
        /// What is paid for.
        pub metric_id: i64,
        /// The first unit, from 1.
        pub min: i64,
        /// The last unit; none: and all beyond.
        pub max: Option<i64>,
        /// Ten-thousandths of the currency's unit.
        pub cost_per_unit_e4: i64,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

impl PricingRuleRow {
    /// Whether some unit is in both ranges.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.min <= other.max.unwrap_or(i64::MAX) && other.min <= self.max.unwrap_or(i64::MAX)
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, plan_id, metric_id, min, max, cost_per_unit_e4, created_at, updated_at
             from pricing_rule where plan_id = $1 and ($2 is null or metric_id = $2) ",
            $rest
        )
    };
}

/// One page of a plan's rules, of one metric or of all, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn page(
    tx: &mut Tx,
    plan_id: i64,
    metric_id: Option<i64>,
    page: Page,
) -> Result<(Vec<PricingRuleRow>, i64), Error> {
    let rows = on!(tx, |c| sqlx::query_as::<_, PricingRuleRow>(select!(
        "order by metric_id, min, id limit $3 offset $4"
    ))
    .bind(plan_id)
    .bind(metric_id)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c))?;
    let total = on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
        "select count(*) from pricing_rule where plan_id = $1 and ($2 is null or metric_id = $2)"
    )
    .bind(plan_id)
    .bind(metric_id)
    .fetch_one(c)
    })?;
    Ok((rows, total))
}

/// A plan's rules for a metric, by range.
///
/// # Errors
/// When the database does not answer.
pub async fn of(tx: &mut Tx, plan_id: i64, metric_id: i64) -> Result<Vec<PricingRuleRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, PricingRuleRow>(select!(
        "order by min, id"
    ))
    .bind(plan_id)
    .bind(metric_id)
    .fetch_all(c))?)
}

/// One rule.
///
/// # Errors
/// [`Error::NotFound`], also when it is another plan's or metric's.
pub async fn get(
    tx: &mut Tx,
    plan_id: i64,
    metric_id: i64,
    id: i64,
) -> Result<PricingRuleRow, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, PricingRuleRow>(select!(
        "and id = $3"
    ))
    .bind(plan_id)
    .bind(metric_id)
    .bind(id)
    .fetch_one(c))?)
}

/// Writes a new rule; its id and times are chosen here.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, rule: &PricingRuleRow) -> Result<i64, Error> {
    let now = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
        "insert into pricing_rule (plan_id, metric_id, min, max, cost_per_unit_e4, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $6) returning id"
    )
    .bind(rule.plan_id)
    .bind(rule.metric_id)
    .bind(rule.min)
    .bind(rule.max)
    .bind(rule.cost_per_unit_e4)
    .bind(now)
    .fetch_one(c)
    })?)
}

/// Removes it.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from pricing_rule where id = $1"
    )
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// Removes all of a metric, on whatever plan.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_of_metric(tx: &mut Tx, metric_id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from pricing_rule where metric_id = $1"
    )
    .bind(metric_id)
    .execute(c))?;
    Ok(())
}
