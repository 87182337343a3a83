//! Who looks at a page: anybody ([`Visitor`]), or somebody who is signed in ([`Member`]).

use super::flash::Flash;
use super::preview;
use super::session::{self, SignedIn};
use super::view::Redirect;
use crate::app::App;
use crate::error::Error;
use crate::peer;
use crate::store::accounts::Account;
use crate::store::sessions::Session;
use crate::store::users::User;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::HeaderMap;
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use std::ops::Deref;

/// Whoever asks for a page, and all that answering needs.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The application's state.
    pub app: App,
    /// What the request asks for.
    pub uri: Uri,
    /// The request's headers.
    pub headers: HeaderMap,
    /// Where it comes from: an IPv4 address, or half an IPv6 one.
    pub client: String,
    /// The message from the page before.
    pub flash: Option<Flash>,
    signed_in: Option<SignedIn>,
    sees_drafts: bool,
}

/// Somebody who is signed in: an active user of an approved account.
#[derive(Clone, Debug)]
pub struct Member {
    visitor: Visitor,
    signed_in: SignedIn,
}

impl Visitor {
    /// Whether drafts are shown in place of what is published.
    #[must_use]
    pub fn sees_drafts(&self) -> bool {
        self.sees_drafts
    }

    /// The user who is signed in.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        self.signed_in.as_ref().map(|signed_in| &signed_in.user)
    }

    /// That user's account.
    #[must_use]
    pub fn account(&self) -> Option<&Account> {
        self.signed_in.as_ref().map(|signed_in| &signed_in.account)
    }
}

impl Member {
    /// The user.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.signed_in.user
    }

    /// The user's account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.signed_in.account
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.signed_in.session
    }

    /// For what only an account's admins may do.
    ///
    /// # Errors
    /// 403 for members.
    pub fn require_admin(&self) -> Result<(), Error> {
        if self.user().role == "admin" {
            Ok(())
        } else {
            Err(Error::Forbidden(
                "Only an admin of your account may do this. Ask one of them.",
            ))
        }
    }
}

impl Deref for Member {
    type Target = Visitor;

    fn deref(&self) -> &Visitor {
        &self.visitor
    }
}

/// Why a page is not shown to whoever is not signed in.
#[derive(Debug)]
pub enum NotShown {
    /// Sign in first.
    SignIn(Box<Visitor>),
    /// Something went wrong.
    Failed(Error),
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        if let Some(visitor) = parts.extensions.get::<Self>() {
            return Ok(visitor.clone());
        }
        let mut tx = app.db.read().await?;
        let signed_in = session::of(app, &mut tx, &parts.headers).await?;
        let visitor = Self {
            app: app.clone(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            client: peer::client(
                &parts.extensions,
                &parts.headers,
                app.config.trusted_proxies,
            ),
            flash: Flash::read(app, &parts.headers),
            signed_in,
            sees_drafts: preview::is_on(app, &parts.headers, tx.now_ms().await?),
        };
        parts.extensions.insert(visitor.clone());
        Ok(visitor)
    }
}

impl OptionalFromRequestParts<App> for Member {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Error> {
        let visitor = <Visitor as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        Ok(visitor
            .signed_in
            .clone()
            .map(|signed_in| Self { visitor, signed_in }))
    }
}

impl FromRequestParts<App> for Member {
    type Rejection = NotShown;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, NotShown> {
        let visitor = <Visitor as FromRequestParts<App>>::from_request_parts(parts, app)
            .await
            .map_err(NotShown::Failed)?;
        match visitor.signed_in.clone() {
            Some(signed_in) => Ok(Self { visitor, signed_in }),
            None => Err(NotShown::SignIn(Box::new(visitor))),
        }
    }
}

impl IntoResponse for NotShown {
    /// To the login page, which leads back here.
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(visitor) => {
                let back = visitor
                    .uri
                    .path_and_query()
                    .map_or("/", |path| path.as_str());
                let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
                Redirect::to(format!("/login?return_to={back}")).respond(&visitor)
            }
            Self::Failed(error) => error.into_response(),
        }
    }
}
