//! The outbox of e-mails: they wait here until the mail server took them, or they are given up.
//!
//! As with events, whoever tries one first moves the time at which it is due: no two try it at once, and when one dies over
//! it, another tries it later.

use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

/// Whom a mail is to: one of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient<'a> {
    /// A user of an account.
    User(i64),
    /// One of the provider's.
    ProviderUser(i64),
    /// Whoever has this address.
    Address(&'a str),
}

/// Ids of what a mail is about, as far as its kind says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// An account.
    pub account_id: Option<i64>,
    /// A user of an account.
    pub user_id: Option<i64>,
    /// An application.
    pub application_id: Option<i64>,
    /// A plan.
    pub plan_id: Option<i64>,
    /// An alert or a message.
    pub object_id: Option<i64>,
}

/// A mail to be sent.
#[derive(Clone, Copy, Debug)]
pub struct NewMail<'a> {
    /// The same in every attempt.
    pub mail_id: &'a str,
    /// System name of its template.
    pub kind: &'a str,
    /// Whom to.
    pub to: Recipient<'a>,
    /// What it is about.
    pub about: About,
    /// A JSON object of texts that are nowhere else, sealed.
    pub texts: Option<&'a [u8]>,
}

row! {
    /// A mail whose time has come.
    #[derive(Clone, Debug)]
    pub struct Due {
        /// Its row.
        pub id: i64,
        /// The same in every attempt.
        pub mail_id: String,
        /// System name of its template.
        pub kind: String,
        /// The user of an account whom it is to.
        pub to_user_id: Option<i64>,
        /// The provider's user whom it is to.
        pub to_provider_user_id: Option<i64>,
        /// The address that it is to.
        pub to_address: Option<String>,
        /// See [`About`].
        pub account_id: Option<i64>,
        /// See [`About`].
        pub user_id: Option<i64>,
        /// See [`About`].
        pub application_id: Option<i64>,
        /// See [`About`].
        pub plan_id: Option<i64>,
        /// See [`About`].
        pub object_id: Option<i64>,
        /// A JSON object of texts that are nowhere else, sealed.
        pub texts: Option<Vec<u8>>,
        /// When it was recorded, milliseconds since 1970.
        pub created_at: i64,
        /// How often it was tried.
        pub attempts: i64,
        /// Since when it is due.
        pub due_at: i64,
    }
}

row! {
    /// A mail that was given up.
    #[derive(Clone, Debug)]
    pub struct Failure {
        /// What its Message-ID begins with.
        pub mail_id: String,
        /// System name of its template.
        pub kind: String,
        /// The address it was to; blank when whoever had it is gone.
        pub address: String,
        /// When it was recorded, milliseconds since 1970.
        pub created_at: i64,
        /// When it was tried last.
        pub failed_at: i64,
        /// How often it was tried.
        pub attempts: i64,
        /// Why it failed then.
        pub error: String,
    }
}

/// Puts a mail in.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, mail: NewMail<'_>) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    let (user_id, provider_user_id, address) = match mail.to {
        Recipient::User(id) => (Some(id), None, None),
        Recipient::ProviderUser(id) => (None, Some(id), None),
        Recipient::Address(address) => (None, None, Some(address)),
    };
    run!(tx, |c| {
        sqlx::query(
        "insert into mail (mail_id, kind, to_user_id, to_provider_user_id, to_address, account_id, user_id,
                           application_id, plan_id, object_id, texts, created_at, due_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)"
    )
    .bind(mail.mail_id)
    .bind(mail.kind)
    .bind(user_id)
    .bind(provider_user_id)
    .bind(address)
    .bind(mail.about.account_id)
    .bind(mail.about.user_id)
    .bind(mail.about.application_id)
    .bind(mail.about.plan_id)
    .bind(mail.about.object_id)
    .bind(mail.texts)
    .bind(now_ms)
    .execute(c)
    })?;
    Ok(())
}

/// The mails that have been due for the longest time.
///
/// # Errors
/// When the database does not answer.
pub async fn due(tx: &mut Tx, now_ms: i64, most: i64) -> Result<Vec<Due>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, Due>(
        "select id, mail_id, kind, to_user_id, to_provider_user_id, to_address, account_id, user_id, application_id,
                plan_id, object_id, texts, created_at, attempts, due_at
         from mail where state = 'waiting' and due_at <= $1 order by due_at, id limit $2"
    )
    .bind(now_ms)
    .bind(most)
    .fetch_all(c)
    })?)
}

/// Takes a mail to try it, until a time; false when somebody else was faster.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(tx: &mut Tx, due: &Due, until_ms: i64) -> Result<bool, Error> {
    let claimed = run!(tx, |c| sqlx::query(
        "update mail set due_at = $1, attempts = attempts + 1
         where id = $2 and due_at = $3 and state = 'waiting'"
    )
    .bind(until_ms)
    .bind(due.id)
    .bind(due.due_at)
    .execute(c))?;
    Ok(claimed > 0)
}

/// Takes a mail out: it was sent, or there is nobody left to send it to.
///
/// # Errors
/// When the database does not answer.
pub async fn done(tx: &mut Tx, id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query("delete from mail where id = $1")
        .bind(id)
        .execute(c))?;
    Ok(())
}

/// Notes that an attempt failed; without another time to try, the mail is given up.
///
/// # Errors
/// When the database does not answer.
pub async fn failed(tx: &mut Tx, id: i64, error: &str, again_ms: Option<i64>) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update mail set error = $1, failed_at = $2, due_at = coalesce($3, due_at),
         state = case when $3 is null then 'failed' else 'waiting' end where id = $4"
    )
    .bind(error)
    .bind(now_ms)
    .bind(again_ms)
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// A page of mails that were given up, the oldest first, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn failures(tx: &mut Tx, page: Page) -> Result<(Vec<Failure>, i64), Error> {
    let total = on!(tx, |c| sqlx::query_scalar(
        "select count(*) from mail where state = 'failed'"
    )
    .fetch_one(c))?;
    let failures = on!(tx, |c| {
        sqlx::query_as::<_, Failure>(
        "select m.mail_id, m.kind, coalesce(m.to_address, u.email, p.email, '') as address, m.created_at,
                coalesce(m.failed_at, m.created_at) as failed_at, m.attempts, coalesce(m.error, '') as error
         from mail m
         left join account_user u on u.id = m.to_user_id
         left join provider_user p on p.id = m.to_provider_user_id
         where m.state = 'failed' order by m.failed_at, m.id limit $1 offset $2"
    )
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c)
    })?;
    Ok((failures, total))
}

/// Has mails that were given up tried again, from the first wait on.
///
/// # Errors
/// When the database does not answer.
pub async fn retry_failures(tx: &mut Tx) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update mail set state = 'waiting', attempts = 0, due_at = $1 where state = 'failed'"
    )
    .bind(now_ms)
    .execute(c))?;
    Ok(())
}

/// Forgets mails that were given up, perhaps only those until a time.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_failures(tx: &mut Tx, until_ms: Option<i64>) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from mail where state = 'failed' and ($1 is null or failed_at <= $1)"
    )
    .bind(until_ms)
    .execute(c))?;
    Ok(())
}

/// Forgets mails that nobody could send since a time: nobody named a mail server.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_unsent(tx: &mut Tx, before_ms: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from mail where state = 'waiting' and created_at < $1"
    )
    .bind(before_ms)
    .execute(c))?;
    Ok(())
}
