//! The link in the mail of a new user: it says that the address is theirs, and makes them active.
//!
//! The link itself changes nothing, since programs that look at mails follow links too: a button does.

use super::audit;
use super::flash::Flash;
use super::form::{Form, FormDrop};
use super::session;
use super::view::Redirect;
use super::visitor::Visitor;
use crate::db::Tx;
use crate::drop;
use crate::drops::UserDrop;
use crate::error::Error;
use crate::sso;
use crate::store::users::{self as rows, Changes, Event, User};
use crate::user_links::{self, Purpose};
use crate::users;
use axum::extract::Path;
use axum::response::Response;

drop! {
    /// Where a new user becomes active.
    pub struct ActivationPage as "activate" {
        /// The form: `password`, when none was chosen yet.
        form: FormDrop,
        /// Who becomes active.
        user: UserDrop,
        /// Whether a password is to be chosen.
        wants_password: bool,
    }
}

const PAGE: &str = "activate";
const TITLE: &str = "Activate your account";

/// `GET /activate/{token}`
///
/// # Errors
/// 410 when the link was used or has ended.
pub async fn show(visitor: Visitor, Path(token): Path<String>) -> Result<Response, Error> {
    let mut tx = visitor.app.db.read().await?;
    let user = user_links::look(&mut tx, Purpose::Activation, &token).await?;
    let wants_password = wants_password(&mut tx, &user).await?;
    drop(tx);
    let values = ActivationPage {
        form: FormDrop::blank([]),
        user: UserDrop::from(&user),
        wants_password,
    };
    visitor.page(PAGE, TITLE, &values).await
}

/// `POST /activate/{token}`
///
/// # Errors
/// 410 when the link was used or has ended.
pub async fn activate(
    visitor: Visitor,
    Path(token): Path<String>,
    mut form: Form,
) -> Result<Response, Error> {
    let app = &visitor.app;
    let mut tx = app.db.read().await?;
    let user = user_links::look(&mut tx, Purpose::Activation, &token).await?;
    let wants_password = wants_password(&mut tx, &user).await?;
    drop(tx);
    let mut password_hash = None;
    if wants_password {
        match users::new_password(&mut form.params, "password") {
            Ok(password) => password_hash = Some(app.secrets.hash_password(password).await?),
            Err(errors) => {
                let values = ActivationPage {
                    form: form.again(&errors),
                    user: UserDrop::from(&user),
                    wants_password,
                };
                return visitor.again(PAGE, TITLE, &values).await;
            }
        }
    }
    let mut tx = app.db.begin().await?;
    let user = user_links::take(&mut tx, Purpose::Activation, &token).await?;
    audit::note_user(user.id);
    let changes = Changes {
        password_hash: password_hash.as_deref(),
        ..Changes::default()
    };
    rows::update(&mut tx, user.account_id, user.id, changes).await?;
    rows::set_email_confirmed(&mut tx, user.id, true).await?;
    let user = if user.state == "pending" {
        users::transition(&mut tx, user.account_id, user.id, Event::Activate).await?
    } else {
        user
    };
    if !sso::may_sign_in(&mut tx, &user).await? {
        tx.commit().await?;
        return Ok(Redirect::to("/login")
            .flash(Flash::notice(
                "Thank you, your address is confirmed. Your account is being looked at; you get a mail once it is approved.",
            ))
            .respond(&visitor));
    }
    let cookie = session::begin(app, &mut tx, user.id, &visitor.headers).await?;
    tx.commit().await?;
    Ok(Redirect::to("/admin")
        .cookie(cookie)
        .flash(Flash::notice("Welcome! Your account is active."))
        .respond(&visitor))
}

/// Users whom the provider made may have none yet, nor those with whose address somebody signed up twice.
async fn wants_password(tx: &mut Tx, user: &User) -> Result<bool, Error> {
    Ok(rows::password_hash(tx, user.id).await?.is_none())
}
