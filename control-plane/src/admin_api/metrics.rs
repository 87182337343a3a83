//! `/admin/api/services/{service}/metrics` and the methods below `hits`; the same below `/admin/api/backend_apis/{backend}`.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::page::Page;
use super::params::Params;
use super::path::Owned;
use super::services::choose_system_name;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::promote;
use crate::store::metrics::{self, MetricRow};
use crate::store::owners::Owner;
use crate::store::rules;
use axum::extract::State;
use serde_json::Value;

/// The metric that every product and backend has, and the only one with methods.
pub const HITS: &str = "hits";

/// `GET …/metrics`: methods included, as in 3scale.
///
/// # Errors
/// See [`Error`].
pub async fn list(
    State(app): State<App>,
    Owned(owner, []): Owned<0>,
    mut call: Read,
) -> Result<Answer, Error> {
    let page = page(owner, &mut call.params)?;
    let mut tx = app.db.read().await?;
    owner.check(&mut tx).await?;
    let rows = metrics::list_of(&mut tx, owner).await?;
    let of_all = |rows: &[MetricRow]| {
        List::new(
            "metrics",
            "metric",
            rows.iter().map(|row| metric(&app, row)),
        )
    };
    Ok(Answer::ok(paged(page, rows, of_all)))
}

/// `GET …/metrics/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Owned(owner, [id]): Owned<1>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    owner.check(&mut tx).await?;
    let row = metrics::get_of(&mut tx, owner, id).await?;
    Ok(Answer::ok(metric(&app, &row)))
}

/// `POST …/metrics`.
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Owned(owner, []): Owned<0>,
    mut call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    owner.lock(&mut tx).await?;
    let unit = call.params.text("unit", 255);
    let row = insert(&mut tx, owner, None, unit, &mut call.params).await?;
    tx.commit().await?;
    Ok(Answer::created(
        metric(&app, &row),
        format!("{}/metrics/{}", owner.path(), row.id),
    ))
}

/// `PUT …/metrics/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Owned(owner, [id]): Owned<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    owner.lock(&mut tx).await?;
    let row = metrics::get_of(&mut tx, owner, id).await?;
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
    Owned(owner, [id]): Owned<1>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    owner.lock(&mut tx).await?;
    let row = metrics::get_of(&mut tx, owner, id).await?;
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
    Owned(owner, [metric_id]): Owned<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    let page = page(owner, &mut call.params)?;
    let mut tx = app.db.read().await?;
    owner.check(&mut tx).await?;
    metrics::get_of(&mut tx, owner, metric_id).await?;
    let mut rows = metrics::list_of(&mut tx, owner).await?;
    rows.retain(|row| row.parent_id == Some(metric_id));
    let of_all = |rows: &[MetricRow]| {
        List::new(
            "methods",
            "method",
            rows.iter().map(|row| method(&app, row)),
        )
    };
    Ok(Answer::ok(paged(page, rows, of_all)))
}

/// `GET …/metrics/{metric}/methods/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show_method(
    State(app): State<App>,
    Owned(owner, [metric_id, id]): Owned<2>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    owner.check(&mut tx).await?;
    let row = get_method(&mut tx, owner, metric_id, id).await?;
    Ok(Answer::ok(method(&app, &row)))
}

/// `POST …/metrics/{metric}/methods`.
///
/// # Errors
/// See [`Error`].
pub async fn create_method(
    State(app): State<App>,
    Owned(owner, [metric_id]): Owned<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    owner.lock(&mut tx).await?;
    let parent = metrics::get_of(&mut tx, owner, metric_id).await?;
    if parent.system_name != HITS {
        call.params
            .error("metric_id", "must be hits: only hits has methods");
    }
    let row = insert(
        &mut tx,
        owner,
        Some(parent.id),
        parent.unit,
        &mut call.params,
    )
    .await?;
    tx.commit().await?;
    Ok(Answer::created(
        method(&app, &row),
        format!("{}/metrics/{metric_id}/methods/{}", owner.path(), row.id),
    ))
}

/// `PUT …/metrics/{metric}/methods/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn update_method(
    State(app): State<App>,
    Owned(owner, [metric_id, id]): Owned<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    owner.lock(&mut tx).await?;
    let row = get_method(&mut tx, owner, metric_id, id).await?;
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
    Owned(owner, [metric_id, id]): Owned<2>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    owner.lock(&mut tx).await?;
    let row = get_method(&mut tx, owner, metric_id, id).await?;
    remove(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

async fn get_method(
    tx: &mut Tx,
    owner: Owner,
    metric_id: i64,
    id: i64,
) -> Result<MetricRow, Error> {
    let row = metrics::get_of(tx, owner, id).await?;
    if row.parent_id == Some(metric_id) {
        Ok(row)
    } else {
        Err(Error::NotFound)
    }
}

async fn insert(
    tx: &mut Tx,
    owner: Owner,
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
    without_backend_id(owner, params);
    let taken: Vec<String> = metrics::list_of(tx, owner)
        .await?
        .into_iter()
        .map(|row| row.system_name)
        .collect();
    let (product_id, backend_id) = owner.ids();
    let row = MetricRow {
        id: 0,
        product_id,
        backend_id,
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
    owner.touch(tx).await?;
    metrics::get_of(tx, owner, id).await
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
    metrics::get_of(tx, row.owner(), row.id).await
}

/// Answers call a backend's metric `name.ID`; who sends that back means `name`.
fn without_backend_id(owner: Owner, params: &mut Params) {
    if let Owner::Backend(id) = owner
        && let Some(Value::String(given)) = params.value("system_name")
        && let Some(name) = given.trim().strip_suffix(&format!(".{id}"))
    {
        let name = name.to_owned();
        params.put("system_name", name.into());
    }
}

/// 3scale gives a product's in one piece, a backend's by the page.
pub(super) fn page(owner: Owner, params: &mut Params) -> Result<Option<Page>, Error> {
    match owner {
        Owner::Product(_) => Page::if_asked(params),
        Owner::Backend(_) => Page::from_params(params).map(Some),
    }
}

/// All rows, or those of one page.
pub(super) fn paged<T>(page: Option<Page>, rows: Vec<T>, list: impl Fn(&[T]) -> List) -> List {
    let Some(page) = page else {
        return list(&rows);
    };
    let (rows, paged) = page.cut(rows);
    list(&rows.collect::<Vec<_>>()).paged(paged)
}

/// Drafts forget a deleted metric at once; what gateways follow must not name it any more.
async fn remove(tx: &mut Tx, row: &MetricRow) -> Result<(), Error> {
    if row.system_name == HITS {
        return Err(Error::invalid("base", "hits can't be deleted"));
    }
    let owner = row.owner();
    let mut counted = false;
    for product_id in owner.products(tx).await? {
        counted |= promote::counts_on(tx, product_id, row.id).await?;
    }
    if counted {
        return Err(Error::invalid(
            "base",
            format!(
                "{} is counted by mapping rules of a deployed configuration: remove them, deploy and promote first",
                row.system_name
            ),
        ));
    }
    // From the last position up, so that closing a gap does not move what is still to be looked at.
    for mut rule in rules::list_of(tx, owner).await?.into_iter().rev() {
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
    owner.touch(tx).await
}

/// A metric as both forms show it. What only a product's has, its service and the older `name`, a backend's lacks.
pub(super) fn metric(app: &App, row: &MetricRow) -> Object {
    let owner = format!("{}{}", app.config.admin_url, row.owner().path());
    shape("metric", row)
        .maybe("parent_id", row.parent_id)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .links([
            (rel(row), owner.clone()),
            ("self", format!("{owner}/metrics/{}", row.id)),
        ])
}

fn method(app: &App, row: &MetricRow) -> Object {
    let parent = format!(
        "{}{}/metrics/{}",
        app.config.admin_url,
        row.owner().path(),
        row.parent_id.unwrap_or_default()
    );
    shape("method", row)
        .xml("metric_id", row.parent_id)
        .json("parent_id", row.parent_id)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .links([
            ("parent", parent.clone()),
            ("self", format!("{parent}/methods/{}", row.id)),
        ])
}

/// What metrics and methods have in common.
fn shape(name: &'static str, row: &MetricRow) -> Object {
    let object = Object::new(name).with("id", row.id);
    let object = match row.owner() {
        Owner::Product(id) => object.with("name", &row.system_name).xml("service_id", id),
        Owner::Backend(id) => object.xml("backend_api_id", id),
    };
    object
        .with("system_name", row.wire_name())
        .with("friendly_name", &row.friendly_name)
        .with("description", &row.description)
        .with("unit", &row.unit)
}

fn rel(row: &MetricRow) -> &'static str {
    match row.owner() {
        Owner::Product(_) => "service",
        Owner::Backend(_) => "backend_api",
    }
}
