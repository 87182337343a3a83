//! Access tokens: what somebody of the provider calls the API with. Only digests are kept.

use crate::db::{Db, Tx};
use crate::error::Error;
use crate::secrets::{self, Secret};
use crate::{on, row, run};

row! {
    /// A token, without its value.
    #[derive(Clone, Debug)]
    pub struct AccessToken {
        /// Its id.
        pub id: i64,
        /// What it is for.
        pub name: String,
        /// Comma list of what it may touch.
        pub scopes: String,
        /// `ro` or `rw`.
        pub permission: String,
        /// When it stops working, milliseconds since 1970; never when there is none.
        pub expires_at: Option<i64>,
    }
}

row! {
    /// A token that somebody presents, with whose it is.
    #[derive(Debug)]
    pub struct Presented {
        /// Its id.
        pub id: i64,
        /// Comma list of what it may touch.
        pub scopes: String,
        /// `ro` or `rw`.
        pub permission: String,
        /// When it stops working.
        pub expires_at: Option<i64>,
        /// When it was last used, as far as that was noted.
        pub last_used_at: Option<i64>,
        /// Its owner.
        pub owner_id: i64,
        /// Its owner's state.
        pub state: String,
        /// Its owner's role.
        pub role: String,
        /// JSON list of the sections that its owner may use as a member.
        pub sections: String,
        /// JSON list of the products that its owner may reach as a member; all when there is none.
        pub product_ids: Option<String>,
    }
}

/// A token to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewAccessToken<'a> {
    /// Whose it is.
    pub owner_id: i64,
    /// What it is for.
    pub name: &'a str,
    /// Comma list of what it may touch.
    pub scopes: &'a str,
    /// `ro` or `rw`.
    pub permission: &'a str,
    /// When it stops working.
    pub expires_at: Option<i64>,
}

/// What is known of a value that somebody presents.
///
/// # Errors
/// When the database does not answer.
pub async fn present(db: &Db, value: &Secret) -> Result<Option<Presented>, Error> {
    Ok(on!(db, |c| sqlx::query_as::<_, Presented>(
        "select t.id, t.scopes, t.permission, t.expires_at, t.last_used_at, t.owner_id,
                u.state, u.role, u.sections, u.product_ids
         from access_token t join provider_user u on u.id = t.owner_id
         where t.digest = $1 and u.deleted_at is null"
    )
    .bind(secrets::token_digest(value.reveal()))
    .fetch_optional(c))?)
}

/// Notes that one was used.
///
/// # Errors
/// When the database does not answer.
pub async fn note_use(tx: &mut Tx, id: i64, now_ms: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "update access_token set last_used_at = $1 where id = $2"
    )
    .bind(now_ms)
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// Somebody's tokens whose name holds a text, whatever its case.
///
/// # Errors
/// When the database does not answer.
pub async fn of(tx: &mut Tx, owner_id: i64, part: &str) -> Result<Vec<AccessToken>, Error> {
    let tokens = on!(tx, |c| {
        sqlx::query_as::<_, AccessToken>(
        "select id, name, scopes, permission, expires_at from access_token where owner_id = $1 order by id"
    )
    .bind(owner_id)
    .fetch_all(c)
    })?;
    let part = part.to_lowercase();
    Ok(tokens
        .into_iter()
        .filter(|token| token.name.to_lowercase().contains(&part))
        .collect())
}

/// One of somebody's tokens, by its id or its value.
///
/// # Errors
/// 404 when there is none.
pub async fn get(tx: &mut Tx, owner_id: i64, id_or_value: &str) -> Result<AccessToken, Error> {
    let id = id_or_value.parse::<i64>().ok();
    Ok(on!(tx, |c| sqlx::query_as::<_, AccessToken>(
        "select id, name, scopes, permission, expires_at from access_token
         where owner_id = $1 and (id = $2 or digest = $3)"
    )
    .bind(owner_id)
    .bind(id)
    .bind(secrets::token_digest(id_or_value))
    .fetch_one(c))?)
}

/// Makes one with this value.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    tx: &mut Tx,
    new: NewAccessToken<'_>,
    value: &Secret,
) -> Result<AccessToken, Error> {
    let now_ms = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, AccessToken>(
        "insert into access_token (name, digest, scopes, permission, expires_at, created_at, owner_id)
         values ($1, $2, $3, $4, $5, $6, $7) returning id, name, scopes, permission, expires_at"
    )
    .bind(new.name)
    .bind(secrets::token_digest(value.reveal()))
    .bind(new.scopes)
    .bind(new.permission)
    .bind(new.expires_at)
    .bind(now_ms)
    .bind(new.owner_id)
    .fetch_one(c)
    })?)
}

/// Removes one: it stops working at once.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from access_token where id = $1"
    )
    .bind(id)
    .execute(c))?;
    Ok(())
}
