//! Links in mails that let a user do one thing once. Only a digest of what a link holds is kept.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A link.
    #[derive(Clone, Copy, Debug)]
    pub struct LinkRow {
        /// Whose it is.
        pub user_id: i64,
        /// When it ends, milliseconds since 1970.
        pub expires_at: i64,
    }
}

/// A link of this purpose, ended or not.
///
/// # Errors
/// When the database does not answer.
pub async fn find(tx: &mut Tx, purpose: &str, digest: &[u8]) -> Result<Option<LinkRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, LinkRow>(
        "select user_id, expires_at from user_link where digest = $1 and purpose = $2"
    )
    .bind(digest)
    .bind(purpose)
    .fetch_optional(c))?)
}

/// Removes a link of this purpose, and says whether it was there: of many who try only one removes it.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, purpose: &str, digest: &[u8]) -> Result<bool, Error> {
    let deleted = run!(tx, |c| sqlx::query(
        "delete from user_link where digest = $1 and purpose = $2"
    )
    .bind(digest)
    .bind(purpose)
    .execute(c))?;
    Ok(deleted > 0)
}

/// Keeps a new one.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    tx: &mut Tx,
    purpose: &str,
    digest: &[u8],
    user_id: i64,
    expires_at: i64,
) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "insert into user_link (digest, purpose, user_id, created_at, expires_at)
         values ($1, $2, $3, $4, $5)"
    )
    .bind(digest)
    .bind(purpose)
    .bind(user_id)
    .bind(now_ms)
    .bind(expires_at)
    .execute(c))?;
    Ok(())
}

/// Removes all links of a user with this purpose.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_of(tx: &mut Tx, purpose: &str, user_id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from user_link where user_id = $1 and purpose = $2"
    )
    .bind(user_id)
    .bind(purpose)
    .execute(c))?;
    Ok(())
}

/// Forgets those that ended.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(tx: &mut Tx, now_ms: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from user_link where expires_at <= $1"
    )
    .bind(now_ms)
    .execute(c))?;
    Ok(())
}
