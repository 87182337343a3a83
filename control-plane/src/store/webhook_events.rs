//! The outbox of events: they wait here until they are delivered, or given up.
//!
//! Whoever tries an event first moves the time at which it is due: no two try it at once, and when one dies over it,
//! another tries it later.

use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

/// An event to be told.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'a> {
    /// What receivers know it by.
    pub event_id: &'a str,
    /// `account`, `user`, `application` or `alert`.
    pub kind: &'a str,
    /// What happened.
    pub action: &'a str,
    /// To which row.
    pub object_id: i64,
    /// What is sent, sealed.
    pub body: &'a [u8],
}

row! {
    /// An event whose time has come.
    #[derive(Clone, Debug)]
    pub struct Due {
        /// Its row.
        pub id: i64,
        /// What receivers know it by.
        pub event_id: String,
        /// What is sent, sealed.
        pub body: Vec<u8>,
        /// When it happened, milliseconds since 1970.
        pub created_at: i64,
        /// How often it was tried.
        pub attempts: i64,
        /// Since when it is due.
        pub due_at: i64,
    }
}

row! {
    /// An event that was given up.
    #[derive(Clone, Debug)]
    pub struct Failure {
        /// What receivers know it by.
        pub event_id: String,
        /// When it was tried last.
        pub failed_at: i64,
        /// Why it failed then.
        pub error: String,
        /// Where it was sent to.
        pub url: String,
        /// What was sent, sealed.
        pub body: Vec<u8>,
    }
}

/// Puts an event in.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, event: NewEvent<'_>) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "insert into webhook_event (event_id, type, action, object_id, body, created_at, due_at)
         values ($1, $2, $3, $4, $5, $6, $6)"
    )
    .bind(event.event_id)
    .bind(event.kind)
    .bind(event.action)
    .bind(event.object_id)
    .bind(event.body)
    .bind(now_ms)
    .execute(c))?;
    Ok(())
}

/// The events that have been due for the longest time.
///
/// # Errors
/// When the database does not answer.
pub async fn due(tx: &mut Tx, now_ms: i64, most: i64) -> Result<Vec<Due>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Due>(
        "select id, event_id, body, created_at, attempts, due_at from webhook_event
         where state = 'waiting' and due_at <= $1 order by due_at, id limit $2"
    )
    .bind(now_ms)
    .bind(most)
    .fetch_all(c))?)
}

/// Takes an event to try it, until a time; false when somebody else was faster.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(tx: &mut Tx, due: &Due, until_ms: i64) -> Result<bool, Error> {
    let claimed = run!(tx, |c| sqlx::query(
        "update webhook_event set due_at = $1, attempts = attempts + 1
         where id = $2 and due_at = $3 and state = 'waiting'"
    )
    .bind(until_ms)
    .bind(due.id)
    .bind(due.due_at)
    .execute(c))?;
    Ok(claimed > 0)
}

/// Takes an event out: it was delivered.
///
/// # Errors
/// When the database does not answer.
pub async fn delivered(tx: &mut Tx, id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from webhook_event where id = $1"
    )
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// Notes that an attempt failed; without another time to try, the event is given up.
///
/// # Errors
/// When the database does not answer.
pub async fn failed(
    tx: &mut Tx,
    id: i64,
    url: &str,
    error: &str,
    again_ms: Option<i64>,
) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update webhook_event set url = $1, error = $2, failed_at = $3, due_at = coalesce($4, due_at),
         state = case when $4 is null then 'failed' else 'waiting' end where id = $5"
    )
    .bind(url)
    .bind(error)
    .bind(now_ms)
    .bind(again_ms)
    .bind(id)
    .execute(c)
    })?;
    Ok(())
}

/// A page of events that were given up, the oldest first, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn failures(tx: &mut Tx, page: Page) -> Result<(Vec<Failure>, i64), Error> {
    let total = on!(tx, |c| sqlx::query_scalar(
        "select count(*) from webhook_event where state = 'failed'"
    )
    .fetch_one(c))?;
    let failures = on!(tx, |c| {
        sqlx::query_as::<_, Failure>(
        "select event_id, coalesce(failed_at, created_at) as failed_at, coalesce(error, '') as error,
                coalesce(url, '') as url, body
         from webhook_event where state = 'failed' order by failed_at, id limit $1 offset $2"
    )
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c)
    })?;
    Ok((failures, total))
}

/// Forgets events that were given up, perhaps only those until a time.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_failures(tx: &mut Tx, until_ms: Option<i64>) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from webhook_event where state = 'failed' and ($1 is null or failed_at <= $1)"
    )
    .bind(until_ms)
    .execute(c))?;
    Ok(())
}
