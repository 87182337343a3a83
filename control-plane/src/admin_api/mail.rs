//! `/admin/api/mail`: e-mails that could not be sent.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::page::Page;
use crate::app::App;
use crate::error::Error;
use crate::store::mails as outbox;
use axum::extract::State;

/// `GET /admin/api/mail/failures`: what was given up, the oldest first.
///
/// # Errors
/// See [`Error`].
pub async fn failures(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let mut tx = app.db.read().await?;
    let (failures, total) = outbox::failures(&mut tx, page).await?;
    let items = failures.iter().map(|failure| {
        Object::new("failure")
            .with("id", &failure.mail_id)
            .with("template", &failure.kind)
            .with("to", &failure.address)
            .with("created_at", timestamp(failure.created_at))
            .with("time", timestamp(failure.failed_at))
            .with("attempts", failure.attempts)
            .with("error", &failure.error)
    });
    Ok(Answer::ok(
        List::new("failures", "failure", items).paged(page.of(total)),
    ))
}

/// `PUT /admin/api/mail/failures/retry`: has all of them tried again.
///
/// # Errors
/// See [`Error`].
pub async fn retry(State(app): State<App>, _call: Write) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    outbox::retry_failures(&mut tx).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// `DELETE /admin/api/mail/failures`: forgets them, or those until `time`.
///
/// # Errors
/// See [`Error`].
pub async fn delete_failures(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let until_ms = call.params.opt_time("time");
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    // Shown are whole seconds: that one included.
    outbox::forget_failures(&mut tx, until_ms.map(|ms| ms.saturating_add(999))).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}
