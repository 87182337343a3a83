//! Plans that developers ask for, until the provider decides: at most one of an application.

use crate::admin_api::access::Products;
use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A request that nobody has decided yet.
    #[derive(Clone, Debug)]
    pub struct PlanChangeRequest {
        /// Its id.
        pub id: i64,
        /// The application that is to change.
        pub application_id: i64,
        /// What the developer calls it.
        pub application_name: String,
        /// The account it is of.
        pub account_id: i64,
        /// The account's organisation.
        pub org_name: String,
        /// The product it calls.
        pub product_id: i64,
        /// The plan it is on.
        pub current_plan_id: i64,
        /// That plan's name.
        pub current_plan_name: String,
        /// The plan that is asked for.
        pub plan_id: i64,
        /// That plan's name.
        pub plan_name: String,
        /// Who asks.
        pub user_id: i64,
        /// Milliseconds since 1970.
        pub created_at: i64,
    }
}

macro_rules! select {
    ($what:literal, $rest:literal) => {
        concat!(
            "select ",
            $what,
            " from plan_change_request r
             join application a on a.id = r.application_id
             join account on account.id = a.account_id
             join plan on plan.id = r.plan_id
             join plan current on current.id = a.plan_id
             where a.deleted_at is null and plan.deleted_at is null ",
            $rest
        )
    };
}

macro_rules! columns {
    ($rest:literal) => {
        select!(
            "r.id, r.application_id, a.name as application_name, a.account_id, account.org_name, a.product_id,
             a.plan_id as current_plan_id, current.name as current_plan_name, r.plan_id, plan.name as plan_name,
             r.user_id, r.created_at",
            $rest
        )
    };
}

/// One page of the requests about products that may be reached, oldest first, and how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn page(
    tx: &mut Tx,
    reach: &Products,
    page: Page,
) -> Result<(Vec<PlanChangeRequest>, i64), Error> {
    let reach = reach.listed();
    let rows = on!(tx, |c| {
        sqlx::query_as::<_, PlanChangeRequest>(columns!(
        "and ($1 is null or $1 like '%,' || a.product_id || ',%') order by r.id limit $2 offset $3"
    ))
    .bind(reach.as_deref())
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c)
    })?;
    let total = on!(tx, |c| sqlx::query_scalar::<_, i64>(select!(
        "count(*)",
        "and ($1 is null or $1 like '%,' || a.product_id || ',%')"
    ))
    .bind(reach.as_deref())
    .fetch_one(c))?;
    Ok((rows, total))
}

/// The request about an application, if there is one.
///
/// # Errors
/// When the database does not answer.
pub async fn find(tx: &mut Tx, application_id: i64) -> Result<Option<PlanChangeRequest>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, PlanChangeRequest>(
        columns!("and r.application_id = $1")
    )
    .bind(application_id)
    .fetch_optional(c))?)
}

/// Writes down a request, in place of the one before.
///
/// # Errors
/// When the database does not answer.
pub async fn put(
    tx: &mut Tx,
    application_id: i64,
    plan_id: i64,
    user_id: i64,
) -> Result<(), Error> {
    forget(tx, application_id).await?;
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "insert into plan_change_request (application_id, plan_id, user_id, created_at) values ($1, $2, $3, $4)"
    )
    .bind(application_id)
    .bind(plan_id)
    .bind(user_id)
    .bind(now_ms)
    .execute(c)
    })?;
    Ok(())
}

/// Forgets the request about an application, if there is one.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(tx: &mut Tx, application_id: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from plan_change_request where application_id = $1"
    )
    .bind(application_id)
    .execute(c))?;
    Ok(())
}
