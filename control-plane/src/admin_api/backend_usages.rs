//! `/admin/api/services/{service}/backend_usages`: which backends a product's draft uses, each below a path of its own.
//!
//! The longest path takes the request, and the backend does not see it. Gateways follow with the next deployment.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object};
use super::params::Params;
use super::path::Ids;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::promote;
use crate::store::backends::usages::{self, UsageRow};
use crate::store::{backends, products};
use axum::extract::State;
use tallygate_core::backend::backend_path;

/// More backends than one product may use.
const MOST_BACKENDS: usize = 200;
/// The longest path.
const MOST_PATH_CHARS: usize = 255;

/// `GET …/backend_usages`. In JSON without a wrapper, as 3scale has it.
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
    let rows = usages::list(&mut tx, product_id).await?;
    let items = rows.iter().map(|row| backend_usage(&app, row));
    Ok(Answer::ok(
        List::new("backend_usages", "backend_usage", items).bare(),
    ))
}

/// `GET …/backend_usages/{id}`.
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
    let row = usages::get(&mut tx, product_id, id).await?;
    Ok(Answer::ok(backend_usage(&app, &row)))
}

/// `POST …/backend_usages`: below `/` unless a path is given.
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    let others = usages::list(&mut tx, product_id).await?;
    if others.len() >= MOST_BACKENDS {
        params.error(
            "base",
            format!("A product uses at most {MOST_BACKENDS} backends"),
        );
    }
    let row = UsageRow {
        id: 0,
        product_id,
        backend_id: params.int("backend_api_id", 1, i64::MAX),
        path: path(params).unwrap_or_else(|| "/".into()),
    };
    if !params.is_noted("backend_api_id") {
        if others
            .iter()
            .any(|other| other.backend_id == row.backend_id)
        {
            params.error("backend_api_id", "has already been taken");
        } else if let Err(error) = backends::lock(&mut tx, row.backend_id).await {
            match error {
                Error::NotFound => params.error("backend_api_id", "is not a backend"),
                other => return Err(other),
            }
        }
    }
    refuse_taken(params, &others, &row);
    params.check()?;
    let id = usages::insert(&mut tx, &row).await?;
    let row = changed(&mut tx, product_id, id).await?;
    tx.commit().await?;
    Ok(Answer::created(
        backend_usage(&app, &row),
        format!("/admin/api/services/{product_id}/backend_usages/{id}"),
    ))
}

/// `PUT …/backend_usages/{id}`: another path.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    let mut row = usages::get(&mut tx, product_id, id).await?;
    if let Some(path) = path(params) {
        row.path = path;
    }
    let others = usages::list(&mut tx, product_id).await?;
    refuse_taken(params, &others, &row);
    params.check()?;
    usages::update(&mut tx, &row).await?;
    let row = changed(&mut tx, product_id, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(backend_usage(&app, &row)))
}

/// `DELETE …/backend_usages/{id}`. Limits of the backend's metrics go from the product's plans as soon as no gateway sends
/// requests to it any more.
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
    usages::get(&mut tx, product_id, id).await?;
    usages::remove(&mut tx, id).await?;
    promote::forget_limits_of_unused_backends(&mut tx, product_id).await?;
    products::touch(&mut tx, product_id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// Gateways know the metrics of a product's backends from now on.
async fn changed(tx: &mut Tx, product_id: i64, id: i64) -> Result<UsageRow, Error> {
    products::touch(tx, product_id).await?;
    usages::get(tx, product_id, id).await
}

/// The path that was given, in the one form that is kept: `mail`, `/mail` and `/mail/` are `/mail`, nothing is `/`.
fn path(params: &mut Params) -> Option<String> {
    let given = params.opt_text("path", MOST_PATH_CHARS)?;
    let path = format!("/{}", given.strip_prefix('/').unwrap_or(&given));
    match backend_path(&path) {
        Ok(kept) if kept.is_empty() => Some("/".into()),
        Ok(kept) => Some(String::from_utf8_lossy(&kept).into_owned()),
        Err(error) => {
            params.error("path", error.to_string());
            None
        }
    }
}

fn refuse_taken(params: &mut Params, others: &[UsageRow], row: &UsageRow) {
    let taken = others
        .iter()
        .any(|other| other.id != row.id && other.path.eq_ignore_ascii_case(&row.path));
    if taken {
        params.error(
            "path",
            "This path is already taken. Specify a different path.",
        );
    }
}

fn backend_usage(app: &App, row: &UsageRow) -> Object {
    let api = format!("{}/admin/api", app.config.admin_url);
    let service = format!("{api}/services/{}", row.product_id);
    Object::new("backend_usage")
        .with("id", row.id)
        .with("path", &row.path)
        .with("service_id", row.product_id)
        .with("backend_id", row.backend_id)
        .links([
            ("self", format!("{service}/backend_usages/{}", row.id)),
            ("service", service),
            (
                "backend_api",
                format!("{api}/backend_apis/{}", row.backend_id),
            ),
        ])
}
