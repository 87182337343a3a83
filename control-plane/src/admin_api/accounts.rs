//! `/admin/api/accounts`: developer accounts and what happens to their state.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object};
use super::page::Page;
use super::path::Ids;
use super::shapes::{self, Base};
use crate::app::App;
use crate::applications::{self, View};
use crate::credentials::Fresh;
use crate::db::Tx;
use crate::error::Error;
use crate::events;
use crate::fields::Fields;
use crate::mail::{self, Kind, Mail, To};
use crate::store::accounts::{self, Account, Event};
use crate::store::fields_definitions::{self, Target};
use crate::store::plans::PlanRow;
use crate::store::{applications as application_rows, contracts, subscriptions, users};
use axum::extract::State;
use std::collections::{BTreeMap, BTreeSet};

const STATES: &[&str] = &["created", "pending", "approved", "rejected", "suspended"];

/// `GET /admin/api/accounts`
///
/// # Errors
/// See [`Error`].
pub async fn index(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let state = call.params.opt_choice("state", STATES);
    call.params.check()?;
    let mut tx = app.db.read().await?;
    let (rows, total) = accounts::page(&mut tx, state, page).await?;
    let objects = objects(&app, &mut tx, &rows, None).await?;
    Ok(Answer::ok(
        List::new("accounts", "account", objects).paged(page.of(total)),
    ))
}

/// `GET /admin/api/accounts/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn show(State(app): State<App>, Ids([id]): Ids<1>, _call: Read) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    Ok(Answer::ok(object(&app, &mut tx, id).await?))
}

/// `GET /admin/api/accounts/find`: by username, email or id of one of its users.
///
/// # Errors
/// See [`Error`].
pub async fn find(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let id = call.params.opt_id("user_id");
    let username = call.params.opt_filled("username", 255);
    let email = call.params.opt_filled("email", 255);
    if id.is_none() && username.is_none() && email.is_none() {
        call.params
            .error("base", "Give a username, an email or a user_id");
    }
    call.params.check()?;
    let mut tx = app.db.read().await?;
    let user = users::find(&mut tx, id, username.as_deref(), email.as_deref())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(Answer::ok(object(&app, &mut tx, user.account_id).await?))
}

/// `PUT /admin/api/accounts/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let org_name = call.params.opt_filled("org_name", 255);
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    accounts::lock(&mut tx, id).await?;
    let before = accounts::get(&mut tx, id).await?;
    let extra_fields = Fields::of(&mut tx, Target::Account).await?;
    let extra_fields = extra_fields.read(&mut call.params, &before.extra_fields);
    call.params.check()?;
    fields_definitions::set(&mut tx, Target::Account, id, &extra_fields).await?;
    accounts::update(&mut tx, id, org_name.as_deref(), None).await?;
    events::record(&mut tx, events::ACCOUNT_UPDATED, id).await?;
    answer(&app, tx, id).await
}

/// `DELETE /admin/api/accounts/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    events::record_account_deletion(&mut tx, id).await?;
    accounts::delete(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// `PUT /admin/api/accounts/{id}/approve`
///
/// # Errors
/// See [`Error`].
pub async fn approve(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    transition(&app, id, Event::Approve).await
}

/// `PUT /admin/api/accounts/{id}/reject`
///
/// # Errors
/// See [`Error`].
pub async fn reject(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    transition(&app, id, Event::Reject).await
}

/// `PUT /admin/api/accounts/{id}/make_pending`
///
/// # Errors
/// See [`Error`].
pub async fn make_pending(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    transition(&app, id, Event::MakePending).await
}

/// `PUT /admin/api/accounts/{id}/suspend`
///
/// # Errors
/// See [`Error`].
pub async fn suspend(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    transition(&app, id, Event::Suspend).await
}

/// `PUT /admin/api/accounts/{id}/resume`
///
/// # Errors
/// See [`Error`].
pub async fn resume(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    transition(&app, id, Event::Resume).await
}

async fn transition(app: &App, id: i64, event: Event) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    accounts::transition(&mut tx, id, event).await?;
    let told = match event {
        Event::Approve => Some(Kind::AccountApproved),
        Event::Reject => Some(Kind::AccountRejected),
        Event::MakePending | Event::Suspend | Event::Resume => None,
    };
    if let Some(kind) = told {
        mail::record(&mut tx, Mail::new(kind, To::Admins(id))).await?;
    }
    events::record(&mut tx, events::ACCOUNT_UPDATED, id).await?;
    answer(app, tx, id).await
}

/// Shows an account as this transaction leaves it.
async fn answer(app: &App, mut tx: Tx, id: i64) -> Result<Answer, Error> {
    let object = object(app, &mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(object))
}

/// An account with its users and plans.
async fn object(app: &App, tx: &mut Tx, id: i64) -> Result<Object, Error> {
    let account = accounts::get(tx, id).await?;
    let mut objects = objects(app, tx, &[account], None).await?;
    objects.pop().ok_or(Error::NotFound)
}

/// An account that was just made, with its applications and credentials too.
pub(super) async fn new_object(
    app: &App,
    tx: &mut Tx,
    id: i64,
    fresh: &Fresh,
) -> Result<Object, Error> {
    let account = accounts::get(tx, id).await?;
    let applications = application_rows::of_account(tx, id).await?;
    let views = applications::views(tx, &app.secrets, applications, fresh).await?;
    let mut objects = objects(app, tx, &[account], Some(&views)).await?;
    objects.pop().ok_or(Error::NotFound)
}

async fn objects(
    app: &App,
    tx: &mut Tx,
    accounts: &[Account],
    applications: Option<&[View]>,
) -> Result<Vec<Object>, Error> {
    let ids: Vec<i64> = accounts.iter().map(|account| account.id).collect();
    let users = users::of(tx, &ids).await?;
    let contracts = contracts::of_accounts(tx, &ids).await?;
    let subscriptions = subscriptions::of_accounts(tx, &ids).await?;
    // Of the account itself, then of its subscriptions and applications.
    let mut taken: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (account_id, plan_id) in accounts
        .iter()
        .filter_map(|account| Some((account.id, account.plan_id?)))
        .chain(
            subscriptions
                .iter()
                .map(|row| (row.account_id, row.plan_id)),
        )
        .chain(contracts.iter().map(|row| (row.account_id, row.plan_id)))
    {
        taken.entry(account_id).or_default().push(plan_id);
    }
    let plan_ids: BTreeSet<i64> = taken.values().flatten().copied().collect();
    let plans: BTreeMap<i64, PlanRow> = contracts::by_ids(tx, plan_ids)
        .await?
        .into_iter()
        .map(|plan| (plan.id, plan))
        .collect();
    let base = Base(&app.config.admin_url);
    Ok(accounts
        .iter()
        .map(|account| {
            let plans: Vec<&PlanRow> = taken
                .get(&account.id)
                .into_iter()
                .flatten()
                .filter_map(|plan_id| plans.get(plan_id))
                .collect();
            let users: Vec<_> = users
                .iter()
                .filter(|user| user.account_id == account.id)
                .collect();
            shapes::account(base, account, &plans, &users, applications)
        })
        .collect())
}
