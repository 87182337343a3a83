//! Applications as answers show them: with their plan and what may be seen of their credentials.

use super::takes_user_key;
use crate::credentials::{self, Fresh};
use crate::db::Tx;
use crate::error::Error;
use crate::secrets::{APPLICATION_KEY_VALUE, APPLICATION_USER_KEY, Secret, Secrets};
use crate::store::applications::{self as rows, Application};
use crate::store::plans::PlanRow;
use crate::store::{contracts, keys, referrer_filters};
use std::collections::BTreeSet;

/// An application as answers show it.
#[derive(Debug)]
pub struct View {
    /// Its row.
    pub application: Application,
    /// The plan it is on.
    pub plan: PlanRow,
    /// What is shown of its `user_key`; none when its product takes `app_id`.
    pub user_key: Option<Secret>,
    /// Its keys, oldest first.
    pub keys: Vec<KeyView>,
    /// Hosts that its requests may come from, oldest first; none when its product does not ask.
    pub referrer_filters: Option<Vec<String>>,
}

/// A key as answers show it.
#[derive(Debug)]
pub struct KeyView {
    /// What is shown of its value.
    pub value: Secret,
    /// What names it where its value should not stand, as in addresses: its mask.
    pub name: String,
    /// What the developer calls it; empty for nothing.
    pub label: String,
    /// From this moment on it is none, milliseconds since 1970.
    pub expires_at: Option<i64>,
    /// About when it was last called with, milliseconds since 1970.
    pub last_used_at: Option<i64>,
    /// When it was made, milliseconds since 1970.
    pub created_at: i64,
    /// When its label or expiry was changed, milliseconds since 1970.
    pub updated_at: i64,
}

/// What answers show of some applications.
///
/// # Errors
/// When the database does not answer, or holds credentials sealed with another key.
pub async fn views(
    tx: &mut Tx,
    secrets: &Secrets,
    applications: Vec<Application>,
    fresh: &Fresh,
) -> Result<Vec<View>, Error> {
    let ids: Vec<i64> = applications
        .iter()
        .map(|application| application.id)
        .collect();
    let plan_ids: BTreeSet<i64> = applications
        .iter()
        .map(|application| application.plan_id)
        .collect();
    let plans = contracts::by_ids(tx, plan_ids).await?;
    let keys = keys::of(tx, &ids).await?;
    let filters = referrer_filters::of(tx, &ids).await?;
    applications
        .into_iter()
        .map(|application| {
            let plan = plans
                .iter()
                .find(|plan| plan.id == application.plan_id)
                .cloned()
                .ok_or_else(|| Error::internal("an application without a plan"))?;
            let user_key = takes_user_key(&application.backend_version)
                .then(|| {
                    fresh.show(
                        secrets,
                        APPLICATION_USER_KEY,
                        application.user_key.as_deref(),
                        &application.ident,
                        |value| {
                            credentials::ident(application.product_id, value.reveal())
                                == application.ident
                        },
                    )
                })
                .transpose()?;
            let keys = keys
                .iter()
                .filter(|key| key.application_id == application.id)
                .map(|key| {
                    let value = fresh.show(
                        secrets,
                        APPLICATION_KEY_VALUE,
                        key.value.as_deref(),
                        &key.digest,
                        |value| credentials::key_digest(value) == key.digest,
                    )?;
                    Ok(KeyView {
                        value,
                        name: credentials::masked(&key.digest),
                        label: key.label.clone(),
                        expires_at: key.expires_at,
                        last_used_at: key.last_used_at,
                        created_at: key.created_at,
                        updated_at: key.updated_at,
                    })
                })
                .collect::<Result<_, Error>>()?;
            let referrer_filters = application.referrer_filters_required.then(|| {
                filters
                    .iter()
                    .filter(|filter| filter.application_id == application.id)
                    .map(|filter| filter.value.clone())
                    .collect()
            });
            Ok(View {
                application,
                plan,
                user_key,
                keys,
                referrer_filters,
            })
        })
        .collect()
}

/// What one application shows.
///
/// # Errors
/// 404 when there is none.
pub async fn view(tx: &mut Tx, secrets: &Secrets, id: i64, fresh: &Fresh) -> Result<View, Error> {
    let application = rows::get(tx, None, id).await?;
    views(tx, secrets, vec![application], fresh)
        .await?
        .pop()
        .ok_or(Error::NotFound)
}
