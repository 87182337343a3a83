//! Invitations to developer accounts. Only a digest of what the link holds is kept.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// An invitation.
    #[derive(Clone, Debug)]
    pub struct Invitation {
        /// Its id.
        pub id: i64,
        /// The account that it is to.
        pub account_id: i64,
        /// The address that it was mailed to.
        pub email: String,
        /// When it was made, milliseconds since 1970.
        pub created_at: i64,
        /// When it was last sent.
        pub sent_at: i64,
        /// When it was accepted.
        pub accepted_at: Option<i64>,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, account_id, email, created_at, sent_at, accepted_at from invitation where ",
            $rest
        )
    };
}

/// An account's invitations that nobody has accepted, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn open(tx: &mut Tx, account_id: i64) -> Result<Vec<Invitation>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Invitation>(select!(
        "account_id = $1 and accepted_at is null order by id desc"
    ))
    .bind(account_id)
    .fetch_all(c))?)
}

/// One of an account that nobody has accepted.
///
/// # Errors
/// 404 when there is none.
pub async fn get(tx: &mut Tx, account_id: i64, id: i64) -> Result<Invitation, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Invitation>(select!(
        "account_id = $1 and id = $2 and accepted_at is null"
    ))
    .bind(account_id)
    .bind(id)
    .fetch_one(c))?)
}

/// The one with this link, unless it was accepted.
///
/// # Errors
/// When the database does not answer.
pub async fn find(tx: &mut Tx, digest: &[u8]) -> Result<Option<Invitation>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Invitation>(select!(
        "digest = $1 and accepted_at is null"
    ))
    .bind(digest)
    .fetch_optional(c))?)
}

/// Makes one.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, account_id: i64, email: &str, digest: &[u8]) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "insert into invitation (account_id, email, digest, created_at, sent_at)
         values ($1, $2, $3, $4, $4)"
    )
    .bind(account_id)
    .bind(email)
    .bind(digest)
    .bind(now_ms)
    .execute(c))?;
    Ok(())
}

/// Gives one another link: the one before is worth nothing any more.
///
/// # Errors
/// When the database does not answer.
pub async fn renew(tx: &mut Tx, id: i64, digest: &[u8]) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update invitation set digest = $1, sent_at = $2 where id = $3"
    )
    .bind(digest)
    .bind(now_ms)
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// Notes that one was accepted, and says whether it was open until now.
///
/// # Errors
/// When the database does not answer.
pub async fn accept(tx: &mut Tx, id: i64, user_id: i64) -> Result<bool, Error> {
    let now_ms = tx.now_ms().await?;
    let accepted = run!(tx, |c| {
        sqlx::query(
        "update invitation set accepted_at = $1, user_id = $2 where id = $3 and accepted_at is null"
    )
    .bind(now_ms)
    .bind(user_id)
    .bind(id)
    .execute(c)
    })?;
    Ok(accepted > 0)
}

/// Takes one back.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, account_id: i64, id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from invitation where account_id = $1 and id = $2 and accepted_at is null"
    )
    .bind(account_id)
    .bind(id)
    .execute(c))?;
    Ok(())
}
