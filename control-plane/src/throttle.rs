//! How often visitors of the portal may try what costs: passwords, signups, mails.
//!
//! Attempts are counted before they are made, in the database, so that all replicas count together. What is counted (a name,
//! an address) is kept as a digest, for as long as its window lasts.

use crate::db::Db;
use crate::db::Tx;
use crate::error::Error;
use crate::secrets;
use crate::store::throttle as rows;

/// So many attempts within so many seconds of the first.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What is tried, of what.
    pub name: &'static str,
    /// How many are let through.
    pub most: i64,
    /// How long they are counted.
    pub window_secs: i64,
}

const MINUTE_SECS: i64 = 60;
const HOUR_SECS: i64 = 60 * MINUTE_SECS;
const DAY_SECS: i64 = 24 * HOUR_SECS;

/// Passwords for one name. Signing in begins it anew.
pub const LOGINS_OF_NAME: Limit = limit("login, name", 10, 15 * MINUTE_SECS);
/// Passwords from one address, behind which there may be an office.
pub const LOGINS_OF_CLIENT: Limit = limit("login, client", 100, 15 * MINUTE_SECS);
/// Signups from one address.
pub const SIGNUPS_OF_CLIENT: Limit = limit("signup, client", 30, HOUR_SECS);
/// Mails for those who forgot their password, to one address.
pub const RESETS_OF_EMAIL: Limit = limit("reset, email", 5, HOUR_SECS);
/// The same, from one address.
pub const RESETS_OF_CLIENT: Limit = limit("reset, client", 30, HOUR_SECS);
/// A user's own password, asked for again.
pub const CONFIRMATIONS_OF_USER: Limit = limit("confirmation, user", 10, 15 * MINUTE_SECS);
/// Invitations of one account.
pub const INVITATIONS_OF_ACCOUNT: Limit = limit("invitation, account", 50, DAY_SECS);

const fn limit(name: &'static str, most: i64, window_secs: i64) -> Limit {
    Limit {
        name,
        most,
        window_secs,
    }
}

/// Counts an attempt against each of these limits.
///
/// # Errors
/// [`Error::TooMany`] when it is beyond one of them.
pub async fn admit(db: &Db, attempts: &[(Limit, &str)]) -> Result<(), Error> {
    let mut tx = db.begin_aside().await?;
    let now_ms = tx.now_ms().await?;
    let mut wait_ms = None;
    for (limit, of) in attempts {
        let window_end = now_ms + limit.window_secs * 1000;
        let counted = rows::count(&mut tx, &digest(*limit, of), now_ms, window_end).await?;
        if counted.count > limit.most {
            wait_ms = wait_ms.max(Some(counted.window_end - now_ms));
        }
    }
    tx.commit().await?;
    match wait_ms {
        None => Ok(()),
        Some(wait_ms) => Err(Error::TooMany {
            retry_after_secs: wait_ms.div_euclid(1000) + 1,
        }),
    }
}

/// Begins anew: whoever tried was right.
///
/// # Errors
/// When the database does not answer.
pub async fn forgive(tx: &mut Tx, limit: Limit, of: &str) -> Result<(), Error> {
    rows::forget(tx, &digest(limit, of)).await
}

fn digest(limit: Limit, of: &str) -> Vec<u8> {
    secrets::token_digest(&format!("{}:{}", limit.name, of.to_lowercase()))
}
