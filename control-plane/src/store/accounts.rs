//! Developer accounts.
//!
//! Whether an account's applications may call depends on its state, so every change of it stamps them with
//! the transaction's revision.

use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// An account.
    #[derive(Clone, Debug)]
    pub struct Account {
        /// Its id.
        pub id: i64,
        /// The developer's organisation.
        pub org_name: String,
        /// `created`, `pending`, `approved`, `rejected` or `suspended`.
        pub state: String,
        /// Its account plan.
        pub plan_id: Option<i64>,
        /// JSON object of the provider's own fields.
        pub extra_fields: String,
        /// When it was made.
        pub created_at: i64,
        /// When it last changed.
        pub updated_at: i64,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, org_name, state, plan_id, extra_fields, created_at, updated_at
             from account where deleted_at is null ",
            $rest
        )
    };
}

/// What can happen to an account's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It may use its applications.
    Approve,
    /// It may not.
    Reject,
    /// It waits for the provider.
    MakePending,
    /// It is stopped for a while.
    Suspend,
    /// It goes on.
    Resume,
}

impl Event {
    /// States in which it can happen, and the one it leads to.
    fn transition(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Approve => (&["created", "pending", "rejected"], "approved"),
            Self::Reject => (&["created", "pending", "approved"], "rejected"),
            Self::MakePending => (&["created", "approved", "rejected"], "pending"),
            Self::Suspend => (&["approved"], "suspended"),
            Self::Resume => (&["suspended"], "approved"),
        }
    }
}

/// Says that a state is not one from which something can happen.
pub(super) fn refuse_transition(state: &str, from: &[&str], to: &str) -> Error {
    Error::invalid(
        "state",
        format!(
            "cannot change from {state} to {to}, only from {}",
            from.join(" or ")
        ),
    )
}

/// One account.
///
/// # Errors
/// 404 when there is none.
pub async fn get(tx: &mut Tx, id: i64) -> Result<Account, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Account>(select!(
        "and id = $1"
    ))
    .bind(id)
    .fetch_one(c))?)
}

/// A page of accounts, perhaps only those in one state, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn page(
    tx: &mut Tx,
    state: Option<&str>,
    page: Page,
) -> Result<(Vec<Account>, i64), Error> {
    let total = on!(tx, |c| sqlx::query_scalar(
        "select count(*) from account where deleted_at is null and ($1 is null or state = $1)"
    )
    .bind(state)
    .fetch_one(c))?;
    let accounts = on!(tx, |c| sqlx::query_as::<_, Account>(select!(
        "and ($1 is null or state = $1) order by id limit $2 offset $3"
    ))
    .bind(state)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c))?;
    Ok((accounts, total))
}

/// Makes one.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    tx: &mut Tx,
    org_name: &str,
    state: &str,
    plan_id: Option<i64>,
    now_ms: i64,
) -> Result<i64, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "insert into account (org_name, state, plan_id, created_at, updated_at)
         values ($1, $2, $3, $4, $4) returning id"
    )
    .bind(org_name)
    .bind(state)
    .bind(plan_id)
    .bind(now_ms)
    .fetch_one(c))?)
}

/// Changes what is given.
///
/// # Errors
/// 404 when there is none.
pub async fn update(
    tx: &mut Tx,
    id: i64,
    org_name: Option<&str>,
    plan_id: Option<i64>,
) -> Result<Account, Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update account set org_name = coalesce($1, org_name), plan_id = coalesce($2, plan_id), updated_at = $3
         where id = $4 and deleted_at is null"
    )
    .bind(org_name)
    .bind(plan_id)
    .bind(now_ms)
    .bind(id)
    .execute(c)
    })?;
    get(tx, id).await
}

/// Changes its state.
///
/// # Errors
/// 404 when there is none, 422 when this cannot happen in its state.
pub async fn transition(tx: &mut Tx, id: i64, event: Event) -> Result<Account, Error> {
    // First, so that nobody else changes what is read below.
    tx.hold_revision().await?;
    let account = get(tx, id).await?;
    let (from, to) = event.transition();
    if !from.contains(&account.state.as_str()) {
        return Err(refuse_transition(&account.state, from, to));
    }
    set_state(tx, id, to).await?;
    get(tx, id).await
}

/// Sets its state, whatever it was, and stamps its applications.
///
/// # Errors
/// When the database does not answer.
pub async fn set_state(tx: &mut Tx, id: i64, state: &str) -> Result<(), Error> {
    let revision = tx.next_revision().await?;
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update account set state = $1, updated_at = $2 where id = $3"
    )
    .bind(state)
    .bind(now_ms)
    .bind(id)
    .execute(c))?;
    // Not the deleted ones: their idents may name others by now.
    run!(tx, |c| sqlx::query(
        "update application set revision = $1 where account_id = $2 and deleted_at is null"
    )
    .bind(revision)
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// Keeps everybody else from changing it or its users until the transaction ends. Whoever also takes a
/// revision takes that first, so that no two wait for each other.
///
/// # Errors
/// 404 when there is none.
pub async fn lock(tx: &mut Tx, id: i64) -> Result<(), Error> {
    let found = run!(tx, |c| sqlx::query(
        "update account set updated_at = updated_at where id = $1 and deleted_at is null"
    )
    .bind(id)
    .execute(c))?;
    if found == 0 {
        return Err(Error::NotFound);
    }
    Ok(())
}

/// Removes it with its users and applications.
///
/// # Errors
/// 404 when there is none.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    let revision = tx.next_revision().await?;
    let now_ms = tx.now_ms().await?;
    let deleted = run!(tx, |c| {
        sqlx::query(
        "update account set deleted_at = $1, updated_at = $1 where id = $2 and deleted_at is null"
    )
    .bind(now_ms)
    .bind(id)
    .execute(c)
    })?;
    if deleted == 0 {
        return Err(Error::NotFound);
    }
    run!(tx, |c| sqlx::query(
        "update account_user set deleted_at = $1, updated_at = $1, password_hash = null
         where account_id = $2 and deleted_at is null"
    )
    .bind(now_ms)
    .bind(id)
    .execute(c))?;
    run!(tx, |c| sqlx::query(
        "update application_key set value = null
         where application_id in (select id from application where account_id = $1)"
    )
    .bind(id)
    .execute(c))?;
    run!(tx, |c| sqlx::query(
        "update application set deleted_at = $1, updated_at = $1, revision = $2, user_key = null
         where account_id = $3 and deleted_at is null"
    )
    .bind(now_ms)
    .bind(revision)
    .bind(id)
    .execute(c))?;
    for sql in [
        "delete from service_contract where account_id = $1",
        "delete from message where account_id = $1",
    ] {
        run!(tx, |c| sqlx::query(sql).bind(id).execute(c))?;
    }
    super::custom_plans::delete_unused(tx).await
}
