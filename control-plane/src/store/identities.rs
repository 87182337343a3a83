//! Whom somebody at an identity provider is here.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, run};

/// The user that a person at an identity provider is.
///
/// # Errors
/// When the database does not answer.
pub async fn user_id(
    tx: &mut Tx,
    authentication_provider_id: i64,
    identifier: &str,
) -> Result<Option<i64>, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select identity.user_id from identity
         join account_user on account_user.id = identity.user_id and account_user.deleted_at is null
         where authentication_provider_id = $1 and identifier = $2"
    )
    .bind(authentication_provider_id)
    .bind(identifier)
    .fetch_optional(c))?)
}

/// Remembers who it is, in place of whoever it was.
///
/// # Errors
/// When the database does not answer.
pub async fn remember(
    tx: &mut Tx,
    authentication_provider_id: i64,
    identifier: &str,
    user_id: i64,
) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "insert into identity (authentication_provider_id, identifier, user_id, created_at) values ($1, $2, $3, $4)
         on conflict (authentication_provider_id, identifier) do update set user_id = excluded.user_id"
    )
    .bind(authentication_provider_id)
    .bind(identifier)
    .bind(user_id)
    .bind(now_ms)
    .execute(c)
    })?;
    Ok(())
}
