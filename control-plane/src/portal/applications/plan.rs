//! Another plan for an application: at once, or by asking the provider.

use super::make::problems;
use super::{Own, own, path};
use crate::admin_api::path::Ids;
use crate::applications::self_service::{PlanChange, require};
use crate::applications::{self, Asked};
use crate::drop;
use crate::drops::{self, ApplicationDrop, PlanDrop};
use crate::error::Error;
use crate::portal::flash::Flash;
use crate::portal::form::{Form, FormDrop};
use crate::portal::view::Redirect;
use crate::portal::visitor::Member;
use crate::store::plan_change_requests as requests;
use crate::store::plans as plan_rows;
use axum::response::Response;

drop! {
    /// Plans to change to.
    pub struct ChangePlanPage as "applications/plan" {
        /// The application.
        application: ApplicationDrop,
        /// The plan it is on.
        plan: PlanDrop,
        /// The plans on offer, but not that one.
        plans: Vec<PlanDrop>,
        /// Whether the provider decides.
        is_request: bool,
        /// The id of the plan that was asked for and is not decided; 0 when none was.
        requested_plan_id: i64,
        /// That plan's name.
        requested_plan_name: Option<String>,
        /// The form: `plan_id`.
        form: FormDrop,
    }
}

const PAGE: &str = "applications/plan";
const TITLE: &str = "Change plan";

/// `GET /admin/applications/{id}/plan`
///
/// # Errors
/// 404 when it is not one of the account's, 403 when the product lets developers not change plans.
pub async fn show(member: Member, Ids([id]): Ids<1>) -> Result<Response, Error> {
    let values = page(&member, id, FormDrop::blank([])).await?;
    member.page(PAGE, TITLE, &values).await
}

/// `POST /admin/applications/{id}/plan`: `plan_id`.
///
/// # Errors
/// See [`show`].
pub async fn change(member: Member, Ids([id]): Ids<1>, mut form: Form) -> Result<Response, Error> {
    match changed(&member, id, &mut form).await {
        Ok(message) => Ok(Redirect::to(path(id))
            .flash(Flash::notice(message))
            .respond(&member)),
        Err(error) => {
            let values = page(&member, id, form.again(&problems(error)?)).await?;
            member.again(PAGE, TITLE, &values).await
        }
    }
}

async fn changed(member: &Member, id: i64, form: &mut Form) -> Result<String, Error> {
    let plan_id = form.params.int("plan_id", 1, i64::MAX);
    form.params.check()?;
    let account_id = member.account().id;
    let user_id = member.user().id;
    let mut tx = member.app.db.begin().await?;
    let asked = applications::ask_for_plan(&mut tx, account_id, id, user_id, plan_id).await?;
    let plan = plan_rows::get(&mut tx, plan_rows::APPLICATION_PLAN, plan_id).await?;
    tx.commit().await?;
    Ok(match asked {
        Asked::Changed => format!(
            "The application is on {} now. Its limits are in force already.",
            plan.name
        ),
        Asked::Requested => format!(
            "You asked for {}. We will write to you; until then everything stays as it is.",
            plan.name
        ),
    })
}

/// `POST /admin/applications/{id}/plan/cancel`: what was asked for is not wanted any more.
///
/// # Errors
/// 404 when it is not one of the account's.
pub async fn cancel(member: Member, Ids([id]): Ids<1>) -> Result<Response, Error> {
    let mut tx = member.app.db.begin().await?;
    own(&mut tx, &member, id).await?;
    requests::forget(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Redirect::to(path(id))
        .flash(Flash::notice("Your request is taken back."))
        .respond(&member))
}

async fn page(member: &Member, id: i64, form: FormDrop) -> Result<ChangePlanPage, Error> {
    let mut tx = member.app.db.read().await?;
    let Own {
        application, may, ..
    } = own(&mut tx, member, id).await?;
    require(may.plan != PlanChange::None)?;
    let current = plan_rows::get(&mut tx, plan_rows::APPLICATION_PLAN, application.plan_id).await?;
    let mut plans = Vec::new();
    for plan in applications::plans_to_ask_for(&mut tx, &application).await? {
        plans.push(drops::plan(&mut tx, &plan).await?);
    }
    let request = requests::find(&mut tx, id).await?;
    Ok(ChangePlanPage {
        application: ApplicationDrop::from(&application),
        plan: drops::plan(&mut tx, &current).await?,
        plans,
        is_request: may.plan == PlanChange::Request,
        requested_plan_id: request.as_ref().map_or(0, |request| request.plan_id),
        requested_plan_name: request.map(|request| request.plan_name),
        form,
    })
}
