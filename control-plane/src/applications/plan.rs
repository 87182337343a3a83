//! Which plan an application is on: another of its product, or one made for it alone and back.
//!
//! The credit that gateways hold is by the limits of the plan before, so both ways count as changes of limits.

use super::NO_SUCH_PLAN;
use crate::db::Tx;
use crate::error::Error;
use crate::events;
use crate::mail::{self, Kind};
use crate::names;
use crate::store::applications::{self as rows, Application};
use crate::store::plans::{self, APPLICATION_PLAN, PlanRow};
use crate::store::{contracts, custom_plans, plan_change_requests, products};

/// How much of the original's system name the one of a copy begins with.
const SYSTEM_NAME_CHARS: usize = 200;
/// How much of the original's name the one of a copy begins with.
const NAME_CHARS: usize = 240;

/// Puts an application on another plan of its product. A plan that was made for it alone is gone then.
///
/// # Errors
/// 404 when there is no such application, 422 when the plan is not one of its product's.
pub async fn change_plan(
    tx: &mut Tx,
    account_id: i64,
    id: i64,
    plan_id: i64,
) -> Result<PlanRow, Error> {
    tx.hold_revision().await?;
    let application = rows::get(tx, Some(account_id), id).await?;
    let current = plans::get(tx, APPLICATION_PLAN, application.plan_id).await?;
    if current.id == plan_id {
        return Ok(current);
    }
    match contracts::find_application_plan(tx, plan_id).await? {
        Some(plan) if plan.product_id == application.product_id => {}
        Some(_) => {
            return Err(Error::invalid(
                "plan_id",
                "is a plan of another product than the application's",
            ));
        }
        None => return Err(Error::invalid("plan_id", NO_SUCH_PLAN)),
    }
    rows::set_plan(tx, id, plan_id).await?;
    plan_change_requests::forget(tx, id).await?;
    mail::about_application(tx, Kind::PlanChanged, account_id, id).await?;
    events::record(tx, events::APPLICATION_PLAN_CHANGED, id).await?;
    if current.original_id.is_some() {
        custom_plans::delete_unused(tx).await?;
        products::touch(tx, application.product_id).await?;
    }
    plans::get(tx, APPLICATION_PLAN, plan_id).await
}

/// Makes a plan for this application alone, with all that its plan has, to be changed at will. The plan; the one that
/// it has already, if it is on such a plan.
///
/// # Errors
/// 404 when there is no such application.
pub async fn customize(tx: &mut Tx, account_id: i64, id: i64) -> Result<PlanRow, Error> {
    let (application, current) = lock(tx, account_id, id).await?;
    if current.original_id.is_some() {
        return Ok(current);
    }
    let taken = plans::system_names(tx, APPLICATION_PLAN, Some(application.product_id)).await?;
    let system_name: String = current
        .system_name
        .chars()
        .take(SYSTEM_NAME_CHARS)
        .collect();
    let name: String = current.name.chars().take(NAME_CHARS).collect();
    let custom = PlanRow {
        original_id: Some(current.id),
        name: format!("{name} (custom)"),
        system_name: names::free(&format!("{system_name}_custom_{id}"), &taken),
        state: "hidden".into(),
        is_default: false,
        ..current.clone()
    };
    let custom_id = custom_plans::insert(tx, &custom, current.id).await?;
    rows::set_plan(tx, id, custom_id).await?;
    events::record(tx, events::APPLICATION_PLAN_CHANGED, id).await?;
    products::touch(tx, application.product_id).await?;
    plans::get(tx, APPLICATION_PLAN, custom_id).await
}

/// Puts an application back on the plan that its own was made from. That plan; the one that it is on, if it was made for
/// nobody.
///
/// # Errors
/// 404 when there is no such application.
pub async fn decustomize(tx: &mut Tx, account_id: i64, id: i64) -> Result<PlanRow, Error> {
    let (application, current) = lock(tx, account_id, id).await?;
    let Some(original_id) = current.original_id else {
        return Ok(current);
    };
    rows::set_plan(tx, id, original_id).await?;
    events::record(tx, events::APPLICATION_PLAN_CHANGED, id).await?;
    custom_plans::delete_unused(tx).await?;
    products::touch(tx, application.product_id).await?;
    plans::get(tx, APPLICATION_PLAN, original_id).await
}

/// The application and its plan, with all plans of its product held as they are.
async fn lock(tx: &mut Tx, account_id: i64, id: i64) -> Result<(Application, PlanRow), Error> {
    tx.hold_revision().await?;
    let application = rows::get(tx, Some(account_id), id).await?;
    products::lock(tx, application.product_id).await?;
    let plan = plans::get(tx, APPLICATION_PLAN, application.plan_id).await?;
    Ok((application, plan))
}
