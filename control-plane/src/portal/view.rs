//! Answers: a page in its layout, or a redirect. With headers that let nothing in from elsewhere.

use super::assets;
use super::flash::{Flash, FlashDrop};
use super::visitor::Visitor;
use crate::drop;
use crate::drops::{self, AccountDrop, ProviderDrop, UserDrop};
use crate::error::Error;
use crate::liquid::{Escaping, Moment, Problem, ToLiquid};
use crate::site;
use crate::store::alerts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::cookie::Cookie;
use liquid_core::model::{Object, Value};
use std::sync::Arc;

/// Nothing from elsewhere, no script or style in the page itself, forms to this site alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

drop! {
    /// What every page can name.
    pub struct SiteDrop as "every page" {
        /// Whose portal it is.
        provider: ProviderDrop,
        /// The account of whoever is signed in.
        current_account: Option<AccountDrop>,
        /// Who is signed in.
        current_user: Option<UserDrop>,
        /// This page.
        page: PageDrop,
        /// What the browser asks for.
        request: RequestDrop,
        /// The message from the page before.
        flash: Option<FlashDrop>,
        /// Paths of the portal.
        urls: UrlsDrop,
        /// The portal's own files.
        assets: AssetsDrop,
        /// Whether drafts are shown in place of what is published.
        is_preview: bool,
        /// Alerts of the account that nobody has read.
        unread_alerts: i64,
        /// Now.
        today: Moment,
    }
}

drop! {
    /// A page.
    pub struct PageDrop as "page" {
        /// Its title.
        title: String,
        /// Its template's name.
        system_name: String,
    }
}

drop! {
    /// What the browser asks for.
    pub struct RequestDrop as "request" {
        /// The path.
        path: String,
        /// The host, as the browser names it.
        host: String,
    }
}

drop! {
    /// Paths of the portal.
    pub struct UrlsDrop as "urls" {
        /// The front page.
        root: &'static str,
        /// Plans side by side.
        plans: &'static str,
        /// The documentation.
        docs: &'static str,
        /// Customer stories.
        stories: &'static str,
        /// Where to sign up.
        signup: &'static str,
        /// Where to sign in.
        login: &'static str,
        /// Where to sign out: a form posts there.
        logout: &'static str,
        /// Where a lost password is replaced.
        lost_password: &'static str,
        /// After signing in.
        dashboard: &'static str,
        /// Applications.
        applications: &'static str,
        /// A new application.
        new_application: &'static str,
        /// Usage.
        stats: &'static str,
        /// Alerts.
        alerts: &'static str,
        /// The account.
        account: &'static str,
        /// The account's users.
        users: &'static str,
        /// Invitations to the account.
        invitations: &'static str,
        /// Who is signed in: name, address, password, sessions.
        personal_details: &'static str,
        /// Messages from the provider.
        messages: &'static str,
        /// Terms of service.
        terms: &'static str,
        /// Privacy policy.
        privacy: &'static str,
    }
}

drop! {
    /// The portal's own files; their names change with their contents.
    pub struct AssetsDrop as "assets" {
        /// The stylesheet.
        stylesheet: String,
        /// The script that adds copy buttons and chart read-outs. Everything works without.
        script: String,
        /// The provider's colours and logo.
        brand: String,
    }
}

const URLS: UrlsDrop = UrlsDrop {
    root: "/",
    plans: "/plans",
    docs: "/docs",
    stories: "/stories",
    signup: "/signup",
    login: "/login",
    logout: "/logout",
    lost_password: "/admin/account/password/new",
    dashboard: "/admin",
    applications: "/admin/applications",
    new_application: "/admin/applications/new",
    stats: "/buyer/stats",
    alerts: "/admin/alerts",
    account: "/admin/account",
    users: "/admin/account/users",
    invitations: "/admin/account/invitations",
    personal_details: "/admin/account/personal_details",
    messages: "/admin/messages",
    terms: "/terms",
    privacy: "/privacy",
};

/// What the layout of a page is called.
pub(super) const LAYOUT: &str = "layouts/main_layout";

/// What a page is made of.
#[derive(Debug)]
pub(super) struct Frame {
    /// Its template.
    pub(super) template: String,
    /// What templates know it by.
    pub(super) system_name: String,
    /// Its title.
    pub(super) title: String,
    /// The layout, unless the provider chose another; none when the page is whole by itself.
    pub(super) layout: Option<String>,
}

impl Visitor {
    /// A page: `name` is its template's, as in `login`; what `values` holds is named directly in it.
    ///
    /// # Errors
    /// When the database does not answer, or the template that comes with the program is broken.
    pub async fn page(
        &self,
        name: &str,
        title: &str,
        values: &impl ToLiquid,
    ) -> Result<Response, Error> {
        self.page_with(StatusCode::OK, name, title, values).await
    }

    /// The page of a form that was not taken (422).
    ///
    /// # Errors
    /// See [`Self::page`].
    pub async fn again(
        &self,
        name: &str,
        title: &str,
        values: &impl ToLiquid,
    ) -> Result<Response, Error> {
        self.page_with(StatusCode::UNPROCESSABLE_ENTITY, name, title, values)
            .await
    }

    /// A page with this status.
    ///
    /// # Errors
    /// See [`Self::page`].
    pub async fn page_with(
        &self,
        status: StatusCode,
        name: &str,
        title: &str,
        values: &impl ToLiquid,
    ) -> Result<Response, Error> {
        let frame = Frame {
            template: format!("pages/{name}"),
            system_name: name.to_owned(),
            title: title.to_owned(),
            layout: Some(LAYOUT.to_owned()),
        };
        self.framed(status, frame, values).await
    }

    /// A page in its frame.
    ///
    /// # Errors
    /// See [`Self::page`].
    pub(super) async fn framed(
        &self,
        status: StatusCode,
        frame: Frame,
        values: &impl ToLiquid,
    ) -> Result<Response, Error> {
        let mut tx = self.app.db.read().await?;
        let templates = match self.sees_drafts() {
            true => self.app.site.drafts(&mut tx).await?,
            false => self.app.site.templates(&mut tx).await?,
        };
        let site = SiteDrop {
            provider: drops::provider(&mut tx).await?,
            current_account: self.account().map(AccountDrop::from),
            current_user: self.user().map(UserDrop::from),
            page: PageDrop {
                title: frame.title,
                system_name: frame.system_name,
            },
            request: RequestDrop {
                path: self.uri.path().to_owned(),
                host: self.host(),
            },
            flash: self.flash.clone().map(FlashDrop::from),
            urls: URLS.clone(),
            assets: assets::drop(&mut tx).await?,
            is_preview: self.sees_drafts(),
            unread_alerts: match self.account() {
                Some(account) => alerts::count_unread(&mut tx, account.id).await?,
                None => 0,
            },
            today: Moment(tx.now_ms().await?),
        };
        drop(tx);
        let mut globals = members(&site);
        globals.extend(members(values));
        let page = frame.template;
        let layout = frame
            .layout
            .map(|layout| templates.layout(&page).unwrap_or(layout));
        let rendered = {
            let templates = Arc::clone(&templates);
            tokio::task::spawn_blocking(move || {
                site::render_page(&templates, &page, layout.as_deref(), &mut globals)
            })
        };
        let html = rendered
            .await
            .map_err(|error| Error::internal(error.to_string()))?;
        self.app.site.tell(&self.app.db, &templates).await;
        let html = html.map_err(|Problem { template, message }| {
            Error::internal(format!("template {template}: {message}"))
        })?;
        let mut response = (
            status,
            [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
            html,
        )
            .into_response();
        secure(&mut response);
        if self.flash.is_some() {
            add_cookie(&mut response, &Flash::end_cookie(&self.app));
        }
        Ok(response)
    }

    fn host(&self) -> String {
        let host = self.headers.get(header::HOST);
        host.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned())
            .unwrap_or_default()
    }
}

fn members(values: &impl ToLiquid) -> Object {
    match values.to_liquid(Escaping::Html) {
        Value::Object(members) => members,
        _ => Object::new(),
    }
}

/// Headers of every page.
pub(super) fn secure(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn add_cookie(response: &mut Response, cookie: &Cookie<'static>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// After a form was taken: to another page, perhaps with a message.
#[derive(Debug)]
pub struct Redirect {
    to: String,
    flash: Option<Flash>,
    cookies: Vec<Cookie<'static>>,
}

impl Redirect {
    /// To a path of the portal.
    #[must_use]
    pub fn to(path: impl Into<String>) -> Self {
        Self {
            to: path.into(),
            flash: None,
            cookies: Vec::new(),
        }
    }

    /// With a message for that page.
    #[must_use]
    pub fn flash(self, flash: Flash) -> Self {
        Self {
            flash: Some(flash),
            ..self
        }
    }

    /// With a cookie.
    #[must_use]
    pub fn cookie(mut self, cookie: Cookie<'static>) -> Self {
        self.cookies.push(cookie);
        self
    }

    /// The answer (303).
    #[must_use]
    pub fn respond(self, visitor: &Visitor) -> Response {
        let location =
            HeaderValue::from_str(&self.to).unwrap_or_else(|_| HeaderValue::from_static("/"));
        let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
        secure(&mut response);
        for cookie in &self.cookies {
            add_cookie(&mut response, cookie);
        }
        if let Some(cookie) = self.flash.and_then(|flash| flash.cookie(&visitor.app)) {
            add_cookie(&mut response, &cookie);
        }
        response
    }
}
