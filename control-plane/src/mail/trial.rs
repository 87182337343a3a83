//! Tells accounts that a trial ends, once for each application: ten days before, as 3scale does, or when half of a shorter
//! trial is over. Only what costs something afterwards is told; access goes on either way.

use super::{Kind, Mail, To};
use crate::app::App;
use crate::error::Error;
use crate::store::trials;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long before the end at most.
const NOTICE_DAYS: i64 = 10;
/// Applications in one transaction.
const BATCH: i64 = 100;

/// Records the mails whose time has come; any number of control planes may do so at once.
///
/// # Errors
/// When the database does not answer.
pub async fn notice(app: &App) -> Result<(), Error> {
    loop {
        let mut tx = app.db.begin_aside().await?;
        let now_ms = tx.now_ms().await?;
        let ending = trials::ending(&mut tx, now_ms, NOTICE_DAYS * DAY_MS, BATCH).await?;
        for trial in &ending {
            if trials::notice(&mut tx, trial.application_id, now_ms).await? {
                let to = To::Admins(trial.account_id);
                let mail = Mail::new(Kind::TrialEnding, to).application(trial.application_id);
                super::record(&mut tx, mail).await?;
            }
        }
        tx.commit().await?;
        if ending.is_empty() {
            return Ok(());
        }
    }
}
