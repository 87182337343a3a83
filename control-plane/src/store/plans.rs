//! Plans of all three kinds, and the limits of application plans.

use crate::admin_api::access::Products;
use crate::admin_api::page::Page;
use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

/// Kind of the plans that applications are on.
pub const APPLICATION_PLAN: &str = "application_plan";
/// Kind of the plans that accounts subscribe to a product by.
pub const SERVICE_PLAN: &str = "service_plan";
/// Kind of the plans that accounts are on.
pub const ACCOUNT_PLAN: &str = "account_plan";

row! {
    /// A plan.
    #[derive(Clone, Debug)]
    pub struct PlanRow {
        /// Its id.
        pub id: i64,
        /// Which kind.
        pub kind: String,
        /// Its product; an account plan has none.
        pub product_id: Option<i64>,
        /// The plan that this one was made from for one application.
        pub original_id: Option<i64>,
        /// Shown to people.
        pub name: String,
        /// Its stable slug.
        pub system_name: String,
        /// hidden or published.
        pub state: String,
        /// Whether it is taken when none is named.
        pub is_default: bool,
        /// Whether the provider must accept who takes it.
        pub approval_required: bool,
        /// Days before it costs anything.
        pub trial_period_days: i64,
        /// Cost of taking it.
        pub setup_fee: f64,
        /// Cost of having it.
        pub cost_per_month: f64,
        /// Days.
        pub cancellation_period: i64,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

row! {
    /// At most `value` of a metric per period.
    #[derive(Clone, Debug)]
    pub struct LimitRow {
        /// Its id.
        pub id: i64,
        /// Its plan.
        pub plan_id: i64,
        /// The limited metric.
        pub metric_id: i64,
        /// minute … eternity.
        pub period: String,
        /// The most; 0 disables the metric.
        pub value: i64,
        /// Milliseconds since 1970.
        pub created_at: i64,
        /// Milliseconds since 1970.
        pub updated_at: i64,
    }
}

impl PlanRow {
    /// A plan that is not written yet: hidden, and free.
    #[must_use]
    pub fn new(kind: &str, product_id: Option<i64>, name: String, system_name: String) -> Self {
        Self {
            id: 0,
            kind: kind.into(),
            product_id,
            original_id: None,
            name,
            system_name,
            state: "hidden".into(),
            is_default: false,
            approval_required: false,
            trial_period_days: 0,
            setup_fee: 0.0,
            cost_per_month: 0.0,
            cancellation_period: 0,
            created_at: 0,
            updated_at: 0,
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, type as kind, product_id, original_id, name, system_name, state, is_default, approval_required,
             trial_period_days, setup_fee, cost_per_month, cancellation_period, created_at, updated_at
             from plan where deleted_at is null ",
            $rest
        )
    };
}

/// Plans of one kind and product (none for account plans), oldest first; not those made for one application.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tx: &mut Tx, kind: &str, product_id: Option<i64>) -> Result<Vec<PlanRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, PlanRow>(select!(
        "and type = $1 and coalesce(product_id, 0) = $2 and original_id is null order by id"
    ))
    .bind(kind)
    .bind(product_id.unwrap_or(0))
    .fetch_all(c))?)
}

/// Which plans are listed.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// Their kind.
    pub kind: &'a str,
    /// Only those of a product.
    pub product_id: Option<i64>,
    /// Only those of products that may be reached, and those of none.
    pub reach: &'a Products,
}

macro_rules! listed {
    () => {
        "and type = $1 and ($2 is null or product_id = $2) and original_id is null
         and ($3 is null or product_id is null or $3 like '%,' || product_id || ',%') "
    };
}

/// One page of plans, and how many there are; not those made for one application.
///
/// # Errors
/// When the database does not answer.
pub async fn page(
    tx: &mut Tx,
    filter: Filter<'_>,
    page: Page,
) -> Result<(Vec<PlanRow>, i64), Error> {
    let reach = filter.reach.listed();
    let rows = on!(tx, |c| sqlx::query_as::<_, PlanRow>(concat!(
        select!(""),
        listed!(),
        "order by id limit $4 offset $5"
    ))
    .bind(filter.kind)
    .bind(filter.product_id)
    .bind(reach.as_deref())
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(c))?;
    let total = on!(tx, |c| sqlx::query_scalar::<_, i64>(concat!(
        "select count(*) from plan where deleted_at is null ",
        listed!()
    ))
    .bind(filter.kind)
    .bind(filter.product_id)
    .bind(reach.as_deref())
    .fetch_one(c))?;
    Ok((rows, total))
}

/// System names in use among plans of one kind and product.
///
/// # Errors
/// When the database does not answer.
pub async fn system_names(
    tx: &mut Tx,
    kind: &str,
    product_id: Option<i64>,
) -> Result<Vec<String>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, String>(
        "select system_name from plan where deleted_at is null and type = $1 and coalesce(product_id, 0) = $2"
    )
    .bind(kind)
    .bind(product_id.unwrap_or(0))
    .fetch_all(c)
    })?)
}

/// One plan of a kind, of whatever product.
///
/// # Errors
/// [`Error::NotFound`], also when it is deleted.
pub async fn get(tx: &mut Tx, kind: &str, id: i64) -> Result<PlanRow, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, PlanRow>(select!(
        "and type = $1 and id = $2"
    ))
    .bind(kind)
    .bind(id)
    .fetch_one(c))?)
}

/// The plan that is taken when none is named.
///
/// # Errors
/// When the database does not answer.
pub async fn default(
    tx: &mut Tx,
    kind: &str,
    product_id: Option<i64>,
) -> Result<Option<PlanRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, PlanRow>(select!(
        "and type = $1 and coalesce(product_id, 0) = $2 and is_default order by id limit 1"
    ))
    .bind(kind)
    .bind(product_id.unwrap_or(0))
    .fetch_optional(c))?)
}

/// Writes a new plan; its id and times are chosen here.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, plan: &PlanRow) -> Result<i64, Error> {
    let now = tx.now_ms().await?;
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
        "insert into plan (type, product_id, original_id, name, system_name, state, is_default, approval_required,
         trial_period_days, setup_fee, cost_per_month, cancellation_period, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13) returning id"
    )
    .bind(&plan.kind)
    .bind(plan.product_id)
    .bind(plan.original_id)
    .bind(&plan.name)
    .bind(&plan.system_name)
    .bind(&plan.state)
    .bind(plan.is_default)
    .bind(plan.approval_required)
    .bind(plan.trial_period_days)
    .bind(plan.setup_fee)
    .bind(plan.cost_per_month)
    .bind(plan.cancellation_period)
    .bind(now)
    .fetch_one(c)
    })?)
}

/// Writes everything that may change, except which one is the default.
///
/// # Errors
/// When the database does not answer.
pub async fn update(tx: &mut Tx, plan: &PlanRow) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| {
        sqlx::query(
        "update plan set name = $2, state = $3, approval_required = $4, trial_period_days = $5, setup_fee = $6,
         cost_per_month = $7, cancellation_period = $8, updated_at = $9 where id = $1"
    )
    .bind(plan.id)
    .bind(&plan.name)
    .bind(&plan.state)
    .bind(plan.approval_required)
    .bind(plan.trial_period_days)
    .bind(plan.setup_fee)
    .bind(plan.cost_per_month)
    .bind(plan.cancellation_period)
    .bind(now)
    .execute(c)
    })?;
    Ok(())
}

/// Makes it the only default among its like.
///
/// # Errors
/// When the database does not answer.
pub async fn make_default(tx: &mut Tx, plan: &PlanRow) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update plan set is_default = (id = $1), updated_at = $4
         where type = $2 and coalesce(product_id, 0) = $3 and (is_default or id = $1)"
    )
    .bind(plan.id)
    .bind(&plan.kind)
    .bind(plan.product_id.unwrap_or(0))
    .bind(now)
    .execute(c))?;
    Ok(())
}

/// Marks it deleted; its row stays, because deleted applications name it.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    let now = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update plan set deleted_at = $1, is_default = false where id = $2"
    )
    .bind(now)
    .bind(id)
    .execute(c))?;
    Ok(())
}

/// How many are on it: accounts, their subscriptions or applications, those on plans made from it too.
///
/// # Errors
/// When the database does not answer.
pub async fn count_contracts(tx: &mut Tx, plan: &PlanRow) -> Result<i64, Error> {
    let sql = match plan.kind.as_str() {
        ACCOUNT_PLAN => "select count(*) from account where plan_id = $1 and deleted_at is null",
        SERVICE_PLAN => "select count(*) from service_contract where plan_id = $1",
        _ => {
            "select count(*) from application
             where (plan_id = $1 or plan_id in (select id from plan where original_id = $1)) and deleted_at is null"
        }
    };
    Ok(on!(tx, |c| sqlx::query_scalar::<_, i64>(sql)
        .bind(plan.id)
        .fetch_one(c))?)
}

macro_rules! select_limits {
    ($rest:literal) => {
        concat!(
            "select id, plan_id, metric_id, period, value, created_at, updated_at from plan_limit where plan_id = $1 ",
            $rest
        )
    };
}

/// A plan's limits, of one metric or of all, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn limits(
    tx: &mut Tx,
    plan_id: i64,
    metric_id: Option<i64>,
) -> Result<Vec<LimitRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, LimitRow>(select_limits!(
        "and ($2 = 0 or metric_id = $2) order by id"
    ))
    .bind(plan_id)
    .bind(metric_id.unwrap_or(0))
    .fetch_all(c))?)
}

/// One limit.
///
/// # Errors
/// [`Error::NotFound`], also when it is another plan's or metric's.
pub async fn limit(tx: &mut Tx, plan_id: i64, metric_id: i64, id: i64) -> Result<LimitRow, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, LimitRow>(select_limits!(
        "and metric_id = $2 and id = $3"
    ))
    .bind(plan_id)
    .bind(metric_id)
    .bind(id)
    .fetch_one(c))?)
}

/// Writes a new limit; its id and times are chosen here.
///
/// # Errors
/// A conflict when the metric has one for the period.
pub async fn insert_limit(tx: &mut Tx, limit: &LimitRow) -> Result<i64, Error> {
    tx.hold_limits().await?;
    let now = tx.now_ms().await?;
    Ok(on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "insert into plan_limit (plan_id, metric_id, period, value, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $5) returning id"
    )
    .bind(limit.plan_id)
    .bind(limit.metric_id)
    .bind(&limit.period)
    .bind(limit.value)
    .bind(now)
    .fetch_one(c))?)
}

/// Writes its period and value.
///
/// # Errors
/// A conflict when the metric has another one for the period.
pub async fn update_limit(tx: &mut Tx, limit: &LimitRow) -> Result<(), Error> {
    tx.hold_limits().await?;
    let now = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update plan_limit set period = $2, value = $3, updated_at = $4 where id = $1"
    )
    .bind(limit.id)
    .bind(&limit.period)
    .bind(limit.value)
    .bind(now)
    .execute(c))?;
    Ok(())
}

/// Removes it.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_limit(tx: &mut Tx, id: i64) -> Result<(), Error> {
    tx.hold_limits().await?;
    run!(tx, |c| sqlx::query("delete from plan_limit where id = $1")
        .bind(id)
        .execute(c))?;
    Ok(())
}
