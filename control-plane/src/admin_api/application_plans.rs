//! `/admin/api/services/{service}/application_plans` and `/admin/api/application_plans`: what applications are on.

use super::auth::{Read, Write};
use super::format::Answer;
use super::path::Ids;
use super::plans::{self, Owner};
use crate::app::App;
use crate::error::Error;
use crate::store::plans::APPLICATION_PLAN;
use axum::extract::State;

/// `GET /admin/api/application_plans`: of all products.
///
/// # Errors
/// See [`Error`].
pub async fn list_all(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    plans::list_all(&app, APPLICATION_PLAN, &mut call).await
}

/// `GET …/application_plans`.
///
/// # Errors
/// See [`Error`].
pub async fn list(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    plans::list(&app, Owner::applications(product_id), &mut call).await
}

/// `GET …/application_plans/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    _call: Read,
) -> Result<Answer, Error> {
    plans::show(&app, Owner::applications(product_id), id).await
}

/// `POST …/application_plans`.
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    plans::create(&app, Owner::applications(product_id), &mut call.params).await
}

/// `PUT …/application_plans/{id}`; `state_event=publish` or `hide`.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    plans::update(&app, Owner::applications(product_id), id, &mut call.params).await
}

/// `PUT …/application_plans/{id}/default`: taken when a signup names none.
///
/// # Errors
/// See [`Error`].
pub async fn make_default(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    plans::make_default(&app, Owner::applications(product_id), id).await
}

/// `DELETE …/application_plans/{id}`; refused while applications are on it.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    plans::delete(&app, Owner::applications(product_id), id).await
}
