//! Signing in with a password, and out.

use super::auth::{self, AuthenticationProviderDrop};
use super::flash::Flash;
use super::form::{Form, FormDrop};
use super::session;
use super::view::Redirect;
use super::visitor::{Member, Visitor};
use crate::drop;
use crate::error::{Error, FieldErrors};
use crate::secrets::Secret;
use crate::sso;
use crate::store::users::User;
use crate::store::{sessions, users};
use crate::throttle;
use axum::response::Response;

drop! {
    /// Where to sign in.
    pub struct LoginPage as "login" {
        /// The form: `username`, `password`.
        form: FormDrop,
        /// Where it leads to afterwards: a path of the portal.
        return_to: String,
        /// Where else developers can sign in.
        authentication_providers: Vec<AuthenticationProviderDrop>,
    }
}

const PAGE: &str = "login";
const TITLE: &str = "Sign in";
/// One sentence for every reason, so that nobody learns which names exist.
const REFUSED: &str = "Username or password is wrong, or this account cannot sign in yet";

/// `GET /login`
///
/// # Errors
/// When the database does not answer.
pub async fn show(visitor: Visitor, mut form: Form) -> Result<Response, Error> {
    let return_to = return_to(&visitor, &mut form);
    if visitor.user().is_some() {
        return Ok(Redirect::to(return_to).respond(&visitor));
    }
    let mut tx = visitor.app.db.read().await?;
    let authentication_providers = auth::providers(&mut tx, &return_to).await?;
    drop(tx);
    let values = LoginPage {
        form: FormDrop::blank([]),
        return_to,
        authentication_providers,
    };
    visitor.page(PAGE, TITLE, &values).await
}

/// `POST /session`
///
/// # Errors
/// 429 when it was tried too often, of one name or from one address.
pub async fn sign_in(visitor: Visitor, mut form: Form) -> Result<Response, Error> {
    let app = &visitor.app;
    let return_to = return_to(&visitor, &mut form);
    let name = form.params.text("username", 255);
    let password = form.params.secret("password");
    if let Some((user, hash)) = recognise(&visitor, &name, password).await? {
        let mut tx = app.db.begin().await?;
        // Nothing of it may have changed while the password was looked at.
        if users::password_hash(&mut tx, user.id).await? == Some(hash)
            && sso::may_sign_in(&mut tx, &user).await?
        {
            throttle::forgive(&mut tx, throttle::LOGINS_OF_NAME, &name).await?;
            let cookie = session::begin(app, &mut tx, user.id, &visitor.headers).await?;
            tx.commit().await?;
            return Ok(Redirect::to(return_to).cookie(cookie).respond(&visitor));
        }
    }
    let refused = FieldErrors(vec![("base".into(), REFUSED.into())]);
    let mut tx = app.db.read().await?;
    let authentication_providers = auth::providers(&mut tx, &return_to).await?;
    drop(tx);
    let values = LoginPage {
        form: form.again(&refused),
        return_to,
        authentication_providers,
    };
    visitor.again(PAGE, TITLE, &values).await
}

/// Whose name and password these are, with the password's hash. No transaction is open while it is found out.
async fn recognise(
    visitor: &Visitor,
    name: &str,
    password: Secret,
) -> Result<Option<(User, String)>, Error> {
    if name.is_empty() {
        return Ok(None);
    }
    let app = &visitor.app;
    let attempts = [
        (throttle::LOGINS_OF_NAME, name),
        (throttle::LOGINS_OF_CLIENT, &visitor.client),
    ];
    throttle::admit(&app.db, &attempts).await?;
    let mut tx = app.db.read().await?;
    let user = users::by_login(&mut tx, name).await?;
    let hash = match &user {
        Some(user) => users::password_hash(&mut tx, user.id).await?,
        None => None,
    };
    drop(tx);
    let fits = app.secrets.password_fits(password, hash.clone()).await?;
    Ok(user.zip(hash).filter(|_| fits))
}

/// `POST /logout`
///
/// # Errors
/// When the database does not answer.
pub async fn sign_out(visitor: Visitor, member: Option<Member>) -> Result<Response, Error> {
    if let Some(member) = member {
        let mut tx = visitor.app.db.begin_aside().await?;
        sessions::delete(&mut tx, member.user().id, member.session().id).await?;
        tx.commit().await?;
    }
    Ok(Redirect::to("/")
        .cookie(session::end_cookie(&visitor.app))
        .flash(Flash::notice("You are signed out."))
        .respond(&visitor))
}

/// A path of the portal, or the dashboard.
fn return_to(visitor: &Visitor, form: &mut Form) -> String {
    let wanted = form.params.opt_text("return_to", 2000).unwrap_or_default();
    sso::portal_path(&visitor.app.config.portal_url, &wanted)
        .filter(|path| path != "/")
        .unwrap_or_else(|| "/admin".into())
}
