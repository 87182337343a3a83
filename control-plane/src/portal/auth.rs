//! Signing in at somebody else's: `/auth/{system_name}` sends the browser there, `/auth/{system_name}/callback` is where it
//! comes back (see [`crate::identity`]).

use super::flash::Flash;
use super::form::Form;
use super::session::{self, Kept};
use super::view::Redirect;
use super::visitor::Visitor;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::identity::{self, Arrival, Attempt, Door};
use crate::secrets::{AUTHENTICATION_PROVIDER_SECRET, PORTAL_SIGN_IN, Secret};
use crate::sso;
use crate::store::authentication_providers::{self, AccountType};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

crate::drop! {
    /// Where else developers can sign in.
    pub struct AuthenticationProviderDrop as "authentication_provider" {
        /// Its name.
        name: String,
        /// Its stable slug.
        system_name: String,
        /// `github`, `auth0`, `keycloak`, or a word of the provider's own.
        kind: String,
        /// Where signing in with it begins.
        authorize_url: String,
    }
}

/// What is remembered while the browser is away.
const COOKIE: &str = "tallygate_sign_in";
/// How long it may be.
const LONGEST_MS: i64 = 10 * 60 * 1000;
const LOST: &str = "That sign-in took too long, or was begun in another window. Try again.";
const CANCELLED: &str = "You did not sign in there. Try again, or sign in another way.";

/// Those that developers can use; they lead to this path afterwards.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn providers(
    tx: &mut Tx,
    return_to: &str,
) -> Result<Vec<AuthenticationProviderDrop>, Error> {
    let return_to: String = form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
    let all = authentication_providers::list(tx, AccountType::Developer).await?;
    let published = all.into_iter().filter(|row| row.published);
    Ok(published
        .map(|row| AuthenticationProviderDrop {
            authorize_url: format!("/auth/{}?return_to={return_to}", row.system_name),
            name: row.name,
            system_name: row.system_name,
            kind: row.kind,
        })
        .collect())
}

/// `GET /auth/{system_name}`
///
/// # Errors
/// 404 when there is no such provider.
pub async fn begin(
    visitor: Visitor,
    Path(system_name): Path<String>,
    mut form: Form,
) -> Result<Response, Error> {
    let app = &visitor.app;
    let wanted = form.params.opt_text("return_to", 2000).unwrap_or_default();
    let return_to = sso::portal_path(&app.config.portal_url, &wanted)
        .filter(|path| path != "/")
        .unwrap_or_else(|| "/admin".into());
    let mut tx = app.db.read().await?;
    let door = door(app, &mut tx, &system_name).await?;
    let now_ms = tx.now_ms().await?;
    drop(tx);
    let (address, attempt) = match identity::begin(door, return_to, now_ms).await {
        Ok(begun) => begun,
        Err(error) => return to_login(&visitor, error),
    };
    let json = Secret::new(serde_json::to_string(&attempt).map_err(anyhow::Error::from)?);
    let sealed = app.secrets.seal(PORTAL_SIGN_IN, &json)?;
    let text = Secret::new(URL_SAFE_NO_PAD.encode(sealed));
    Ok(Redirect::to(address)
        .cookie(session::set_cookie(app, COOKIE, &text, Kept::Open))
        .respond(&visitor))
}

/// `GET /auth/{system_name}/callback`
///
/// # Errors
/// 404 when there is no such provider.
pub async fn callback(
    visitor: Visitor,
    Path(system_name): Path<String>,
    mut form: Form,
) -> Result<Response, Error> {
    let app = &visitor.app;
    let state = form.params.opt_text("state", 500).unwrap_or_default();
    let code = Secret::new(form.params.opt_text("code", 4000).unwrap_or_default());
    let mut tx = app.db.read().await?;
    let door = door(app, &mut tx, &system_name).await?;
    let now_ms = tx.now_ms().await?;
    drop(tx);
    let attempt = remembered(&visitor).filter(|attempt| {
        attempt.system_name == system_name
            && attempt.began_at + LONGEST_MS > now_ms
            && bool::from(attempt.state.as_bytes().ct_eq(state.as_bytes()))
    });
    let Some(attempt) = attempt else {
        return to_login(&visitor, refused(LOST));
    };
    if code.reveal().is_empty() {
        return to_login(&visitor, refused(CANCELLED));
    }
    let return_to = attempt.return_to.clone();
    let person = match identity::exchange(door.clone(), attempt, code).await {
        Ok(person) => person,
        Err(error) => return to_login(&visitor, error),
    };
    let mut tx = app.db.begin().await?;
    let user = match identity::arrive(&mut tx, &app.secrets, &door, &person).await {
        Ok(Arrival::Welcome(user)) => user,
        Ok(Arrival::NotYet(why)) => {
            tx.commit().await?;
            return to_login(&visitor, refused(why));
        }
        // The provider's plans do not let anybody sign up.
        Err(error @ Error::Invalid(_)) => {
            tracing::warn!(%error, "nobody can sign up with an identity provider");
            return to_login(
                &visitor,
                refused("Signing up is not possible at the moment."),
            );
        }
        Err(error) => return Err(error),
    };
    let cookie = session::begin(app, &mut tx, user.id, &visitor.headers).await?;
    tx.commit().await?;
    Ok(Redirect::to(return_to)
        .cookie(cookie)
        .cookie(forgotten(app))
        .respond(&visitor))
}

async fn door(app: &App, tx: &mut Tx, system_name: &str) -> Result<Door, Error> {
    let all = authentication_providers::list(tx, AccountType::Developer).await?;
    let row = all
        .into_iter()
        .find(|row| row.published && row.system_name == system_name)
        .ok_or(Error::NotFound)?;
    let secret = match &row.client_secret {
        Some(sealed) => app.secrets.open(AUTHENTICATION_PROVIDER_SECRET, sealed)?,
        None => Secret::new(""),
    };
    Ok(Door {
        callback_url: format!("{}/auth/{system_name}/callback", app.config.portal_url),
        may_be_private: app.config.sign_in_private,
        row,
        secret,
    })
}

fn remembered(visitor: &Visitor) -> Option<Attempt> {
    let text = session::cookie(&visitor.app, &visitor.headers, COOKIE)?;
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let json = visitor.app.secrets.open(PORTAL_SIGN_IN, &sealed).ok()?;
    serde_json::from_str(json.reveal()).ok()
}

fn forgotten(app: &App) -> axum_extra::extract::cookie::Cookie<'static> {
    session::set_cookie(app, COOKIE, &Secret::new(""), Kept::Gone)
}

fn refused(why: &str) -> Error {
    Error::Refused(StatusCode::FORBIDDEN, why.into())
}

/// Back to the login page, which says why. What broke here is a page of its own.
fn to_login(visitor: &Visitor, error: Error) -> Result<Response, Error> {
    let Error::Refused(_, why) = error else {
        return Err(error);
    };
    Ok(Redirect::to("/login")
        .flash(Flash::error(why))
        .cookie(forgotten(&visitor.app))
        .respond(visitor))
}
