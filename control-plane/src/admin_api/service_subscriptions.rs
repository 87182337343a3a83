//! `/admin/api/accounts/{account}/service_subscriptions`, and `service_contracts` as they were called before.

use super::access::Access;
use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::page::Page;
use super::path::Ids;
use super::plans::plan;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::provider;
use crate::store::accounts;
use crate::store::subscriptions::{self as rows, SubscriptionRow};
use crate::subscriptions;
use axum::extract::State;

const SUBSCRIPTION: &str = "service_subscription";
const CONTRACT: &str = "service_contract";

/// `GET …/service_subscriptions`.
///
/// # Errors
/// See [`Error`].
pub async fn list(
    State(app): State<App>,
    Ids([account_id]): Ids<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    let names = ("service_subscriptions", SUBSCRIPTION);
    page(&app, account_id, names, &mut call).await
}

/// `GET …/service_contracts`.
///
/// # Errors
/// See [`Error`].
pub async fn list_contracts(
    State(app): State<App>,
    Ids([account_id]): Ids<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    let names = ("service_contracts", CONTRACT);
    page(&app, account_id, names, &mut call).await
}

/// `GET …/service_subscriptions/{id}`.
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    let tenant_id = provider::get(&mut tx).await?.id;
    let row = reached(&mut tx, &call.access, account_id, id).await?;
    Ok(Answer::ok(object(SUBSCRIPTION, tenant_id, &row)))
}

/// `POST …/service_subscriptions`: `plan_id`, a service plan. Pending, if the plan wants it approved.
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Ids([account_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let plan_id = call.params.int("plan_id", 1, i64::MAX);
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    let tenant_id = provider::get(&mut tx).await?.id;
    let row = subscriptions::subscribe(&mut tx, account_id, plan_id).await?;
    tx.commit().await?;
    Ok(Answer::created(
        object(SUBSCRIPTION, tenant_id, &row),
        format!(
            "/admin/api/accounts/{account_id}/service_subscriptions/{}",
            row.id
        ),
    ))
}

/// `PUT …/service_subscriptions/{id}/approve`.
///
/// # Errors
/// See [`Error`].
pub async fn approve(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    reached(&mut tx, &call.access, account_id, id).await?;
    let tenant_id = provider::get(&mut tx).await?.id;
    let row = subscriptions::approve(&mut tx, account_id, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(object(SUBSCRIPTION, tenant_id, &row)))
}

/// `PUT …/service_subscriptions/{id}/change_plan`: answers with the plan, as 3scale does.
///
/// # Errors
/// See [`Error`].
pub async fn change_plan(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    let plan_id = call.params.int("plan_id", 1, i64::MAX);
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    reached(&mut tx, &call.access, account_id, id).await?;
    let row = subscriptions::change_plan(&mut tx, account_id, id, plan_id).await?;
    tx.commit().await?;
    Ok(Answer::ok(plan(&app, &row)))
}

/// `DELETE …/service_subscriptions/{id}`, with the suspended applications; refused while there are others.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    reached(&mut tx, &call.access, account_id, id).await?;
    subscriptions::unsubscribe(&mut tx, account_id, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

async fn page(
    app: &App,
    account_id: i64,
    (plural, singular): (&'static str, &'static str),
    call: &mut Read,
) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let mut tx = app.db.read().await?;
    accounts::get(&mut tx, account_id).await?;
    let tenant_id = provider::get(&mut tx).await?.id;
    let (rows, total) = rows::page(&mut tx, account_id, call.access.products(), page).await?;
    let items = rows.iter().map(|row| object(singular, tenant_id, row));
    Ok(Answer::ok(
        List::new(plural, singular, items).paged(page.of(total)),
    ))
}

/// A subscription to a product that the caller may reach.
async fn reached(
    tx: &mut Tx,
    access: &Access,
    account_id: i64,
    id: i64,
) -> Result<SubscriptionRow, Error> {
    let row = rows::get(tx, account_id, id).await?;
    if access.products().has(row.product_id) {
        Ok(row)
    } else {
        Err(Error::NotFound)
    }
}

/// 3scale's fields; those about billing say that nothing was paid.
fn object(name: &'static str, tenant_id: i64, row: &SubscriptionRow) -> Object {
    Object::new(name)
        .with("id", row.id)
        .with("plan_id", row.plan_id)
        .with("user_account_id", row.account_id)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .with("state", &row.state)
        .with("paid_until", None::<&str>)
        .with(
            "trial_period_expires_at",
            row.trial_period_expires_at.map(timestamp),
        )
        .with("setup_fee", row.setup_fee)
        .with("type", "ServiceContract")
        .with("variable_cost_paid_until", None::<&str>)
        .with("tenant_id", tenant_id)
        .with("service_id", row.product_id)
        .with("accepted_at", row.accepted_at.map(timestamp))
}
