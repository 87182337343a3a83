//! `/admin/api/accounts/{account}/applications/{application}/referrer_filters`: hosts that its requests may come from.

use super::applications::created;
use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::path::Ids;
use crate::app::App;
use crate::applications;
use crate::credentials::Fresh;
use crate::error::Error;
use crate::store::applications as rows;
use crate::store::referrer_filters::{self as filters, ReferrerFilterRow};
use axum::extract::State;

/// `GET …/referrer_filters`: all of them, five at most.
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
    let found = filters::of(&mut tx, &[id]).await?;
    Ok(Answer::ok(List::new(
        "referrer_filters",
        "referrer_filter",
        found.iter().map(referrer_filter),
    )))
}

/// `POST …/referrer_filters`: `referrer_filter`, a host in which `*` stands for anything. Answers with the application,
/// as 3scale does.
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    let value = call.params.text("referrer_filter", usize::MAX);
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    applications::add_referrer_filter(&mut tx, account_id, id, &value).await?;
    let answer = created(&app, &mut tx, id, &Fresh::default()).await?;
    tx.commit().await?;
    Ok(answer)
}

/// `DELETE …/referrer_filters/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([account_id, id, filter_id]): Ids<3>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    applications::remove_referrer_filter(&mut tx, account_id, id, filter_id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

fn referrer_filter(row: &ReferrerFilterRow) -> Object {
    Object::new("referrer_filter")
        .with("id", row.id)
        .with("value", &row.value)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
}
