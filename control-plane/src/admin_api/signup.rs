//! `POST /admin/api/signup`: an account, its first user and its applications, with their credentials, in one call.

use super::accounts;
use super::auth::Write;
use super::format::{Answer, Format};
use super::idempotency::{self, Attempt, Begun};
use super::params::Params;
use crate::app::App;
use crate::error::Error;
use crate::fields::Fields;
use crate::secrets::Secret;
use crate::signup::{self, Channel, Signup};
use crate::store::fields_definitions::Target;
use crate::users::Person;
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

/// What was asked for.
struct Asked {
    org_name: String,
    username: String,
    email: String,
    password: Option<Secret>,
    account_plan_id: Option<i64>,
    service_plan_ids: Vec<i64>,
    application_plan_ids: Vec<i64>,
}

/// `POST /admin/api/signup`
///
/// # Errors
/// See [`Error`], and [`idempotency::begin`].
pub async fn create(
    State(app): State<App>,
    Extension(format): Extension<Format>,
    headers: HeaderMap,
    mut call: Write,
) -> Result<Response, Error> {
    let path = "/admin/api/signup";
    let begun = idempotency::begin(&app, &headers, call.caller, path, format, &call.params).await?;
    let attempt = match begun {
        Begun::Done(answer) => return Ok(answer.into_response()),
        Begun::Plain => None,
        Begun::Keep(attempt) => Some(attempt),
    };
    let answer = sign_up(&app, &mut call.params, attempt.as_ref(), format).await;
    if let (Err(_), Some(attempt)) = (&answer, &attempt) {
        attempt.abandon(&app).await;
    }
    Ok(answer?.into_response())
}

async fn sign_up(
    app: &App,
    params: &mut Params,
    attempt: Option<&Attempt>,
    format: Format,
) -> Result<Answer, Error> {
    let asked = read(params)?;
    let password_hash = match asked.password {
        Some(password) => Some(app.secrets.hash_password(password).await?),
        None => None,
    };
    let mut tx = app.db.begin().await?;
    let account_fields = Fields::of(&mut tx, Target::Account).await?;
    let account_fields = account_fields.read(params, "{}");
    let user_fields = Fields::of(&mut tx, Target::User).await?;
    let user_fields = user_fields.read(params, "{}");
    params.check()?;
    let (id, fresh) = signup::sign_up(
        &mut tx,
        &app.secrets,
        &Signup {
            channel: Channel::Api,
            org_name: &asked.org_name,
            username: &asked.username,
            email: &asked.email,
            password_hash: password_hash.as_deref(),
            account_plan_id: asked.account_plan_id,
            service_plan_ids: &asked.service_plan_ids,
            application_plan_ids: &asked.application_plan_ids,
            account_fields: &account_fields,
            user_fields: &user_fields,
        },
    )
    .await?;
    let object = accounts::new_object(app, &mut tx, id, &fresh).await?;
    let answer = Answer::created(object, format!("/admin/api/accounts/{id}"));
    if let Some(attempt) = attempt {
        attempt.finish(app, &mut tx, &answer, format).await?;
    }
    tx.commit().await?;
    Ok(answer)
}

fn read(params: &mut Params) -> Result<Asked, Error> {
    let org_name = params.text("org_name", 255);
    let person = Person::read(params);
    if person.username.is_none() && !params.is_noted("username") {
        params.error("username", "can't be blank");
    }
    let asked = Asked {
        org_name,
        username: person.username.unwrap_or_default(),
        email: person.email.unwrap_or_default(),
        password: person.password,
        account_plan_id: params.opt_id("account_plan_id"),
        service_plan_ids: ids(params, "service_plan_id"),
        application_plan_ids: ids(params, "application_plan_id"),
    };
    params.check()?;
    Ok(asked)
}

/// One id, or a list of them.
fn ids(params: &mut Params, name: &str) -> Vec<i64> {
    let Some(Value::Array(items)) = params.value(name) else {
        return params.opt_id(name).into_iter().collect();
    };
    let ids: Option<Vec<i64>> = items
        .iter()
        .map(|item| match item {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_i64(),
        })
        .collect();
    ids.unwrap_or_else(|| {
        params.error(name, "must be an id or a list of ids");
        Vec::new()
    })
}
