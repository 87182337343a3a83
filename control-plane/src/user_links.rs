//! Links that are mailed to users, each for one purpose and one use: activation, another password.
//!
//! A link's text is in the mail alone. A new one ends those of the same purpose that its user had before.

use crate::db::Tx;
use crate::error::Error;
use crate::secrets::{self, Secret};
use crate::store::user_links as rows;
use crate::store::users::{self, User};
use axum::http::StatusCode;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The user becomes active: whoever reads its mails follows it.
    Activation,
    /// The user chooses another password.
    PasswordReset,
}

const HOUR_MS: i64 = 60 * 60 * 1000;

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Activation => "activation",
            Self::PasswordReset => "password_reset",
        }
    }

    /// How long a link can be used.
    fn lifetime_ms(self) -> i64 {
        match self {
            Self::Activation => 7 * 24 * HOUR_MS,
            Self::PasswordReset => HOUR_MS,
        }
    }

    /// Where it leads to, in the portal.
    fn path(self) -> &'static str {
        match self {
            Self::Activation => "/activate/",
            Self::PasswordReset => "/admin/account/password/",
        }
    }

    fn ended(self) -> Error {
        Error::Refused(
            StatusCode::GONE,
            match self {
                Self::Activation => {
                    "This link was used already, or has ended. If you have activated your user, sign in; \
                     else ask for a new link with “Forgot your password?”."
                }
                Self::PasswordReset => {
                    "This link was used already, or has ended: it works once, within an hour. \
                     Ask for a new one with “Forgot your password?”."
                }
            }
            .into(),
        )
    }
}

/// Makes a link for a user, as an address of the portal.
///
/// # Errors
/// When the database does not answer.
pub async fn issue(
    tx: &mut Tx,
    portal_url: &str,
    purpose: Purpose,
    user_id: i64,
) -> Result<Secret, Error> {
    let token = secrets::random_token("", 32);
    let expires_at = tx.now_ms().await? + purpose.lifetime_ms();
    rows::delete_of(tx, purpose.as_str(), user_id).await?;
    let digest = secrets::token_digest(token.reveal());
    rows::insert(tx, purpose.as_str(), &digest, user_id, expires_at).await?;
    Ok(Secret::new(format!(
        "{portal_url}{}{}",
        purpose.path(),
        token.reveal()
    )))
}

/// Whose link it is; it can still be used.
///
/// # Errors
/// 410 when there is no such link any more.
pub async fn look(tx: &mut Tx, purpose: Purpose, token: &str) -> Result<User, Error> {
    let digest = secrets::token_digest(token);
    let row = rows::find(tx, purpose.as_str(), &digest).await?;
    let now_ms = tx.now_ms().await?;
    let Some(row) = row.filter(|row| row.expires_at > now_ms) else {
        return Err(purpose.ended());
    };
    let user = users::find(tx, Some(row.user_id), None, None).await?;
    user.filter(|user| user.state != "suspended")
        .ok_or_else(|| purpose.ended())
}

/// Uses a link: it cannot be used again.
///
/// # Errors
/// See [`look`].
pub async fn take(tx: &mut Tx, purpose: Purpose, token: &str) -> Result<User, Error> {
    let digest = secrets::token_digest(token);
    let user = look(tx, purpose, token).await?;
    if rows::delete(tx, purpose.as_str(), &digest).await? {
        Ok(user)
    } else {
        Err(purpose.ended())
    }
}

/// Ends all links of a user with this purpose.
///
/// # Errors
/// When the database does not answer.
pub async fn end_of(tx: &mut Tx, purpose: Purpose, user_id: i64) -> Result<(), Error> {
    rows::delete_of(tx, purpose.as_str(), user_id).await
}
