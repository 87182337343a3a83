//! Keys of applications. One that has expired is none, wherever keys are read; a sweep removes its row later.

use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::{on, row, run};
use sqlx::AssertSqlSafe;

row! {
    /// A key that has not expired.
    #[derive(Clone, Debug)]
    pub struct Key {
        /// The application it is of.
        pub application_id: i64,
        /// [`crate::credentials::key_digest`].
        pub digest: Vec<u8>,
        /// Its sealed copy, if there is one.
        pub value: Option<Vec<u8>>,
        /// What the developer calls it; empty for nothing.
        pub label: String,
        /// From this moment on it is none, milliseconds since 1970; whole seconds.
        pub expires_at: Option<i64>,
        /// About when it was last called with, milliseconds since 1970; none while nobody did.
        pub last_used_at: Option<i64>,
        /// When it was made, milliseconds since 1970.
        pub created_at: i64,
        /// When its label or expiry was changed, milliseconds since 1970.
        pub updated_at: i64,
    }
}

row! {
    /// A key that has expired.
    #[derive(Clone, Debug)]
    pub struct Expired {
        /// The application it was of.
        pub application_id: i64,
        /// [`crate::credentials::key_digest`].
        pub digest: Vec<u8>,
    }
}

/// A key to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewKey<'a> {
    /// The application it is of.
    pub application_id: i64,
    /// [`crate::credentials::key_digest`].
    pub digest: &'a [u8],
    /// Its sealed copy, if one is to be kept.
    pub sealed: Option<&'a [u8]>,
    /// What the developer calls it.
    pub label: &'a str,
    /// From this moment on it is none, milliseconds since 1970.
    pub expires_at: Option<i64>,
    /// Milliseconds since 1970.
    pub now_ms: i64,
}

/// The keys of some applications, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of(tx: &mut Tx, application_ids: &[i64]) -> Result<Vec<Key>, Error> {
    let now_ms = tx.now_ms().await?;
    let sql = format!(
        "select application_id, digest, value, label, expires_at, last_used_at, created_at, updated_at
         from application_key
         where (expires_at is null or expires_at > $1) and application_id in ({})
         order by application_id, id",
        super::id_list(application_ids)
    );
    Ok(on!(tx, |c| sqlx::query_as::<_, Key>(AssertSqlSafe(
        sql.as_str()
    ))
    .bind(now_ms)
    .fetch_all(c))?)
}

/// Keys that have expired before a moment, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn expired(tx: &mut Tx, before_ms: i64, limit: i64) -> Result<Vec<Expired>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Expired>(
        "select application_id, digest from application_key where expires_at <= $1
         order by expires_at limit $2"
    )
    .bind(before_ms)
    .bind(limit)
    .fetch_all(c))?)
}

/// Adds a key; one that was the same and has expired makes room for it.
///
/// # Errors
/// 409 when the application has it already.
pub async fn insert(tx: &mut Tx, key: NewKey<'_>) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from application_key where application_id = $1 and digest = $2 and expires_at <= $3"
    )
    .bind(key.application_id)
    .bind(key.digest)
    .bind(key.now_ms)
    .execute(c))?;
    run!(tx, |c| {
        sqlx::query(
        "insert into application_key (application_id, digest, value, label, expires_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $6)"
    )
    .bind(key.application_id)
    .bind(key.digest)
    .bind(key.sealed)
    .bind(key.label)
    .bind(key.expires_at)
    .bind(key.now_ms)
    .execute(c)
    })?;
    Ok(())
}

/// Sets the label and the expiry of a key.
///
/// # Errors
/// When the database does not answer.
pub async fn update(
    tx: &mut Tx,
    key: &Key,
    label: &str,
    expires_at: Option<i64>,
) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update application_key set label = $1, expires_at = $2, updated_at = $3
         where application_id = $4 and digest = $5"
    )
    .bind(label)
    .bind(expires_at)
    .bind(now_ms)
    .bind(key.application_id)
    .bind(key.digest.as_slice())
    .execute(c))?;
    Ok(())
}

/// Notes that keys, each with its application, were called with, unless that is known to the minute. One that is gone stays gone.
///
/// # Errors
/// When the database does not answer.
pub async fn used(tx: &mut Tx, keys: &[(i64, &[u8])], now_ms: i64) -> Result<(), Error> {
    let known_ms = now_ms - 60_000;
    match tx.handle() {
        Handle::Sqlite(c) => {
            for (application_id, digest) in keys {
                sqlx::query(
                    "update application_key set last_used_at = $1
                     where application_id = $2 and digest = $3 and coalesce(last_used_at, 0) < $4",
                )
                .bind(now_ms)
                .bind(application_id)
                .bind(*digest)
                .bind(known_ms)
                .execute(&mut *c)
                .await?;
            }
        }
        Handle::Postgres(c) => {
            let (ids, digests): (Vec<i64>, Vec<&[u8]>) = keys.iter().copied().unzip();
            sqlx::query(
                "update application_key set last_used_at = $1
                 from unnest($2, $3) as used (application_id, digest)
                 where application_key.application_id = used.application_id
                 and application_key.digest = used.digest and coalesce(last_used_at, 0) < $4",
            )
            .bind(now_ms)
            .bind(ids)
            .bind(digests)
            .bind(known_ms)
            .execute(c)
            .await?;
        }
    }
    Ok(())
}

/// Removes a key; false when the application has no such key.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, application_id: i64, digest: &[u8]) -> Result<bool, Error> {
    let deleted = run!(tx, |c| sqlx::query(
        "delete from application_key where application_id = $1 and digest = $2"
    )
    .bind(application_id)
    .bind(digest)
    .execute(c))?;
    Ok(deleted > 0)
}

/// Forgets the sealed copies of an application's keys.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(tx: &mut Tx, application_id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "update application_key set value = null where application_id = $1"
    )
    .bind(application_id)
    .execute(c))?;
    Ok(())
}
