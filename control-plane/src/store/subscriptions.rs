//! Subscriptions: an account takes a product, by one of its service plans.

use crate::admin_api::access::Products;
use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::store::plans::PlanRow;
use crate::{on, row, run};
use sqlx::AssertSqlSafe;

row! {
    /// A subscription.
    #[derive(Clone, Debug)]
    pub struct SubscriptionRow {
        /// Its id.
        pub id: i64,
        /// Who subscribes.
        pub account_id: i64,
        /// To what: at most one of an account to a product.
        pub product_id: i64,
        /// The service plan.
        pub plan_id: i64,
        /// `pending` or `live`.
        pub state: String,
        /// What the plan's setup cost when it was taken.
        pub setup_fee: f64,
        /// When it begins to cost, if there is a trial. Milliseconds since 1970.
        pub trial_period_expires_at: Option<i64>,
        /// Since when it is live.
        pub accepted_at: Option<i64>,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

const DAY_MS: i64 = 86_400_000;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, account_id, product_id, plan_id, state, setup_fee, trial_period_expires_at, accepted_at,
             created_at, updated_at from service_contract where ",
            $rest
        )
    };
}

/// One page of an account's subscriptions to products that may be reached, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn page(
    tx: &mut Tx,
    account_id: i64,
    reach: &Products,
    page: Page,
) -> Result<(Vec<SubscriptionRow>, i64), Error> {
    let reach = reach.listed();
    let rows = on!(tx, |c| sqlx::query_as::<_, SubscriptionRow>(select!(
        "account_id = $1 and ($2 is null or $2 like '%,' || product_id || ',%')
         order by id limit $3 offset $4"
    ))
    .bind(account_id)
    .bind(reach.as_deref())
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c))?;
    let total = on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "select count(*) from service_contract
         where account_id = $1 and ($2 is null or $2 like '%,' || product_id || ',%')"
    )
    .bind(account_id)
    .bind(reach.as_deref())
    .fetch_one(c))?;
    Ok((rows, total))
}

/// Those of some accounts.
///
/// # Errors
/// When the database does not answer.
pub async fn of_accounts(tx: &mut Tx, account_ids: &[i64]) -> Result<Vec<SubscriptionRow>, Error> {
    let sql = format!(
        "{} account_id in ({}) order by id",
        select!(""),
        super::id_list(account_ids)
    );
    Ok(on!(tx, |c| sqlx::query_as::<_, SubscriptionRow>(
        AssertSqlSafe(sql.as_str())
    )
    .fetch_all(c))?)
}

/// One subscription of an account.
///
/// # Errors
/// [`Error::NotFound`], also when it is another account's.
pub async fn get(tx: &mut Tx, account_id: i64, id: i64) -> Result<SubscriptionRow, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, SubscriptionRow>(select!(
        "account_id = $1 and id = $2"
    ))
    .bind(account_id)
    .bind(id)
    .fetch_one(c))?)
}

/// An account's subscription to a product.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    tx: &mut Tx,
    account_id: i64,
    product_id: i64,
) -> Result<Option<SubscriptionRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, SubscriptionRow>(select!(
        "account_id = $1 and product_id = $2"
    ))
    .bind(account_id)
    .bind(product_id)
    .fetch_optional(c))?)
}

/// Subscribes an account by a service plan; pending, if the plan wants it approved.
///
/// # Errors
/// 409 when it is subscribed to the product: look with [`find`] before.
pub async fn insert(tx: &mut Tx, account_id: i64, plan: &PlanRow) -> Result<i64, Error> {
    let now = tx.now_ms().await?;
    let (state, accepted_at) = if plan.approval_required {
        ("pending", None)
    } else {
        ("live", Some(now))
    };
    let trial_ends = (plan.trial_period_days > 0)
        .then(|| now.saturating_add(plan.trial_period_days.saturating_mul(DAY_MS)));
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
            "insert into service_contract (account_id, product_id, plan_id, state, setup_fee, trial_period_expires_at,
         accepted_at, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $8) returning id",
        )
        .bind(account_id)
        .bind(plan.product_id)
        .bind(plan.id)
        .bind(state)
        .bind(plan.setup_fee)
        .bind(trial_ends)
        .bind(accepted_at)
        .bind(now)
        .fetch_one(c)
    })?)
}

/// Makes it live.
///
/// # Errors
/// When the database does not answer.
pub async fn accept(tx: &mut Tx, id: i64) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update service_contract set state = 'live', accepted_at = $2, updated_at = $2 where id = $1"
    )
    .bind(id)
    .bind(now)
    .execute(c)
    })?;
    Ok(())
}

/// Puts it on another plan.
///
/// # Errors
/// When the database does not answer.
pub async fn set_plan(tx: &mut Tx, id: i64, plan_id: i64) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update service_contract set plan_id = $2, updated_at = $3 where id = $1"
    )
    .bind(id)
    .bind(plan_id)
    .bind(now)
    .execute(c))?;
    Ok(())
}

/// Ends it.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from service_contract where id = $1"
    )
    .bind(id)
    .execute(c))?;
    Ok(())
}
