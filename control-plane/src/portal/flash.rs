//! A message for the next page: in a sealed cookie, since it may hold a key that is shown once, and gone once it was read.

use super::session::{self, Kept};
use crate::app::App;
use crate::drop;
use crate::secrets::{PORTAL_FLASH, Secret};
use axum::http::HeaderMap;
use axum_extra::extract::cookie::Cookie;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

const COOKIE: &str = "tallygate_flash";
/// Browsers keep cookies of up to 4 KiB.
const MOST_CHARS: usize = 1_000;

/// A message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flash {
    /// `notice` or `error`.
    pub kind: String,
    /// What it says.
    pub message: String,
    /// Shown now and never again: a key.
    pub secret: Option<String>,
}

drop! {
    /// A message from the page before.
    pub struct FlashDrop as "flash" {
        /// `notice` or `error`.
        kind: String,
        /// What it says.
        message: String,
        /// A key that is shown now and never again.
        secret: Option<String>,
    }
}

impl Flash {
    /// Something went well.
    #[must_use]
    pub fn notice(message: impl Into<String>) -> Self {
        Self {
            kind: "notice".into(),
            message: message.into(),
            secret: None,
        }
    }

    /// Something did not.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            kind: "error".into(),
            ..Self::notice(message)
        }
    }

    /// With a key to copy.
    #[must_use]
    pub fn with_secret(self, secret: &Secret) -> Self {
        Self {
            secret: Some(secret.reveal().to_owned()),
            ..self
        }
    }

    /// What the page before left, if it is ours.
    pub(super) fn read(app: &App, headers: &HeaderMap) -> Option<Self> {
        let text = session::cookie(app, headers, COOKIE)?;
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let json = app.secrets.open(PORTAL_FLASH, &sealed).ok()?;
        serde_json::from_str(json.reveal()).ok()
    }

    /// The cookie that takes it to the next page; none when it cannot be sealed.
    pub(super) fn cookie(&self, app: &App) -> Option<Cookie<'static>> {
        let short = Self {
            message: self.message.chars().take(MOST_CHARS).collect(),
            ..self.clone()
        };
        let json = serde_json::to_string(&short).ok()?;
        let sealed = app.secrets.seal(PORTAL_FLASH, &Secret::new(json)).ok()?;
        let text = Secret::new(URL_SAFE_NO_PAD.encode(sealed));
        Some(session::set_cookie(app, COOKIE, &text, Kept::Open))
    }

    /// The cookie that forgets it.
    pub(super) fn end_cookie(app: &App) -> Cookie<'static> {
        session::set_cookie(app, COOKIE, &Secret::new(""), Kept::Gone)
    }
}

impl From<Flash> for FlashDrop {
    fn from(flash: Flash) -> Self {
        Self {
            kind: flash.kind,
            message: flash.message,
            secret: flash.secret,
        }
    }
}
