//! Applications on trial.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// An application whose trial ends soon.
    #[derive(Clone, Copy, Debug)]
    pub struct Ending {
        /// The application.
        pub application_id: i64,
        /// Its account.
        pub account_id: i64,
    }
}

/// Live applications whose trial ends within a time and is half over, and whose account was not told; only those that cost
/// something afterwards.
///
/// # Errors
/// When the database does not answer.
pub async fn ending(
    tx: &mut Tx,
    now_ms: i64,
    within_ms: i64,
    most: i64,
) -> Result<Vec<Ending>, Error> {
    Ok(on!(tx, |c| sqlx::query_as::<_, Ending>(
        "select a.id as application_id, a.account_id
         from application a
         join plan on plan.id = a.plan_id
         join account on account.id = a.account_id
         where a.deleted_at is null and a.state = 'live' and account.state = 'approved'
         and a.trial_notice_at is null and plan.trial_period_days > 0
         and (plan.cost_per_month > 0 or plan.setup_fee > 0)
         and a.created_at + plan.trial_period_days * 86400000 > $1
         and a.created_at + plan.trial_period_days * 86400000 - $2 <= $1
         and a.created_at + plan.trial_period_days * 43200000 <= $1
         order by a.id limit $3"
    )
    .bind(now_ms)
    .bind(within_ms)
    .bind(most)
    .fetch_all(c))?)
}

/// Notes that an application's account is told; false when it was before.
///
/// # Errors
/// When the database does not answer.
pub async fn notice(tx: &mut Tx, application_id: i64, now_ms: i64) -> Result<bool, Error> {
    let noticed = run!(tx, |c| sqlx::query(
        "update application set trial_notice_at = $1 where id = $2 and trial_notice_at is null"
    )
    .bind(now_ms)
    .bind(application_id)
    .execute(c))?;
    Ok(noticed > 0)
}
