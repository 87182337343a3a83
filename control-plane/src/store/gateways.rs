//! Gateways as the provider sees them: named, in an environment, with a token of their own.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A gateway.
    #[derive(Clone, Debug)]
    pub struct Gateway {
        /// Its id.
        pub id: i64,
        /// What the provider calls it.
        pub name: String,
        /// `staging` or `production`.
        pub environment: String,
        /// When it was made.
        pub created_at: i64,
        /// When it last called.
        pub last_seen_at: Option<i64>,
        /// The revision it decided by then.
        pub revision_seen: Option<i64>,
        /// Sealed usage batches it had not yet been thanked for.
        pub batches_waiting: Option<i64>,
        /// Products or rules it could not compile, and goes without.
        pub rejected_entries: Option<i64>,
        /// Version of its filter.
        pub filter_version: Option<String>,
        /// Its token works no longer.
        pub is_removed: bool,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, name, environment, created_at, last_seen_at, revision_seen, batches_waiting,
             rejected_entries, filter_version, deleted_at is not null as is_removed
             from gateway ",
            $rest
        )
    };
}

/// The newest revision.
///
/// # Errors
/// When the database does not answer.
pub async fn revision(tx: &mut Tx) -> Result<i64, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar("select n from revision")
        .fetch_one(c))?)
}

/// All gateways.
///
/// # Errors
/// When the database does not answer.
pub async fn all(tx: &mut Tx) -> Result<Vec<Gateway>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Gateway>(select!(
        "where deleted_at is null order by id"
    ))
    .fetch_all(c))?)
}

/// All gateways, those that were removed too.
///
/// # Errors
/// When the database does not answer.
pub async fn all_ever(tx: &mut Tx) -> Result<Vec<Gateway>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Gateway>(select!(
        "order by id"
    ))
    .fetch_all(c))?)
}

/// One gateway.
///
/// # Errors
/// 404 when there is none.
pub async fn get(tx: &mut Tx, id: i64) -> Result<Gateway, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Gateway>(select!(
        "where deleted_at is null and id = $1"
    ))
    .bind(id)
    .fetch_one(c))?)
}

/// Makes one.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    tx: &mut Tx,
    name: &str,
    environment: &str,
    token_digest: &[u8],
    now_ms: i64,
) -> Result<Gateway, Error> {
    let id: i64 = on!(tx, |c| {
        sqlx::query_scalar(
        "insert into gateway (name, environment, token_digest, created_at) values ($1, $2, $3, $4) returning id"
    )
    .bind(name)
    .bind(environment)
    .bind(token_digest)
    .bind(now_ms)
    .fetch_one(c)
    })?;
    get(tx, id).await
}

/// Its token no longer works.
///
/// # Errors
/// 404 when there is none.
pub async fn delete(tx: &mut Tx, id: i64, now_ms: i64) -> Result<(), Error> {
    let deleted = run!(tx, |c| sqlx::query(
        "update gateway set deleted_at = $1 where id = $2 and deleted_at is null"
    )
    .bind(now_ms)
    .bind(id)
    .execute(c))?;
    if deleted == 0 {
        return Err(Error::NotFound);
    }
    Ok(())
}
