//! Subscriptions of accounts to products: whoever has applications of a product is subscribed to it.

use crate::db::Tx;
use crate::error::Error;
use crate::events;
use crate::store::applications;
use crate::store::plans::{self, PlanRow, SERVICE_PLAN};
use crate::store::subscriptions::{self as rows, SubscriptionRow};
use crate::store::{accounts, products};

/// Told of a plan id that names no service plan.
pub const NO_SUCH_PLAN: &str = "is not the id of a service plan";

/// Subscribes an account by a service plan.
///
/// # Errors
/// 404 when there is no such account, 422 when there is no such plan or the account is subscribed to its product.
pub async fn subscribe(
    tx: &mut Tx,
    account_id: i64,
    plan_id: i64,
) -> Result<SubscriptionRow, Error> {
    tx.hold_revision().await?;
    accounts::get(tx, account_id).await?;
    let plan = service_plan(tx, plan_id).await?;
    if let Some(product_id) = plan.product_id
        && let Some(there) = rows::find(tx, account_id, product_id).await?
    {
        return Err(Error::invalid(
            "plan_id",
            format!(
                "is a plan of a product that the account is subscribed to already (subscription {})",
                there.id
            ),
        ));
    }
    let id = rows::insert(tx, account_id, &plan).await?;
    rows::get(tx, account_id, id).await
}

/// Sees to it that an account is subscribed to a product: if it is not, by the product's default service plan.
///
/// # Errors
/// 422 about `plan_id` when there is no such plan.
pub async fn ensure(tx: &mut Tx, account_id: i64, product_id: i64) -> Result<(), Error> {
    if rows::find(tx, account_id, product_id).await?.is_some() {
        return Ok(());
    }
    let Some(plan) = plans::default(tx, SERVICE_PLAN, Some(product_id)).await? else {
        return Err(Error::invalid("plan_id", NOT_SUBSCRIBED));
    };
    rows::insert(tx, account_id, &plan).await?;
    Ok(())
}

/// Told of an application plan whose product nobody can subscribe to by default.
pub const NOT_SUBSCRIBED: &str = "is a plan of a product that the account is not subscribed to, and which has no default service plan to subscribe it by";

/// Lets a pending subscription begin.
///
/// # Errors
/// 404 when there is none, 422 when it is not pending.
pub async fn approve(tx: &mut Tx, account_id: i64, id: i64) -> Result<SubscriptionRow, Error> {
    tx.hold_revision().await?;
    let subscription = rows::get(tx, account_id, id).await?;
    if subscription.state != "pending" {
        return Err(Error::invalid(
            "state",
            format!(
                "cannot change from {} to live, only from pending",
                subscription.state
            ),
        ));
    }
    rows::accept(tx, id).await?;
    rows::get(tx, account_id, id).await
}

/// Puts a subscription on another service plan of its product: that plan.
///
/// # Errors
/// 404 when there is no subscription, 422 when the plan is not one of its product's.
pub async fn change_plan(
    tx: &mut Tx,
    account_id: i64,
    id: i64,
    plan_id: i64,
) -> Result<PlanRow, Error> {
    tx.hold_revision().await?;
    let subscription = rows::get(tx, account_id, id).await?;
    let plan = service_plan(tx, plan_id).await?;
    if plan.product_id != Some(subscription.product_id) {
        return Err(Error::invalid(
            "plan_id",
            "is a plan of another product than the subscription's",
        ));
    }
    rows::set_plan(tx, id, plan_id).await?;
    Ok(plan)
}

/// Ends a subscription, with the suspended applications of its product.
///
/// # Errors
/// 404 when there is none, 422 while the account has applications of the product that are not suspended.
pub async fn unsubscribe(tx: &mut Tx, account_id: i64, id: i64) -> Result<(), Error> {
    tx.hold_revision().await?;
    let subscription = rows::get(tx, account_id, id).await?;
    products::lock(tx, subscription.product_id).await?;
    let of_product: Vec<_> = applications::of_account(tx, account_id)
        .await?
        .into_iter()
        .filter(|application| application.product_id == subscription.product_id)
        .collect();
    let in_use = of_product
        .iter()
        .filter(|application| application.state != "suspended")
        .count();
    if in_use > 0 {
        return Err(Error::invalid(
            "base",
            format!(
                "This subscription can't be ended while there are applications that are not suspended ({in_use}): suspend or delete them first"
            ),
        ));
    }
    for application in of_product {
        events::record(tx, events::APPLICATION_DELETED, application.id).await?;
        applications::delete(tx, account_id, application.id).await?;
    }
    rows::delete(tx, id).await
}

async fn service_plan(tx: &mut Tx, id: i64) -> Result<PlanRow, Error> {
    match plans::get(tx, SERVICE_PLAN, id).await {
        Err(Error::NotFound) => Err(Error::invalid("plan_id", NO_SUCH_PLAN)),
        found => found,
    }
}
