//! Which alerts are mailed: from which level on, where an application's account chose, and when the last one was.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, run};

/// Percent of a limit from which on alerts are mailed until somebody chooses.
pub const DEFAULT_LEVEL: i64 = 80;
/// The choice that no alert is mailed.
pub const NEVER: i64 = 0;

/// From which level on an application's alerts are mailed to its account's admins; [`NEVER`] for none.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tx: &mut Tx, application_id: i64) -> Result<i64, Error> {
    let chosen: Option<i64> = on!(tx, |c| sqlx::query_scalar(
        "select mailed_from from alert_choice where application_id = $1"
    )
    .bind(application_id)
    .fetch_optional(c))?;
    Ok(chosen.unwrap_or(DEFAULT_LEVEL))
}

/// Chooses: one of [`crate::alerts::LEVELS`], or [`NEVER`].
///
/// # Errors
/// When the database does not answer.
pub async fn set(tx: &mut Tx, application_id: i64, mailed_from: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "insert into alert_choice (application_id, mailed_from) values ($1, $2)
         on conflict (application_id) do update set mailed_from = excluded.mailed_from"
    )
    .bind(application_id)
    .bind(mailed_from)
    .execute(c))?;
    Ok(())
}

/// Whether an alert about the same limit, of the level of this one or above, was mailed since a time.
///
/// # Errors
/// When the database does not answer.
pub async fn was_mailed(tx: &mut Tx, alert_id: i64, since_ms: i64) -> Result<bool, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_scalar(
        "select exists (select 1 from alert before join alert this on this.id = $1
         where before.application_id = this.application_id and before.metric_id = this.metric_id
         and before.period = this.period and before.level >= this.level and before.mailed_at >= $2)"
    )
    .bind(alert_id)
    .bind(since_ms)
    .fetch_one(c)
    })?)
}

/// Notes that an alert is mailed.
///
/// # Errors
/// When the database does not answer.
pub async fn mailed(tx: &mut Tx, alert_id: i64) -> Result<(), Error> {
    let now_ms = tx.now_ms().await?;
    run!(tx, |c| sqlx::query(
        "update alert set mailed_at = $1 where id = $2"
    )
    .bind(now_ms)
    .bind(alert_id)
    .execute(c))?;
    Ok(())
}
