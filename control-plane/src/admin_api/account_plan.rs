//! `/admin/api/accounts/{account}/plan`: the account plan that an account is on.

use super::auth::{Read, Write};
use super::format::Answer;
use super::path::Ids;
use super::plans::plan;
use crate::app::App;
use crate::error::Error;
use crate::events;
use crate::store::plans::{self, ACCOUNT_PLAN};
use crate::store::{accounts, contracts};
use axum::extract::State;

/// `GET /admin/api/accounts/{account}/plan`
///
/// # Errors
/// See [`Error`].
pub async fn show(State(app): State<App>, Ids([id]): Ids<1>, _call: Read) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    accounts::get(&mut tx, id).await?;
    let row = contracts::of_account(&mut tx, id)
        .await?
        .ok_or(Error::NotFound)?;
    Ok(Answer::ok(plan(&app, &row)))
}

/// `PUT /admin/api/accounts/{account}/change_plan`: answers with the plan, as 3scale does.
///
/// # Errors
/// See [`Error`].
pub async fn change(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let plan_id = call.params.int("plan_id", 1, i64::MAX);
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    // First, so that the plan is not deleted meanwhile.
    tx.hold_revision().await?;
    accounts::lock(&mut tx, id).await?;
    let row = match plans::get(&mut tx, ACCOUNT_PLAN, plan_id).await {
        Err(Error::NotFound) => {
            return Err(Error::invalid(
                "plan_id",
                "is not the id of an account plan",
            ));
        }
        found => found?,
    };
    accounts::update(&mut tx, id, None, Some(plan_id)).await?;
    events::record(&mut tx, events::ACCOUNT_PLAN_CHANGED, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(plan(&app, &row)))
}
