//! `/admin/api/users`: the provider's own people.

mod permissions;

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::page::Page;
use super::path::Ids;
use super::shapes::with_extra;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::fields::Fields;
use crate::provider;
use crate::store::fields_definitions::Target;
use crate::store::provider_users::{self as rows, NewProviderUser, ProviderUser};
use crate::store::users::{Changes, Event};
use crate::users::Person;
use axum::extract::State;

pub use permissions::{show_permissions, update_permissions};

/// `GET /admin/api/users`
///
/// # Errors
/// See [`Error`].
pub async fn index(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let state = call
        .params
        .opt_choice("state", &["pending", "active", "suspended"]);
    let role = call.params.opt_choice("role", &["admin", "member"]);
    call.params.check()?;
    let mut tx = app.db.read().await?;
    let provider_id = provider::get(&mut tx).await?.id;
    let (users, paged) = page.cut(rows::list(&mut tx, state, role).await?);
    let items = users.map(|user| shape(&app, provider_id, &user));
    Ok(Answer::ok(List::new("users", "user", items).paged(paged)))
}

/// `POST /admin/api/users`: a pending member, who may do nothing yet.
///
/// # Errors
/// See [`Error`].
pub async fn create(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let person = Person::read(&mut call.params);
    person.require(&mut call.params);
    call.params.check()?;
    let password_hash = match person.password {
        Some(password) => Some(app.secrets.hash_password(password).await?),
        None => None,
    };
    let mut tx = app.db.begin().await?;
    rows::lock(&mut tx).await?;
    let extra_fields = Fields::of(&mut tx, Target::User).await?;
    let extra_fields = extra_fields.read(&mut call.params, "{}");
    let username = person.username.unwrap_or_default();
    let email = person.email.unwrap_or_default();
    for field in rows::taken(&mut tx, Some(&username), Some(&email), None).await? {
        call.params.error(field, "has already been taken");
    }
    call.params.check()?;
    let new = NewProviderUser {
        username: &username,
        email: &email,
        password_hash: password_hash.as_deref(),
        state: "pending",
        role: "member",
        extra_fields: &extra_fields,
    };
    let id = rows::insert(&mut tx, new).await?;
    let user = rows::get(&mut tx, id).await?;
    let object = object(&app, &mut tx, &user).await?;
    tx.commit().await?;
    Ok(Answer::created(object, format!("/admin/api/users/{id}")))
}

/// `GET /admin/api/users/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn show(State(app): State<App>, Ids([id]): Ids<1>, _call: Read) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    let user = rows::get(&mut tx, id).await?;
    Ok(Answer::ok(object(&app, &mut tx, &user).await?))
}

/// `PUT /admin/api/users/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let person = Person::read(&mut call.params);
    if person.email.as_ref().is_some_and(String::is_empty) {
        call.params.error("email", "can't be blank");
    }
    call.params.check()?;
    let password_hash = match person.password {
        Some(password) => Some(app.secrets.hash_password(password).await?),
        None => None,
    };
    let mut tx = app.db.begin().await?;
    rows::lock(&mut tx).await?;
    let (username, email) = (person.username.as_deref(), person.email.as_deref());
    let before = rows::get(&mut tx, id).await?;
    let extra_fields = Fields::of(&mut tx, Target::User).await?;
    let extra_fields = extra_fields.read(&mut call.params, &before.extra_fields);
    for field in rows::taken(&mut tx, username, email, Some(id)).await? {
        call.params.error(field, "has already been taken");
    }
    call.params.check()?;
    let changes = Changes {
        username,
        email,
        password_hash: password_hash.as_deref(),
    };
    let user = rows::update(&mut tx, id, changes, &extra_fields).await?;
    answer(&app, tx, &user).await
}

/// `DELETE /admin/api/users/{id}`: its access tokens stop working.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    call: Write,
) -> Result<Answer, Error> {
    call.access.require_admin()?;
    let mut tx = app.db.begin().await?;
    rows::delete(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// `PUT /admin/api/users/{id}/activate`
///
/// # Errors
/// See [`Error`].
pub async fn activate(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    transition(&app, id, Event::Activate).await
}

/// `PUT /admin/api/users/{id}/suspend`: its access tokens stop working until it is back.
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

/// `PUT /admin/api/users/{id}/unsuspend`
///
/// # Errors
/// See [`Error`].
pub async fn unsuspend(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    transition(&app, id, Event::Unsuspend).await
}

/// `PUT /admin/api/users/{id}/admin`
///
/// # Errors
/// See [`Error`].
pub async fn admin(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    set_role(&app, id, "admin").await
}

/// `PUT /admin/api/users/{id}/member`
///
/// # Errors
/// See [`Error`].
pub async fn member(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    set_role(&app, id, "member").await
}

async fn transition(app: &App, id: i64, event: Event) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let user = rows::transition(&mut tx, id, event).await?;
    answer(app, tx, &user).await
}

async fn set_role(app: &App, id: i64, role: &'static str) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let user = rows::set_role(&mut tx, id, role).await?;
    answer(app, tx, &user).await
}

async fn answer(app: &App, mut tx: Tx, user: &ProviderUser) -> Result<Answer, Error> {
    let object = object(app, &mut tx, user).await?;
    tx.commit().await?;
    Ok(Answer::ok(object))
}

async fn object(app: &App, tx: &mut Tx, user: &ProviderUser) -> Result<Object, Error> {
    let provider_id = provider::get(tx).await?.id;
    Ok(shape(app, provider_id, user))
}

/// As a developer's user looks; its account is the provider.
fn shape(app: &App, provider_id: i64, user: &ProviderUser) -> Object {
    let admin_url = &app.config.admin_url;
    let link = format!("{admin_url}/admin/api/users/{}", user.id);
    let object = Object::new("user")
        .with("id", user.id)
        .with("created_at", timestamp(user.created_at))
        .with("updated_at", timestamp(user.updated_at))
        .with("account_id", provider_id)
        .with("state", &user.state)
        .with("role", &user.role)
        .with("username", &user.username)
        .with("email", &user.email);
    with_extra(object, &user.extra_fields).links([
        ("permissions", format!("{link}/permissions")),
        ("self", link),
        ("account", format!("{admin_url}/admin/api/provider")),
    ])
}
