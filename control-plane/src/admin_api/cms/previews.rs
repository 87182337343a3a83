//! `POST /admin/api/cms/previews`: a link that shows the portal with all drafts, in one browser, for half an hour.

use crate::admin_api::auth::WriteContent;
use crate::admin_api::format::{Answer, Object, timestamp};
use crate::app::App;
use crate::error::Error;
use crate::portal::preview;
use crate::sso;
use axum::extract::State;
use axum::http::StatusCode;

/// `POST …/previews`: begins at `path`.
///
/// # Errors
/// See [`Error`].
pub async fn create(State(app): State<App>, mut call: WriteContent) -> Result<Answer, Error> {
    let params = &mut call.params;
    let path = params
        .opt_text("path", 1000)
        .map(|path| sso::portal_path(&app.config.portal_url, &path));
    if path == Some(None) && !params.is_noted("path") {
        params.error("path", "must be a path of the portal, as in /plans");
    }
    params.check()?;
    let now_ms = app.db.read().await?.now_ms().await?;
    let expires_at = now_ms + preview::LIFETIME_MS;
    let path = path.flatten().unwrap_or_else(|| "/".into());
    let object = Object::new("preview")
        .unwrapped()
        .with("url", preview::link(&app, path, expires_at)?)
        .with("expires_at", timestamp(expires_at));
    Ok(Answer::ok(object).with_status(StatusCode::CREATED))
}
