//! Applications: made with their credentials, given further ones, and shown with them.
//!
//! Parameters and permissions are not looked at here, and no SQL is written here.

mod keys;
mod plan;
mod plan_request;
mod referrers;
pub mod self_service;
mod state;
mod view;

use crate::credentials::{self, Fresh, MOST_KEYS, Sealer};
use crate::db::Tx;
use crate::error::{Error, FieldErrors};
use crate::events;
use crate::mail::{self, Kind, Mail, To};
pub use crate::promote::freeze::OIDC;
use crate::secrets::{self, APPLICATION_USER_KEY, Secret, Secrets};
use crate::store::applications::{self as rows, Application};
use crate::store::contracts::ApplicationPlan;
use crate::subscriptions;

pub use keys::{
    AddKey, KeyChange, MOST_LABEL, MOST_OVERLAP_SECS, OVERLAPS_SECS, Rotation, add_key, change_key,
    label_key, remove_key, rotate_key, sweep as sweep_keys,
};
pub use plan::{change_plan, customize, decustomize};
pub use plan_request::{
    Asked, accept_plan_request, ask_for_plan, drop_plan_request, plan_request, plans_to_ask_for,
};
pub use referrers::{
    MOST_FILTERS, add_referrer_filter, referrer_filter_problem, remove_referrer_filter,
};
pub use state::{delete, transition, withdraw};
pub use view::{KeyView, View, view, views};

/// An application to be made.
#[derive(Debug)]
pub struct NewApplication<'a> {
    /// The account it is of.
    pub account_id: i64,
    /// What the developer calls it.
    pub name: &'a str,
    /// What it is for.
    pub description: &'a str,
    /// How it came about: `api`, `signup`, or `portal`, which is news to the provider.
    pub origin: &'a str,
    /// Credentials it is to have; what is missing is made.
    pub wanted: Wanted,
}

/// Credentials that somebody chose.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The `app_id`.
    pub app_id: Option<String>,
    /// The `user_key`.
    pub user_key: Option<Secret>,
    /// The keys.
    pub keys: Vec<Secret>,
}

impl Wanted {
    /// What is wrong with them, wherever they are to be used.
    #[must_use]
    pub fn problems(&self) -> FieldErrors {
        let user_key = self
            .user_key
            .as_ref()
            .and_then(|user_key| credentials::user_key_problem(user_key.reveal()));
        let app_id = self.app_id.as_deref().and_then(credentials::app_id_problem);
        let key = self
            .keys
            .iter()
            .find_map(|key| credentials::app_key_problem(key.reveal()));
        let mut values: Vec<&str> = self.keys.iter().map(Secret::reveal).collect();
        values.sort_unstable();
        values.dedup();
        let twice = (values.len() < self.keys.len()).then(|| "is given twice".to_owned());
        let too_many = (self.keys.len() > MOST_KEYS)
            .then(|| format!("may be given at most {MOST_KEYS} times"));
        let fields = [
            ("user_key", user_key),
            ("application_id", app_id),
            ("application_key", key.or(twice).or(too_many)),
        ];
        FieldErrors(
            fields
                .into_iter()
                .filter_map(|(field, problem)| Some((field.to_owned(), problem?)))
                .collect(),
        )
    }
}

/// Makes an application on a plan; pending, if the plan wants it approved. Its id, and its credentials. The account is
/// subscribed to the product by the way.
///
/// # Errors
/// 422 when chosen credentials cannot be had, or nobody can subscribe to the product.
pub async fn create(
    tx: &mut Tx,
    secrets: &Secrets,
    plan: &ApplicationPlan,
    new: NewApplication<'_>,
) -> Result<(i64, Fresh), Error> {
    // First, so that nobody else takes what is found free below.
    tx.hold_revision().await?;
    let mut errors = new.wanted.problems();
    errors.0.extend(misplaced(plan, &new.wanted).0);
    if !errors.0.is_empty() {
        return Err(Error::Invalid(errors));
    }
    subscriptions::ensure(tx, new.account_id, plan.product_id).await?;
    let sealer = Sealer::load(tx, secrets).await?;
    let Wanted {
        app_id,
        user_key,
        mut keys,
    } = new.wanted;
    let mut fresh = Fresh::default();
    let (app_id, ident, sealed_user_key) = if takes_user_key(&plan.backend_version) {
        let user_key = user_key.unwrap_or_else(secrets::new_application_key);
        let ident = credentials::ident(plan.product_id, user_key.reveal());
        refuse_taken(tx, &ident, "user_key").await?;
        let sealed = sealer.seal(APPLICATION_USER_KEY, &user_key)?;
        fresh.0.push(user_key);
        (None, ident, sealed)
    } else {
        let app_id = match app_id {
            Some(app_id) => app_id,
            None => free_app_id(tx, plan.product_id).await?,
        };
        let ident = credentials::ident(plan.product_id, &app_id);
        refuse_taken(tx, &ident, "application_id").await?;
        if keys.is_empty() && (plan.mandatory_app_key || plan.backend_version == OIDC) {
            keys.push(secrets::new_application_key());
        }
        (Some(app_id), ident, None)
    };
    let id = rows::insert(
        tx,
        rows::NewRow {
            account_id: new.account_id,
            product_id: plan.product_id,
            plan_id: plan.id,
            name: new.name,
            description: new.description,
            state: if plan.approval_required {
                "pending"
            } else {
                "live"
            },
            app_id: app_id.as_deref(),
            user_key: sealed_user_key.as_deref(),
            ident: &ident,
            create_origin: new.origin,
        },
    )
    .await?;
    for key in keys {
        keys::insert(tx, &sealer, id, &key, "", None).await?;
        fresh.0.push(key);
    }
    if new.origin == PORTAL {
        let product_id = Some(plan.product_id);
        let mail = Mail::new(Kind::NewApplication, To::Provider { product_id });
        mail::record(tx, mail.application(id)).await?;
    }
    events::record(tx, events::APPLICATION_CREATED, id).await?;
    Ok((id, fresh))
}

/// Gives an application another `user_key`; the old one stops working.
///
/// # Errors
/// 422 when it cannot have this one.
pub async fn replace_user_key(
    tx: &mut Tx,
    secrets: &Secrets,
    application: &Application,
    user_key: Secret,
) -> Result<Fresh, Error> {
    tx.hold_revision().await?;
    if !takes_user_key(&application.backend_version) {
        return Err(Error::invalid("user_key", TAKES_APP_ID));
    }
    if let Some(problem) = credentials::user_key_problem(user_key.reveal()) {
        return Err(Error::invalid("user_key", problem));
    }
    let ident = credentials::ident(application.product_id, user_key.reveal());
    if ident != application.ident {
        refuse_taken(tx, &ident, "user_key").await?;
    }
    let sealer = Sealer::load(tx, secrets).await?;
    let sealed = sealer.seal(APPLICATION_USER_KEY, &user_key)?;
    rows::set_user_key(tx, application, &ident, sealed.as_deref()).await?;
    events::record(tx, events::APPLICATION_USER_KEY_UPDATED, application.id).await?;
    Ok(Fresh(vec![user_key]))
}

/// The application in some product, or in one, that this identifier names.
///
/// # Errors
/// When the database does not answer.
pub async fn find_by_identifier(
    tx: &mut Tx,
    product_id: Option<i64>,
    identifier: &str,
) -> Result<Option<Application>, Error> {
    let products = match product_id {
        Some(id) => vec![id],
        None => rows::products(tx).await?,
    };
    for product_id in products {
        let ident = credentials::ident(product_id, identifier);
        if let Some(application) = rows::by_ident(tx, &ident).await? {
            return Ok(Some(application));
        }
    }
    Ok(None)
}

/// Whether a product's applications are known by one `user_key`.
#[must_use]
pub fn takes_user_key(backend_version: &str) -> bool {
    backend_version == "1"
}

/// With tokens the key is the client's secret at the issuer, as in 3scale: there is one.
#[must_use]
pub fn most_keys(backend_version: &str) -> usize {
    if backend_version == OIDC {
        1
    } else {
        MOST_KEYS
    }
}

/// The origin of applications that developers make in the portal.
pub const PORTAL: &str = "portal";

/// Told of a plan id that names no application plan.
pub const NO_SUCH_PLAN: &str = "is not the id of an application plan";
const TAKES_USER_KEY: &str = "cannot be set: this product's applications have a user_key";
const TAKES_APP_ID: &str =
    "cannot be set: this product's applications have an application_id and keys";

/// Credentials of the kind that this product's applications do not have.
fn misplaced(plan: &ApplicationPlan, wanted: &Wanted) -> FieldErrors {
    let by_user_key = takes_user_key(&plan.backend_version);
    let fields = [
        (
            "application_id",
            by_user_key && wanted.app_id.is_some(),
            TAKES_USER_KEY,
        ),
        (
            "application_key",
            by_user_key && !wanted.keys.is_empty(),
            TAKES_USER_KEY,
        ),
        (
            "application_key",
            wanted.keys.len() > most_keys(&plan.backend_version) && wanted.keys.len() <= MOST_KEYS,
            "may be given once: it is the client's secret",
        ),
        (
            "user_key",
            !by_user_key && wanted.user_key.is_some(),
            TAKES_APP_ID,
        ),
    ];
    FieldErrors(
        fields
            .into_iter()
            .filter(|(_, misplaced, _)| *misplaced)
            .map(|(field, _, message)| (field.into(), message.into()))
            .collect(),
    )
}

async fn refuse_taken(tx: &mut Tx, ident: &[u8], field: &'static str) -> Result<(), Error> {
    match rows::by_ident(tx, ident).await? {
        Some(_) => Err(Error::invalid(field, "has already been taken")),
        None => Ok(()),
    }
}

/// 32 bits meet by chance once there are some ten thousand applications.
async fn free_app_id(tx: &mut Tx, product_id: i64) -> Result<String, Error> {
    for _ in 0..16 {
        let app_id = secrets::new_app_id();
        let ident = credentials::ident(product_id, &app_id);
        if rows::by_ident(tx, &ident).await?.is_none() {
            return Ok(app_id);
        }
    }
    Err(Error::internal("no free application id found"))
}
