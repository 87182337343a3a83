//! Users of developer accounts: which names, addresses and passwords they may have.

use crate::admin_api::params::Params;
use crate::db::Tx;
use crate::error::{Error, FieldErrors};
use crate::events;
use crate::mail::{self, Kind, Mail, To};
use crate::secrets::Secret;
use crate::signup;
use crate::store::users::{self as rows, Event, User};
use crate::store::{accounts, contracts, sessions};
use crate::user_links::{self, Purpose};
use serde_json::Value;

/// What a caller says of a user, once it passed the rules that need no database.
#[derive(Debug, Default)]
pub struct Person {
    /// What it logs in with.
    pub username: Option<String>,
    /// Its address; `Some("")` takes it away.
    pub email: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
}

const USERNAME: std::ops::RangeInclusive<usize> = 3..=40;
/// As 3scale's; the upper bound only keeps hashing cheap.
const PASSWORD: std::ops::RangeInclusive<usize> = 6..=255;

impl Person {
    /// Reads `username`, `email` and `password`, and notes what is wrong with them.
    pub fn read(params: &mut Params) -> Self {
        let username = params.opt_filled("username", *USERNAME.end());
        if let Some(problem) = username.as_deref().and_then(username_problem) {
            params.error("username", problem);
        }
        let email = params.opt_text("email", 255);
        if let Some(email) = &email
            && !email.is_empty()
            && !looks_like_email(email)
        {
            params.error("email", "should look like an email address");
        }
        Self {
            username,
            email,
            password: read_password(params),
        }
    }

    /// Notes what is missing: a user whom nobody else completes has all three.
    pub fn require(&self, params: &mut Params) {
        let has_email = self.email.as_ref().is_some_and(|email| !email.is_empty());
        for (field, given) in [
            ("username", self.username.is_some()),
            ("email", has_email),
            ("password", self.password.is_some()),
        ] {
            if !given && !params.is_noted(field) {
                params.error(field, "can't be blank");
            }
        }
    }
}

/// Notes which of username and e-mail somebody else has.
///
/// # Errors
/// When the database does not answer.
pub async fn taken(
    tx: &mut Tx,
    username: Option<&str>,
    email: Option<&str>,
    except: Option<i64>,
) -> Result<Vec<&'static str>, Error> {
    let mut taken = Vec::new();
    let email = email.filter(|email| !email.is_empty());
    for (field, username, email) in [("username", username, None), ("email", None, email)] {
        if username.is_none() && email.is_none() {
            continue;
        }
        let other = rows::find(tx, None, username, email).await?;
        if other.is_some_and(|other| Some(other.id) != except) {
            taken.push(field);
        }
    }
    Ok(taken)
}

/// Changes a user's state. With its first user active an account is no longer merely created; if it waits for approval then,
/// it is told so.
///
/// # Errors
/// 404 when there is none, 422 when this cannot happen in its state.
pub async fn transition(
    tx: &mut Tx,
    account_id: i64,
    id: i64,
    event: Event,
) -> Result<User, Error> {
    let plan = contracts::of_account(tx, account_id).await?;
    let approval_required = signup::approval_required(tx, plan.as_ref()).await?;
    let before = accounts::get(tx, account_id).await?.state;
    let user = rows::transition(tx, account_id, id, event, approval_required).await?;
    let after = accounts::get(tx, account_id).await?.state;
    if before != after && after == "pending" {
        mail::record(tx, Mail::new(Kind::AccountConfirmed, To::User(id))).await?;
    }
    events::record(tx, events::USER_UPDATED, id).await?;
    Ok(user)
}

/// Makes a user `admin` or `member`.
///
/// # Errors
/// 404 when there is none, 422 when the account would be left without an admin.
pub async fn set_role(
    tx: &mut Tx,
    account_id: i64,
    id: i64,
    role: &'static str,
) -> Result<User, Error> {
    let user = rows::set_role(tx, account_id, id, role).await?;
    events::record(tx, events::USER_UPDATED, id).await?;
    Ok(user)
}

/// Removes a user, who is signed out; as it was.
///
/// # Errors
/// 404 when there is none, 422 when the account would be left without an admin.
pub async fn remove(tx: &mut Tx, account_id: i64, id: i64) -> Result<User, Error> {
    let user = rows::get(tx, account_id, id).await?;
    events::record(tx, events::USER_DELETED, id).await?;
    rows::delete(tx, account_id, id).await?;
    sessions::delete_of(tx, id, None).await?;
    Ok(user)
}

/// Sets a password. The user's links to choose one end, and its sessions, but perhaps one.
///
/// # Errors
/// When the database does not answer.
pub async fn set_password(
    tx: &mut Tx,
    user: &User,
    password_hash: &str,
    but_session: Option<i64>,
) -> Result<(), Error> {
    let changes = rows::Changes {
        password_hash: Some(password_hash),
        ..rows::Changes::default()
    };
    rows::update(tx, user.account_id, user.id, changes).await?;
    sessions::delete_of(tx, user.id, but_session).await?;
    user_links::end_of(tx, Purpose::PasswordReset, user.id).await
}

/// A password that somebody chooses, from the parameter of this name.
///
/// # Errors
/// What is wrong with it, under that name.
pub fn new_password(params: &mut Params, name: &str) -> Result<Secret, FieldErrors> {
    let password = params.secret(name);
    let problem = match password.reveal() {
        "" => Some("can't be blank".to_owned()),
        text => password_problem(text),
    };
    match problem {
        None => Ok(password),
        Some(problem) => Err(FieldErrors(vec![(name.to_owned(), problem)])),
    }
}

fn password_problem(password: &str) -> Option<String> {
    let count = password.chars().count();
    if count < *PASSWORD.start() {
        return Some(format!(
            "is too short (minimum is {} characters)",
            PASSWORD.start()
        ));
    }
    (count > *PASSWORD.end())
        .then(|| format!("is too long (maximum is {} characters)", PASSWORD.end()))
}

/// Reads `password`: not trimmed, and never in an error.
fn read_password(params: &mut Params) -> Option<Secret> {
    let password = match params.take("password")? {
        Value::Null => return None,
        Value::String(password) => password,
        _ => {
            params.error("password", "must be a text");
            return None;
        }
    };
    if let Some(problem) = password_problem(&password) {
        params.error("password", problem);
    }
    Some(Secret::new(password))
}

fn username_problem(username: &str) -> Option<String> {
    if username.chars().count() < *USERNAME.start() {
        return Some(format!(
            "is too short (minimum is {} characters)",
            USERNAME.start()
        ));
    }
    let fits = |letter: char| letter.is_ascii_alphanumeric() || ".-_@+".contains(letter);
    (!username.chars().all(fits)).then(|| "use only letters, numbers, and .-_@+ please.".to_owned())
}

/// One `@`, something before it, and a name with a dot after it. More only sending a mail can tell.
pub(crate) fn looks_like_email(email: &str) -> bool {
    let Some((local, domain)) = email.split_once('@') else {
        return false;
    };
    let odd = |letter: char| letter.is_whitespace() || "<>()[]\\,;:\"@".contains(letter);
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '-')
    };
    !local.is_empty()
        && !local.contains(odd)
        && domain.contains('.')
        && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::{looks_like_email, username_problem};

    #[test]
    fn emails() {
        for good in [
            "a@b.co",
            "first.last+tag@sub.example.org",
            "ü@exämple.de",
            "o'neil@x-y.io",
        ] {
            assert!(looks_like_email(good), "{good}");
        }
        for bad in [
            "", "a", "@b.co", "a@", "a@b", "a@b.", "a@.co", "a@@b.co", "a b@c.de", "a@b@c.de",
            "<a@b.co>", "a@-b.co",
        ] {
            assert!(!looks_like_email(bad), "{bad}");
        }
    }

    #[test]
    fn usernames() {
        for good in ["bob", "bob.smith-1_x", "bob@example.org"] {
            assert_eq!(username_problem(good), None, "{good}");
        }
        for bad in ["bo", "bob smith", "bob\n", "böb", "<bob>"] {
            assert!(username_problem(bad).is_some(), "{bad}");
        }
    }
}
