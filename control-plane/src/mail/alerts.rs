//! Which alerts are mailed, and to whom.
//!
//! The account is told from the level on that it chose for the application (80 % until then), the provider from 80 % on.
//! A limit by the day or a longer period is told once for each level of a window, as its alerts are. One by the minute or the
//! hour is reached again and again: it is told once in 24 hours, and again only when it gets worse.

use super::{Kind, Mail, To};
use crate::db::Tx;
use crate::error::Error;
use crate::store::alert_choices::{self as choices, DEFAULT_LEVEL, NEVER};
use crate::store::alerts as rows;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Percent at which a limit is reached.
const VIOLATION: i64 = 100;

/// Records the mails about an alert that was just raised.
///
/// # Errors
/// When the database does not answer.
pub async fn raised(tx: &mut Tx, alert_id: i64) -> Result<(), Error> {
    let alert = rows::get(tx, alert_id).await?;
    let chosen = choices::get(tx, alert.application_id).await?;
    let to_account = chosen != NEVER && alert.level >= chosen;
    let to_provider = alert.level >= DEFAULT_LEVEL;
    if !to_account && !to_provider {
        return Ok(());
    }
    let is_short = matches!(alert.period.as_str(), "minute" | "hour");
    let now_ms = tx.now_ms().await?;
    if is_short && choices::was_mailed(tx, alert_id, now_ms - DAY_MS).await? {
        return Ok(());
    }
    choices::mailed(tx, alert_id).await?;
    let (for_account, for_provider) = if alert.level < VIOLATION {
        (Kind::LimitAlert, Kind::LimitAlertToProvider)
    } else {
        (Kind::LimitViolation, Kind::LimitViolationToProvider)
    };
    if to_account {
        let mail = Mail::new(for_account, To::Admins(alert.account_id));
        let mail = mail.application(alert.application_id).alert(alert_id);
        super::record(tx, mail).await?;
    }
    if to_provider {
        let product_id = Some(alert.product_id);
        let mail = Mail::new(for_provider, To::Provider { product_id });
        let mail = mail.application(alert.application_id).alert(alert_id);
        super::record(tx, mail).await?;
    }
    Ok(())
}
