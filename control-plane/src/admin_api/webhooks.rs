//! `/admin/api/webhooks`: where events are told, which of them, and what could not be delivered.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::page::Page;
use super::params::Params;
use crate::addresses::is_public;
use crate::app::App;
use crate::error::Error;
use crate::events;
use crate::secrets::{self, Secret, WEBHOOK_BODY, WEBHOOK_SECRET};
use crate::store::webhook_events as outbox;
use crate::store::webhooks::{self as rows, Webhook};
use axum::extract::State;
use std::net::IpAddr;
use ureq::http::Uri;

/// The least that a chosen secret has, in characters.
const SECRET_CHARS: usize = 16;

/// `GET /admin/api/webhooks`
///
/// # Errors
/// See [`Error`].
pub async fn show(State(app): State<App>, _call: Read) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    let webhook = rows::get(&mut tx).await?;
    Ok(Answer::ok(object(&app, webhook.as_ref())?))
}

/// `PUT /admin/api/webhooks`: what is given changes. A blank `secret` is replaced by a new one.
///
/// # Errors
/// See [`Error`].
pub async fn update(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let params = &mut call.params;
    let url = params.opt_text("url", 2_000);
    if let Some(url) = url.as_deref().filter(|url| !url.is_empty())
        && let Err(problem) = check_url(url, app.config.webhooks_private)
    {
        params.error("url", problem);
    }
    let active = params.opt_bool("active");
    let provider_actions = params.opt_bool("provider_actions");
    let switches: Vec<(&str, bool)> = events::ALL
        .iter()
        .filter_map(|event| Some((event.switch, params.opt_bool(event.switch)?)))
        .collect();
    let secret = chosen_secret(params);
    params.check()?;

    let mut tx = app.db.begin().await?;
    // Two that set it at once do so one after the other.
    tx.hold_revision().await?;
    let before = rows::get(&mut tx).await?;
    let secret = match (secret, &before) {
        (Some(secret), _) => app.secrets.seal(WEBHOOK_SECRET, &secret)?,
        (None, Some(before)) => before.secret.clone(),
        (None, None) => app.secrets.seal(WEBHOOK_SECRET, &new_secret())?,
    };
    let on: Vec<&str> = events::ALL
        .iter()
        .map(|event| event.switch)
        .filter(
            |name| match switches.iter().find(|(given, _)| given == name) {
                Some((_, on)) => *on,
                None => before.as_ref().is_some_and(|before| before.is_on(name)),
            },
        )
        .collect();
    let webhook = Webhook {
        url: url
            .or_else(|| before.as_ref().map(|before| before.url.clone()))
            .unwrap_or_default(),
        active: active.unwrap_or(before.as_ref().is_some_and(|before| before.active)),
        provider_actions: provider_actions.unwrap_or(
            before
                .as_ref()
                .is_some_and(|before| before.provider_actions),
        ),
        switches: on.join(","),
        secret,
        created_at: 0,
        updated_at: 0,
    };
    if webhook.active && webhook.url.is_empty() {
        return Err(Error::invalid("url", "can't be blank"));
    }
    rows::put(&mut tx, &webhook).await?;
    let webhook = rows::get(&mut tx).await?;
    let object = object(&app, webhook.as_ref())?;
    tx.commit().await?;
    Ok(Answer::ok(object))
}

/// `GET /admin/api/webhooks/failures`: what was given up, the oldest first.
///
/// # Errors
/// See [`Error`].
pub async fn failures(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let mut tx = app.db.read().await?;
    let (failures, total) = outbox::failures(&mut tx, page).await?;
    let mut items = Vec::new();
    for failure in &failures {
        items.push(
            Object::new("webhooks-failure")
                .with("id", &failure.event_id)
                .with("time", timestamp(failure.failed_at))
                .with("error", &failure.error)
                .with("url", &failure.url)
                .with("event", app.secrets.open(WEBHOOK_BODY, &failure.body)?),
        );
    }
    Ok(Answer::ok(
        List::new("webhooks-failures", "webhooks-failure", items)
            .typed()
            .paged(page.of(total)),
    ))
}

/// `DELETE /admin/api/webhooks/failures`: forgets them, or those until `time`.
///
/// # Errors
/// See [`Error`].
pub async fn delete_failures(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let until_ms = call.params.opt_time("time");
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    // Shown are whole seconds: that one included.
    outbox::forget_failures(&mut tx, until_ms.map(|ms| ms.saturating_add(999))).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

fn new_secret() -> Secret {
    secrets::random_token("whsec_", 24)
}

fn chosen_secret(params: &mut Params) -> Option<Secret> {
    let text = params.opt_text("secret", 255)?;
    if text.is_empty() {
        return Some(new_secret());
    }
    if text.chars().count() < SECRET_CHARS || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        params.error(
            "secret",
            format!("must have at least {SECRET_CHARS} printable ASCII characters"),
        );
        return None;
    }
    Some(Secret::new(text))
}

/// Names are looked up and checked again with every delivery.
fn check_url(url: &str, private: bool) -> Result<(), &'static str> {
    const WRONG: &str = "must be an address such as https://example.com/events";
    let uri: Uri = url.parse().map_err(|_| WRONG)?;
    let authority = uri.authority().ok_or(WRONG)?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || authority.host().is_empty() {
        return Err(WRONG);
    }
    if authority.as_str().contains('@') {
        return Err("must not have a user or a password in it");
    }
    let host = authority.host().trim_matches(['[', ']']);
    let is_private = match host.parse::<IpAddr>() {
        Ok(address) => !is_public(address),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    };
    if is_private && !private {
        return Err("is a private address: TALLYGATE_WEBHOOKS_PRIVATE=true allows it");
    }
    Ok(())
}

fn object(app: &App, webhook: Option<&Webhook>) -> Result<Object, Error> {
    let secret = webhook
        .map(|webhook| app.secrets.open(WEBHOOK_SECRET, &webhook.secret))
        .transpose()?;
    let mut object = Object::new("webhook")
        .with("url", webhook.map_or("", |webhook| webhook.url.as_str()))
        .with("active", webhook.is_some_and(|webhook| webhook.active))
        .with(
            "provider_actions",
            webhook.is_some_and(|webhook| webhook.provider_actions),
        );
    for event in events::ALL {
        let is_on = webhook.is_some_and(|webhook| webhook.is_on(event.switch));
        object = object.with(event.switch, is_on);
    }
    Ok(object
        .with("secret", secret)
        .with(
            "created_at",
            webhook.map(|webhook| timestamp(webhook.created_at)),
        )
        .with(
            "updated_at",
            webhook.map(|webhook| timestamp(webhook.updated_at)),
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_checked() {
        for (url, public, private) in [
            ("https://example.com/events?a=b", true, true),
            ("http://example.com:8080", true, true),
            ("http://localhost:1", false, true),
            ("http://127.0.0.1/x", false, true),
            ("http://[::1]/x", false, true),
            ("http://169.254.169.254/latest/meta-data", false, true),
            ("https://me:secret@example.com", false, false),
            ("ftp://example.com", false, false),
            ("file:///etc/passwd", false, false),
            ("/events", false, false),
            ("example.com", false, false),
            ("https://", false, false),
            ("x y", false, false),
        ] {
            assert_eq!(check_url(url, false).is_ok(), public, "{url}");
            assert_eq!(check_url(url, true).is_ok(), private, "{url}");
        }
    }
}
