//! `POST /admin/api/accounts/{account}/messages`: the provider writes to a developer, who reads it in the portal.

use super::auth::Write;
use super::format::{Answer, Object, timestamp};
use super::path::Ids;
use crate::app::App;
use crate::error::Error;
use crate::mail::{self, Kind, Mail, To};
use crate::store::accounts;
use crate::store::messages::{self, MessageRow};
use axum::extract::State;

const SUBJECT_CHARS: usize = 255;
const BODY_CHARS: usize = 65_535;

/// `POST …/messages`: `subject`, `body`; at least one of them.
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Ids([account_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let subject = params
        .opt_text("subject", SUBJECT_CHARS)
        .unwrap_or_default();
    let body = params.opt_text("body", BODY_CHARS).unwrap_or_default();
    if subject.is_empty() && body.is_empty() && !params.is_noted("subject") {
        params.error("body", "can't be blank");
    }
    params.check()?;
    let mut tx = app.db.begin().await?;
    accounts::lock(&mut tx, account_id).await?;
    let id = messages::insert(&mut tx, account_id, &subject, &body).await?;
    let to = To::Admins(account_id);
    mail::record(&mut tx, Mail::new(Kind::Message, to).message(id)).await?;
    let row = messages::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::created(
        message(&row),
        format!("/admin/api/accounts/{account_id}/messages/{id}"),
    ))
}

fn message(row: &MessageRow) -> Object {
    Object::new("message")
        .with("id", row.id)
        .with("body", &row.body)
        .with("subject", &row.subject)
        .with("state", &row.state)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
}
