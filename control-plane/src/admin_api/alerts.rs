//! Alerts: limits that came close or were passed, of all applications and of one.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::page::Page;
use super::path::Ids;
use crate::alerts::LEVELS;
use crate::app::App;
use crate::error::Error;
use crate::store::alerts::{self as rows, Alert, Filter};
use crate::store::applications;
use axum::extract::State;

/// `GET /admin/api/alerts`: the newest first; `account_id`, `application_id`, `service_id`, `level` and `state` narrow it.
///
/// # Errors
/// See [`Error`].
pub async fn index_all(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let account_id = call.params.opt_id("account_id");
    let application_id = call.params.opt_id("application_id");
    let product_id = call.params.opt_id("service_id");
    let filter = Filter {
        account_id,
        application_id,
        product_id,
        ..Filter::default()
    };
    list(&app, call, filter).await
}

/// `GET /admin/api/accounts/{account}/applications/{application}/alerts`
///
/// # Errors
/// See [`Error`].
pub async fn index(
    State(app): State<App>,
    Ids([account_id, application_id]): Ids<2>,
    call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    applications::get(&mut tx, Some(account_id), application_id).await?;
    drop(tx);
    let filter = Filter {
        application_id: Some(application_id),
        ..Filter::default()
    };
    list(&app, call, filter).await
}

/// `PUT …/alerts/read_all`: nothing of the application's is unread from here.
///
/// # Errors
/// See [`Error`].
pub async fn read_all(
    State(app): State<App>,
    Ids([account_id, application_id]): Ids<2>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    applications::get(&mut tx, Some(account_id), application_id).await?;
    rows::read(&mut tx, application_id, None).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// `PUT …/alerts/{id}/read`
///
/// # Errors
/// See [`Error`].
pub async fn read(
    State(app): State<App>,
    Ids([account_id, application_id, id]): Ids<3>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    applications::get(&mut tx, Some(account_id), application_id).await?;
    rows::read(&mut tx, application_id, Some(id)).await?;
    let alert = rows::get(&mut tx, id).await?;
    if alert.application_id != application_id {
        return Err(Error::NotFound);
    }
    tx.commit().await?;
    Ok(Answer::ok(object(&alert)))
}

/// An alert.
#[must_use]
pub fn object(alert: &Alert) -> Object {
    let message = format!(
        "{} per {}: {}/{}",
        alert.metric_name, alert.period, alert.used, alert.limit_value
    );
    Object::new("alert")
        .with("id", alert.id)
        .with("account_id", alert.account_id)
        .with("application_id", alert.application_id)
        .with("service_id", alert.product_id)
        .with("metric_id", alert.metric_id)
        .with("metric_system_name", &alert.metric_name)
        .with("period", &alert.period)
        .with(
            "window_start",
            timestamp(alert.window_start.saturating_mul(1_000)),
        )
        .with("level", alert.level)
        .with("violation", alert.level >= 100)
        .with("used", alert.used)
        .with("limit", alert.limit_value)
        .with("message", message)
        .with(
            "state",
            if alert.read_at.is_some() {
                "read"
            } else {
                "unread"
            },
        )
        .with("timestamp", timestamp(alert.created_at))
}

async fn list(app: &App, mut call: Read, filter: Filter<'_>) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let level = call.params.opt_id("level");
    if level.is_some_and(|level| !LEVELS.contains(&level)) {
        let levels: Vec<String> = LEVELS.iter().map(i64::to_string).collect();
        let problem = format!("must be one of {}", levels.join(", "));
        call.params.error("level", problem);
    }
    let state = call.params.opt_choice("state", &["read", "unread"]);
    call.params.check()?;
    let filter = Filter {
        level,
        is_read: state.map(|state| state == "read"),
        products: Some(call.access.products()),
        ..filter
    };
    let mut tx = app.db.read().await?;
    let (alerts, total) = rows::page(&mut tx, filter, page).await?;
    let items = alerts.iter().map(object);
    Ok(Answer::ok(
        List::new("alerts", "alert", items).paged(page.of(total)),
    ))
}
