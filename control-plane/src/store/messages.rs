//! Messages: what the provider writes to developers, who read it in the portal.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row};

row! {
    /// A message.
    #[derive(Clone, Debug)]
    pub struct MessageRow {
        /// Its id.
        pub id: i64,
        /// Whom it is to.
        pub account_id: i64,
        /// What it is about.
        pub subject: String,
        /// What it says.
        pub body: String,
        /// `sent`.
        pub state: String,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, account_id, subject, body, state, created_at, updated_at from message where ",
            $rest
        )
    };
}

/// One message.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn get(tx: &mut Tx, id: i64) -> Result<MessageRow, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, MessageRow>(select!(
        "id = $1"
    ))
    .bind(id)
    .fetch_one(c))?)
}

/// An account's messages, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of_account(tx: &mut Tx, account_id: i64) -> Result<Vec<MessageRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, MessageRow>(select!(
        "account_id = $1 order by id desc"
    ))
    .bind(account_id)
    .fetch_all(c))?)
}

/// Sends one to an account.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, account_id: i64, subject: &str, body: &str) -> Result<i64, Error> {
    let now = tx.now_ms().await?;
    Ok(on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "insert into message (account_id, subject, body, state, created_at, updated_at)
         values ($1, $2, $3, 'sent', $4, $4) returning id"
    )
    .bind(account_id)
    .bind(subject)
    .bind(body)
    .bind(now)
    .fetch_one(c))?)
}
