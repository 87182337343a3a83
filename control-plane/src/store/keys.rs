//! Keys of applications.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};
use sqlx::AssertSqlSafe;

row! {
    /// A key.
    #[derive(Clone, Debug)]
    pub struct Key {
        /// The application it is of.
        pub application_id: i64,
        /// [`crate::credentials::key_digest`].
        pub digest: Vec<u8>,
        /// Its sealed copy, if there is one.
        pub value: Option<Vec<u8>>,
        /// When it was made.
        pub created_at: i64,
        /// The same: keys do not change.
        pub updated_at: i64,
    }
}

/// The keys of some applications, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of(tx: &mut Tx, application_ids: &[i64]) -> Result<Vec<Key>, Error> {
    let sql = format!(
        "select application_id, digest, value, created_at, updated_at from application_key
         where application_id in ({}) order by application_id, id",
        super::id_list(application_ids)
    );
    Ok(on!(tx, |c| sqlx::query_as::<_, Key>(AssertSqlSafe(
        sql.as_str()
    ))
    .fetch_all(c))?)
}

/// Adds a key.
///
/// # Errors
/// 409 when the application has it already.
pub async fn insert(
    tx: &mut Tx,
    application_id: i64,
    digest: &[u8],
    sealed: Option<&[u8]>,
    now_ms: i64,
) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "insert into application_key (application_id, digest, value, created_at, updated_at)
         values ($1, $2, $3, $4, $4)"
    )
    .bind(application_id)
    .bind(digest)
    .bind(sealed)
    .bind(now_ms)
    .execute(c))?;
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
