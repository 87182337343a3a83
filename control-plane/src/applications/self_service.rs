//! What developers may do with applications by themselves, as their product has it. The provider is not bound by it.

use crate::db::Tx;
use crate::error::Error;
use crate::store::plans::{self, APPLICATION_PLAN, PlanRow, SERVICE_PLAN};
use crate::store::products::ProductRow;
use crate::store::subscriptions;

/// What a product lets developers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfService {
    /// Make, change and delete applications.
    pub applications: bool,
    /// Make, rotate and delete keys.
    pub keys: bool,
    /// Choose a key's value.
    pub key_values: bool,
    /// Put an application on another plan.
    pub plan: PlanChange,
}

/// How developers come to another plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanChange {
    /// Not by themselves.
    None,
    /// The provider is asked.
    Request,
    /// At once.
    Direct,
}

impl From<&ProductRow> for SelfService {
    fn from(product: &ProductRow) -> Self {
        Self {
            applications: product.buyers_manage_apps,
            keys: product.buyers_manage_keys,
            key_values: product.custom_keys_enabled,
            plan: match product.buyer_plan_change_permission.as_str() {
                "none" => PlanChange::None,
                "direct" => PlanChange::Direct,
                // `credit_card` and `request_credit_card` want a way to pay, of which nothing is known here.
                _ => PlanChange::Request,
            },
        }
    }
}

/// Refuses what a product does not let developers do.
///
/// # Errors
/// 403.
pub fn require(allowed: bool) -> Result<(), Error> {
    if allowed {
        Ok(())
    } else {
        Err(Error::Forbidden(
            "This is done by the provider of the API. Write to them if you need it.",
        ))
    }
}

/// The plans that a developer's new application may be on: those that are published, where developers choose; else the
/// one that is taken when none is named, or the first that is published.
///
/// # Errors
/// When the database does not answer.
pub async fn plans_on_offer(tx: &mut Tx, product: &ProductRow) -> Result<Vec<PlanRow>, Error> {
    let mut published = published_plans(tx, product.id).await?;
    if product.buyer_can_select_plan && !published.is_empty() {
        return Ok(published);
    }
    let default = plans::default(tx, APPLICATION_PLAN, Some(product.id)).await?;
    published.truncate(1);
    Ok(default.map_or(published, |default| vec![default]))
}

/// Whether an account may have applications of a product: it is subscribed to it, or can be.
///
/// # Errors
/// When the database does not answer.
pub async fn may_subscribe(tx: &mut Tx, account_id: i64, product_id: i64) -> Result<bool, Error> {
    Ok(subscriptions::find(tx, account_id, product_id)
        .await?
        .is_some()
        || plans::default(tx, SERVICE_PLAN, Some(product_id))
            .await?
            .is_some())
}

/// The plans of a product that everybody may see.
///
/// # Errors
/// When the database does not answer.
pub async fn published_plans(tx: &mut Tx, product_id: i64) -> Result<Vec<PlanRow>, Error> {
    let mut plans = plans::list(tx, APPLICATION_PLAN, Some(product_id)).await?;
    plans.retain(|plan| plan.state == "published");
    Ok(plans)
}
