//! `/admin/api/accounts/{account}/applications/{application}/keys`: rotating keys.

use super::applications::{created, secret};
use super::auth::{Read, Write};
use super::format::{Answer, List};
use super::path::{Ids, Segments};
use super::shapes;
use crate::app::App;
use crate::applications::{self, AddKey, KeyChange, MOST_LABEL, MOST_OVERLAP_SECS, Rotation};
use crate::credentials::{Fresh, key_digest, masked};
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
    let add = AddKey {
        chosen: secret(&mut call.params, "key"),
        label: call
            .params
            .opt_text("label", MOST_LABEL)
            .unwrap_or_default(),
        expires_at: call.params.opt_time("expires_at"),
    };
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    let fresh = applications::add_key(&mut tx, &app.secrets, account_id, id, add).await?;
    let answer = created(&app, &mut tx, id, &fresh).await?;
    tx.commit().await?;
    Ok(answer)
}

/// `PUT …/keys/{key}`: its label and its end. Answers with the key.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    segments: Segments,
    mut call: Write,
) -> Result<Answer, Error> {
    let (account_id, id, key) = named(&segments)?;
    let expires_at = call
        .params
        .has("expires_at")
        .then(|| call.params.opt_time("expires_at"));
    let change = KeyChange {
        label: call.params.opt_text("label", MOST_LABEL),
        expires_at,
    };
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    applications::change_key(&mut tx, account_id, id, &key, change).await?;
    let view = applications::view(&mut tx, &app.secrets, id, &Fresh::default()).await?;
    let changed = view
        .keys
        .iter()
        .find(|shown| shown.name == key.reveal() || shown.name == masked(&key_digest(&key)))
        .ok_or(Error::NotFound)?;
    let answer = Answer::ok(shapes::key(changed));
    tx.commit().await?;
    Ok(answer)
}

/// `POST …/keys/{key}/rotate`: another key in its place, while the old one works on for `overlap` seconds. Answers with the
/// application.
///
/// # Errors
/// See [`Error`].
pub async fn rotate(
    State(app): State<App>,
    segments: Segments,
    mut call: Write,
) -> Result<Answer, Error> {
    let (account_id, id, old) = named(&segments)?;
    let rotation = Rotation {
        chosen: secret(&mut call.params, "new_key"),
        label: call.params.opt_text("label", MOST_LABEL),
        overlap_secs: call
            .params
            .opt_int("overlap", 0, MOST_OVERLAP_SECS)
            .unwrap_or_default(),
    };
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    let fresh =
        applications::rotate_key(&mut tx, &app.secrets, account_id, id, &old, rotation).await?;
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
    let (account_id, id, value) = named(&segments)?;
    let mut tx = app.db.begin().await?;
    applications::remove_key(&mut tx, account_id, id, &value).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// The account, the application, and the key's value or what is shown of it.
fn named(segments: &Segments) -> Result<(i64, i64, Secret), Error> {
    Ok((
        segments.id("account_id")?,
        segments.id("application_id")?,
        Secret::new(segments.text("key")?),
    ))
}
