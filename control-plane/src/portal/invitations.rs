//! Invitations: sent, sent again and withdrawn by an account's admins; accepted by who was invited.

use super::account::require_area;
use super::account_users::back;
use super::flash::Flash;
use super::form::{Form, FormDrop};
use super::session;
use super::view::Redirect;
use super::visitor::{Member, Visitor};
use crate::drop;
use crate::drops::{AccountDrop, FieldDrop};
use crate::error::{Error, FieldErrors};
use crate::fields::Fields;
use crate::invitations::{self, Accepting};
use crate::liquid::Moment;
use crate::sso;
use crate::store::fields_definitions::Target;
use crate::store::invitations as rows;
use crate::store::{accounts, users};
use crate::throttle;
use crate::users::{Person, looks_like_email};
use axum::extract::Path;
use axum::response::Response;

drop! {
    /// Invitations that are open, and where others are invited.
    pub struct InvitationsPage as "account/invitations" {
        /// The form: `email`.
        form: FormDrop,
        /// They, the newest first.
        invitations: Vec<InvitationDrop>,
    }
}

drop! {
    /// An invitation.
    pub struct InvitationDrop as "invitation" {
        /// Its id.
        id: i64,
        /// The address that it was mailed to.
        email: String,
        /// When it was last sent.
        sent_at: Moment,
    }
}

drop! {
    /// Where an invitation is accepted.
    pub struct InvitedPage as "invitation" {
        /// The form: `username`, `password` and the provider's own fields.
        form: FormDrop,
        /// The account that it is to.
        account: AccountDrop,
        /// The address that it was mailed to.
        email: String,
        /// The provider's own fields of users.
        fields: Vec<FieldDrop>,
    }
}

const PATH: &str = "/admin/account/invitations";
const TITLE: &str = "Invitations";

/// `GET /admin/account/invitations`
///
/// # Errors
/// 403 for members.
pub async fn index(member: Member) -> Result<Response, Error> {
    let values = page(&member, FormDrop::blank([])).await?;
    member.page("account/invitations", TITLE, &values).await
}

/// `POST /admin/account/invitations`
///
/// # Errors
/// 403 for members, 429 when there are too many.
pub async fn send(member: Member, mut form: Form) -> Result<Response, Error> {
    let errors = match try_send(&member, &mut form).await {
        Ok(email) => return back(&member, PATH, Ok(format!("{email} is invited."))),
        Err(Error::Invalid(errors)) => errors,
        Err(error) => return Err(error),
    };
    let values = page(&member, form.again(&errors)).await?;
    member.again("account/invitations", TITLE, &values).await
}

/// `POST /admin/account/invitations/{id}/resend`
///
/// # Errors
/// 403 for members, 404 when there is none, 429 when there are too many.
pub async fn resend(member: Member, Path(id): Path<i64>) -> Result<Response, Error> {
    admit(&member).await?;
    let mut tx = member.app.db.begin().await?;
    require_area(&member, &mut tx).await?;
    let portal_url = &member.app.config.portal_url;
    let account_id = member.account().id;
    let invitation = invitations::send_again(&mut tx, portal_url, account_id, id).await?;
    tx.commit().await?;
    let done = format!(
        "{} gets another link; the one before has ended.",
        invitation.email
    );
    back(&member, PATH, Ok(done))
}

/// `POST /admin/account/invitations/{id}/delete`
///
/// # Errors
/// 403 for members, 404 when there is none.
pub async fn withdraw(member: Member, Path(id): Path<i64>) -> Result<Response, Error> {
    let mut tx = member.app.db.begin().await?;
    require_area(&member, &mut tx).await?;
    let invitation = rows::get(&mut tx, member.account().id, id).await?;
    rows::delete(&mut tx, member.account().id, id).await?;
    tx.commit().await?;
    let done = format!("The invitation of {} is withdrawn.", invitation.email);
    back(&member, PATH, Ok(done))
}

/// `GET /signup/{token}`
///
/// # Errors
/// 410 when it was accepted or withdrawn, or has ended.
pub async fn show(visitor: Visitor, Path(token): Path<String>) -> Result<Response, Error> {
    let values = invited(&visitor, &token, FormDrop::blank([]), false).await?;
    visitor.page("invitation", "Join", &values).await
}

/// `POST /signup/{token}`
///
/// # Errors
/// 410 when it was accepted or withdrawn, or has ended.
pub async fn accept(
    visitor: Visitor,
    Path(token): Path<String>,
    mut form: Form,
) -> Result<Response, Error> {
    match try_accept(&visitor, &token, &mut form).await {
        Err(Error::Invalid(errors)) => {
            let values = invited(&visitor, &token, form.again(&errors), true).await?;
            visitor.again("invitation", "Join", &values).await
        }
        answer => answer,
    }
}

async fn page(member: &Member, form: FormDrop) -> Result<InvitationsPage, Error> {
    let mut tx = member.app.db.read().await?;
    require_area(member, &mut tx).await?;
    let invitations = rows::open(&mut tx, member.account().id).await?;
    let invitations = invitations.into_iter().map(|invitation| InvitationDrop {
        id: invitation.id,
        email: invitation.email,
        sent_at: Moment(invitation.sent_at),
    });
    Ok(InvitationsPage {
        form,
        invitations: invitations.collect(),
    })
}

async fn try_send(member: &Member, form: &mut Form) -> Result<String, Error> {
    let email = form.params.text("email", 255);
    if !email.is_empty() && !looks_like_email(&email) {
        form.params
            .error("email", "should look like an email address");
    }
    form.params.check()?;
    member.require_admin()?;
    admit(member).await?;
    let mut tx = member.app.db.begin().await?;
    require_area(member, &mut tx).await?;
    let portal_url = &member.app.config.portal_url;
    invitations::send(&mut tx, portal_url, member.account().id, &email).await?;
    tx.commit().await?;
    Ok(email)
}

/// Mails go to addresses that somebody has typed in: not to all of the world.
async fn admit(member: &Member) -> Result<(), Error> {
    let account = member.account().id.to_string();
    throttle::admit(
        &member.app.db,
        &[(throttle::INVITATIONS_OF_ACCOUNT, &account)],
    )
    .await
}

async fn invited(
    visitor: &Visitor,
    token: &str,
    form: FormDrop,
    is_again: bool,
) -> Result<InvitedPage, Error> {
    let mut tx = visitor.app.db.read().await?;
    let invitation = invitations::look(&mut tx, token).await?;
    let account = accounts::get(&mut tx, invitation.account_id).await?;
    let fields = Fields::of(&mut tx, Target::User).await?;
    Ok(InvitedPage {
        account: AccountDrop::from(&account),
        email: invitation.email,
        fields: fields.shown("{}", is_again.then_some(&form)),
        form,
    })
}

async fn try_accept(visitor: &Visitor, token: &str, form: &mut Form) -> Result<Response, Error> {
    let app = &visitor.app;
    let mut tx = app.db.read().await?;
    let invitation = invitations::look(&mut tx, token).await?;
    let fields = Fields::of(&mut tx, Target::User).await?;
    drop(tx);
    // The address is the one that the mail went to.
    form.params.put("email", invitation.email.into());
    let person = Person::read(&mut form.params);
    person.require(&mut form.params);
    let extra_fields = fields.read_of_developer(&mut form.params, "{}");
    form.params.check()?;
    let (Some(username), Some(password)) = (person.username, person.password) else {
        return Err(Error::Invalid(FieldErrors::default()));
    };
    let password_hash = app.secrets.hash_password(password).await?;
    let mut tx = app.db.begin().await?;
    let accepting = Accepting {
        username: &username,
        password_hash: &password_hash,
        extra_fields: &extra_fields,
    };
    let user = invitations::accept(&mut tx, token, accepting).await?;
    let user = users::get(&mut tx, user.account_id, user.id).await?;
    if !sso::may_sign_in(&mut tx, &user).await? {
        super::audit::note_user(user.id);
        tx.commit().await?;
        let later = Flash::notice("You can sign in once your account is approved.");
        return Ok(Redirect::to("/login").flash(later).respond(visitor));
    }
    let cookie = session::begin(app, &mut tx, user.id, &visitor.headers).await?;
    tx.commit().await?;
    Ok(Redirect::to("/admin")
        .cookie(cookie)
        .flash(Flash::notice("Welcome! You are signed in."))
        .respond(visitor))
}
