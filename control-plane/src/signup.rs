//! A developer signs up: account, first user and applications in one transaction, or nothing.

use crate::applications::{self, NewApplication, Wanted};
use crate::credentials::Fresh;
use crate::db::Tx;
use crate::error::{Error, FieldErrors};
use crate::events;
use crate::mail::{self, Kind, Mail, To};
use crate::secrets::Secrets;
use crate::store::contracts::{self, ApplicationPlan};
use crate::store::fields_definitions::{self, Target};
use crate::store::plans::{self, ACCOUNT_PLAN, PlanRow, SERVICE_PLAN};
use crate::store::{accounts, settings, subscriptions, users as user_rows};
use crate::subscriptions::{NO_SUCH_PLAN, NOT_SUBSCRIBED};
use crate::user_links::{self, Purpose};
use crate::users;

/// Who signs up, and for what.
#[derive(Debug)]
pub struct Signup<'a> {
    /// Where.
    pub channel: Channel<'a>,
    /// The developer's organisation.
    pub org_name: &'a str,
    /// What its first user logs in with.
    pub username: &'a str,
    /// The user's address, or blank.
    pub email: &'a str,
    /// Argon2id; without a password a user that the provider signs up stays pending.
    pub password_hash: Option<&'a str>,
    /// The account plan; the default one when `None`.
    pub account_plan_id: Option<i64>,
    /// Service plans, at most one of a product; products without one here get their default one, if there is one.
    pub service_plan_ids: &'a [i64],
    /// Application plans; products that are subscribed to and without one here get their default one.
    pub application_plan_ids: &'a [i64],
    /// The provider's own fields of the account, a JSON object.
    pub account_fields: &'a str,
    /// Those of the user.
    pub user_fields: &'a str,
}

/// Where somebody signs up, and so what is known of its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel<'a> {
    /// The provider does it, and vouches for a user that it gives a password.
    Api,
    /// A visitor of the portal: the user is mailed a link to the portal at this address, and active once it has followed it.
    Portal(&'a str),
    /// An identity provider vouches for the user, who is active at once and has no password.
    IdentityProvider,
}

impl Channel<'_> {
    /// Name and description of the applications that come with it.
    fn application(self, org_name: &str) -> (String, &'static str) {
        match self {
            Self::Api => ("API signup".to_owned(), "API signup"),
            Self::Portal(_) | Self::IdentityProvider => {
                let owner: String = org_name.chars().take(OWNER_CHARS).collect();
                (
                    format!("{owner}'s App"),
                    "Default application created on signup.",
                )
            }
        }
    }

    fn origin(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Portal(_) | Self::IdentityProvider => "signup",
        }
    }
}

/// What an application's name takes of its account's.
const OWNER_CHARS: usize = 200;

/// Makes it all. The account's id, and credentials that are shown now or never.
///
/// # Errors
/// 422 when names are taken or plans do not exist.
pub async fn sign_up(
    tx: &mut Tx,
    secrets: &Secrets,
    signup: &Signup<'_>,
) -> Result<(i64, Fresh), Error> {
    // First, so that nobody else takes what is found free below.
    tx.hold_revision().await?;
    let mut errors = FieldErrors::default();
    for field in users::taken(tx, Some(signup.username), Some(signup.email), None).await? {
        errors
            .0
            .push((field.into(), "has already been taken".into()));
    }
    let account_plan = account_plan(tx, signup, &mut errors).await?;
    let service_plans = service_plans(tx, signup, &mut errors).await?;
    let application_plans = application_plans(tx, signup, &service_plans, &mut errors).await?;
    if !errors.0.is_empty() {
        return Err(Error::Invalid(errors));
    }

    let approval_required = approval_required(tx, account_plan.as_ref()).await?;
    let has_password = signup.password_hash.is_some();
    let (is_vouched_for, is_active) = match signup.channel {
        Channel::Api => (has_password, has_password && !approval_required),
        Channel::Portal(_) => (false, false),
        Channel::IdentityProvider => (true, true),
    };
    let state = match (is_vouched_for, approval_required) {
        (false, _) => "created",
        (true, true) => "pending",
        (true, false) => "approved",
    };
    let now_ms = tx.now_ms().await?;
    let plan_id = account_plan.map(|plan| plan.id);
    let account_id = accounts::insert(tx, signup.org_name, state, plan_id, now_ms).await?;
    let user_id = user_rows::insert(
        tx,
        user_rows::NewUser {
            account_id,
            username: signup.username,
            email: signup.email,
            password_hash: signup.password_hash,
            state: if is_active { "active" } else { "pending" },
            role: "admin",
        },
        now_ms,
    )
    .await?;
    fields_definitions::set(tx, Target::Account, account_id, signup.account_fields).await?;
    fields_definitions::set(tx, Target::User, user_id, signup.user_fields).await?;
    for plan in &service_plans {
        subscriptions::insert(tx, account_id, plan).await?;
    }
    let mut fresh = Fresh::default();
    let (application_name, description) = signup.channel.application(signup.org_name);
    for plan in &application_plans {
        let application = NewApplication {
            account_id,
            name: &application_name,
            description,
            origin: signup.channel.origin(),
            wanted: Wanted::default(),
        };
        let (_, made) = applications::create(tx, secrets, plan, application).await?;
        fresh.0.extend(made.0);
    }
    let news = Mail::new(Kind::NewAccount, To::Provider { product_id: None });
    mail::record(tx, news.account(account_id).user(user_id)).await?;
    if let Channel::Portal(portal_url) = signup.channel {
        let url = user_links::issue(tx, portal_url, Purpose::Activation, user_id).await?;
        let welcome = Mail::new(Kind::SignupNotification, To::User(user_id));
        mail::record(tx, welcome.url(&url)).await?;
    }
    if state == "pending" {
        mail::record(tx, Mail::new(Kind::AccountConfirmed, To::User(user_id))).await?;
    }
    events::record(tx, events::USER_CREATED, user_id).await?;
    events::record(tx, events::ACCOUNT_CREATED, account_id).await?;
    Ok((account_id, fresh))
}

/// Whether an account on this plan waits for the provider.
///
/// # Errors
/// When the database does not answer.
pub async fn approval_required(tx: &mut Tx, plan: Option<&PlanRow>) -> Result<bool, Error> {
    Ok(plan.is_some_and(|plan| plan.approval_required)
        || settings::get(tx, settings::ACCOUNT_APPROVAL_REQUIRED).await?)
}

async fn account_plan(
    tx: &mut Tx,
    signup: &Signup<'_>,
    errors: &mut FieldErrors,
) -> Result<Option<PlanRow>, Error> {
    let (plan, problem) = match signup.account_plan_id {
        Some(id) => (
            existing(tx, ACCOUNT_PLAN, id).await?,
            "is not the id of an account plan",
        ),
        None => (
            plans::default(tx, ACCOUNT_PLAN, None).await?,
            "can't be blank: no account plan is the default",
        ),
    };
    if plan.is_none() {
        errors.0.push(("account_plan_id".into(), problem.into()));
    }
    Ok(plan)
}

/// By which plans it subscribes to which products.
async fn service_plans(
    tx: &mut Tx,
    signup: &Signup<'_>,
    errors: &mut FieldErrors,
) -> Result<Vec<PlanRow>, Error> {
    let mut chosen: Vec<PlanRow> = Vec::new();
    for id in signup.service_plan_ids {
        let problem = match existing(tx, SERVICE_PLAN, *id).await? {
            None => NO_SUCH_PLAN,
            Some(plan) if has_one_of(&chosen, plan.product_id) => {
                "names two plans of one product: it is subscribed to by one"
            }
            Some(plan) => {
                chosen.push(plan);
                continue;
            }
        };
        errors.0.push(("service_plan_id".into(), problem.into()));
    }
    for default in contracts::default_service_plans(tx).await? {
        if !has_one_of(&chosen, default.product_id) {
            chosen.push(default);
        }
    }
    Ok(chosen)
}

async fn existing(tx: &mut Tx, kind: &str, id: i64) -> Result<Option<PlanRow>, Error> {
    match plans::get(tx, kind, id).await {
        Err(Error::NotFound) => Ok(None),
        found => found.map(Some),
    }
}

fn has_one_of(plans: &[PlanRow], product_id: Option<i64>) -> bool {
    plans.iter().any(|plan| plan.product_id == product_id)
}

async fn application_plans(
    tx: &mut Tx,
    signup: &Signup<'_>,
    service_plans: &[PlanRow],
    errors: &mut FieldErrors,
) -> Result<Vec<ApplicationPlan>, Error> {
    let mut plans: Vec<ApplicationPlan> = Vec::new();
    for id in signup.application_plan_ids {
        let problem = match contracts::find_application_plan(tx, *id).await? {
            None => applications::NO_SUCH_PLAN,
            Some(plan) if !has_one_of(service_plans, Some(plan.product_id)) => NOT_SUBSCRIBED,
            Some(plan) => {
                plans.push(plan);
                continue;
            }
        };
        errors
            .0
            .push(("application_plan_id".into(), problem.into()));
    }
    for default in contracts::default_application_plans(tx).await? {
        // 3scale's rule: who cannot subscribe to a product gets no application of it.
        if has_one_of(service_plans, Some(default.product_id))
            && plans
                .iter()
                .all(|plan| plan.product_id != default.product_id)
        {
            plans.push(default);
        }
    }
    Ok(plans)
}
