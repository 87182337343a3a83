//! The audit log: what was written by whom, noted in the transaction that wrote it. Entries never change, but for the
//! answer of a call that went on after it had written.

use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// An entry.
    #[derive(Clone, Debug)]
    pub struct Entry {
        /// Its id.
        pub id: i64,
        /// When it was written, milliseconds since 1970.
        pub created_at: i64,
        /// `provider_key`, `access_token`, or `developer` in the portal.
        pub caller: String,
        /// The access token.
        pub token_id: Option<i64>,
        /// What the token was called then.
        pub token_name: String,
        /// Whose token it is.
        pub user_id: Option<i64>,
        /// The developer, if one was signed in.
        pub account_user_id: Option<i64>,
        /// What the token's owner, or the developer, was called then.
        pub username: String,
        /// The HTTP method.
        pub method: String,
        /// The path, without its extension and without secrets.
        pub path: String,
        /// The pattern of the route.
        pub route: String,
        /// The answer's status, when there was one.
        pub status: Option<i64>,
        /// The resource before, JSON without secrets.
        pub state_before: Option<String>,
        /// What was answered, JSON without secrets.
        pub state_after: Option<String>,
    }
}

/// An entry to be noted.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    /// `provider_key`, `access_token` or `developer`.
    pub caller: &'a str,
    /// The access token.
    pub token_id: Option<i64>,
    /// Whose token it is.
    pub user_id: Option<i64>,
    /// The developer, if one was signed in.
    pub account_user_id: Option<i64>,
    /// The HTTP method.
    pub method: &'a str,
    /// The path, without its extension and without secrets.
    pub path: &'a str,
    /// The pattern of the route.
    pub route: &'a str,
    /// The resource before, JSON without secrets.
    pub state_before: Option<&'a str>,
}

/// What was answered.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The status.
    pub status: i64,
    /// The answer, JSON without secrets.
    pub state_after: Option<&'a str>,
}

/// Which entries are wanted; `None` does not narrow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Not before, milliseconds since 1970.
    pub since: Option<i64>,
    /// Before.
    pub until: Option<i64>,
    /// By this access token.
    pub token_id: Option<i64>,
    /// By a token of this user.
    pub user_id: Option<i64>,
    /// By this developer.
    pub account_user_id: Option<i64>,
    /// `provider_key`, `access_token` or `developer`.
    pub caller: Option<&'a str>,
    /// With this HTTP method.
    pub method: Option<&'a str>,
    /// About this path and what is below it.
    pub path: Option<&'a str>,
}

/// Notes one.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    tx: &mut Tx,
    entry: NewEntry<'_>,
    answered: Option<Answered<'_>>,
) -> Result<i64, Error> {
    let now_ms = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
            "insert into audit_entry (created_at, caller, token_id, token_name, user_id, username, method, path,
                                      route, status, state_before, state_after, account_user_id)
             values ($1, $2, $3, coalesce((select name from access_token where id = $3), ''),
                     $4, coalesce((select username from provider_user where id = $4),
                                  (select username from account_user where id = $11), ''), $5, $6, $7, $8, $9, $10, $11)
             returning id",
        )
        .bind(now_ms)
        .bind(entry.caller)
        .bind(entry.token_id)
        .bind(entry.user_id)
        .bind(entry.method)
        .bind(entry.path)
        .bind(entry.route)
        .bind(answered.map(|answered| answered.status))
        .bind(entry.state_before)
        .bind(answered.and_then(|answered| answered.state_after))
        .bind(entry.account_user_id)
        .fetch_one(c)
    })?)
}

/// Adds the answer of a call that had none when the entry was noted.
///
/// # Errors
/// When the database does not answer.
pub async fn complete(tx: &mut Tx, id: i64, answered: Answered<'_>) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "update audit_entry set status = $1, state_after = $2 where id = $3 and status is null"
    )
    .bind(answered.status)
    .bind(answered.state_after)
    .bind(id)
    .execute(c))?;
    Ok(())
}

macro_rules! narrowed {
    ($select:literal, $rest:literal) => {
        concat!(
            "select ",
            $select,
            " from audit_entry where ($1 is null or created_at >= $1) and ($2 is null or created_at < $2)
              and ($3 is null or token_id = $3) and ($4 is null or caller = $4) and ($5 is null or method = $5)
              and ($6 is null or path = $6 or path like $7 escape '\\') and ($8 is null or user_id = $8)
              and ($9 is null or account_user_id = $9) ",
            $rest
        )
    };
}

/// A page of entries, the newest first, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn page(tx: &mut Tx, filter: Filter<'_>, page: Page) -> Result<(Vec<Entry>, i64), Error> {
    let below = filter.path.map(|path| format!("{}/%", literal(path)));
    let total = on!(tx, |c| sqlx::query_scalar(narrowed!("count(*)", ""))
        .bind(filter.since)
        .bind(filter.until)
        .bind(filter.token_id)
        .bind(filter.caller)
        .bind(filter.method)
        .bind(filter.path)
        .bind(&below)
        .bind(filter.user_id)
        .bind(filter.account_user_id)
        .fetch_one(c))?;
    let entries = on!(tx, |c| {
        sqlx::query_as::<_, Entry>(narrowed!(
        "id, created_at, caller, token_id, token_name, user_id, account_user_id, username, method, path, route, status, state_before, state_after",
        "order by id desc limit $10 offset $11"
    ))
    .bind(filter.since)
    .bind(filter.until)
    .bind(filter.token_id)
    .bind(filter.caller)
    .bind(filter.method)
    .bind(filter.path)
    .bind(&below)
        .bind(filter.user_id)
        .bind(filter.account_user_id)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c)
    })?;
    Ok((entries, total))
}

/// Forgets what was noted before a time.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(tx: &mut Tx, before_ms: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from audit_entry where created_at < $1"
    )
    .bind(before_ms)
    .execute(c))?;
    Ok(())
}

/// For `like … escape '\'`.
fn literal(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}
