//! `GET /session/create`: where a link of the provider's system leads, and signs a developer in once (see [`crate::sso`]).

use super::form::Form;
use super::session;
use super::view::Redirect;
use super::visitor::Visitor;
use crate::error::Error;
use crate::secrets::Secret;
use crate::sso;
use axum::http::Method;
use axum::response::Response;

/// Follows a link: `token`, and perhaps a `redirect_url` that leads elsewhere in the portal than the link was made for.
///
/// # Errors
/// 403 when the link is worth nothing (any more); it is used up whatever comes out.
pub async fn follow(visitor: Visitor, method: Method, mut form: Form) -> Result<Response, Error> {
    if method == Method::HEAD || is_ahead_of_time(&visitor) {
        // A link is for the browser that follows it, not for whoever looks first where it leads.
        return Err(Error::Forbidden("This link works once: open it."));
    }
    let app = &visitor.app;
    let token = match form.params.opt_text("token", 200) {
        Some(token) => Secret::new(token),
        None => Secret::new(""),
    };
    let elsewhere = form
        .params
        .opt_text("redirect_url", 4000)
        .and_then(|address| sso::portal_path(&app.config.portal_url, &address));
    let mut tx = app.db.begin().await?;
    let redeemed = sso::redeem(&mut tx, &token).await;
    let begun = match redeemed {
        Ok(redeemed) => {
            let cookie = session::begin(app, &mut tx, redeemed.user.id, &visitor.headers).await?;
            Ok((cookie, redeemed.redirect_path))
        }
        Err(error) => Err(error),
    };
    tx.commit().await?;
    let (cookie, path) = begun?;
    let path = elsewhere.unwrap_or(path);
    let path = if path == "/" { "/admin".into() } else { path };
    Ok(Redirect::to(path).cookie(cookie).respond(&visitor))
}

/// Whether a browser fetches the page in case somebody might want it.
fn is_ahead_of_time(visitor: &Visitor) -> bool {
    ["sec-purpose", "purpose", "x-moz"].iter().any(|name| {
        visitor
            .headers
            .get(*name)
            .is_some_and(|value| value.as_bytes().starts_with(b"prefetch"))
    })
}
