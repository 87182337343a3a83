//! The page of an application: credentials, plan, first call.

use super::{Own, own};
use crate::admin_api::path::Ids;
use crate::applications::self_service::PlanChange;
use crate::applications::{self, KeyView, MOST_FILTERS, OIDC, OVERLAPS_SECS, View};
use crate::credentials::{self, Fresh};
use crate::db::Tx;
use crate::drop;
use crate::drops::{self, ApplicationDrop, FieldDrop, PlanDrop, ServiceDrop};
use crate::error::Error;
use crate::fields::Fields;
use crate::liquid::Moment;
use crate::portal::first_call::{FirstCallDrop, Shown, first_call};
use crate::portal::form::FormDrop;
use crate::portal::visitor::Member;
use crate::secrets::Secret;
use crate::store::fields_definitions::Target;
use crate::store::{plan_change_requests, plans, referrer_filters, versions};
use axum::response::Response;

drop! {
    /// One of an application's keys.
    pub struct KeyDrop as "application_key" {
        /// What its forms name it by.
        id: String,
        /// Its value, or what tells it from others when that cannot be shown any more.
        value: String,
        /// Whether its value cannot be shown any more.
        is_hidden: bool,
        /// What it is called; may be blank.
        label: String,
        /// When it was made.
        created_at: Moment,
        /// When it stops working; nothing if it does not.
        expires_at: Option<Moment>,
        /// About when it was last called with; nothing while nobody did.
        last_used_at: Option<Moment>,
    }
}

drop! {
    /// How long an old key may still work.
    pub struct OverlapDrop as "overlap" {
        /// In seconds.
        seconds: i64,
        /// In words, as in `7 days`.
        words: String,
        /// Whether it is what most want.
        is_usual: bool,
    }
}

drop! {
    /// A host that requests may come from.
    pub struct ReferrerFilterDrop as "referrer_filter" {
        /// Its id.
        id: i64,
        /// The host; `*` stands for anything.
        value: String,
    }
}

drop! {
    /// What the reader may do with an application.
    pub struct CanDrop as "can" {
        /// Change it, and delete it.
        edit: bool,
        /// Add, rotate and delete keys.
        manage_keys: bool,
        /// Choose a key's value.
        choose_keys: bool,
        /// One more key fits.
        add_key: bool,
        /// A key that lasts may go: it is not the last of those that must be.
        delete_last_key: bool,
        /// One more host fits.
        add_referrer_filter: bool,
        /// Come to another plan, at once or by asking.
        change_plan: bool,
    }
}

drop! {
    /// The page of an application.
    pub struct ApplicationPage as "applications/show" {
        /// The application.
        application: ApplicationDrop,
        /// The API it calls.
        service: ServiceDrop,
        /// The plan it is on.
        plan: PlanDrop,
        /// The plan that was asked for and is not decided.
        requested_plan_name: Option<String>,
        /// Fields that the provider has added, with what they hold.
        extra_fields: Vec<FieldDrop>,
        /// Its one key, of an API that takes a `user_key`.
        user_key: Option<KeyDrop>,
        /// Its keys, of an API that takes an `app_id` and keys. The oldest first.
        keys: Vec<KeyDrop>,
        /// How many keys it may have.
        keys_limit: i64,
        /// How long an old key may still work, to be chosen from.
        overlaps: Vec<OverlapDrop>,
        /// Whether the API takes tokens: the key is the client's secret then.
        is_oidc: bool,
        /// Hosts that its requests may come from; nothing where the API does not ask.
        referrer_filters: Option<Vec<ReferrerFilterDrop>>,
        /// What the reader may do.
        can: CanDrop,
        /// A call to begin with.
        first_call: Option<FirstCallDrop>,
        /// The form that was not taken: `label`, `key`, `referrer_filter`.
        form: FormDrop,
    }
}

/// `GET /admin/applications/{id}`
///
/// # Errors
/// 404 when it is not one of the account's.
pub async fn show(member: Member, Ids([id]): Ids<1>) -> Result<Response, Error> {
    let values = page(&member, id, FormDrop::blank([])).await?;
    member
        .page(
            "applications/show",
            &values.application.name.clone(),
            &values,
        )
        .await
}

/// The page again, with a form that was not taken.
pub(super) async fn again(member: &Member, id: i64, form: FormDrop) -> Result<Response, Error> {
    let values = page(member, id, form).await?;
    member
        .again(
            "applications/show",
            &values.application.name.clone(),
            &values,
        )
        .await
}

async fn page(member: &Member, id: i64, form: FormDrop) -> Result<ApplicationPage, Error> {
    let app = &member.app;
    let mut tx = app.db.read().await?;
    let Own {
        product,
        may,
        application,
    } = own(&mut tx, member, id).await?;
    let view = applications::view(&mut tx, &app.secrets, id, &just_made(member)).await?;
    let first_call = of_view(&mut tx, &view).await?;
    let keys: Vec<KeyDrop> = view.keys.iter().map(KeyDrop::from).collect();
    let limit = applications::most_keys(&product.backend_version);
    let last_must_stay = product.mandatory_app_key || product.backend_version == OIDC;
    let lasting = keys.iter().filter(|key| key.expires_at.is_none()).count();
    let filters = referrer_filters::of(&mut tx, &[id]).await?;
    let request = plan_change_requests::find(&mut tx, id).await?;
    let other_plans = applications::plans_to_ask_for(&mut tx, &application).await?;
    let can = CanDrop {
        edit: may.applications,
        manage_keys: may.keys,
        choose_keys: may.keys && may.key_values,
        add_key: may.keys && keys.len() < limit,
        delete_last_key: may.keys && (lasting > 1 || !last_must_stay),
        add_referrer_filter: filters.len() < MOST_FILTERS,
        change_plan: may.plan != PlanChange::None && !other_plans.is_empty(),
    };
    let referrer_filters = product.referrer_filters_required.then(|| {
        filters
            .into_iter()
            .map(|filter| ReferrerFilterDrop {
                id: filter.id,
                value: filter.value,
            })
            .collect()
    });
    Ok(ApplicationPage {
        service: ServiceDrop::from(&product),
        plan: drops::plan(&mut tx, &view.plan).await?,
        requested_plan_name: request.map(|request| request.plan_name),
        extra_fields: Fields::of(&mut tx, Target::Cinstance)
            .await?
            .shown(&application.extra_fields, None),
        application: ApplicationDrop::from(&application),
        user_key: view.user_key.as_ref().map(|key| KeyDrop {
            id: String::new(),
            value: key.reveal().to_owned(),
            is_hidden: credentials::is_masked(key.reveal()),
            label: String::new(),
            created_at: Moment(application.created_at),
            expires_at: None,
            last_used_at: None,
        }),
        keys,
        keys_limit: i64::try_from(limit).unwrap_or(i64::MAX),
        overlaps: OVERLAPS_SECS
            .iter()
            .filter(|secs| product.backend_version != OIDC || **secs == 0)
            .map(|secs| OverlapDrop {
                seconds: *secs,
                words: overlap_words(*secs),
                is_usual: *secs == DAY_SECS,
            })
            .collect(),
        is_oidc: product.backend_version == OIDC,
        referrer_filters,
        can,
        first_call,
        form,
    })
}

/// What is offered first.
const DAY_SECS: i64 = 86_400;

fn overlap_words(secs: i64) -> String {
    match (secs, secs / 3_600, secs / DAY_SECS) {
        (0, ..) => "not at all".into(),
        (_, 1, _) => "1 hour".into(),
        (_, hours, 0) => format!("{hours} hours"),
        (_, 24, _) => "24 hours".into(),
        (.., days) => format!("{days} days"),
    }
}

/// The key that the page before made: this page is the last that can show it.
pub(in crate::portal) fn just_made(member: &Member) -> Fresh {
    let secret = member.flash.as_ref().and_then(|flash| flash.secret.clone());
    Fresh(secret.map(Secret::new).into_iter().collect())
}

/// A first call with an application's own credentials, of what its plan has.
///
/// # Errors
/// When the database does not answer.
pub(in crate::portal) async fn of_view(
    tx: &mut Tx,
    view: &View,
) -> Result<Option<FirstCallDrop>, Error> {
    let product_id = view.application.product_id;
    let Some(version) = versions::current(tx, product_id, "production").await? else {
        return Ok(None);
    };
    let limits = plans::limits(tx, view.plan.id, None).await?;
    let disabled: Vec<i64> = limits
        .iter()
        .filter(|limit| limit.value == 0)
        .map(|limit| limit.metric_id)
        .collect();
    let keys = view.keys.iter().rev().map(|key| key.value.reveal());
    let shown = Shown {
        app_id: view.application.app_id.as_deref(),
        key: view
            .user_key
            .as_ref()
            .map(Secret::reveal)
            .into_iter()
            .chain(keys)
            .find(|value| !credentials::is_masked(value)),
    };
    Ok(first_call(&version.content, shown, &disabled))
}

impl From<&KeyView> for KeyDrop {
    fn from(key: &KeyView) -> Self {
        Self {
            id: key.name.clone(),
            value: key.value.reveal().to_owned(),
            is_hidden: credentials::is_masked(key.value.reveal()),
            label: key.label.clone(),
            created_at: Moment(key.created_at),
            expires_at: key.expires_at.map(Moment),
            last_used_at: key.last_used_at.map(Moment),
        }
    }
}
