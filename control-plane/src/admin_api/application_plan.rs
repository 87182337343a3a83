//! `…/applications/{application}/change_plan`, `customize_plan` and `decustomize_plan`.
//!
//! All answer with the plan that the application is on then, as 3scale does.

use super::auth::Write;
use super::format::Answer;
use super::path::Ids;
use super::plans::plan;
use crate::app::App;
use crate::applications;
use crate::error::Error;
use axum::extract::State;

/// `PUT …/change_plan`: another plan of its product.
///
/// # Errors
/// See [`Error`].
pub async fn change(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    let plan_id = call.params.int("plan_id", 1, i64::MAX);
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    let row = applications::change_plan(&mut tx, account_id, id, plan_id).await?;
    tx.commit().await?;
    Ok(Answer::ok(plan(&app, &row)))
}

/// `PUT …/customize_plan`: a copy of its plan for it alone, limits, pricing rules and features included.
///
/// # Errors
/// See [`Error`].
pub async fn customize(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let row = applications::customize(&mut tx, account_id, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(plan(&app, &row)))
}

/// `PUT …/decustomize_plan`: back to the plan that the copy was made from; the copy is gone.
///
/// # Errors
/// See [`Error`].
pub async fn decustomize(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let row = applications::decustomize(&mut tx, account_id, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(plan(&app, &row)))
}
