//! Another password for those who lost theirs, by a link in a mail.
//!
//! Whoever asks learns nothing about who has an account here: the answer is the same, and takes as long, for every address.

use super::audit;
use super::flash::Flash;
use super::form::{Form, FormDrop};
use super::session;
use super::view::Redirect;
use super::visitor::Visitor;
use crate::db::Tx;
use crate::drop;
use crate::drops::UserDrop;
use crate::error::{Error, FieldErrors};
use crate::mail::{self, Kind, Mail, To};
use crate::sso;
use crate::store::users as rows;
use crate::throttle;
use crate::user_links::{self, Purpose};
use crate::users;
use axum::extract::Path;
use axum::response::Response;
use std::time::Duration;
use tokio::time::Instant;

drop! {
    /// Where a link is asked for.
    pub struct LostPasswordPage as "password/new" {
        /// The form: `email`.
        form: FormDrop,
    }
}

drop! {
    /// Where the link leads.
    pub struct NewPasswordPage as "password/edit" {
        /// The form: `password`.
        form: FormDrop,
        /// Whose password it will be.
        user: UserDrop,
    }
}

const ASK_TITLE: &str = "Forgot your password?";
const CHOOSE_TITLE: &str = "Choose a new password";
/// For every address that looks like one.
const SENT: &str = "If somebody here has this address, a mail with a link is on its way. The link works once, within an hour.";
/// How long an answer takes at least: longer than all that is done for an address that somebody has.
const ANSWER: Duration = Duration::from_millis(250);

/// `GET /admin/account/password/new`
///
/// # Errors
/// When the database does not answer.
pub async fn show(visitor: Visitor) -> Result<Response, Error> {
    let form = FormDrop::blank([]);
    visitor
        .page("password/new", ASK_TITLE, &LostPasswordPage { form })
        .await
}

/// `POST /admin/account/password`
///
/// # Errors
/// 429 when mails were asked for too often.
pub async fn ask(visitor: Visitor, mut form: Form) -> Result<Response, Error> {
    let begun = Instant::now();
    let app = &visitor.app;
    let email = form.params.text("email", 255);
    if let Err(Error::Invalid(errors)) = form.params.check() {
        let values = LostPasswordPage {
            form: form.again(&errors),
        };
        return visitor.again("password/new", ASK_TITLE, &values).await;
    }
    throttle::admit(
        &app.db,
        &[
            (throttle::RESETS_OF_EMAIL, &email),
            (throttle::RESETS_OF_CLIENT, &visitor.client),
        ],
    )
    .await?;
    // Beside all other calls: nobody waits for the one who waits below.
    let mut tx = app.db.begin_aside().await?;
    send(&mut tx, &app.config.portal_url, &email).await?;
    tx.commit().await?;
    tokio::time::sleep_until(begun + ANSWER).await;
    Ok(Redirect::to("/login")
        .flash(Flash::notice(SENT))
        .respond(&visitor))
}

/// Mails a link to whoever has this address: to choose another password, or to become active first.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn send(tx: &mut Tx, portal_url: &str, email: &str) -> Result<(), Error> {
    let Some(user) = rows::find(tx, None, None, Some(email)).await? else {
        return Ok(());
    };
    let (purpose, kind) = match user.state.as_str() {
        "active" => (Purpose::PasswordReset, Kind::LostPassword),
        "pending" => {
            // Whoever signed up with this address chose the password, and may be somebody else.
            rows::forget_password(tx, user.id).await?;
            (Purpose::Activation, Kind::SignupNotification)
        }
        _ => return Ok(()),
    };
    let url = user_links::issue(tx, portal_url, purpose, user.id).await?;
    mail::record(tx, Mail::new(kind, To::User(user.id)).url(&url)).await
}

/// `GET /admin/account/password/{token}`
///
/// # Errors
/// 410 when the link was used or has ended.
pub async fn choose(visitor: Visitor, Path(token): Path<String>) -> Result<Response, Error> {
    let mut tx = visitor.app.db.read().await?;
    let user = user_links::look(&mut tx, Purpose::PasswordReset, &token).await?;
    drop(tx);
    let values = NewPasswordPage {
        form: FormDrop::blank([]),
        user: UserDrop::from(&user),
    };
    visitor.page("password/edit", CHOOSE_TITLE, &values).await
}

/// `POST /admin/account/password/{token}`
///
/// # Errors
/// 410 when the link was used or has ended.
pub async fn change(
    visitor: Visitor,
    Path(token): Path<String>,
    mut form: Form,
) -> Result<Response, Error> {
    let app = &visitor.app;
    let mut tx = app.db.read().await?;
    let user = user_links::look(&mut tx, Purpose::PasswordReset, &token).await?;
    drop(tx);
    let password = match users::new_password(&mut form.params, "password") {
        Ok(password) => password,
        Err(errors) => return again(&visitor, &form, &errors, &user).await,
    };
    let password_hash = app.secrets.hash_password(password).await?;
    let mut tx = app.db.begin().await?;
    let user = user_links::take(&mut tx, Purpose::PasswordReset, &token).await?;
    audit::note_user(user.id);
    users::set_password(&mut tx, &user, &password_hash, None).await?;
    rows::set_email_confirmed(&mut tx, user.id, true).await?;
    throttle::forgive(&mut tx, throttle::LOGINS_OF_NAME, &user.username).await?;
    throttle::forgive(&mut tx, throttle::LOGINS_OF_NAME, &user.email).await?;
    if !sso::may_sign_in(&mut tx, &user).await? {
        tx.commit().await?;
        return Ok(Redirect::to("/login")
            .flash(Flash::notice(
                "Your password is changed. You can sign in once your account is approved.",
            ))
            .respond(&visitor));
    }
    let cookie = session::begin(app, &mut tx, user.id, &visitor.headers).await?;
    tx.commit().await?;
    Ok(Redirect::to("/admin")
        .cookie(cookie)
        .flash(Flash::notice(
            "Your password is changed, and you are signed in. Other sessions have ended.",
        ))
        .respond(&visitor))
}

async fn again(
    visitor: &Visitor,
    form: &Form,
    errors: &FieldErrors,
    user: &rows::User,
) -> Result<Response, Error> {
    let values = NewPasswordPage {
        form: form.again(errors),
        user: UserDrop::from(user),
    };
    visitor.again("password/edit", CHOOSE_TITLE, &values).await
}
