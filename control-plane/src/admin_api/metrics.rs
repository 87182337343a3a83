//! `/admin/api/services/{service}/metrics` and the methods below `hits`.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::params::Params;
use super::path::Ids;
use super::services::choose_system_name;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::promote;
use crate::store::metrics::{self, MetricRow};
use crate::store::{products, rules};
use axum::extract::State;

/// The metric that every product has, and the only one with methods.
pub const HITS: &str = "hits";

/// `GET …/metrics`: methods included, as in 3scale.
///
/// # Errors
/// See [`Error`].
pub async fn list(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    products::get(&mut tx, product_id).await?;
    let rows = metrics::list(&mut tx, product_id).await?;
    let items = rows.iter().map(|row| metric(&app, row));
    Ok(Answer::ok(List::new("metrics", "metric", items)))
}

/// `GET …/metrics/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    products::get(&mut tx, product_id).await?;
    let row = metrics::get(&mut tx, product_id, id).await?;
    Ok(Answer::ok(metric(&app, &row)))
}

/// `POST …/metrics`.
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    let unit = call.params.text("unit", 255);
    let row = insert(&mut tx, product_id, None, unit, &mut call.params).await?;
    tx.commit().await?;
    Ok(Answer::created(
        metric(&app, &row),
        format!("/admin/api/services/{product_id}/metrics/{}", row.id),
    ))
}

/// `PUT …/metrics/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    let row = metrics::get(&mut tx, product_id, id).await?;
    let unit = call.params.opt_filled("unit", 255);
    let row = change(&mut tx, row, unit, &mut call.params).await?;
    tx.commit().await?;
    Ok(Answer::ok(metric(&app, &row)))
}

/// `DELETE …/metrics/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    let row = metrics::get(&mut tx, product_id, id).await?;
    remove(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// `GET …/metrics/{metric}/methods`.
///
/// # Errors
/// See [`Error`].
pub async fn list_methods(
    State(app): State<App>,
    Ids([product_id, metric_id]): Ids<2>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    products::get(&mut tx, product_id).await?;
    metrics::get(&mut tx, product_id, metric_id).await?;
    let rows = metrics::list(&mut tx, product_id).await?;
    let items = rows
        .iter()
        .filter(|row| row.parent_id == Some(metric_id))
        .map(|row| method(&app, row));
    Ok(Answer::ok(List::new("methods", "method", items)))
}

/// `GET …/metrics/{metric}/methods/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show_method(
    State(app): State<App>,
    Ids([product_id, metric_id, id]): Ids<3>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    products::get(&mut tx, product_id).await?;
    let row = get_method(&mut tx, product_id, metric_id, id).await?;
    Ok(Answer::ok(method(&app, &row)))
}

/// `POST …/metrics/{metric}/methods`.
///
/// # Errors
/// See [`Error`].
pub async fn create_method(
    State(app): State<App>,
    Ids([product_id, metric_id]): Ids<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    let parent = metrics::get(&mut tx, product_id, metric_id).await?;
    if parent.system_name != HITS {
        call.params
            .error("metric_id", "must be hits: only hits has methods");
    }
    let row = insert(
        &mut tx,
        product_id,
        Some(parent.id),
        parent.unit,
        &mut call.params,
    )
    .await?;
    tx.commit().await?;
    Ok(Answer::created(
        method(&app, &row),
        format!(
            "/admin/api/services/{product_id}/metrics/{metric_id}/methods/{}",
            row.id
        ),
    ))
}

/// `PUT …/metrics/{metric}/methods/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn update_method(
    State(app): State<App>,
    Ids([product_id, metric_id, id]): Ids<3>,
    mut call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    let row = get_method(&mut tx, product_id, metric_id, id).await?;
    // A method counts in its parent's unit.
    let row = change(&mut tx, row, None, &mut call.params).await?;
    tx.commit().await?;
    Ok(Answer::ok(method(&app, &row)))
}

/// `DELETE …/metrics/{metric}/methods/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn delete_method(
    State(app): State<App>,
    Ids([product_id, metric_id, id]): Ids<3>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    let row = get_method(&mut tx, product_id, metric_id, id).await?;
    remove(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

async fn get_method(
    tx: &mut Tx,
    product_id: i64,
    metric_id: i64,
    id: i64,
) -> Result<MetricRow, Error> {
    let row = metrics::get(tx, product_id, id).await?;
    if row.parent_id == Some(metric_id) {
        Ok(row)
    } else {
        Err(Error::NotFound)
    }
}

async fn insert(
    tx: &mut Tx,
    product_id: i64,
    parent_id: Option<i64>,
    unit: String,
    params: &mut Params,
) -> Result<MetricRow, Error> {
    let friendly_name = params.text("friendly_name", 255);
    // 3scale's older name for it.
    if !params.has("system_name")
        && let Some(name) = params.take("name")
    {
        params.put("system_name", name);
    }
    let taken: Vec<String> = metrics::list(tx, product_id)
        .await?
        .into_iter()
        .map(|row| row.system_name)
        .collect();
    let row = MetricRow {
        id: 0,
        product_id,
        parent_id,
        system_name: choose_system_name(params, &friendly_name, "metric", &taken),
        friendly_name,
        unit,
        description: params.opt_text("description", 10_000).unwrap_or_default(),
        created_at: 0,
        updated_at: 0,
    };
    params.check()?;
    let id = metrics::insert(tx, &row).await?;
    products::touch(tx, product_id).await?;
    metrics::get(tx, product_id, id).await
}

async fn change(
    tx: &mut Tx,
    mut row: MetricRow,
    unit: Option<String>,
    params: &mut Params,
) -> Result<MetricRow, Error> {
    if let Some(text) = params.opt_filled("friendly_name", 255) {
        row.friendly_name = text;
    }
    if let Some(text) = unit {
        row.unit = text;
    }
    if let Some(text) = params.opt_text("description", 10_000) {
        row.description = text;
    }
    params.check()?;
    metrics::update(tx, &row).await?;
    metrics::get(tx, row.product_id, row.id).await
}

/// Drafts forget a deleted metric at once; what gateways follow must not name it any more.
async fn remove(tx: &mut Tx, row: &MetricRow) -> Result<(), Error> {
    if row.system_name == HITS {
        return Err(Error::invalid("base", "hits can't be deleted"));
    }
    if promote::counts_on(tx, row.product_id, row.id).await? {
        return Err(Error::invalid(
            "base",
            format!(
                "{} is counted by mapping rules of a deployed configuration: remove them, deploy and promote first",
                row.system_name
            ),
        ));
    }
    // From the last position up, so that closing a gap does not move what is still to be looked at.
    for mut rule in rules::list(tx, row.product_id).await?.into_iter().rev() {
        let mut usages = rule.usage_list();
        let before = usages.len();
        usages.retain(|usage| usage.metric_id != row.id);
        if usages.is_empty() {
            rules::delete(tx, &rule).await?;
        } else if usages.len() != before {
            rule.set_usages(&usages);
            rules::update(tx, &rule, rule.position).await?;
        }
    }
    metrics::delete(tx, row.id).await?;
    products::touch(tx, row.product_id).await
}

/// A metric as both forms show it.
pub(super) fn metric(app: &App, row: &MetricRow) -> Object {
    let service = format!(
        "{}/admin/api/services/{}",
        app.config.admin_url, row.product_id
    );
    Object::new("metric")
        .with("id", row.id)
        .with("name", &row.system_name)
        .with("system_name", &row.system_name)
        .with("friendly_name", &row.friendly_name)
        .xml("service_id", row.product_id)
        .with("description", &row.description)
        .with("unit", &row.unit)
        .maybe("parent_id", row.parent_id)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .links([
            ("service", service.clone()),
            ("self", format!("{service}/metrics/{}", row.id)),
        ])
}

fn method(app: &App, row: &MetricRow) -> Object {
    let parent = format!(
        "{}/admin/api/services/{}/metrics/{}",
        app.config.admin_url,
        row.product_id,
        row.parent_id.unwrap_or_default()
    );
    Object::new("method")
        .with("id", row.id)
        .with("name", &row.system_name)
        .with("system_name", &row.system_name)
        .with("friendly_name", &row.friendly_name)
        .xml("service_id", row.product_id)
        .with("description", &row.description)
        .xml("metric_id", row.parent_id)
        .json("parent_id", row.parent_id)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .links([
            ("parent", parent.clone()),
            ("self", format!("{parent}/methods/{}", row.id)),
        ])
}
