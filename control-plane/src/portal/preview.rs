//! A preview: drafts are shown in place of what is published, to the one browser that followed a link of the CMS API.
//!
//! The link and the cookie hold no more than a time, sealed. Who looks stays who signed in: a link of `sso_tokens` before it
//! shows the drafts as a developer sees them.

use super::session::{self, Kept};
use super::view::Redirect;
use super::visitor::Visitor;
use crate::app::App;
use crate::error::Error;
use crate::secrets::{PORTAL_PREVIEW, Secret};
use crate::sso;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// How long a preview goes on.
pub const LIFETIME_MS: i64 = 30 * 60 * 1000;

const COOKIE: &str = "tallygate_preview";

#[derive(Debug, Serialize, Deserialize)]
struct Preview {
    /// Until when, milliseconds since 1970.
    expires_at: i64,
    /// The path that is shown first.
    path: String,
}

/// The address that begins a preview.
///
/// # Errors
/// When it cannot be sealed.
pub fn link(app: &App, path: String, expires_at: i64) -> Result<Secret, Error> {
    let json = serde_json::to_string(&Preview { expires_at, path })
        .map_err(|error| Error::internal(error.to_string()))?;
    let sealed = app
        .secrets
        .seal(PORTAL_PREVIEW, &Secret::new(json))
        .map_err(|error| Error::internal(error.to_string()))?;
    let base = app.config.portal_url.trim_end_matches('/');
    let token = URL_SAFE_NO_PAD.encode(sealed);
    Ok(Secret::new(format!("{base}/preview/{token}")))
}

/// `GET /preview/{token}`
///
/// # Errors
/// 403 when the link is not ours or has expired.
pub async fn begin(visitor: Visitor, Path(token): Path<String>) -> Result<Response, Error> {
    let now_ms = visitor.app.db.read().await?.now_ms().await?;
    let preview = open(&visitor.app, &token)
        .filter(|preview| now_ms < preview.expires_at)
        .ok_or(Error::Forbidden(
            "This preview has expired. Ask for another link.",
        ))?;
    let path = sso::portal_path(&visitor.app.config.portal_url, &preview.path);
    let cookie = session::set_cookie(&visitor.app, COOKIE, &Secret::new(token), Kept::Open);
    Ok(Redirect::to(path.unwrap_or_else(|| "/".into()))
        .cookie(cookie)
        .respond(&visitor))
}

/// `GET /preview/end`
///
/// # Errors
/// None.
pub async fn end(visitor: Visitor) -> Result<Response, Error> {
    let cookie = session::set_cookie(&visitor.app, COOKIE, &Secret::new(""), Kept::Gone);
    Ok(Redirect::to("/").cookie(cookie).respond(&visitor))
}

/// Whether a request's browser is in a preview.
pub(super) fn is_on(app: &App, headers: &HeaderMap, now_ms: i64) -> bool {
    session::cookie(app, headers, COOKIE)
        .and_then(|token| open(app, &token))
        .is_some_and(|preview| now_ms < preview.expires_at)
}

fn open(app: &App, token: &str) -> Option<Preview> {
    let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
    let json = app.secrets.open(PORTAL_PREVIEW, &sealed).ok()?;
    serde_json::from_str(json.reveal()).ok()
}
