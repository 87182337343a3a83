//! Invitations: an account's admin has a link mailed to somebody, who becomes its member by following it.
//!
//! That the mail was read shows whose address it is, so whoever accepts is active at once. Whether the address belongs to a user
//! of another account is told to its owner alone, when it is accepted.

use crate::db::Tx;
use crate::error::Error;
use crate::events;
use crate::mail::{self, Kind, Mail, To};
use crate::secrets::{self, Secret};
use crate::store::accounts;
use crate::store::fields_definitions::{self, Target};
use crate::store::invitations::{self as rows, Invitation};
use crate::store::users::{self as user_rows, NewUser, User};
use crate::users;
use axum::http::StatusCode;

/// How long a link can be used after it was sent.
const LIFETIME_MS: i64 = 14 * 24 * 60 * 60 * 1000;
/// Invitations that an account may have open.
const MOST_OPEN: usize = 100;

/// Who accepts.
#[derive(Clone, Copy, Debug)]
pub struct Accepting<'a> {
    /// What the user will sign in with.
    pub username: &'a str,
    /// Argon2id.
    pub password_hash: &'a str,
    /// The provider's own fields, a JSON object.
    pub extra_fields: &'a str,
}

/// Invites whoever has this address.
///
/// # Errors
/// 422 when a user of the account has it, or it is invited already.
pub async fn send(
    tx: &mut Tx,
    portal_url: &str,
    account_id: i64,
    email: &str,
) -> Result<(), Error> {
    accounts::lock(tx, account_id).await?;
    let same = |other: &str| other.to_lowercase() == email.to_lowercase();
    let members = user_rows::of_account(tx, account_id, None, None).await?;
    if members.iter().any(|user| same(&user.email)) {
        return Err(Error::invalid("email", "belongs to a user of your account"));
    }
    let open = rows::open(tx, account_id).await?;
    if open.iter().any(|invitation| same(&invitation.email)) {
        return Err(Error::invalid("email", "is invited already: send it again"));
    }
    if open.len() >= MOST_OPEN {
        return Err(Error::invalid(
            "email",
            format!("is one too many: {MOST_OPEN} invitations are open"),
        ));
    }
    let (token, digest) = token();
    rows::insert(tx, account_id, email, &digest).await?;
    mail(tx, portal_url, account_id, email, &token).await
}

/// Sends one again, with another link.
///
/// # Errors
/// 404 when there is none.
pub async fn send_again(
    tx: &mut Tx,
    portal_url: &str,
    account_id: i64,
    id: i64,
) -> Result<Invitation, Error> {
    let invitation = rows::get(tx, account_id, id).await?;
    let (token, digest) = token();
    rows::renew(tx, id, &digest).await?;
    mail(tx, portal_url, account_id, &invitation.email, &token).await?;
    Ok(invitation)
}

/// The invitation with this link; it can still be accepted.
///
/// # Errors
/// 410 when there is none any more.
pub async fn look(tx: &mut Tx, token: &str) -> Result<Invitation, Error> {
    let found = rows::find(tx, &secrets::token_digest(token)).await?;
    let now_ms = tx.now_ms().await?;
    let found = found.filter(|found| found.sent_at + LIFETIME_MS > now_ms);
    let Some(invitation) = found else {
        return Err(ended());
    };
    match accounts::get(tx, invitation.account_id).await {
        Err(Error::NotFound) => Err(ended()),
        account => account.map(|_| invitation),
    }
}

/// Makes the user.
///
/// # Errors
/// 410 as [`look`], 422 when the name or the address are taken.
pub async fn accept(tx: &mut Tx, token: &str, accepting: Accepting<'_>) -> Result<User, Error> {
    // As a signup does, so that nobody else takes what is found free below.
    tx.hold_revision().await?;
    let invitation = look(tx, token).await?;
    let account_id = invitation.account_id;
    accounts::lock(tx, account_id).await?;
    let email = invitation.email.as_str();
    let taken = users::taken(tx, Some(accepting.username), Some(email), None).await?;
    if taken.contains(&"email") {
        return Err(Error::invalid(
            "base",
            "Your address belongs to a user already: sign in with it",
        ));
    }
    if taken.contains(&"username") {
        return Err(Error::invalid("username", "has already been taken"));
    }
    let now_ms = tx.now_ms().await?;
    let user = NewUser {
        account_id,
        username: accepting.username,
        email,
        password_hash: Some(accepting.password_hash),
        state: "active",
        role: "member",
    };
    let id = user_rows::insert(tx, user, now_ms).await?;
    fields_definitions::set(tx, Target::User, id, accepting.extra_fields).await?;
    if !rows::accept(tx, invitation.id, id).await? {
        return Err(ended());
    }
    events::record(tx, events::USER_CREATED, id).await?;
    user_rows::get(tx, account_id, id).await
}

fn token() -> (Secret, Vec<u8>) {
    let token = secrets::random_token("", 32);
    let digest = secrets::token_digest(token.reveal());
    (token, digest)
}

async fn mail(
    tx: &mut Tx,
    portal_url: &str,
    account_id: i64,
    email: &str,
    token: &Secret,
) -> Result<(), Error> {
    let url = Secret::new(format!("{portal_url}/signup/{}", token.reveal()));
    let invitation = Mail::new(Kind::Invitation, To::Address(email)).account(account_id);
    mail::record(tx, invitation.url(&url)).await
}

fn ended() -> Error {
    Error::Refused(
        StatusCode::GONE,
        "This invitation was accepted or withdrawn, or has ended. Ask whoever invited you for another one.".into(),
    )
}
