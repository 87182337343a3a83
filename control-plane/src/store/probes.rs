//! What a test of the integration looks up of those who may call.

use crate::db::Tx;
use crate::error::Error;
use crate::on;

/// The product's oldest application that may call.
///
/// # Errors
/// When the database does not answer.
pub async fn first_live(tx: &mut Tx, product_id: i64) -> Result<Option<i64>, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_scalar::<_, i64>(
        "select application.id from application
         join account on account.id = application.account_id
         where application.product_id = $1 and application.deleted_at is null and application.state = 'live'
         and account.state = 'approved' and account.deleted_at is null
         order by application.id limit 1"
    )
    .bind(product_id)
    .fetch_optional(c)
    })?)
}

/// A plan's name, and the metrics that it does not include.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn plan(tx: &mut Tx, plan_id: i64) -> Result<(String, Vec<String>), Error> {
    let name = on!(tx, |c| sqlx::query_scalar::<_, String>(
        "select name from plan where id = $1"
    )
    .bind(plan_id)
    .fetch_one(c))?;
    let disabled = on!(tx, |c| sqlx::query_scalar::<_, String>(
        "select distinct metric.system_name from plan_limit
         join metric on metric.id = plan_limit.metric_id
         where plan_limit.plan_id = $1 and plan_limit.value = 0
         order by metric.system_name"
    )
    .bind(plan_id)
    .fetch_all(c))?;
    Ok((name, disabled))
}
