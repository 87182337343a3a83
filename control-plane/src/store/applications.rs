//! Applications: an account's contracts for a product, by which its requests are known.
//!
//! Everything that changes what gateways know of one stamps it with the transaction's revision. They let it
//! call when it is live, its account approved, and neither deleted.

use crate::admin_api::access::Products;
use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::store::accounts::refuse_transition;
use crate::{on, row, run};

row! {
    /// An application, with what answers show of its product and account.
    #[derive(Clone, Debug)]
    pub struct Application {
        /// Its id.
        pub id: i64,
        /// The account it is of.
        pub account_id: i64,
        /// The product it calls.
        pub product_id: i64,
        /// The plan it is on.
        pub plan_id: i64,
        /// What the developer calls it.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// `pending`, `live` or `suspended`.
        pub state: String,
        /// Its `app_id`; none when its product takes `user_key`.
        pub app_id: Option<String>,
        /// Its `user_key`, sealed, if a copy is kept.
        pub user_key: Option<Vec<u8>>,
        /// [`crate::credentials::ident`].
        pub ident: Vec<u8>,
        /// JSON object of the provider's own fields.
        pub extra_fields: String,
        /// When it first called.
        pub first_traffic_at: Option<i64>,
        /// When it first called on the last day on which it called.
        pub first_daily_traffic_at: Option<i64>,
        /// When it was made.
        pub created_at: i64,
        /// When it last changed.
        pub updated_at: i64,
        /// Its product's name.
        pub product_name: String,
        /// Its product's `backend_version`.
        pub backend_version: String,
        /// Whether its product asks where requests come from.
        pub referrer_filters_required: bool,
        /// Its account's organisation.
        pub org_name: String,
        /// Its account's state.
        pub account_state: String,
    }
}

/// An application to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'a> {
    /// The account it is of.
    pub account_id: i64,
    /// The product it calls.
    pub product_id: i64,
    /// The plan it is on.
    pub plan_id: i64,
    /// What the developer calls it.
    pub name: &'a str,
    /// What it is for.
    pub description: &'a str,
    /// `pending` or `live`.
    pub state: &'a str,
    /// Its `app_id`.
    pub app_id: Option<&'a str>,
    /// Its `user_key`, sealed.
    pub user_key: Option<&'a [u8]>,
    /// [`crate::credentials::ident`].
    pub ident: &'a [u8],
    /// How it came about.
    pub create_origin: &'a str,
}

/// Which applications are wanted; `None` does not narrow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Those of an account.
    pub account_id: Option<i64>,
    /// Those of a product.
    pub product_id: Option<i64>,
    /// Those on a plan.
    pub plan_id: Option<i64>,
    /// Those on a plan that costs something, or that costs nothing.
    pub paid: Option<bool>,
    /// Those that called since, milliseconds since 1970.
    pub active_since: Option<i64>,
    /// Those that did not.
    pub inactive_since: Option<i64>,
}

/// What can happen to an application's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The provider lets it call.
    Accept,
    /// It is stopped for a while.
    Suspend,
    /// It goes on.
    Resume,
}

impl Event {
    fn transition(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Accept => (&["pending"], "live"),
            Self::Suspend => (&["live"], "suspended"),
            Self::Resume => (&["suspended"], "live"),
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select a.id, a.account_id, a.product_id, a.plan_id, a.name, a.description, a.state, a.app_id, a.user_key,
                    a.ident, a.extra_fields, a.first_traffic_at, a.first_daily_traffic_at, a.created_at, a.updated_at,
                    product.name as product_name, product.backend_version, product.referrer_filters_required,
                    account.org_name,
                    account.state as account_state
             from application a
             join product on product.id = a.product_id
             join account on account.id = a.account_id
             where a.deleted_at is null ",
            $rest
        )
    };
}

macro_rules! narrowed {
    () => {
        "and ($1 is null or a.account_id = $1) and ($2 is null or a.product_id = $2)
         and ($3 is null or a.plan_id = $3)
         and ($4 is null or exists (select 1 from plan where plan.id = a.plan_id
              and (plan.cost_per_month > 0 or plan.setup_fee > 0) = $4))
         and ($5 is null or a.first_daily_traffic_at >= $5)
         and ($6 is null or a.first_daily_traffic_at is null or a.first_daily_traffic_at < $6)
         and ($7 is null or $7 like '%,' || a.product_id || ',%') "
    };
}

/// One application, of the account if one is given.
///
/// # Errors
/// 404 when there is none.
pub async fn get(tx: &mut Tx, account_id: Option<i64>, id: i64) -> Result<Application, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Application>(select!(
        "and a.id = $1 and ($2 is null or a.account_id = $2)"
    ))
    .bind(id)
    .bind(account_id)
    .fetch_one(c))?)
}

/// The application that an ident names.
///
/// # Errors
/// When the database does not answer.
pub async fn by_ident(tx: &mut Tx, ident: &[u8]) -> Result<Option<Application>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Application>(select!(
        "and a.ident = $1"
    ))
    .bind(ident)
    .fetch_optional(c))?)
}

/// A page of applications of the products that may be reached, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn page(
    tx: &mut Tx,
    filter: Filter,
    reach: &Products,
    page: Page,
) -> Result<(Vec<Application>, i64), Error> {
    let reach = reach.listed();
    let total = on!(tx, |c| sqlx::query_scalar(concat!(
        "select count(*) from application a where a.deleted_at is null ",
        narrowed!()
    ))
    .bind(filter.account_id)
    .bind(filter.product_id)
    .bind(filter.plan_id)
    .bind(filter.paid)
    .bind(filter.active_since)
    .bind(filter.inactive_since)
    .bind(reach.as_deref())
    .fetch_one(c))?;
    let applications = on!(tx, |c| sqlx::query_as::<_, Application>(concat!(
        select!(""),
        narrowed!(),
        "order by a.id limit $8 offset $9"
    ))
    .bind(filter.account_id)
    .bind(filter.product_id)
    .bind(filter.plan_id)
    .bind(filter.paid)
    .bind(filter.active_since)
    .bind(filter.inactive_since)
    .bind(reach.as_deref())
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c))?;
    Ok((applications, total))
}

/// All applications of an account.
///
/// # Errors
/// When the database does not answer.
pub async fn of_account(tx: &mut Tx, account_id: i64) -> Result<Vec<Application>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Application>(select!(
        "and a.account_id = $1 order by a.id"
    ))
    .bind(account_id)
    .fetch_all(c))?)
}

/// Ids of the products there are.
///
/// # Errors
/// When the database does not answer.
pub async fn products(tx: &mut Tx) -> Result<Vec<i64>, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select id from product where deleted_at is null order by id"
    )
    .fetch_all(c))?)
}

/// Makes one.
///
/// # Errors
/// 409 when its ident names another: look with [`by_ident`] before.
pub async fn insert(tx: &mut Tx, new: NewRow<'_>) -> Result<i64, Error> {
    let revision = tx.next_revision().await?;
    let now_ms = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
        "insert into application (account_id, product_id, plan_id, name, description, state, app_id, user_key, ident,
                                  create_origin, revision, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12) returning id"
    )
    .bind(new.account_id)
    .bind(new.product_id)
    .bind(new.plan_id)
    .bind(new.name)
    .bind(new.description)
    .bind(new.state)
    .bind(new.app_id)
    .bind(new.user_key)
    .bind(new.ident)
    .bind(new.create_origin)
    .bind(revision)
    .bind(now_ms)
    .fetch_one(c)
    })?)
}

/// Changes what people read of it; gateways need not know.
///
/// # Errors
/// When the database does not answer.
pub async fn describe(
    tx: &mut Tx,
    id: i64,
    name: Option<&str>,
    description: Option<&str>,
) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update application set name = coalesce($1, name), description = coalesce($2, description), updated_at = $3
         where id = $4"
    )
    .bind(name)
    .bind(description)
    .bind(now_ms)
    .bind(id)
    .execute(c)
    })?;
    Ok(())
}

/// Gives it another `user_key`; the one it had names nobody from now on.
///
/// # Errors
/// 409 when the new one names another: look with [`by_ident`] before.
pub async fn set_user_key(
    tx: &mut Tx,
    application: &Application,
    ident: &[u8],
    sealed: Option<&[u8]>,
) -> Result<(), Error> {
    let revision = tx.next_revision().await?;
    let now_ms = tx.now_ms().await?;
    if ident != application.ident {
        run!(tx, |c| sqlx::query(
            "insert into retired_ident (application_id, ident, revision) values ($1, $2, $3)"
        )
        .bind(application.id)
        .bind(application.ident.as_slice())
        .bind(revision)
        .execute(c))?;
    }
    run!(tx, |c| {
        sqlx::query(
        "update application set ident = $1, user_key = $2, revision = $3, updated_at = $4 where id = $5"
    )
    .bind(ident)
    .bind(sealed)
    .bind(revision)
    .bind(now_ms)
    .bind(application.id)
    .execute(c)
    })?;
    Ok(())
}

/// Tells gateways that it changed: its keys did.
///
/// # Errors
/// When the database does not answer.
pub async fn stamp(tx: &mut Tx, id: i64) -> Result<(), Error> {
    let revision = tx.next_revision().await?;
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update application set revision = $1, updated_at = $2 where id = $3"
    )
    .bind(revision)
    .bind(now_ms)
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// Puts it on another plan.
///
/// # Errors
/// When the database does not answer.
pub async fn set_plan(tx: &mut Tx, id: i64, plan_id: i64) -> Result<(), Error> {
    tx.hold_limits().await?;
    run!(tx, |c| sqlx::query(
        "update application set plan_id = $1 where id = $2"
    )
    .bind(plan_id)
    .bind(id)
    .execute(c))?;
    stamp(tx, id).await
}

/// Changes its state.
///
/// # Errors
/// 404 when there is none, 422 when this cannot happen in its state.
pub async fn transition(tx: &mut Tx, account_id: i64, id: i64, event: Event) -> Result<(), Error> {
    // First, so that nobody else changes what is read below.
    tx.hold_revision().await?;
    let application = get(tx, Some(account_id), id).await?;
    let (from, to) = event.transition();
    if !from.contains(&application.state.as_str()) {
        return Err(refuse_transition(&application.state, from, to));
    }
    run!(tx, |c| sqlx::query(
        "update application set state = $1 where id = $2"
    )
    .bind(to)
    .bind(id)
    .execute(c))?;
    stamp(tx, id).await
}

/// Removes it. Its row stays, for its usage and so that gateways learn of it.
///
/// # Errors
/// 404 when there is none.
pub async fn delete(tx: &mut Tx, account_id: i64, id: i64) -> Result<(), Error> {
    let revision = tx.next_revision().await?;
    let now_ms = tx.now_ms().await?;
    let deleted = run!(tx, |c| {
        sqlx::query(
        "update application set deleted_at = $1, updated_at = $1, revision = $2, user_key = null
         where id = $3 and account_id = $4 and deleted_at is null"
    )
    .bind(now_ms)
    .bind(revision)
    .bind(id)
    .bind(account_id)
    .execute(c)
    })?;
    if deleted == 0 {
        return Err(Error::NotFound);
    }
    super::keys::forget(tx, id).await?;
    super::referrer_filters::forget(tx, id).await?;
    super::plan_change_requests::forget(tx, id).await?;
    super::custom_plans::delete_unused(tx).await
}
