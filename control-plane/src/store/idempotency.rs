//! Answers that are kept for clients who ask again.
//!
//! A row without an answer is a call in flight, named by when it began: only that call may answer it.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// What is kept.
    #[derive(Clone, Debug)]
    pub struct Kept {
        /// Digest of what was asked.
        pub request_digest: Vec<u8>,
        /// The answer's status; none while the call is in flight.
        pub status: Option<i64>,
        /// The answer, sealed.
        pub body: Option<Vec<u8>>,
        /// When the call began.
        pub created_at: i64,
    }
}

/// Forgets what began before a time.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(tx: &mut Tx, before_ms: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from idempotency where created_at < $1"
    )
    .bind(before_ms)
    .execute(c))?;
    Ok(())
}

/// Begins a call; false when there is one with this key already.
///
/// # Errors
/// When the database does not answer.
pub async fn begin(
    tx: &mut Tx,
    key_digest: &[u8],
    request_digest: &[u8],
    now_ms: i64,
) -> Result<bool, Error> {
    let begun = run!(tx, |c| sqlx::query(
        "insert into idempotency (key_digest, request_digest, created_at) values ($1, $2, $3)
         on conflict (key_digest) do nothing"
    )
    .bind(key_digest)
    .bind(request_digest)
    .bind(now_ms)
    .execute(c))?;
    Ok(begun > 0)
}

/// Takes over a call that began at a time and never ended; false when somebody else did.
///
/// # Errors
/// When the database does not answer.
pub async fn take_over(
    tx: &mut Tx,
    key_digest: &[u8],
    began_ms: i64,
    now_ms: i64,
) -> Result<bool, Error> {
    let taken = run!(tx, |c| {
        sqlx::query(
        "update idempotency set created_at = $1 where key_digest = $2 and created_at = $3 and status is null"
    )
    .bind(now_ms)
    .bind(key_digest)
    .bind(began_ms)
    .execute(c)
    })?;
    Ok(taken > 0)
}

/// What is kept under a key.
///
/// # Errors
/// When the database does not answer.
pub async fn find(tx: &mut Tx, key_digest: &[u8]) -> Result<Option<Kept>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Kept>(
        "select request_digest, status, body, created_at from idempotency where key_digest = $1"
    )
    .bind(key_digest)
    .fetch_optional(c))?)
}

/// Keeps the answer of the call that began at a time; false when it was taken over.
///
/// # Errors
/// When the database does not answer.
pub async fn finish(
    tx: &mut Tx,
    key_digest: &[u8],
    began_ms: i64,
    status: i64,
    body: &[u8],
) -> Result<bool, Error> {
    let kept = run!(tx, |c| sqlx::query(
        "update idempotency set status = $1, body = $2
         where key_digest = $3 and created_at = $4 and status is null"
    )
    .bind(status)
    .bind(body)
    .bind(key_digest)
    .bind(began_ms)
    .execute(c))?;
    Ok(kept > 0)
}

/// Forgets the call that began at a time, because it failed: it may be tried again.
///
/// # Errors
/// When the database does not answer.
pub async fn abandon(tx: &mut Tx, key_digest: &[u8], began_ms: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from idempotency where key_digest = $1 and created_at = $2 and status is null"
    )
    .bind(key_digest)
    .bind(began_ms)
    .execute(c))?;
    Ok(())
}
