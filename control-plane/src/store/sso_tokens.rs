//! Links that sign a developer in, each once. Only digests are kept.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// What is known of a link.
    #[derive(Clone, Debug)]
    pub struct SsoToken {
        /// Whom it signs in.
        pub user_id: i64,
        /// Where to afterwards: a path of the portal.
        pub redirect_path: String,
        /// Until when, milliseconds since 1970.
        pub expires_at: i64,
    }
}

/// Makes one, and forgets those that nobody can use any more.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, digest: &[u8], token: &SsoToken) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "delete from sso_token where expires_at < $1"
    )
    .bind(now_ms - KEEP_MS)
    .execute(c))?;
    run!(tx, |c| {
        sqlx::query(
        "insert into sso_token (digest, user_id, redirect_path, created_at, expires_at) values ($1, $2, $3, $4, $5)"
    )
    .bind(digest)
    .bind(token.user_id)
    .bind(&token.redirect_path)
    .bind(now_ms)
    .bind(token.expires_at)
    .execute(c)
    })?;
    Ok(())
}

/// Uses one up, if there is one and nobody did before; also when it has expired.
///
/// # Errors
/// When the database does not answer.
pub async fn take(tx: &mut Tx, digest: &[u8]) -> Result<Option<SsoToken>, Error> {
    let now_ms = tx.now_ms().await?;
    Ok(on!(tx, |c| sqlx::query_as::<_, SsoToken>(
        "update sso_token set used_at = $1 where digest = $2 and used_at is null
         returning user_id, redirect_path, expires_at"
    )
    .bind(now_ms)
    .bind(digest)
    .fetch_optional(c))?)
}

/// How long it can be said of a link that it has expired.
const KEEP_MS: i64 = 24 * 60 * 60 * 1000;
