//! `/admin/api/personal/access_tokens` and `/admin/api/users/{user}/access_tokens`.
//!
//! A token's value is shown in the answer that makes it, and never again.

use super::auth::{Read, SCOPES, Write};
use super::format::{Answer, List, Object, timestamp};
use super::page::Page;
use super::params::Params;
use super::path::{Ids, Segments};
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::secrets::{self, Secret};
use crate::store::access_tokens::{self as rows, AccessToken, NewAccessToken};
use crate::store::provider_users;
use axum::extract::State;

/// `GET /admin/api/personal/access_tokens`: the caller's, perhaps only those whose `name` holds a text.
///
/// # Errors
/// See [`Error`].
pub async fn index(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let owner_id = call.access.user_id()?;
    let page = Page::from_params(&mut call.params)?;
    let name = call.params.opt_text("name", 255).unwrap_or_default();
    call.params.check()?;
    let mut tx = app.db.read().await?;
    let (tokens, paged) = page.cut(rows::of(&mut tx, owner_id, &name).await?);
    let items = tokens.map(|token| shape(&token, None));
    Ok(Answer::ok(
        List::new("access_tokens", "access_token", items).paged(paged),
    ))
}

/// `POST /admin/api/personal/access_tokens`
///
/// # Errors
/// See [`Error`].
pub async fn create(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let owner_id = call.access.user_id()?;
    let mut tx = app.db.begin().await?;
    let (token, value) = insert(&mut tx, &mut call.params, owner_id).await?;
    tx.commit().await?;
    let location = format!("/admin/api/personal/access_tokens/{}", token.id);
    Ok(Answer::created(shape(&token, Some(value)), location))
}

/// `GET /admin/api/personal/access_tokens/{id}`: by id or value.
///
/// # Errors
/// See [`Error`].
pub async fn show(State(app): State<App>, segments: Segments, call: Read) -> Result<Answer, Error> {
    let owner_id = call.access.user_id()?;
    let mut tx = app.db.read().await?;
    let token = rows::get(&mut tx, owner_id, segments.text("id")?).await?;
    Ok(Answer::ok(shape(&token, None)))
}

/// `DELETE /admin/api/personal/access_tokens/{id}`: by id or value.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    segments: Segments,
    call: Write,
) -> Result<Answer, Error> {
    let owner_id = call.access.user_id()?;
    let mut tx = app.db.begin().await?;
    let token = rows::get(&mut tx, owner_id, segments.text("id")?).await?;
    rows::delete(&mut tx, token.id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// `POST /admin/api/users/{user}/access_tokens`
///
/// # Errors
/// See [`Error`].
pub async fn create_for_user(
    State(app): State<App>,
    Ids([user_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let (token, value) = insert(&mut tx, &mut call.params, user_id).await?;
    tx.commit().await?;
    let location = format!("/admin/api/personal/access_tokens/{}", token.id);
    Ok(Answer::created(shape(&token, Some(value)), location))
}

async fn insert(
    tx: &mut Tx,
    params: &mut Params,
    owner_id: i64,
) -> Result<(AccessToken, Secret), Error> {
    // Nobody deletes the user meanwhile and leaves the token.
    provider_users::lock(tx).await?;
    provider_users::get(tx, owner_id).await?;
    let name = params.text("name", 255);
    let permission = params.opt_choice("permission", &["ro", "rw"]);
    if permission.is_none() && !params.is_noted("permission") {
        params.error("permission", "can't be blank");
    }
    let scopes = read_scopes(params);
    let now_ms = tx.now_ms().await?;
    let expires_at = params.opt_time("expires_at");
    if expires_at.is_some_and(|at| at <= now_ms) {
        params.error("expires_at", "must be in the future");
    }
    params.check()?;
    let value = secrets::new_access_token();
    let new = NewAccessToken {
        owner_id,
        name: &name,
        scopes: &scopes.join(","),
        permission: permission.unwrap_or("ro"),
        expires_at,
    };
    Ok((rows::insert(tx, new, &value).await?, value))
}

/// At least one, each once, in the order that we list them.
fn read_scopes(params: &mut Params) -> Vec<&'static str> {
    let mut given = params.opt_texts("scopes", 255).unwrap_or_default();
    given.retain(|scope| !scope.is_empty());
    if params.is_noted("scopes") {
        return Vec::new();
    }
    if given.is_empty() {
        params.error("scopes", "can't be blank");
    }
    if given.iter().any(|scope| !SCOPES.contains(&scope.as_str())) {
        params.error("scopes", format!("must be some of {}", SCOPES.join(", ")));
    }
    let is_given = |scope: &&&str| given.iter().any(|one| one == **scope);
    SCOPES.iter().filter(is_given).copied().collect()
}

fn shape(token: &AccessToken, value: Option<Secret>) -> Object {
    let scopes = token.scopes.split(',').filter(|scope| !scope.is_empty());
    Object::new("access_token")
        .with("id", token.id)
        .with("name", &token.name)
        .with("scopes", List::new("scopes", "scope", scopes).unwrapped())
        .with("permission", &token.permission)
        .with("expires_at", token.expires_at.map(timestamp))
        .maybe("value", value)
}
