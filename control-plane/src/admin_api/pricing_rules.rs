//! `/admin/api/application_plans/{plan}/…/pricing_rules`: what usage costs, by ranges of units that do not overlap.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::limits::{lock, product_of};
use super::page::Page;
use super::params::Params;
use super::path::Ids;
use crate::app::App;
use crate::error::Error;
use crate::store::metrics;
use crate::store::pricing_rules::{self as rows, PricingRuleRow};
use axum::extract::State;

/// `GET …/application_plans/{plan}/pricing_rules`: of all metrics.
///
/// # Errors
/// See [`Error`].
pub async fn list_all(
    State(app): State<App>,
    Ids([plan_id]): Ids<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let mut tx = app.db.read().await?;
    let product_id = product_of(&mut tx, plan_id).await?;
    let (rows, total) = rows::page(&mut tx, plan_id, None, page).await?;
    let items = rows.iter().map(|row| pricing_rule(&app, product_id, row));
    Ok(Answer::ok(
        List::new("pricing_rules", "pricing_rule", items).paged(page.of(total)),
    ))
}

/// `GET …/metrics/{metric}/pricing_rules`.
///
/// # Errors
/// See [`Error`].
pub async fn list(
    State(app): State<App>,
    Ids([plan_id, metric_id]): Ids<2>,
    mut call: Read,
) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let mut tx = app.db.read().await?;
    let product_id = product_of(&mut tx, plan_id).await?;
    metrics::get_counted(&mut tx, product_id, metric_id).await?;
    let (rows, total) = rows::page(&mut tx, plan_id, Some(metric_id), page).await?;
    let items = rows.iter().map(|row| pricing_rule(&app, product_id, row));
    Ok(Answer::ok(
        List::new("pricing_rules", "pricing_rule", items).paged(page.of(total)),
    ))
}

/// `GET …/metrics/{metric}/pricing_rules/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Ids([plan_id, metric_id, id]): Ids<3>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    let product_id = product_of(&mut tx, plan_id).await?;
    let row = rows::get(&mut tx, plan_id, metric_id, id).await?;
    Ok(Answer::ok(pricing_rule(&app, product_id, &row)))
}

/// `POST …/metrics/{metric}/pricing_rules`: `min` (1 unless given), `max` (none: no end), `cost_per_unit`.
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Ids([plan_id, metric_id]): Ids<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    let product_id = lock(&mut tx, plan_id).await?;
    metrics::get_counted(&mut tx, product_id, metric_id).await?;
    let row = PricingRuleRow {
        id: 0,
        plan_id,
        metric_id,
        min: params.opt_int("min", 1, i64::MAX).unwrap_or(1),
        max: params.opt_int("max", 1, i64::MAX),
        cost_per_unit_e4: cost(params, "cost_per_unit"),
        created_at: 0,
        updated_at: 0,
    };
    if row.max.is_some_and(|max| max < row.min) {
        params.error("max", "must be greater than or equal to min");
    }
    params.check()?;
    let others = rows::of(&mut tx, plan_id, metric_id).await?;
    if let Some(other) = others.iter().find(|other| row.overlaps(other)) {
        return Err(Error::invalid(
            "min",
            format!(
                "begins a range that overlaps with another rule's ({} to {})",
                other.min,
                other
                    .max
                    .map_or("infinity".to_owned(), |max| max.to_string())
            ),
        ));
    }
    let id = rows::insert(&mut tx, &row).await?;
    let row = rows::get(&mut tx, plan_id, metric_id, id).await?;
    tx.commit().await?;
    Ok(Answer::created(
        pricing_rule(&app, product_id, &row),
        format!("/admin/api/application_plans/{plan_id}/metrics/{metric_id}/pricing_rules/{id}"),
    ))
}

/// `DELETE …/metrics/{metric}/pricing_rules/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([plan_id, metric_id, id]): Ids<3>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    lock(&mut tx, plan_id).await?;
    rows::get(&mut tx, plan_id, metric_id, id).await?;
    rows::delete(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// The most that a unit may cost, in ten-thousandths.
const MOST_COST_E4: i64 = 10_000_000_000_000_000;

/// An amount with at most four decimals, exactly, in ten-thousandths; 0 when there is none.
fn cost(params: &mut Params, name: &str) -> i64 {
    let text = params.opt_text(name, 255).unwrap_or_default();
    if text.is_empty() {
        return 0;
    }
    match ten_thousandths(&text) {
        Some(cost) if cost <= MOST_COST_E4 => cost,
        _ => {
            params.error(
                name,
                "must be a number between 0 and 1000000000000 with at most 4 decimals, such as 0.0025",
            );
            0
        }
    }
}

fn ten_thousandths(text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !are_digits(whole) || !are_digits(decimals) {
        return None;
    }
    // Zeros at the end say nothing.
    let decimals = decimals.trim_end_matches('0');
    if decimals.len() > 4 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let decimals: i64 = format!("{decimals:0<4}").parse().ok()?;
    whole.checked_mul(10_000)?.checked_add(decimals)
}

/// `0.0025`, `2.0`: exact, as text, with at least one decimal.
fn decimal(e4: i64) -> String {
    let text = format!("{}.{:04}", e4 / 10_000, e4 % 10_000);
    let shorter = text.trim_end_matches('0');
    if shorter.ends_with('.') {
        format!("{shorter}0")
    } else {
        shorter.to_owned()
    }
}

fn pricing_rule(app: &App, product_id: i64, row: &PricingRuleRow) -> Object {
    let api = format!("{}/admin/api", app.config.admin_url);
    let service = format!("{api}/services/{product_id}");
    Object::new("pricing_rule")
        .with("id", row.id)
        .with("metric_id", row.metric_id)
        .xml("plan_id", row.plan_id)
        .with("cost_per_unit", decimal(row.cost_per_unit_e4))
        .with("min", row.min)
        .with("max", row.max)
        .json("created_at", timestamp(row.created_at))
        .json("updated_at", timestamp(row.updated_at))
        .links([
            ("metric", format!("{service}/metrics/{}", row.metric_id)),
            (
                "plan",
                format!("{service}/application_plans/{}", row.plan_id),
            ),
        ])
}

#[cfg(test)]
mod tests {
    use super::{decimal, ten_thousandths};

    #[test]
    fn amounts_are_exact() {
        for (text, e4, shown) in [
            ("0", 0, "0.0"),
            ("2", 20_000, "2.0"),
            ("2.", 20_000, "2.0"),
            ("0.0001", 1, "0.0001"),
            ("0.1", 1_000, "0.1"),
            ("19.990000", 199_900, "19.99"),
            ("922337203685477.5807", i64::MAX, "922337203685477.5807"),
        ] {
            assert_eq!(ten_thousandths(text), Some(e4), "{text}");
            assert_eq!(decimal(e4), shown, "{text}");
        }
        for bad in [
            "",
            ".",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1,5",
            "0.00001",
            "NaN",
            "1.2.3",
            "1 000",
            "922337203685477.5808",
            "99999999999999999999",
        ] {
            assert_eq!(ten_thousandths(bad), None, "{bad}");
        }
    }
}
