//! `…/{application,service,account}_plans/{plan}/features`: which features a plan has.

use super::auth::{Read, Write};
use super::features as shapes;
use super::format::Answer;
use super::page::Page;
use super::params::Params;
use super::path::Ids;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::store::features;
use crate::store::plans::{self, ACCOUNT_PLAN, APPLICATION_PLAN, PlanRow, SERVICE_PLAN};
use crate::store::products;
use axum::extract::State;

/// `GET …/application_plans/{plan}/features`.
///
/// # Errors
/// See [`Error`].
pub async fn list_of_application_plan(
    State(app): State<App>,
    Ids([plan_id]): Ids<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    list(&app, APPLICATION_PLAN, plan_id, &mut call.params).await
}

/// `POST …/application_plans/{plan}/features`: `feature_id`.
///
/// # Errors
/// See [`Error`].
pub async fn add_to_application_plan(
    State(app): State<App>,
    Ids([plan_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    add(&app, APPLICATION_PLAN, plan_id, &mut call.params).await
}

/// `DELETE …/application_plans/{plan}/features/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn remove_from_application_plan(
    State(app): State<App>,
    Ids([plan_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    remove(&app, APPLICATION_PLAN, plan_id, id).await
}

/// `GET …/service_plans/{plan}/features`.
///
/// # Errors
/// See [`Error`].
pub async fn list_of_service_plan(
    State(app): State<App>,
    Ids([plan_id]): Ids<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    list(&app, SERVICE_PLAN, plan_id, &mut call.params).await
}

/// `POST …/service_plans/{plan}/features`: `feature_id`.
///
/// # Errors
/// See [`Error`].
pub async fn add_to_service_plan(
    State(app): State<App>,
    Ids([plan_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    add(&app, SERVICE_PLAN, plan_id, &mut call.params).await
}

/// `DELETE …/service_plans/{plan}/features/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn remove_from_service_plan(
    State(app): State<App>,
    Ids([plan_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    remove(&app, SERVICE_PLAN, plan_id, id).await
}

/// `GET …/account_plans/{plan}/features`.
///
/// # Errors
/// See [`Error`].
pub async fn list_of_account_plan(
    State(app): State<App>,
    Ids([plan_id]): Ids<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    list(&app, ACCOUNT_PLAN, plan_id, &mut call.params).await
}

/// `POST …/account_plans/{plan}/features`: `feature_id`.
///
/// # Errors
/// See [`Error`].
pub async fn add_to_account_plan(
    State(app): State<App>,
    Ids([plan_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    add(&app, ACCOUNT_PLAN, plan_id, &mut call.params).await
}

/// `DELETE …/account_plans/{plan}/features/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn remove_from_account_plan(
    State(app): State<App>,
    Ids([plan_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    remove(&app, ACCOUNT_PLAN, plan_id, id).await
}

async fn list(app: &App, kind: &str, plan_id: i64, params: &mut Params) -> Result<Answer, Error> {
    let page = Page::from_params(params)?;
    let mut tx = app.db.read().await?;
    plans::get(&mut tx, kind, plan_id).await?;
    let (rows, total) = features::page_of_plan(&mut tx, plan_id, page).await?;
    let list = shapes::objects(app, &mut tx, &rows).await?;
    Ok(Answer::ok(list.paged(page.of(total))))
}

async fn add(app: &App, kind: &str, plan_id: i64, params: &mut Params) -> Result<Answer, Error> {
    let feature_id = params.int("feature_id", 1, i64::MAX);
    params.check()?;
    let mut tx = app.db.begin().await?;
    let plan = lock(&mut tx, kind, plan_id).await?;
    let row = match features::get(&mut tx, plan.product_id, feature_id).await {
        Err(Error::NotFound) => {
            return Err(Error::invalid(
                "feature_id",
                "is not the id of a feature that this plan may have",
            ));
        }
        found => found?,
    };
    if row.scope != kind {
        return Err(Error::invalid(
            "feature_id",
            format!("is a feature for plans of another kind ({})", row.scope),
        ));
    }
    if !features::add_to_plan(&mut tx, plan_id, feature_id).await? {
        return Err(Error::invalid("feature_id", "has already been taken"));
    }
    let object = shapes::object(app, &mut tx, &row).await?;
    tx.commit().await?;
    Ok(Answer::created(
        object,
        format!("/admin/api/{kind}s/{plan_id}/features"),
    ))
}

async fn remove(app: &App, kind: &str, plan_id: i64, id: i64) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    lock(&mut tx, kind, plan_id).await?;
    if !features::remove_from_plan(&mut tx, plan_id, id).await? {
        return Err(Error::NotFound);
    }
    tx.commit().await?;
    Ok(Answer::empty())
}

/// The plan, which stays as it is until the transaction ends.
async fn lock(tx: &mut Tx, kind: &str, plan_id: i64) -> Result<PlanRow, Error> {
    let plan = plans::get(tx, kind, plan_id).await?;
    match plan.product_id {
        Some(product_id) => products::lock(tx, product_id).await?,
        None => tx.hold_revision().await?,
    }
    // It may have been deleted while we waited.
    plans::get(tx, kind, plan_id).await
}
