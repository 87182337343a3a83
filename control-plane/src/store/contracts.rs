//! Plans as what accounts and applications are on.
//!
//! Never here: making and changing plans.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row};
use sqlx::AssertSqlSafe;

row! {
    /// A plan, as answers about accounts and applications show it.
    #[derive(Clone, Debug)]
    pub struct Plan {
        /// Its id.
        pub id: i64,
        /// Its name.
        pub name: String,
        /// `account_plan`, `service_plan` or `application_plan`.
        pub kind: String,
        /// `hidden` or `published`.
        pub state: String,
        /// Whether it is taken when none is named.
        pub is_default: bool,
        /// Whether whoever takes it waits for the provider.
        pub approval_required: bool,
        /// Paid once.
        pub setup_fee: f64,
        /// Paid each month.
        pub cost_per_month: f64,
        /// Days before the first payment.
        pub trial_period_days: i64,
        /// Days of notice.
        pub cancellation_period: i64,
    }
}

row! {
    /// An application plan with what its product asks of applications.
    #[derive(Clone, Debug)]
    pub struct ApplicationPlan {
        /// Its id.
        pub id: i64,
        /// Its product.
        pub product_id: i64,
        /// Whether applications on it begin pending.
        pub approval_required: bool,
        /// `1` for `user_key`, `2` for `app_id` and `app_key`.
        pub backend_version: String,
        /// Whether applications are made with a key.
        pub mandatory_app_key: bool,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, name, type as kind, state, is_default, approval_required, setup_fee, cost_per_month,
                    trial_period_days, cancellation_period
             from plan where ",
            $rest
        )
    };
}

macro_rules! select_application_plan {
    ($rest:literal) => {
        concat!(
            "select plan.id, plan.product_id, plan.approval_required, product.backend_version,
                    product.mandatory_app_key
             from plan join product on product.id = plan.product_id
             where plan.type = 'application_plan' and plan.deleted_at is null and product.deleted_at is null ",
            $rest
        )
    };
}

/// A plan of a kind.
///
/// # Errors
/// When the database does not answer.
pub async fn find(tx: &mut Tx, kind: &str, id: i64) -> Result<Option<Plan>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Plan>(select!(
        "deleted_at is null and type = $1 and id = $2"
    ))
    .bind(kind)
    .bind(id)
    .fetch_optional(c))?)
}

/// The account plan taken when none is named.
///
/// # Errors
/// When the database does not answer.
pub async fn default_account_plan(tx: &mut Tx) -> Result<Option<Plan>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Plan>(select!(
        "deleted_at is null and type = 'account_plan' and is_default order by id limit 1"
    ))
    .fetch_optional(c))?)
}

/// The plan that an account is on.
///
/// # Errors
/// When the database does not answer.
pub async fn of_account(tx: &mut Tx, account_id: i64) -> Result<Option<Plan>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Plan>(select!(
        "id = (select plan_id from account where id = $1)"
    ))
    .bind(account_id)
    .fetch_optional(c))?)
}

/// An application plan.
///
/// # Errors
/// When the database does not answer.
pub async fn find_application_plan(tx: &mut Tx, id: i64) -> Result<Option<ApplicationPlan>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, ApplicationPlan>(
        select_application_plan!("and plan.id = $1")
    )
    .bind(id)
    .fetch_optional(c))?)
}

/// Every product's default application plan.
///
/// # Errors
/// When the database does not answer.
pub async fn default_application_plans(tx: &mut Tx) -> Result<Vec<ApplicationPlan>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, ApplicationPlan>(
        select_application_plan!("and plan.is_default order by plan.product_id, plan.id")
    )
    .fetch_all(c))?)
}

/// Plans by id, deleted ones too: somebody may still be on them.
///
/// # Errors
/// When the database does not answer.
pub async fn by_ids(tx: &mut Tx, ids: &[i64]) -> Result<Vec<Plan>, Error> {
    let sql = format!(
        "{} id in ({}) order by id",
        select!(""),
        super::id_list(ids)
    );
    Ok(on!(tx, |c| sqlx::query_as::<_, Plan>(AssertSqlSafe(
        sql.as_str()
    ))
    .fetch_all(c))?)
}
