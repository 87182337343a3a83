//! Plans as what accounts and applications are on.
//!
//! Never here: making and changing plans.

use crate::db::Tx;
use crate::error::Error;
use crate::store::plans::PlanRow;
use crate::{on, row};
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;

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

row! {
    /// An account has applications on a plan.
    #[derive(Clone, Copy, Debug)]
    pub struct Contract {
        /// The account.
        pub account_id: i64,
        /// The application plan.
        pub plan_id: i64,
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, type as kind, product_id, original_id, name, system_name, state, is_default, approval_required,
                    trial_period_days, setup_fee, cost_per_month, cancellation_period, created_at, updated_at
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
             where plan.type = 'application_plan' and plan.deleted_at is null and plan.original_id is null
             and product.deleted_at is null ",
            $rest
        )
    };
}

/// An application plan that anybody may take: not one made for one application.
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

/// Every product's default service plan.
///
/// # Errors
/// When the database does not answer.
pub async fn default_service_plans(tx: &mut Tx) -> Result<Vec<PlanRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, PlanRow>(select!(
        "type = 'service_plan' and is_default and deleted_at is null order by product_id, id"
    ))
    .fetch_all(c))?)
}

/// The plan that an account is on.
///
/// # Errors
/// When the database does not answer.
pub async fn of_account(tx: &mut Tx, account_id: i64) -> Result<Option<PlanRow>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, PlanRow>(select!(
        "id = (select plan_id from account where id = $1)"
    ))
    .bind(account_id)
    .fetch_optional(c))?)
}

/// Which application plans some accounts are on.
///
/// # Errors
/// When the database does not answer.
pub async fn of_accounts(tx: &mut Tx, account_ids: &[i64]) -> Result<Vec<Contract>, Error> {
    let sql = format!(
        "select distinct account_id, plan_id from application
         where account_id in ({}) and deleted_at is null order by account_id, plan_id",
        super::id_list(account_ids)
    );
    Ok(on!(tx, |c| sqlx::query_as::<_, Contract>(AssertSqlSafe(
        sql.as_str()
    ))
    .fetch_all(c))?)
}

/// Plans by id, deleted ones too: somebody may still be on them.
///
/// # Errors
/// When the database does not answer.
pub async fn by_ids(tx: &mut Tx, ids: BTreeSet<i64>) -> Result<Vec<PlanRow>, Error> {
    let sql = format!(
        "{} id in ({}) order by id",
        select!(""),
        super::id_list(&ids)
    );
    Ok(on!(tx, |c| sqlx::query_as::<_, PlanRow>(AssertSqlSafe(
        sql.as_str()
    ))
    .fetch_all(c))?)
}
