//! `…/proxy/configs`: deployed versions, and promoting them; `/admin/api/account/proxy_configs` for gateways of old.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object};
use super::page::Page;
use super::path::Segments;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::promote;
use crate::publish::Environment;
use crate::service_tokens;
use crate::store::products;
use crate::store::versions::{self, ConfigRow};
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

/// `GET …/proxy/configs/{environment}`: all versions that it ever followed.
///
/// # Errors
/// See [`Error`].
pub async fn list(
    State(app): State<App>,
    segments: Segments,
    mut call: Read,
) -> Result<Answer, Error> {
    let (product_id, environment) = product_and_environment(&segments)?;
    let page = Page::from_params(&mut call.params)?;
    let mut tx = app.db.read().await?;
    products::get(&mut tx, product_id).await?;
    let (rows, total) = versions::list(&mut tx, product_id, environment.of_configs(), page).await?;
    let items = proxy_configs(&app, &mut tx, &rows).await?;
    Ok(Answer::ok(
        List::new("proxy_configs", "proxy_config", items).paged(page.of(total)),
    ))
}

/// `GET …/proxy/configs/{environment}/latest`: the version that it follows.
///
/// # Errors
/// See [`Error`].
pub async fn latest(
    State(app): State<App>,
    segments: Segments,
    _call: Read,
) -> Result<Answer, Error> {
    let (product_id, environment) = product_and_environment(&segments)?;
    let mut tx = app.db.read().await?;
    products::get(&mut tx, product_id).await?;
    let row = versions::current(&mut tx, product_id, environment.of_configs())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(Answer::ok(proxy_config(&app, &mut tx, &row).await?))
}

/// `GET …/proxy/configs/{environment}/{version}`.
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    segments: Segments,
    _call: Read,
) -> Result<Answer, Error> {
    let (product_id, environment) = product_and_environment(&segments)?;
    let version = segments.id("version")?;
    let mut tx = app.db.read().await?;
    products::get(&mut tx, product_id).await?;
    let row = versions::get(&mut tx, product_id, environment.of_configs(), version).await?;
    Ok(Answer::ok(proxy_config(&app, &mut tx, &row).await?))
}

/// `POST …/proxy/configs/{environment}/{version}/promote`: forward, or back to an older version. 201 when the
/// environment follows another version now, 200 when it followed this one already.
///
/// # Errors
/// See [`Error`].
pub async fn promote(
    State(app): State<App>,
    segments: Segments,
    mut call: Write,
) -> Result<Answer, Error> {
    let (product_id, environment) = product_and_environment(&segments)?;
    let version = segments.id("version")?;
    let to = call.params.opt_choice("to", &["sandbox", "production"]);
    if to.is_none() {
        call.params.check()?;
        call.params.error("to", "can't be blank");
    }
    call.params.check()?;
    let to = of_configs(to.unwrap_or_default())?;
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    let row = versions::get(&mut tx, product_id, environment.of_configs(), version).await?;
    let outcome = promote::promote(&mut tx, &row, to).await?;
    let row = versions::get(&mut tx, product_id, to.of_configs(), outcome.version).await?;
    let node = proxy_config(&app, &mut tx, &row).await?;
    tx.commit().await?;
    Ok(if outcome.changed {
        Answer::ok(node).with_status(StatusCode::CREATED)
    } else {
        Answer::ok(node)
    })
}

/// `GET /admin/api/account/proxy_configs/{environment}`: of all products; `version=latest`, `host=`.
///
/// # Errors
/// See [`Error`].
pub async fn list_all(
    State(app): State<App>,
    segments: Segments,
    mut call: Read,
) -> Result<Answer, Error> {
    let environment = of_configs(segments.text("environment")?)?;
    let page = Page::from_params(&mut call.params)?;
    let latest = match call.params.opt_text("version", 20).as_deref() {
        Some("latest") => true,
        None | Some("") => false,
        Some(_) => {
            call.params.error("version", "must be latest, or absent");
            false
        }
    };
    let host = call.params.opt_text("host", 255);
    let host = host.filter(|host| !host.is_empty());
    call.params.check()?;
    let reach = call.access.products();
    let mut tx = app.db.read().await?;
    if !latest && host.is_none() {
        let (rows, total) =
            versions::page_of_all(&mut tx, environment.of_configs(), reach, page).await?;
        let items = proxy_configs(&app, &mut tx, &rows).await?;
        let list = List::new("proxy_configs", "proxy_config", items).paged(page.of(total));
        return Ok(Answer::ok(list));
    }
    let mut items = Vec::new();
    for row in versions::current_of_all(&mut tx, environment.of_configs()).await? {
        if reach.has(row.product_id) && host.as_ref().is_none_or(|host| serves(&row, host)) {
            items.push(proxy_config(&app, &mut tx, &row).await?);
        }
    }
    let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let from = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let size = usize::try_from(page.limit()).unwrap_or(usize::MAX);
    let items = items.into_iter().skip(from).take(size);
    Ok(Answer::ok(
        List::new("proxy_configs", "proxy_config", items).paged(page.of(total)),
    ))
}

fn serves(row: &ConfigRow, host: &str) -> bool {
    let content: Value = serde_json::from_str(&row.content).unwrap_or_default();
    content
        .pointer("/proxy/hosts")
        .and_then(Value::as_array)
        .is_some_and(|hosts| {
            hosts
                .iter()
                .any(|known| known.as_str().is_some_and(|known| is_at(known, host)))
        })
}

/// Whether a request to `host` is one to what a product's host says, which may be `*.example.com`.
fn is_at(known: &str, host: &str) -> bool {
    let (known, host) = (known.to_ascii_lowercase(), host.to_ascii_lowercase());
    known == host
        || known.strip_prefix('*').is_some_and(|above| {
            host.strip_suffix(above)
                .is_some_and(|name| !name.is_empty())
        })
}

pub(super) fn product_and_environment(segments: &Segments) -> Result<(i64, Environment), Error> {
    Ok((
        segments.id("service_id")?,
        of_configs(segments.text("environment")?)?,
    ))
}

fn of_configs(name: &str) -> Result<Environment, Error> {
    [Environment::Staging, Environment::Production]
        .into_iter()
        .find(|environment| environment.of_configs() == name)
        .ok_or(Error::NotFound)
}

async fn proxy_configs(app: &App, tx: &mut Tx, rows: &[ConfigRow]) -> Result<Vec<Object>, Error> {
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        shown.push(proxy_config(app, tx, row).await?);
    }
    Ok(shown)
}

pub(super) async fn proxy_config(app: &App, tx: &mut Tx, row: &ConfigRow) -> Result<Object, Error> {
    // Tokens come and go; which one agents are to call with is not a version's.
    let token = service_tokens::current(tx, &app.secrets, row.product_id).await?;
    let content = promote::shown(&app.secrets, &row.content, token.as_ref())?;
    Ok(Object::new("proxy_config")
        .with("id", row.id)
        .with("version", row.version)
        .with("environment", &row.environment)
        .with("content", content))
}
