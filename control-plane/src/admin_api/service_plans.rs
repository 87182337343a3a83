//! `/admin/api/services/{service}/service_plans` and `/admin/api/service_plans`: what accounts subscribe to products by.

use super::auth::{Read, Write};
use super::format::Answer;
use super::path::Ids;
use super::plans::{self, Owner};
use crate::app::App;
use crate::error::Error;
use crate::store::plans::SERVICE_PLAN;
use axum::extract::State;

/// `GET /admin/api/service_plans`: of all products.
///
/// # Errors
/// See [`Error`].
pub async fn list_all(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    plans::list_all(&app, SERVICE_PLAN, &mut call).await
}

/// `GET …/service_plans`.
///
/// # Errors
/// See [`Error`].
pub async fn list(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    plans::list(&app, Owner::subscriptions(product_id), &mut call).await
}

/// `GET …/service_plans/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    _call: Read,
) -> Result<Answer, Error> {
    plans::show(&app, Owner::subscriptions(product_id), id).await
}

/// `POST …/service_plans`.
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    plans::create(&app, Owner::subscriptions(product_id), &mut call.params).await
}

/// `PUT …/service_plans/{id}`; `state_event=publish` or `hide`.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    plans::update(&app, Owner::subscriptions(product_id), id, &mut call.params).await
}

/// `PUT …/service_plans/{id}/default`: taken when a subscription names none.
///
/// # Errors
/// See [`Error`].
pub async fn make_default(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    plans::make_default(&app, Owner::subscriptions(product_id), id).await
}

/// `DELETE …/service_plans/{id}`; refused while subscriptions are on it.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([product_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    plans::delete(&app, Owner::subscriptions(product_id), id).await
}
