//! Plans that developers ask for, to be decided by the provider.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::page::Page;
use super::path::Ids;
use super::plans::plan;
use crate::app::App;
use crate::applications;
use crate::error::Error;
use crate::store::plan_change_requests::{self as rows, PlanChangeRequest};
use axum::extract::State;

/// `GET /admin/api/plan_change_requests`: of all accounts, the oldest first.
///
/// # Errors
/// See [`Error`].
pub async fn index(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let mut tx = app.db.read().await?;
    let (found, total) = rows::page(&mut tx, call.access.products(), page).await?;
    let items = found.iter().map(object);
    Ok(Answer::ok(
        List::new("plan_change_requests", "plan_change_request", items).paged(page.of(total)),
    ))
}

/// `GET …/applications/{application}/plan_change_request`
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    let request = applications::plan_request(&mut tx, account_id, id).await?;
    Ok(Answer::ok(object(&request)))
}

/// `PUT …/applications/{application}/plan_change_request/accept`: answers with the plan that the application is on then.
///
/// # Errors
/// See [`Error`].
pub async fn accept(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let row = applications::accept_plan_request(&mut tx, account_id, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(plan(&app, &row)))
}

/// `DELETE …/applications/{application}/plan_change_request`: it is refused.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    applications::drop_plan_request(&mut tx, account_id, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

fn object(row: &PlanChangeRequest) -> Object {
    Object::new("plan_change_request")
        .with("id", row.id)
        .with("account_id", row.account_id)
        .with("org_name", &row.org_name)
        .with("application_id", row.application_id)
        .with("application_name", &row.application_name)
        .with("service_id", row.product_id)
        .with("current_plan_id", row.current_plan_id)
        .with("current_plan_name", &row.current_plan_name)
        .with("plan_id", row.plan_id)
        .with("plan_name", &row.plan_name)
        .with("user_id", row.user_id)
        .with("created_at", timestamp(row.created_at))
}
