//! `/admin/api/services/{service_id}/service_tokens`: what agents call the Service Management API with.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::page::Page;
use super::path::Ids;
use crate::app::App;
use crate::error::Error;
use crate::service_tokens;
use crate::store::products;
use crate::store::service_tokens::{self as rows, ServiceToken};
use axum::extract::State;

/// `GET …/service_tokens`: all of a product, with their values.
///
/// # Errors
/// See [`Error`].
pub async fn index(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let mut tx = app.db.read().await?;
    products::get(&mut tx, product_id).await?;
    let all = rows::list(&mut tx, product_id).await?;
    let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let shown = all
        .iter()
        .skip(usize::try_from(page.offset()).unwrap_or(usize::MAX))
        .take(usize::try_from(page.limit()).unwrap_or(usize::MAX))
        .map(|token| object(&app, token))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Answer::ok(
        List::new("service_tokens", "service_token", shown).paged(page.of(total)),
    ))
}

/// `POST …/service_tokens`
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let name = call.params.text("name", 255);
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    let token = service_tokens::create(&mut tx, &app.secrets, product_id, &name).await?;
    let shown = object(&app, &token)?;
    tx.commit().await?;
    Ok(Answer::created(
        shown,
        format!(
            "/admin/api/services/{product_id}/service_tokens/{}",
            token.id
        ),
    ))
}

/// `GET …/service_tokens/{id}`
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
    let token = rows::get(&mut tx, product_id, id).await?;
    Ok(Answer::ok(object(&app, &token)?))
}

/// `DELETE …/service_tokens/{id}`: it works no longer.
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
    rows::delete(&mut tx, product_id, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

fn object(app: &App, token: &ServiceToken) -> Result<Object, Error> {
    Ok(Object::new("service_token")
        .with("id", token.id)
        .with("service_id", token.product_id)
        .with("name", &token.name)
        .with("value", service_tokens::value(&app.secrets, token)?)
        .with("created_at", timestamp(token.created_at)))
}
