//! `/admin/api/application_plans/{plan}/…/limits`: at most so much of a metric per period.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::page::Page;
use super::params::Params;
use super::path::Ids;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::store::plans::{self, APPLICATION_PLAN, LimitRow};
use crate::store::{metrics, products};
use axum::extract::State;
use tallygate_core::period::Period;

/// `GET /admin/api/application_plans/{plan}/limits`: of all metrics.
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
    let rows = plans::limits(&mut tx, plan_id, None).await?;
    let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let from = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let size = usize::try_from(page.limit()).unwrap_or(usize::MAX);
    let items = rows
        .iter()
        .skip(from)
        .take(size)
        .map(|row| limit(&app, product_id, row));
    Ok(Answer::ok(
        List::new("limits", "limit", items).paged(page.of(total)),
    ))
}

/// `GET …/metrics/{metric}/limits`.
///
/// # Errors
/// See [`Error`].
pub async fn list(
    State(app): State<App>,
    Ids([plan_id, metric_id]): Ids<2>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    let product_id = product_of(&mut tx, plan_id).await?;
    metrics::get_counted(&mut tx, product_id, metric_id).await?;
    let rows = plans::limits(&mut tx, plan_id, Some(metric_id)).await?;
    let items = rows.iter().map(|row| limit(&app, product_id, row));
    Ok(Answer::ok(List::new("limits", "limit", items)))
}

/// `GET …/metrics/{metric}/limits/{id}`.
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
    let row = plans::limit(&mut tx, plan_id, metric_id, id).await?;
    Ok(Answer::ok(limit(&app, product_id, &row)))
}

/// `POST …/metrics/{metric}/limits`. It binds at once: in the ledger's cells with what was used before in its
/// window, at the edge, which counted nothing for it before, from then on.
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
    let period = period(params);
    if period.is_none() {
        params.check()?;
        params.error("period", "can't be blank");
    }
    let row = LimitRow {
        id: 0,
        plan_id,
        metric_id,
        period: period.unwrap_or_default().into(),
        value: params.int("value", 0, i64::MAX),
        created_at: 0,
        updated_at: 0,
    };
    refuse_taken(&mut tx, params, &row).await?;
    params.check()?;
    let id = plans::insert_limit(&mut tx, &row).await?;
    products::touch(&mut tx, product_id).await?;
    let row = plans::limit(&mut tx, plan_id, metric_id, id).await?;
    tx.commit().await?;
    Ok(Answer::created(
        limit(&app, product_id, &row),
        format!("/admin/api/application_plans/{plan_id}/metrics/{metric_id}/limits/{id}"),
    ))
}

/// `PUT …/metrics/{metric}/limits/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([plan_id, metric_id, id]): Ids<3>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    let product_id = lock(&mut tx, plan_id).await?;
    let mut row = plans::limit(&mut tx, plan_id, metric_id, id).await?;
    if let Some(period) = period(params) {
        row.period = period.into();
    }
    if let Some(value) = params.opt_int("value", 0, i64::MAX) {
        row.value = value;
    }
    refuse_taken(&mut tx, params, &row).await?;
    params.check()?;
    plans::update_limit(&mut tx, &row).await?;
    products::touch(&mut tx, product_id).await?;
    let row = plans::limit(&mut tx, plan_id, metric_id, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(limit(&app, product_id, &row)))
}

/// `DELETE …/metrics/{metric}/limits/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([plan_id, metric_id, id]): Ids<3>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let product_id = lock(&mut tx, plan_id).await?;
    plans::limit(&mut tx, plan_id, metric_id, id).await?;
    plans::delete_limit(&mut tx, id).await?;
    products::touch(&mut tx, product_id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

fn period(params: &mut Params) -> Option<&'static str> {
    params.opt_choice("period", &Period::ALL.map(Period::as_str))
}

async fn refuse_taken(tx: &mut Tx, params: &mut Params, row: &LimitRow) -> Result<(), Error> {
    let others = plans::limits(tx, row.plan_id, Some(row.metric_id)).await?;
    if others
        .iter()
        .any(|other| other.id != row.id && other.period == row.period)
    {
        params.error("period", "has already been taken");
    }
    Ok(())
}

/// The product of an application plan.
pub(super) async fn product_of(tx: &mut Tx, plan_id: i64) -> Result<i64, Error> {
    let plan = plans::get(tx, APPLICATION_PLAN, plan_id).await?;
    plan.product_id.ok_or(Error::NotFound)
}

/// Holds the product of an application plan still until the transaction ends.
pub(super) async fn lock(tx: &mut Tx, plan_id: i64) -> Result<i64, Error> {
    let product_id = product_of(tx, plan_id).await?;
    products::lock(tx, product_id).await?;
    // It may have been deleted while we waited.
    product_of(tx, plan_id).await
}

fn limit(app: &App, product_id: i64, row: &LimitRow) -> Object {
    let api = format!("{}/admin/api", app.config.admin_url);
    let metric = format!("{api}/services/{product_id}/metrics/{}", row.metric_id);
    Object::new("limit")
        .with("id", row.id)
        .with("metric_id", row.metric_id)
        .with("plan_id", row.plan_id)
        .with("period", &row.period)
        .with("value", row.value)
        .json("created_at", timestamp(row.created_at))
        .json("updated_at", timestamp(row.updated_at))
        .links([
            ("metric", metric),
            (
                "self",
                format!(
                    "{api}/application_plans/{}/metrics/{}/limits/{}",
                    row.plan_id, row.metric_id, row.id
                ),
            ),
            (
                "plan",
                format!(
                    "{api}/services/{product_id}/application_plans/{}",
                    row.plan_id
                ),
            ),
        ])
}
