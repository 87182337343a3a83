//! `/admin/api/account_plans`: what developer accounts are on.

use super::auth::{Read, Write};
use super::format::Answer;
use super::path::Ids;
use super::plans::{self, Owner};
use crate::app::App;
use crate::error::Error;

use axum::extract::State;

/// `GET /admin/api/account_plans`.
///
/// # Errors
/// See [`Error`].
pub async fn list(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    plans::list(&app, Owner::ACCOUNTS, &mut call).await
}

/// `GET /admin/api/account_plans/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show(State(app): State<App>, Ids([id]): Ids<1>, _call: Read) -> Result<Answer, Error> {
    plans::show(&app, Owner::ACCOUNTS, id).await
}

/// `POST /admin/api/account_plans`.
///
/// # Errors
/// See [`Error`].
pub async fn create(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    plans::create(&app, Owner::ACCOUNTS, &mut call.params).await
}

/// `PUT /admin/api/account_plans/{id}`; `state_event=publish` or `hide`.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    plans::update(&app, Owner::ACCOUNTS, id, &mut call.params).await
}

/// `PUT /admin/api/account_plans/{id}/default`: taken when a signup names none.
///
/// # Errors
/// See [`Error`].
pub async fn make_default(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    plans::make_default(&app, Owner::ACCOUNTS, id).await
}

/// `DELETE /admin/api/account_plans/{id}`; refused while accounts are on it.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    plans::delete(&app, Owner::ACCOUNTS, id).await
}
