//! `/admin/api/accounts/{account}/users`: the people of a developer account.

use super::auth::{Read, Write};
use super::format::{Answer, List};
use super::params::Params;
use super::path::Ids;
use super::shapes::{self, Base};
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::events;
use crate::fields::Fields;
use crate::store::accounts;
use crate::store::fields_definitions::{self, Target};
use crate::store::users::{self as rows, Changes, Event, NewUser, User};
use crate::users::{self, Person};
use axum::extract::State;

/// `GET /admin/api/accounts/{account}/users`
///
/// # Errors
/// See [`Error`].
pub async fn index(
    State(app): State<App>,
    Ids([account_id]): Ids<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    let state = call
        .params
        .opt_choice("state", &["pending", "active", "suspended"]);
    let role = call.params.opt_choice("role", &["admin", "member"]);
    call.params.check()?;
    let mut tx = app.db.read().await?;
    accounts::get(&mut tx, account_id).await?;
    let users = rows::of_account(&mut tx, account_id, state, role).await?;
    let base = Base(&app.config.admin_url);
    Ok(Answer::ok(List::new(
        "users",
        "user",
        users.iter().map(|user| shapes::user(base, user)),
    )))
}

/// `POST /admin/api/accounts/{account}/users`: a pending member.
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Ids([account_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let person = Person::read(&mut call.params);
    person.require(&mut call.params);
    call.params.check()?;
    let password_hash = match person.password {
        Some(password) => Some(app.secrets.hash_password(password).await?),
        None => None,
    };
    let mut tx = app.db.begin().await?;
    accounts::lock(&mut tx, account_id).await?;
    let extra_fields = Fields::of(&mut tx, Target::User).await?;
    let extra_fields = extra_fields.read(&mut call.params, "{}");
    refuse_taken(
        &mut tx,
        &mut call.params,
        person.username.as_deref(),
        person.email.as_deref(),
        None,
    )
    .await?;
    let now_ms = tx.now_ms().await?;
    let id = rows::insert(
        &mut tx,
        NewUser {
            account_id,
            username: &person.username.unwrap_or_default(),
            email: &person.email.unwrap_or_default(),
            password_hash: password_hash.as_deref(),
            state: "pending",
            role: "member",
        },
        now_ms,
    )
    .await?;
    fields_definitions::set(&mut tx, Target::User, id, &extra_fields).await?;
    let user = rows::get(&mut tx, account_id, id).await?;
    events::record(&mut tx, events::USER_CREATED, id).await?;
    tx.commit().await?;
    let base = Base(&app.config.admin_url);
    Ok(Answer::created(
        shapes::user(base, &user),
        format!("/admin/api/accounts/{account_id}/users/{id}"),
    ))
}

/// `GET /admin/api/accounts/{account}/users/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    let user = rows::get(&mut tx, account_id, id).await?;
    Ok(Answer::ok(shapes::user(Base(&app.config.admin_url), &user)))
}

/// `PUT /admin/api/accounts/{account}/users/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    let person = Person::read(&mut call.params);
    call.params.check()?;
    let password_hash = match person.password {
        Some(password) => Some(app.secrets.hash_password(password).await?),
        None => None,
    };
    let mut tx = app.db.begin().await?;
    accounts::lock(&mut tx, account_id).await?;
    let before = rows::get(&mut tx, account_id, id).await?;
    let extra_fields = Fields::of(&mut tx, Target::User).await?;
    let extra_fields = extra_fields.read(&mut call.params, &before.extra_fields);
    let username = person.username.as_deref();
    let email = person.email.as_deref();
    refuse_taken(&mut tx, &mut call.params, username, email, Some(id)).await?;
    let changes = Changes {
        username,
        email,
        password_hash: None,
    };
    if let Some(password_hash) = &password_hash {
        users::set_password(&mut tx, &before, password_hash, None).await?;
    }
    fields_definitions::set(&mut tx, Target::User, id, &extra_fields).await?;
    let user = rows::update(&mut tx, account_id, id, changes).await?;
    answer(&app, tx, &user).await
}

/// `DELETE /admin/api/accounts/{account}/users/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    users::remove(&mut tx, account_id, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// `PUT /admin/api/accounts/{account}/users/{id}/activate`
///
/// # Errors
/// See [`Error`].
pub async fn activate(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    transition(&app, account_id, id, Event::Activate).await
}

/// `PUT /admin/api/accounts/{account}/users/{id}/suspend`
///
/// # Errors
/// See [`Error`].
pub async fn suspend(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    transition(&app, account_id, id, Event::Suspend).await
}

/// `PUT /admin/api/accounts/{account}/users/{id}/unsuspend`
///
/// # Errors
/// See [`Error`].
pub async fn unsuspend(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    transition(&app, account_id, id, Event::Unsuspend).await
}

/// `PUT /admin/api/accounts/{account}/users/{id}/admin`
///
/// # Errors
/// See [`Error`].
pub async fn admin(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    set_role(&app, account_id, id, "admin").await
}

/// `PUT /admin/api/accounts/{account}/users/{id}/member`
///
/// # Errors
/// See [`Error`].
pub async fn member(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    set_role(&app, account_id, id, "member").await
}

async fn refuse_taken(
    tx: &mut Tx,
    params: &mut Params,
    username: Option<&str>,
    email: Option<&str>,
    except: Option<i64>,
) -> Result<(), Error> {
    for field in users::taken(tx, username, email, except).await? {
        params.error(field, "has already been taken");
    }
    params.check()
}

async fn transition(app: &App, account_id: i64, id: i64, event: Event) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let user = users::transition(&mut tx, account_id, id, event).await?;
    tx.commit().await?;
    Ok(Answer::ok(shapes::user(Base(&app.config.admin_url), &user)))
}

async fn set_role(
    app: &App,
    account_id: i64,
    id: i64,
    role: &'static str,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let user = users::set_role(&mut tx, account_id, id, role).await?;
    tx.commit().await?;
    Ok(Answer::ok(shapes::user(Base(&app.config.admin_url), &user)))
}

async fn answer(app: &App, mut tx: Tx, user: &User) -> Result<Answer, Error> {
    events::record(&mut tx, events::USER_UPDATED, user.id).await?;
    tx.commit().await?;
    Ok(Answer::ok(shapes::user(Base(&app.config.admin_url), user)))
}
