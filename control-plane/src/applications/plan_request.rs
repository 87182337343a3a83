//! Developers ask for another plan: it is theirs at once, or the provider decides, as the product has it.

use super::plan::change_plan;
use super::self_service::{PlanChange, SelfService, published_plans, require};
use crate::db::Tx;
use crate::error::Error;
use crate::mail::{self, Kind, Mail, To};
use crate::store::applications::{self as rows, Application};
use crate::store::plan_change_requests::{self as requests, PlanChangeRequest};
use crate::store::plans::PlanRow;
use crate::store::products;

/// What came of asking for a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The application is on it.
    Changed,
    /// The provider was told.
    Requested,
}

/// A developer asks for another plan. A request that was made before is forgotten.
///
/// # Errors
/// 403 when the product lets developers not, 404 when there is no such application, 422 when the plan is none that
/// developers may have.
pub async fn ask_for_plan(
    tx: &mut Tx,
    account_id: i64,
    id: i64,
    user_id: i64,
    plan_id: i64,
) -> Result<Asked, Error> {
    tx.hold_revision().await?;
    let application = rows::get(tx, Some(account_id), id).await?;
    let product = products::get(tx, application.product_id).await?;
    let change = SelfService::from(&product).plan;
    require(change != PlanChange::None)?;
    let plans = plans_to_ask_for(tx, &application).await?;
    if plans.iter().all(|plan| plan.id != plan_id) {
        return Err(Error::invalid(
            "plan_id",
            "is not one of the plans on offer",
        ));
    }
    if change == PlanChange::Direct {
        change_plan(tx, account_id, id, plan_id).await?;
        return Ok(Asked::Changed);
    }
    requests::put(tx, id, plan_id, user_id).await?;
    let to_account = Mail::new(Kind::PlanChangeRequestMade, To::Admins(account_id));
    let product_id = Some(application.product_id);
    let to_provider = Mail::new(Kind::PlanChangeRequested, To::Provider { product_id });
    for mail in [to_account, to_provider] {
        mail::record(tx, mail.application(id).plan(plan_id)).await?;
    }
    Ok(Asked::Requested)
}

/// The published plans of an application's product, but not the one that it is on.
///
/// # Errors
/// When the database does not answer.
pub async fn plans_to_ask_for(
    tx: &mut Tx,
    application: &Application,
) -> Result<Vec<PlanRow>, Error> {
    let mut plans = published_plans(tx, application.product_id).await?;
    plans.retain(|plan| plan.id != application.plan_id);
    Ok(plans)
}

/// The provider grants the request about an application: the plan that it is on then.
///
/// # Errors
/// 404 when there is none.
pub async fn accept_plan_request(tx: &mut Tx, account_id: i64, id: i64) -> Result<PlanRow, Error> {
    tx.hold_revision().await?;
    let request = plan_request(tx, account_id, id).await?;
    // Which forgets the request.
    change_plan(tx, account_id, id, request.plan_id).await
}

/// The provider refuses the request about an application, or the developer thought better of it.
///
/// # Errors
/// 404 when there is none.
pub async fn drop_plan_request(tx: &mut Tx, account_id: i64, id: i64) -> Result<(), Error> {
    tx.hold_revision().await?;
    plan_request(tx, account_id, id).await?;
    requests::forget(tx, id).await
}

/// What was asked for an application and is not decided.
///
/// # Errors
/// 404 when there is no such application, or nothing was.
pub async fn plan_request(
    tx: &mut Tx,
    account_id: i64,
    id: i64,
) -> Result<PlanChangeRequest, Error> {
    rows::get(tx, Some(account_id), id).await?;
    requests::find(tx, id).await?.ok_or(Error::NotFound)
}
