//! `/admin/account/personal_details`: who is signed in. Name and address, password, and where else it is signed in.

use super::flash::Flash;
use super::form::{Form, FormDrop};
use super::session;
use super::view::Redirect;
use super::visitor::Member;
use crate::drop;
use crate::drops::{FieldDrop, UserDrop};
use crate::error::{Error, FieldErrors};
use crate::events;
use crate::fields::Fields;
use crate::liquid::Moment;
use crate::store::fields_definitions::{self, Target};
use crate::store::sessions::{self, Session};
use crate::store::users::{self as rows, Changes};
use crate::throttle;
use crate::user_links::{self, Purpose};
use crate::users::{self, Person};
use axum::extract::Path;
use axum::response::Response;

drop! {
    /// Who is signed in.
    pub struct PersonalPage as "account/personal_details" {
        /// The forms: `username`, `email`, the provider's own fields and `confirm_password`; `current_password` and `password`.
        form: FormDrop,
        /// The user.
        user: UserDrop,
        /// The provider's own fields.
        fields: Vec<FieldDrop>,
        /// Whether the user has a password.
        has_password: bool,
        /// Where it is signed in, the last used first.
        sessions: Vec<SessionDrop>,
    }
}

drop! {
    /// Where a user is signed in.
    pub struct SessionDrop as "session" {
        /// Its id.
        id: i64,
        /// What the browser seems to be, as in `Firefox on Linux`.
        browser: String,
        /// When it began.
        created_at: Moment,
        /// When it was last used, to the minute.
        last_seen_at: Moment,
        /// Whether it is this one.
        is_current: bool,
    }
}

const PATH: &str = "/admin/account/personal_details";
const PAGE: &str = "account/personal_details";
const TITLE: &str = "Personal details";

/// `GET /admin/account/personal_details`
///
/// # Errors
/// When the database does not answer.
pub async fn show(member: Member) -> Result<Response, Error> {
    let user = member.user();
    let form = FormDrop::blank([
        ("username", user.username.as_str()),
        ("email", user.email.as_str()),
    ]);
    let values = page(&member, form, false).await?;
    member.page(PAGE, TITLE, &values).await
}

/// `POST /admin/account/personal_details`: another address needs the password, since it is the way to another password.
///
/// # Errors
/// 429 when the password was tried too often.
pub async fn update(member: Member, mut form: Form) -> Result<Response, Error> {
    match try_update(&member, &mut form).await {
        Ok(()) => Ok(Redirect::to(PATH)
            .flash(Flash::notice("Your details are changed."))
            .respond(&member)),
        Err(Error::Invalid(errors)) => {
            let values = page(&member, form.again(&errors), true).await?;
            member.again(PAGE, TITLE, &values).await
        }
        Err(error) => Err(error),
    }
}

/// `POST /admin/account/personal_details/password`
///
/// # Errors
/// 429 when the password was tried too often.
pub async fn change_password(member: Member, mut form: Form) -> Result<Response, Error> {
    match try_change_password(&member, &mut form).await {
        Ok(answer) => Ok(answer),
        Err(Error::Invalid(errors)) => {
            let user = member.user();
            let mut again = form.again(&errors);
            again.values = FormDrop::blank([
                ("username", user.username.as_str()),
                ("email", user.email.as_str()),
            ])
            .values;
            let values = page(&member, again, false).await?;
            member.again(PAGE, TITLE, &values).await
        }
        Err(error) => Err(error),
    }
}

/// `POST /admin/account/sessions/{id}/end`
///
/// # Errors
/// When the database does not answer.
pub async fn end_session(member: Member, Path(id): Path<i64>) -> Result<Response, Error> {
    let mut tx = member.app.db.begin().await?;
    sessions::delete(&mut tx, member.user().id, id).await?;
    tx.commit().await?;
    Ok(Redirect::to(PATH)
        .flash(Flash::notice("That session has ended."))
        .respond(&member))
}

/// `POST /admin/account/sessions/end_others`
///
/// # Errors
/// When the database does not answer.
pub async fn end_other_sessions(member: Member) -> Result<Response, Error> {
    let mut tx = member.app.db.begin().await?;
    sessions::delete_of(&mut tx, member.user().id, Some(member.session().id)).await?;
    tx.commit().await?;
    Ok(Redirect::to(PATH)
        .flash(Flash::notice("You are signed out everywhere else."))
        .respond(&member))
}

async fn page(member: &Member, form: FormDrop, is_again: bool) -> Result<PersonalPage, Error> {
    let user = member.user();
    let mut tx = member.app.db.read().await?;
    let fields = Fields::of(&mut tx, Target::User).await?;
    let sessions = sessions::of(&mut tx, user.id).await?;
    let has_password = rows::password_hash(&mut tx, user.id).await?.is_some();
    Ok(PersonalPage {
        user: UserDrop::from(user),
        fields: fields.shown(&user.extra_fields, is_again.then_some(&form)),
        form,
        has_password,
        sessions: sessions
            .iter()
            .map(|row| SessionDrop::of(row, member.session().id))
            .collect(),
    })
}

impl SessionDrop {
    fn of(row: &Session, current: i64) -> Self {
        Self {
            id: row.id,
            browser: described(&row.user_agent),
            created_at: Moment(row.created_at),
            last_seen_at: Moment(row.last_seen_at),
            is_current: row.id == current,
        }
    }
}

async fn try_update(member: &Member, form: &mut Form) -> Result<(), Error> {
    let app = &member.app;
    let user = member.user();
    let confirmation = form.params.secret("confirm_password");
    let person = Person::read(&mut form.params);
    let email = person.email.as_deref();
    if email == Some("") {
        form.params.error("email", "can't be blank");
    }
    form.params.check()?;
    if email.is_some_and(|email| email != user.email) {
        confirm(member, "confirm_password", confirmation).await?;
    }
    let mut tx = app.db.begin().await?;
    let username = person.username.as_deref();
    let mut errors = FieldErrors::default();
    for field in users::taken(&mut tx, username, email, Some(user.id)).await? {
        errors
            .0
            .push((field.into(), "has already been taken".into()));
    }
    if !errors.0.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let before = rows::get(&mut tx, user.account_id, user.id).await?;
    let fields = Fields::of(&mut tx, Target::User).await?;
    let fields = fields.read_of_developer(&mut form.params, &before.extra_fields);
    form.params.check()?;
    let changes = Changes {
        username,
        email,
        password_hash: None,
    };
    rows::update(&mut tx, user.account_id, user.id, changes).await?;
    fields_definitions::set(&mut tx, Target::User, user.id, &fields).await?;
    if email.is_some_and(|email| email != user.email) {
        rows::set_email_confirmed(&mut tx, user.id, false).await?;
        // Those went to the address of before.
        user_links::end_of(&mut tx, Purpose::PasswordReset, user.id).await?;
    }
    events::record(&mut tx, events::USER_UPDATED, user.id).await?;
    tx.commit().await
}

async fn try_change_password(member: &Member, form: &mut Form) -> Result<Response, Error> {
    let app = &member.app;
    let user = member.user();
    let current = form.params.secret("current_password");
    let password = users::new_password(&mut form.params, "password").map_err(Error::Invalid)?;
    confirm(member, "current_password", current).await?;
    let password_hash = app.secrets.hash_password(password).await?;
    let mut tx = app.db.begin().await?;
    users::set_password(&mut tx, user, &password_hash, None).await?;
    let cookie = session::begin(app, &mut tx, user.id, &member.headers).await?;
    events::record(&mut tx, events::USER_UPDATED, user.id).await?;
    tx.commit().await?;
    Ok(Redirect::to(PATH)
        .cookie(cookie)
        .flash(Flash::notice(
            "Your password is changed. You are signed out everywhere else.",
        ))
        .respond(member))
}

/// Whether whoever sits there is the user, and not somebody who found the browser open.
async fn confirm(
    member: &Member,
    field: &str,
    password: crate::secrets::Secret,
) -> Result<(), Error> {
    let app = &member.app;
    let id = member.user().id;
    let mut tx = app.db.read().await?;
    let hash = rows::password_hash(&mut tx, id).await?;
    drop(tx);
    if hash.is_none() {
        return Err(Error::invalid(
            "base",
            "You have no password yet: choose one with “Forgot your password?” on the page to sign in",
        ));
    }
    let of = id.to_string();
    throttle::admit(&app.db, &[(throttle::CONFIRMATIONS_OF_USER, &of)]).await?;
    if !app.secrets.password_fits(password, hash).await? {
        return Err(Error::invalid(field, "is not your password"));
    }
    let mut tx = app.db.begin_aside().await?;
    throttle::forgive(&mut tx, throttle::CONFIRMATIONS_OF_USER, &of).await?;
    tx.commit().await
}

/// What a browser seems to be, by what it calls itself.
fn described(user_agent: &str) -> String {
    // Most call themselves several names: the first that fits says most.
    let browsers = [
        ("Edg", "Edge"),
        ("OPR", "Opera"),
        ("Firefox", "Firefox"),
        ("Chrom", "Chrome"),
        ("Safari", "Safari"),
        ("curl", "curl"),
    ];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |known: &[(&str, &'static str)]| {
        let found = known.iter().find(|(part, _)| user_agent.contains(part));
        found.map(|(_, name)| *name)
    };
    match (find(&browsers), find(&systems)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "Another browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::described;

    #[test]
    fn browsers_are_known_by_their_names() {
        for (user_agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.9", "curl"),
            ("", "Another browser"),
        ] {
            assert_eq!(described(user_agent), words);
        }
    }
}
