//! Sessions of the portal: who is signed in, in which browser.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A session.
    #[derive(Clone, Debug)]
    pub struct Session {
        /// Its id.
        pub id: i64,
        /// Whose it is.
        pub user_id: i64,
        /// What the browser called itself.
        pub user_agent: String,
        /// When it began.
        pub created_at: i64,
        /// When it was last used, to the minute.
        pub last_seen_at: i64,
        /// When it ends, used or not.
        pub expires_at: i64,
    }
}

/// The session that is known by this digest, ended or not.
///
/// # Errors
/// When the database does not answer.
pub async fn find(tx: &mut Tx, digest: &[u8]) -> Result<Option<Session>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, Session>(
        "select id, user_id, user_agent, created_at, last_seen_at, expires_at from portal_session where digest = $1"
    )
    .bind(digest)
    .fetch_optional(c)
    })?)
}

/// Somebody's sessions that have not ended, the last used first.
///
/// # Errors
/// When the database does not answer.
pub async fn of(tx: &mut Tx, user_id: i64) -> Result<Vec<Session>, Error> {
    let now_ms = tx.now_ms().await?;
    Ok(on!(tx, |c| sqlx::query_as::<_, Session>(
        "select id, user_id, user_agent, created_at, last_seen_at, expires_at from portal_session
         where user_id = $1 and expires_at > $2 order by last_seen_at desc, id desc limit 100"
    )
    .bind(user_id)
    .bind(now_ms)
    .fetch_all(c))?)
}

/// Begins one.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    tx: &mut Tx,
    user_id: i64,
    digest: &[u8],
    user_agent: &str,
    expires_at: i64,
) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "insert into portal_session (digest, user_id, user_agent, created_at, last_seen_at, expires_at)
         values ($1, $2, $3, $4, $4, $5)"
    )
    .bind(digest)
    .bind(user_id)
    .bind(user_agent)
    .bind(now_ms)
    .bind(expires_at)
    .execute(c)
    })?;
    Ok(())
}

/// Notes that one is used.
///
/// # Errors
/// When the database does not answer.
pub async fn touch(tx: &mut Tx, id: i64, now_ms: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "update portal_session set last_seen_at = $1 where id = $2"
    )
    .bind(now_ms)
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// Ends one of somebody's.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, user_id: i64, id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from portal_session where user_id = $1 and id = $2"
    )
    .bind(user_id)
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// Ends all of somebody's, but perhaps one.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_of(tx: &mut Tx, user_id: i64, but: Option<i64>) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from portal_session where user_id = $1 and id <> $2"
    )
    .bind(user_id)
    .bind(but.unwrap_or(0))
    .execute(c))?;
    Ok(())
}

/// Forgets those that ended.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(tx: &mut Tx, now_ms: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from portal_session where expires_at <= $1"
    )
    .bind(now_ms)
    .execute(c))?;
    Ok(())
}
