//! Users of developer accounts.

use crate::db::Tx;
use crate::error::Error;
use crate::store::accounts::{self, refuse_transition};
use crate::{on, row, run};
use sqlx::AssertSqlSafe;

row! {
    /// A user.
    #[derive(Clone, Debug)]
    pub struct User {
        /// Its id.
        pub id: i64,
        /// The account it is of.
        pub account_id: i64,
        /// What it logs in with.
        pub username: String,
        /// Its address; blank when none was given.
        pub email: String,
        /// `pending`, `active` or `suspended`.
        pub state: String,
        /// `admin` or `member`.
        pub role: String,
        /// JSON object of the provider's own fields.
        pub extra_fields: String,
        /// When it was made.
        pub created_at: i64,
        /// When it last changed.
        pub updated_at: i64,
    }
}

/// A user to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewUser<'a> {
    /// The account it is of.
    pub account_id: i64,
    /// What it logs in with.
    pub username: &'a str,
    /// Its address, or blank.
    pub email: &'a str,
    /// Argon2id.
    pub password_hash: Option<&'a str>,
    /// `pending` or `active`.
    pub state: &'a str,
    /// `admin` or `member`.
    pub role: &'a str,
}

/// What is to change; `None` stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes<'a> {
    /// What it logs in with.
    pub username: Option<&'a str>,
    /// Its address.
    pub email: Option<&'a str>,
    /// Argon2id.
    pub password_hash: Option<&'a str>,
}

/// What can happen to a user's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It may log in; with its first user active, an account is no longer merely created.
    Activate,
    /// It may not log in.
    Suspend,
    /// It may again.
    Unsuspend,
}

impl Event {
    /// States in which it can happen, and the one it leads to.
    pub(super) fn transition(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Activate => (&["pending"], "active"),
            Self::Suspend => (&["active"], "suspended"),
            Self::Unsuspend => (&["suspended"], "active"),
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, account_id, username, email, state, role, extra_fields, created_at, updated_at
             from account_user where deleted_at is null ",
            $rest
        )
    };
}

/// One user of an account.
///
/// # Errors
/// 404 when there is none.
pub async fn get(tx: &mut Tx, account_id: i64, id: i64) -> Result<User, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, User>(select!(
        "and account_id = $1 and id = $2"
    ))
    .bind(account_id)
    .bind(id)
    .fetch_one(c))?)
}

/// An account's users, perhaps only those in one state or role.
///
/// # Errors
/// When the database does not answer.
pub async fn of_account(
    tx: &mut Tx,
    account_id: i64,
    state: Option<&str>,
    role: Option<&str>,
) -> Result<Vec<User>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, User>(select!(
        "and account_id = $1 and ($2 is null or state = $2) and ($3 is null or role = $3) order by id"
    ))
    .bind(account_id)
    .bind(state)
    .bind(role)
    .fetch_all(c)
    })?)
}

/// The users of some accounts.
///
/// # Errors
/// When the database does not answer.
pub async fn of(tx: &mut Tx, account_ids: &[i64]) -> Result<Vec<User>, Error> {
    let sql = format!(
        "{} and account_id in ({}) order by account_id, id",
        select!(""),
        super::id_list(account_ids)
    );
    Ok(on!(tx, |c| sqlx::query_as::<_, User>(AssertSqlSafe(
        sql.as_str()
    ))
    .fetch_all(c))?)
}

/// Finds a user by what is given; `None` when nobody fits all of it.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    tx: &mut Tx,
    id: Option<i64>,
    username: Option<&str>,
    email: Option<&str>,
) -> Result<Option<User>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, User>(select!(
        "and ($1 is null or id = $1)
         and ($2 is null or lower(username) = lower($2)) and ($3 is null or lower(email) = lower($3))
         order by id limit 1"
    ))
    .bind(id)
    .bind(username)
    .bind(email)
    .fetch_optional(c)
    })?)
}

/// Who signs in with this: a username, or an address.
///
/// # Errors
/// When the database does not answer.
pub async fn by_login(tx: &mut Tx, name: &str) -> Result<Option<User>, Error> {
    // The address first: nobody can keep others out by taking their address for a name.
    if name.contains('@')
        && let Some(user) = find(tx, None, None, Some(name)).await?
    {
        return Ok(Some(user));
    }
    find(tx, None, Some(name), None).await
}

/// Notes whether a user is known to receive mail at the address it has: a mailed link was followed, or the provider gave it.
///
/// # Errors
/// When the database does not answer.
pub async fn set_email_confirmed(tx: &mut Tx, id: i64, confirmed: bool) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "update account_user set email_confirmed = $1 where id = $2"
    )
    .bind(confirmed)
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// Whether a user is known to receive mail at its address.
///
/// # Errors
/// When the database does not answer.
pub async fn is_email_confirmed(tx: &mut Tx, id: i64) -> Result<bool, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select email_confirmed from account_user where id = $1"
    )
    .bind(id)
    .fetch_one(c))?)
}

/// Forgets the password of somebody who never came: whoever follows the link to the address chooses one.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_password(tx: &mut Tx, id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "update account_user set password_hash = null where id = $1 and state = 'pending'"
    )
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// The hash of somebody's password, if one was set.
///
/// # Errors
/// 404 when there is no such user.
pub async fn password_hash(tx: &mut Tx, id: i64) -> Result<Option<String>, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select password_hash from account_user where id = $1 and deleted_at is null"
    )
    .bind(id)
    .fetch_one(c))?)
}

/// Makes one.
///
/// # Errors
/// 409 when username or e-mail are taken: look with [`find`] before, to say which.
pub async fn insert(tx: &mut Tx, user: NewUser<'_>, now_ms: i64) -> Result<i64, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
        "insert into account_user (account_id, username, email, password_hash, state, role, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7) returning id"
    )
    .bind(user.account_id)
    .bind(user.username)
    .bind(user.email)
    .bind(user.password_hash)
    .bind(user.state)
    .bind(user.role)
    .bind(now_ms)
    .fetch_one(c)
    })?)
}

/// Changes what is given.
///
/// # Errors
/// 409 when username or e-mail are taken.
pub async fn update(
    tx: &mut Tx,
    account_id: i64,
    id: i64,
    changes: Changes<'_>,
) -> Result<User, Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update account_user set username = coalesce($1, username), email = coalesce($2, email),
                password_hash = coalesce($3, password_hash), updated_at = $4
         where id = $5 and account_id = $6 and deleted_at is null"
    )
    .bind(changes.username)
    .bind(changes.email)
    .bind(changes.password_hash)
    .bind(now_ms)
    .bind(id)
    .bind(account_id)
    .execute(c))?;
    get(tx, account_id, id).await
}

/// Changes its state. `approval_required` decides what becomes of an account whose first user is active.
///
/// # Errors
/// 404 when there is none, 422 when this cannot happen in its state.
pub async fn transition(
    tx: &mut Tx,
    account_id: i64,
    id: i64,
    event: Event,
    approval_required: bool,
) -> Result<User, Error> {
    if event == Event::Activate {
        // It may change the account's state; taken before the account, as everywhere.
        tx.hold_revision().await?;
    }
    accounts::lock(tx, account_id).await?;
    let user = get(tx, account_id, id).await?;
    let (from, to) = event.transition();
    if !from.contains(&user.state.as_str()) {
        return Err(refuse_transition(&user.state, from, to));
    }
    set(tx, id, Some(to), None).await?;
    if event == Event::Activate && accounts::get(tx, account_id).await?.state == "created" {
        let state = if approval_required {
            "pending"
        } else {
            "approved"
        };
        accounts::set_state(tx, account_id, state).await?;
    }
    get(tx, account_id, id).await
}

/// Makes it `admin` or `member`.
///
/// # Errors
/// 404 when there is none, 422 when the account would be left without an admin.
pub async fn set_role(
    tx: &mut Tx,
    account_id: i64,
    id: i64,
    role: &'static str,
) -> Result<User, Error> {
    accounts::lock(tx, account_id).await?;
    let user = get(tx, account_id, id).await?;
    if role != "admin" && is_only_admin(tx, &user).await? {
        return Err(Error::invalid("role", ONLY_ADMIN));
    }
    set(tx, id, None, Some(role)).await?;
    get(tx, account_id, id).await
}

/// Removes it.
///
/// # Errors
/// 404 when there is none, 422 when the account would be left without an admin.
pub async fn delete(tx: &mut Tx, account_id: i64, id: i64) -> Result<(), Error> {
    accounts::lock(tx, account_id).await?;
    let user = get(tx, account_id, id).await?;
    if is_only_admin(tx, &user).await? {
        return Err(Error::invalid("role", ONLY_ADMIN));
    }
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update account_user set deleted_at = $1, updated_at = $1, password_hash = null where id = $2"
    )
    .bind(now_ms)
    .bind(id)
    .execute(c)
    })?;
    Ok(())
}

const ONLY_ADMIN: &str =
    "cannot be taken from the account's only admin: make another user admin first";

async fn is_only_admin(tx: &mut Tx, user: &User) -> Result<bool, Error> {
    let admins = of_account(tx, user.account_id, None, Some("admin")).await?;
    Ok(user.role == "admin" && admins.len() == 1)
}

async fn set(tx: &mut Tx, id: i64, state: Option<&str>, role: Option<&str>) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update account_user set state = coalesce($1, state), role = coalesce($2, role), updated_at = $3 where id = $4"
    )
    .bind(state)
    .bind(role)
    .bind(now_ms)
    .bind(id)
    .execute(c)
    })?;
    Ok(())
}
