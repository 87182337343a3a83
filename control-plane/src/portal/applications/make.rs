//! A new application: for which API, on which plan, called what.

use super::path;
use crate::admin_api::access::Products;
use crate::admin_api::page::Page;
use crate::applications::self_service::{SelfService, may_subscribe, plans_on_offer, require};
use crate::applications::{self, NewApplication, PORTAL, Wanted};
use crate::db::Tx;
use crate::drop;
use crate::drops::{self, FieldDrop, PlanDrop, ServiceDrop};
use crate::error::{Error, FieldErrors};
use crate::fields::Fields;
use crate::portal::flash::Flash;
use crate::portal::form::{Form, FormDrop};
use crate::portal::view::Redirect;
use crate::portal::visitor::Member;
use crate::store::contracts;
use crate::store::fields_definitions::{self, Target};
use crate::store::plans::PlanRow;
use crate::store::products::{self, ProductRow};
use axum::response::Response;

drop! {
    /// A new application.
    pub struct NewApplicationPage as "applications/new" {
        /// The API it is for; nothing while it is to be chosen.
        service: Option<ServiceDrop>,
        /// The APIs that there can be applications of.
        services: Vec<ServiceDrop>,
        /// The plans it may be on; with a single one there is nothing to choose.
        plans: Vec<PlanDrop>,
        /// The id of the plan that is chosen at first.
        chosen_plan_id: i64,
        /// Fields that the provider has added.
        extra_fields: Vec<FieldDrop>,
        /// The form: `service_id`, `plan_id`, `name`, `description`, and the fields' names.
        form: FormDrop,
    }
}

/// An API that there can be an application of, and on which plans.
#[derive(Debug)]
pub struct Offer {
    /// The API.
    pub product: ProductRow,
    /// One at least.
    pub plans: Vec<PlanRow>,
}

const PAGE: &str = "applications/new";
const TITLE: &str = "New application";
pub(super) const NAME_CHARS: usize = 255;
pub(super) const DESCRIPTION_CHARS: usize = 2_000;

/// `GET /admin/applications/new`: `service_id` and `plan_id` choose beforehand.
///
/// # Errors
/// When the database does not answer.
pub async fn new(member: Member, mut form: Form) -> Result<Response, Error> {
    let service_id = form.params.opt_id("service_id");
    let plan_id = form.params.opt_id("plan_id");
    let values = page(&member, service_id, plan_id, FormDrop::blank([])).await?;
    member.page(PAGE, TITLE, &values).await
}

/// `POST /admin/applications`
///
/// # Errors
/// 403 when there is no API that developers make applications of.
pub async fn create(member: Member, mut form: Form) -> Result<Response, Error> {
    let service_id = form.params.opt_id("service_id");
    let plan_id = form.params.opt_id("plan_id");
    match made(&member, &mut form, service_id, plan_id).await {
        Ok(flash_to) => Ok(flash_to.respond(&member)),
        Err(Error::Invalid(errors)) => {
            let values = page(&member, service_id, plan_id, form.again(&errors)).await?;
            member.again(PAGE, TITLE, &values).await
        }
        Err(error) => Err(error),
    }
}

async fn made(
    member: &Member,
    form: &mut Form,
    service_id: Option<i64>,
    plan_id: Option<i64>,
) -> Result<Redirect, Error> {
    let params = &mut form.params;
    let name = params.text("name", NAME_CHARS);
    let description = params
        .opt_text("description", DESCRIPTION_CHARS)
        .unwrap_or_default();
    let app = &member.app;
    let account_id = member.account().id;
    let mut tx = app.db.begin().await?;
    tx.hold_revision().await?;
    let offers = offers(&mut tx, account_id).await?;
    require(!offers.is_empty())?;
    let chosen = chosen(&offers, service_id, plan_id);
    let fields = Fields::of(&mut tx, Target::Cinstance).await?;
    let extra_fields = fields.read_of_developer(params, "{}");
    let plan = match chosen {
        Ok((_, plan)) => contracts::find_application_plan(&mut tx, plan.id).await?,
        Err((field, problem)) => {
            params.error(field, problem);
            None
        }
    };
    params.check()?;
    let plan = plan.ok_or_else(|| Error::invalid("plan_id", CHOOSE_PLAN))?;
    let new = NewApplication {
        account_id,
        name: &name,
        description: &description,
        origin: PORTAL,
        wanted: Wanted::default(),
    };
    let (id, fresh) = applications::create(&mut tx, &app.secrets, &plan, new).await?;
    fields_definitions::set(&mut tx, Target::Cinstance, id, &extra_fields).await?;
    tx.commit().await?;
    let message = if plan.approval_required {
        "Your application is made. It can call once it is approved: we will write to you."
    } else {
        "Your application is ready. Here is what it calls with."
    };
    let flash = match fresh.0.first() {
        Some(key) => Flash::notice(message).with_secret(key),
        None => Flash::notice(message),
    };
    Ok(Redirect::to(path(id)).flash(flash))
}

const CHOOSE_SERVICE: &str = "is to be chosen";
const CHOOSE_PLAN: &str = "is to be chosen: one of these";

/// What the form means by an API and a plan; what there is only one of need not be chosen. Or what is wrong, at which
/// field.
fn chosen(
    offers: &[Offer],
    service_id: Option<i64>,
    plan_id: Option<i64>,
) -> Result<(&Offer, &PlanRow), (&'static str, &'static str)> {
    let offer = match (service_id, offers) {
        (None, [only]) => only,
        (None, _) => return Err(("service_id", CHOOSE_SERVICE)),
        (Some(id), _) => offers
            .iter()
            .find(|offer| offer.product.id == id)
            .ok_or(("service_id", CHOOSE_SERVICE))?,
    };
    match (plan_id, offer.plans.as_slice()) {
        (None, [only]) => Ok((offer, only)),
        (None, _) => Err(("plan_id", CHOOSE_PLAN)),
        (Some(id), plans) => plans
            .iter()
            .find(|plan| plan.id == id)
            .map(|plan| (offer, plan))
            .ok_or(("plan_id", CHOOSE_PLAN)),
    }
}

/// What an account may make applications of.
///
/// # Errors
/// When the database does not answer.
pub async fn offers(tx: &mut Tx, account_id: i64) -> Result<Vec<Offer>, Error> {
    let everything = Page {
        number: 1,
        size: 500,
    };
    let mut offers = Vec::new();
    for product in products::list(tx, &Products::All, everything).await?.0 {
        if !SelfService::from(&product).applications
            || !may_subscribe(tx, account_id, product.id).await?
        {
            continue;
        }
        let plans = plans_on_offer(tx, &product).await?;
        if !plans.is_empty() {
            offers.push(Offer { product, plans });
        }
    }
    Ok(offers)
}

async fn page(
    member: &Member,
    service_id: Option<i64>,
    plan_id: Option<i64>,
    form: FormDrop,
) -> Result<NewApplicationPage, Error> {
    let mut tx = member.app.db.read().await?;
    let offers = offers(&mut tx, member.account().id).await?;
    let has_plan = |offer: &&Offer| offer.plans.iter().any(|plan| Some(plan.id) == plan_id);
    let offer = match offers.as_slice() {
        [only] => Some(only),
        _ => offers
            .iter()
            .find(|offer| Some(offer.product.id) == service_id)
            .or_else(|| offers.iter().find(has_plan)),
    };
    let mut plans = Vec::new();
    let mut chosen_plan_id = 0;
    if let Some(offer) = offer {
        let default = offer.plans.iter().find(|plan| plan.is_default);
        let asked = offer.plans.iter().find(|plan| Some(plan.id) == plan_id);
        chosen_plan_id = asked
            .or(default)
            .or(offer.plans.first())
            .map_or(0, |plan| plan.id);
        for plan in &offer.plans {
            plans.push(drops::plan(&mut tx, plan).await?);
        }
    }
    Ok(NewApplicationPage {
        service: offer.map(|offer| ServiceDrop::from(&offer.product)),
        services: offers
            .iter()
            .map(|offer| ServiceDrop::from(&offer.product))
            .collect(),
        plans,
        chosen_plan_id,
        extra_fields: Fields::of(&mut tx, Target::Cinstance)
            .await?
            .shown("{}", Some(&form)),
        form,
    })
}

/// Problems of a form, for pages that show it again.
pub(super) fn problems(error: Error) -> Result<FieldErrors, Error> {
    match error {
        Error::Invalid(errors) => Ok(errors),
        other => Err(other),
    }
}
