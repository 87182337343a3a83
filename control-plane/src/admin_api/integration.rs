//! `POST …/proxy/test`: a request through the staging gateway, and what happened to it at each step.

use super::auth::Write;
use super::format::{Answer, List, Object};
use super::path::Ids;
use crate::app::App;
use crate::error::Error;
use crate::integration::{self, METHODS, Report, Wanted};
use crate::secrets::Secret;
use axum::extract::State;

/// `POST …/proxy/test`: 200 whether the test is passed or not. The request is a real one and counts as a call of the
/// application.
///
/// # Errors
/// See [`Error`].
pub async fn test(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut text =
        |name: &str, max: usize| params.opt_text(name, max).filter(|text| !text.is_empty());
    let path = text("path", 2_000);
    let user_key = text("user_key", 256).map(Secret::new);
    let app_id = text("app_id", 255);
    let app_key = text("app_key", 255).map(Secret::new);
    let token = text("bearer_token", 16_000).map(Secret::new);
    let method = params.opt_choice("method", METHODS);
    let application_id = params.opt_id("application_id");
    if app_id.is_some() && app_key.is_none() {
        params.error(
            "app_key",
            "can't be blank: app_id alone does not authenticate",
        );
    }
    for (name, sent) in [
        ("user_key", &user_key),
        ("app_key", &app_key),
        ("bearer_token", &token),
    ] {
        if sent
            .as_ref()
            .is_some_and(|sent| !is_sendable(sent.reveal()))
        {
            params.error(name, "must hold only printable ASCII characters");
        }
    }
    if app_id.as_ref().is_some_and(|app_id| !is_sendable(app_id)) {
        params.error("app_id", "must hold only printable ASCII characters");
    }
    params.check()?;
    let wanted = Wanted {
        method,
        path,
        application_id,
        user_key,
        app_id,
        app_key,
        token,
    };
    let report = integration::run(&app, product_id, wanted).await?;
    Ok(Answer::ok(shown(report)))
}

/// What could not go into a header or be a credential.
fn is_sendable(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

fn shown(report: Report) -> Object {
    let passed = report.passed();
    let steps = report.steps.into_iter().map(|step| {
        Object::new("step")
            .with("name", step.name)
            .with("outcome", step.outcome.as_str())
            .with("detail", &step.detail)
            .with("advice", &step.advice)
    });
    let sent = report.sent;
    Object::new("integration_test")
        .with("passed", passed)
        .with("environment", "sandbox")
        .with("version", report.version)
        .with("method", sent.as_ref().map(|sent| sent.method.clone()))
        .with("url", sent.as_ref().map(|sent| sent.url.clone()))
        .with("application_id", sent.and_then(|sent| sent.application_id))
        .with("status", report.answer.map(|(status, _)| i64::from(status)))
        .with(
            "duration_ms",
            report.answer.map(|(_, duration_ms)| duration_ms),
        )
        .with("steps", List::new("steps", "step", steps))
}
