//! Plans made for one application: what belongs to a plan is copied, and goes with the copy.

use crate::db::Tx;
use crate::error::Error;
use crate::run;
use crate::store::plans::{self, PlanRow};

/// Writes `custom` as a plan with all that belongs to its original: limits, pricing rules and features.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, custom: &PlanRow, original_id: i64) -> Result<i64, Error> {
    tx.hold_limits().await?;
    let now_ms = tx.now_ms().await?;
    let id = plans::insert(tx, custom).await?;
    for sql in [
        "insert into plan_limit (plan_id, metric_id, period, value, created_at, updated_at)
         select $1, metric_id, period, value, $3, $3 from plan_limit where plan_id = $2 order by id",
        "insert into pricing_rule (plan_id, metric_id, min, max, cost_per_unit_e4, created_at, updated_at)
         select $1, metric_id, min, max, cost_per_unit_e4, $3, $3 from pricing_rule where plan_id = $2 order by id",
        "insert into plan_feature (plan_id, feature_id, created_at)
         select $1, feature_id, $3 from plan_feature where plan_id = $2",
    ] {
        run!(tx, |c| sqlx::query(sql)
            .bind(id)
            .bind(original_id)
            .bind(now_ms)
            .execute(c))?;
    }
    Ok(id)
}

/// Marks the plans deleted that were made for an application which is no more.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_unused(tx: &mut Tx) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update plan set deleted_at = $1
         where original_id is not null and deleted_at is null
         and not exists (select 1 from application where plan_id = plan.id and deleted_at is null)"
    )
    .bind(now_ms)
    .execute(c))?;
    Ok(())
}
