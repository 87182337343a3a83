//! Signing up: an account with its first user, who is mailed a link.
//!
//! Whether an e-mail address has a user already is told to its owner alone, by mail: the page is the same.

use super::audit;
use super::form::{Form, FormDrop};
use super::lost_password;
use super::view::Redirect;
use super::visitor::Visitor;
use crate::db::Tx;
use crate::drop;
use crate::drops::{self, FieldDrop, PlanDrop, ServiceDrop};
use crate::error::{Error, FieldErrors};
use crate::fields::Fields;
use crate::secrets::Secret;
use crate::signup::{self, Channel, Signup};
use crate::store::fields_definitions::Target;
use crate::store::plans::{self, ACCOUNT_PLAN, APPLICATION_PLAN, PlanRow};
use crate::store::{contracts, products, settings, users};
use crate::throttle;
use crate::users::Person;
use axum::response::Response;

drop! {
    /// Where to sign up.
    pub struct SignupPage as "signup" {
        /// The form: `org_name`, `username`, `email`, `password`, the provider's own fields, and the choices below.
        form: FormDrop,
        /// The provider's own fields of accounts.
        account_fields: Vec<FieldDrop>,
        /// The provider's own fields of users.
        user_fields: Vec<FieldDrop>,
        /// Account plans to choose from: none unless developers may see them.
        account_plans: Vec<PlanChoiceDrop>,
        /// APIs whose plan can be chosen.
        offers: Vec<OfferDrop>,
        /// Whether the provider looks at new accounts first.
        approval_required: bool,
    }
}

drop! {
    /// An API with plans to choose from.
    pub struct OfferDrop as "offer" {
        /// The API.
        service: ServiceDrop,
        /// What the form calls the choice.
        field: String,
        /// The plans.
        plans: Vec<PlanChoiceDrop>,
        /// Whether one must not be chosen: there is no default.
        is_optional: bool,
        /// Whether none is chosen.
        is_none_chosen: bool,
    }
}

drop! {
    /// A plan that can be chosen.
    pub struct PlanChoiceDrop as "plan_choice" {
        /// The plan.
        plan: PlanDrop,
        /// Whether it is chosen.
        is_chosen: bool,
    }
}

drop! {
    /// After signing up.
    pub struct SignupSuccessPage as "signup/success" {
        /// Whether the provider looks at new accounts first.
        approval_required: bool,
    }
}

const PAGE: &str = "signup";
const TITLE: &str = "Sign up";
const DONE: &str = "/signup/success";
const TAKEN: &str = "has already been taken";

/// `GET /signup`: `plan_id` or `plan_ids[]` choose plans beforehand.
///
/// # Errors
/// 403 when signups are switched off.
pub async fn show(visitor: Visitor, mut form: Form) -> Result<Response, Error> {
    if visitor.user().is_some() {
        return Ok(Redirect::to("/admin").respond(&visitor));
    }
    let mut tx = visitor.app.db.read().await?;
    require_open(&mut tx).await?;
    let mut wanted = form.params.opt_texts("plan_ids", 20).unwrap_or_default();
    wanted.extend(form.params.opt_text("plan_id", 20));
    let values = page(&mut tx, FormDrop::blank([]), None, &wanted).await?;
    drop(tx);
    visitor.page(PAGE, TITLE, &values).await
}

/// `POST /signup`
///
/// # Errors
/// 403 when signups are switched off, 429 when there are too many from one address.
pub async fn sign_up(visitor: Visitor, mut form: Form) -> Result<Response, Error> {
    require_open(&mut visitor.app.db.read().await?).await?;
    throttle::admit(
        &visitor.app.db,
        &[(throttle::SIGNUPS_OF_CLIENT, &visitor.client)],
    )
    .await?;
    let errors = match try_sign_up(&visitor, &mut form).await {
        Ok(()) => return Ok(Redirect::to(DONE).respond(&visitor)),
        Err(Error::Invalid(errors)) => errors,
        Err(error) => return Err(error),
    };
    let mut tx = visitor.app.db.read().await?;
    let again = form.again(&errors);
    let values = page(&mut tx, again.clone(), Some(&again), &[]).await?;
    drop(tx);
    visitor.again(PAGE, TITLE, &values).await
}

/// `GET /signup/success`
///
/// # Errors
/// When the database does not answer.
pub async fn success(visitor: Visitor) -> Result<Response, Error> {
    let mut tx = visitor.app.db.read().await?;
    let approval_required = is_approval_required(&mut tx).await?;
    drop(tx);
    let values = SignupSuccessPage { approval_required };
    visitor
        .page("signup/success", "Check your mail", &values)
        .await
}

async fn require_open(tx: &mut Tx) -> Result<(), Error> {
    if settings::get(tx, settings::SIGNUPS_ENABLED).await? {
        Ok(())
    } else {
        Err(Error::Forbidden("Signup disabled"))
    }
}

async fn is_approval_required(tx: &mut Tx) -> Result<bool, Error> {
    let plan = plans::default(tx, ACCOUNT_PLAN, None).await?;
    signup::approval_required(tx, plan.as_ref()).await
}

/// What a valid form says.
struct Asked {
    org_name: String,
    username: String,
    email: String,
    password_hash: String,
}

async fn try_sign_up(visitor: &Visitor, form: &mut Form) -> Result<(), Error> {
    let app = &visitor.app;
    let (asked, password) = read(form);
    let mut tx = app.db.read().await?;
    let account_fields = Fields::of(&mut tx, Target::Account).await?;
    let account_fields = account_fields.read_of_developer(&mut form.params, "{}");
    let user_fields = Fields::of(&mut tx, Target::User).await?;
    let user_fields = user_fields.read_of_developer(&mut form.params, "{}");
    let account_plan_id = chosen_account_plan(&mut tx, form).await?;
    let application_plan_ids = chosen_plans(&mut tx, form).await?;
    drop(tx);
    form.params.check()?;
    let asked = Asked {
        password_hash: app.secrets.hash_password(password).await?,
        ..asked
    };
    let mut tx = app.db.begin().await?;
    let signed_up = signup::sign_up(
        &mut tx,
        &app.secrets,
        &Signup {
            channel: Channel::Portal(&app.config.portal_url),
            org_name: &asked.org_name,
            username: &asked.username,
            email: &asked.email,
            password_hash: Some(&asked.password_hash),
            account_plan_id,
            service_plan_ids: &[],
            application_plan_ids: &application_plan_ids,
            account_fields: &account_fields,
            user_fields: &user_fields,
        },
    )
    .await;
    match signed_up {
        // Its credentials are on the dashboard, once whoever it is has shown that the address is theirs.
        Ok((account_id, _)) => {
            if let Some(user) = users::of_account(&mut tx, account_id, None, None)
                .await?
                .first()
            {
                audit::note_user(user.id);
            }
            tx.commit().await
        }
        Err(Error::Invalid(errors)) => {
            let errors = without_taken_email(errors);
            if !errors.0.is_empty() {
                return Err(Error::Invalid(errors));
            }
            // The user who has the address is told that somebody tried, and how to come in.
            lost_password::send(&mut tx, &app.config.portal_url, &asked.email).await?;
            tx.commit().await
        }
        Err(error) => Err(error),
    }
}

fn read(form: &mut Form) -> (Asked, Secret) {
    let org_name = form.params.text("org_name", 255);
    let person = Person::read(&mut form.params);
    person.require(&mut form.params);
    let asked = Asked {
        org_name,
        username: person.username.unwrap_or_default(),
        email: person.email.unwrap_or_default(),
        password_hash: String::new(),
    };
    let password = person.password.unwrap_or_else(|| Secret::new(""));
    (asked, password)
}

fn without_taken_email(errors: FieldErrors) -> FieldErrors {
    let told = errors
        .0
        .into_iter()
        .filter(|(field, message)| field != "email" || message != TAKEN);
    FieldErrors(told.collect())
}

async fn chosen_account_plan(tx: &mut Tx, form: &mut Form) -> Result<Option<i64>, Error> {
    let plans = account_plans(tx).await?;
    let chosen = form.params.opt_id("account_plan_id");
    let chosen = chosen.filter(|_| !plans.is_empty());
    if let Some(id) = chosen
        && !plans.iter().any(|plan| plan.id == id)
    {
        form.params
            .error("account_plan_id", "is not one of these plans");
    }
    Ok(chosen)
}

async fn chosen_plans(tx: &mut Tx, form: &mut Form) -> Result<Vec<i64>, Error> {
    let mut chosen = Vec::new();
    for offer in offers(tx).await? {
        let field = field_of(offer.product_id);
        let Some(id) = form.params.opt_id(&field) else {
            continue;
        };
        if offer.plans.iter().any(|plan| plan.id == id) {
            chosen.push(id);
        } else {
            form.params.error(&field, "is not one of these plans");
        }
    }
    Ok(chosen)
}

/// Account plans that visitors may choose from.
async fn account_plans(tx: &mut Tx) -> Result<Vec<PlanRow>, Error> {
    if !settings::get(tx, settings::ACCOUNT_PLANS_UI_VISIBLE).await? {
        return Ok(Vec::new());
    }
    let mut plans = plans::list(tx, ACCOUNT_PLAN, None).await?;
    plans.retain(|plan| plan.state == "published");
    Ok(plans)
}

/// Plans of a product that visitors may choose from.
struct Offer {
    product_id: i64,
    plans: Vec<PlanRow>,
    has_default: bool,
}

/// Products that a new account is subscribed to, and whose plan its developers choose.
async fn offers(tx: &mut Tx) -> Result<Vec<Offer>, Error> {
    let mut offers = Vec::new();
    for service_plan in contracts::default_service_plans(tx).await? {
        let Some(product_id) = service_plan.product_id else {
            continue;
        };
        if !products::get(tx, product_id).await?.buyer_can_select_plan {
            continue;
        }
        let mut plans = plans::list(tx, APPLICATION_PLAN, Some(product_id)).await?;
        let has_default = plans.iter().any(|plan| plan.is_default);
        plans.retain(|plan| plan.state == "published");
        if !plans.is_empty() {
            offers.push(Offer {
                product_id,
                plans,
                has_default,
            });
        }
    }
    Ok(offers)
}

fn field_of(product_id: i64) -> String {
    format!("plan_{product_id}")
}

async fn page(
    tx: &mut Tx,
    form: FormDrop,
    again: Option<&FormDrop>,
    wanted: &[String],
) -> Result<SignupPage, Error> {
    let account_fields = Fields::of(tx, Target::Account).await?;
    let user_fields = Fields::of(tx, Target::User).await?;
    let sent =
        |field: &str| again.map(|form| form.values.0.get(field).cloned().unwrap_or_default());
    let account_plans = account_plans(tx).await?;
    let account_plans = choices(tx, &account_plans, sent("account_plan_id"), wanted).await?;
    let mut offered = Vec::new();
    for offer in offers(tx).await? {
        let field = field_of(offer.product_id);
        let product = products::get(tx, offer.product_id).await?;
        let plans = choices(tx, &offer.plans, sent(&field), wanted).await?;
        offered.push(OfferDrop {
            service: ServiceDrop::from(&product),
            is_optional: !offer.has_default,
            is_none_chosen: !plans.iter().any(|choice| choice.is_chosen),
            field,
            plans,
        });
    }
    Ok(SignupPage {
        account_fields: account_fields.shown("{}", again),
        user_fields: user_fields.shown("{}", again),
        account_plans,
        offers: offered,
        approval_required: is_approval_required(tx).await?,
        form,
    })
}

/// The plans, with the one chosen that was sent, or wanted, or is the default.
async fn choices(
    tx: &mut Tx,
    rows: &[PlanRow],
    sent: Option<String>,
    wanted: &[String],
) -> Result<Vec<PlanChoiceDrop>, Error> {
    let chosen = match sent {
        Some(id) => rows.iter().find(|row| row.id.to_string() == id),
        None => rows
            .iter()
            .find(|row| wanted.contains(&row.id.to_string()))
            .or_else(|| rows.iter().find(|row| row.is_default)),
    };
    let mut choices = Vec::new();
    for row in rows {
        choices.push(PlanChoiceDrop {
            plan: drops::plan(tx, row).await?,
            is_chosen: chosen.is_some_and(|chosen| chosen.id == row.id),
        });
    }
    Ok(choices)
}
