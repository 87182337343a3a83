//! `/admin/api/accounts/{account}/applications/{application}/keys`: rotating keys.

use super::applications::{created, secret};
use super::auth::{Read, Write};
use super::format::{Answer, List};
use super::path::{Ids, Segments};
use super::shapes;
use crate::app::App;
use crate::applications;
use crate::credentials::Fresh;
use crate::error::Error;
use crate::secrets::Secret;
use crate::store::applications as rows;
use axum::extract::State;

/// `GET …/keys`
///
/// # Errors
/// See [`Error`].
pub async fn index(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    rows::get(&mut tx, Some(account_id), id).await?;
    let view = applications::view(&mut tx, &app.secrets, id, &Fresh::default()).await?;
    Ok(Answer::ok(List::new(
        "keys",
        "key",
        view.keys.iter().map(shapes::key),
    )))
}

/// `POST …/keys`: a chosen key, or a new one. Answers with the application, as 3scale does.
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    let chosen = secret(&mut call.params, "key");
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    let fresh = applications::add_key(&mut tx, &app.secrets, account_id, id, chosen).await?;
    let answer = created(&app, &mut tx, id, &fresh).await?;
    tx.commit().await?;
    Ok(answer)
}

/// `DELETE …/keys/{key}`: by its value, or by what is shown of it.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    segments: Segments,
    _call: Write,
) -> Result<Answer, Error> {
    let account_id = segments.id("account_id")?;
    let id = segments.id("application_id")?;
    let value = Secret::new(segments.text("key")?);
    let mut tx = app.db.begin().await?;
    applications::remove_key(&mut tx, account_id, id, &value).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}
