//! `/admin/api/accounts/{account}/applications` and `/admin/api/applications`.

use super::auth::{Read, Write};
use super::format::{Answer, List};
use super::page::Page;
use super::params::Params;
use super::path::Ids;
use super::shapes::{self, Base};
use crate::app::App;
use crate::applications::{self, NewApplication, Wanted};
use crate::credentials::Fresh;
use crate::db::Tx;
use crate::error::Error;
use crate::events;
use crate::fields::Fields;
use crate::secrets::Secret;
use crate::store::applications::{self as rows, Application, Event, Filter};
use crate::store::fields_definitions::{self, Target};
use crate::store::{accounts, contracts};
use axum::extract::State;
use serde_json::Value;

const NAME_CHARS: usize = 255;
const DESCRIPTION_CHARS: usize = 65_535;

/// `GET /admin/api/applications`: of all accounts.
///
/// # Errors
/// See [`Error`].
pub async fn index_all(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let params = &mut call.params;
    let filter = Filter {
        account_id: params.opt_id("account_id"),
        product_id: params.opt_id("service_id"),
        plan_id: params.opt_id("plan_id"),
        paid: params
            .opt_choice("plan_type", &["free", "paid"])
            .map(|kind| kind == "paid"),
        active_since: params.opt_time("active_since"),
        inactive_since: params.opt_time("inactive_since"),
    };
    list(&app, &mut call, filter).await
}

/// `GET /admin/api/accounts/{account}/applications`
///
/// # Errors
/// See [`Error`].
pub async fn index(
    State(app): State<App>,
    Ids([account_id]): Ids<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    accounts::get(&mut tx, account_id).await?;
    drop(tx);
    let filter = Filter {
        account_id: Some(account_id),
        ..Filter::default()
    };
    list(&app, &mut call, filter).await
}

/// `GET /admin/api/applications/find`: by `application_id` (its id), `app_id` or `user_key`.
///
/// # Errors
/// See [`Error`].
pub async fn find_any(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    find(&app, &mut call, None).await
}

/// `GET /admin/api/accounts/{account}/applications/find`
///
/// # Errors
/// See [`Error`].
pub async fn find_in_account(
    State(app): State<App>,
    Ids([account_id]): Ids<1>,
    mut call: Read,
) -> Result<Answer, Error> {
    find(&app, &mut call, Some(account_id)).await
}

/// `GET /admin/api/accounts/{account}/applications/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    rows::get(&mut tx, Some(account_id), id).await?;
    let view = applications::view(&mut tx, &app.secrets, id, &Fresh::default()).await?;
    let base = Base(&app.config.admin_url);
    Ok(Answer::ok(shapes::application(base, &view)))
}

/// `POST /admin/api/accounts/{account}/applications`
///
/// # Errors
/// See [`Error`].
pub async fn create(
    State(app): State<App>,
    Ids([account_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let plan_id = params.int("plan_id", 1, i64::MAX);
    let name = params.text("name", NAME_CHARS);
    let description = params
        .opt_text("description", DESCRIPTION_CHARS)
        .unwrap_or_default();
    let wanted = Wanted {
        app_id: params
            .opt_text("application_id", usize::MAX)
            .filter(|text| !text.is_empty()),
        user_key: secret(params, "user_key").filter(|key| !key.reveal().is_empty()),
        keys: secrets(params, "application_key"),
    };
    for (field, problem) in wanted.problems().0 {
        params.error(&field, problem);
    }
    params.check()?;

    let mut tx = app.db.begin().await?;
    tx.hold_revision().await?;
    accounts::get(&mut tx, account_id).await?;
    let plan = contracts::find_application_plan(&mut tx, plan_id)
        .await?
        .ok_or_else(|| Error::invalid("plan_id", applications::NO_SUCH_PLAN))?;
    let new = NewApplication {
        account_id,
        name: &name,
        description: &description,
        origin: "api",
        wanted,
    };
    let extra_fields = Fields::of(&mut tx, Target::Cinstance).await?;
    let extra_fields = extra_fields.read(&mut call.params, "{}");
    call.params.check()?;
    let (id, fresh) = applications::create(&mut tx, &app.secrets, &plan, new).await?;
    fields_definitions::set(&mut tx, Target::Cinstance, id, &extra_fields).await?;
    let answer = created(&app, &mut tx, id, &fresh).await?;
    tx.commit().await?;
    Ok(answer)
}

/// `PUT /admin/api/accounts/{account}/applications/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let name = params.opt_filled("name", NAME_CHARS);
    let description = params.opt_text("description", DESCRIPTION_CHARS);
    let user_key = secret(params, "user_key");
    params.check()?;
    let mut tx = app.db.begin().await?;
    if user_key.is_some() {
        tx.hold_revision().await?;
    }
    let application = rows::get(&mut tx, Some(account_id), id).await?;
    let extra_fields = Fields::of(&mut tx, Target::Cinstance).await?;
    let extra_fields = extra_fields.read(&mut call.params, &application.extra_fields);
    call.params.check()?;
    fields_definitions::set(&mut tx, Target::Cinstance, id, &extra_fields).await?;
    rows::describe(&mut tx, id, name.as_deref(), description.as_deref()).await?;
    events::record(&mut tx, events::APPLICATION_UPDATED, id).await?;
    let fresh = match user_key {
        Some(user_key) => {
            applications::replace_user_key(&mut tx, &app.secrets, &application, user_key).await?
        }
        None => Fresh::default(),
    };
    answer(&app, tx, id, &fresh).await
}

/// `DELETE /admin/api/accounts/{account}/applications/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    applications::delete(&mut tx, account_id, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// `PUT /admin/api/accounts/{account}/applications/{id}/accept`
///
/// # Errors
/// See [`Error`].
pub async fn accept(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    transition(&app, account_id, id, Event::Accept).await
}

/// `PUT /admin/api/accounts/{account}/applications/{id}/suspend`
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

/// `PUT /admin/api/accounts/{account}/applications/{id}/resume`
///
/// # Errors
/// See [`Error`].
pub async fn resume(
    State(app): State<App>,
    Ids([account_id, id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    transition(&app, account_id, id, Event::Resume).await
}

/// 201 with an application, as this transaction leaves it.
pub(super) async fn created(
    app: &App,
    tx: &mut Tx,
    id: i64,
    fresh: &Fresh,
) -> Result<Answer, Error> {
    let view = applications::view(tx, &app.secrets, id, fresh).await?;
    let account_id = view.application.account_id;
    Ok(Answer::created(
        shapes::application(Base(&app.config.admin_url), &view),
        format!("/admin/api/accounts/{account_id}/applications/{id}"),
    ))
}

/// A text that is shown nowhere and not trimmed; blank is `Some("")`.
pub(super) fn secret(params: &mut Params, name: &str) -> Option<Secret> {
    match params.take(name)? {
        Value::Null => None,
        Value::String(text) => Some(Secret::new(text)),
        Value::Number(number) => Some(Secret::new(number.to_string())),
        _ => {
            params.error(name, "must be a text");
            None
        }
    }
}

/// One such text or a list of them; blank ones are not there.
fn secrets(params: &mut Params, name: &str) -> Vec<Secret> {
    let items = match params.take(name) {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(items)) => items,
        Some(other) => vec![other],
    };
    let texts: Option<Vec<Secret>> = items
        .into_iter()
        .map(|item| match item {
            Value::String(text) => Some(Secret::new(text)),
            _ => None,
        })
        .collect();
    match texts {
        Some(mut texts) => {
            texts.retain(|text| !text.reveal().is_empty());
            texts
        }
        None => {
            params.error(name, "must be a text or a list of texts");
            Vec::new()
        }
    }
}

async fn list(app: &App, call: &mut Read, filter: Filter) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let mut tx = app.db.read().await?;
    let (found, total) = rows::page(&mut tx, filter, call.access.products(), page).await?;
    let views = applications::views(&mut tx, &app.secrets, found, &Fresh::default()).await?;
    let base = Base(&app.config.admin_url);
    let items = views.iter().map(|view| shapes::application(base, view));
    Ok(Answer::ok(
        List::new("applications", "application", items).paged(page.of(total)),
    ))
}

async fn find(app: &App, call: &mut Read, account_id: Option<i64>) -> Result<Answer, Error> {
    let params = &mut call.params;
    let id = params.opt_id("application_id");
    let service_id = params.opt_id("service_id");
    let app_id = params.opt_filled("app_id", 255);
    let user_key = secret(params, "user_key");
    if user_key
        .as_ref()
        .is_some_and(|key| key.reveal().len() > 256)
    {
        params.error("user_key", "is too long (maximum is 256 characters)");
    }
    if id.is_none() && app_id.is_none() && user_key.is_none() {
        params.error("base", "Give an application_id, an app_id or a user_key");
    }
    params.check()?;
    let mut tx = app.db.read().await?;
    let found = if let Some(id) = id {
        Some(rows::get(&mut tx, account_id, id).await?)
    } else {
        let user_key = user_key.as_ref().map(Secret::reveal);
        let identifier = app_id.as_deref().or(user_key).unwrap_or_default();
        applications::find_by_identifier(&mut tx, service_id, identifier).await?
    };
    let wanted = |found: &Application| {
        account_id.is_none_or(|id| id == found.account_id)
            && service_id.is_none_or(|id| id == found.product_id)
            && call.access.products().has(found.product_id)
            // One kind of identifier never finds the other.
            && (app_id.is_none() || app_id == found.app_id)
            && (user_key.is_none() || found.app_id.is_none())
    };
    let found = found.filter(wanted).ok_or(Error::NotFound)?;
    let view = applications::view(&mut tx, &app.secrets, found.id, &Fresh::default()).await?;
    let base = Base(&app.config.admin_url);
    Ok(Answer::ok(shapes::application(base, &view)))
}

async fn transition(app: &App, account_id: i64, id: i64, event: Event) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    applications::transition(&mut tx, account_id, id, event).await?;
    answer(app, tx, id, &Fresh::default()).await
}

/// Shows an application as this transaction leaves it.
async fn answer(app: &App, mut tx: Tx, id: i64, fresh: &Fresh) -> Result<Answer, Error> {
    let view = applications::view(&mut tx, &app.secrets, id, fresh).await?;
    tx.commit().await?;
    let base = Base(&app.config.admin_url);
    Ok(Answer::ok(shapes::application(base, &view)))
}
