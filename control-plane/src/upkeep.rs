//! Removes what time has made useless: keys that have expired, traffic of long ago,
//! sessions and links that have ended.
//!
//! Every control plane runs [`run`]; what one has removed another does not find.

use crate::app::App;
use crate::applications;
use crate::error::Error;
use crate::store::{sessions, throttle, traffic, user_links};
use std::time::Duration;

/// How often expired keys are looked for. They are none already: this only takes their rows away.
const KEYS: Duration = Duration::from_secs(60);
/// How often old traffic is looked for.
const TRAFFIC: Duration = Duration::from_secs(3_600);
/// How long traffic is kept, in days.
pub const TRAFFIC_DAYS: i64 = 92;

/// How often ended sessions and links are looked for.
const PORTAL: Duration = Duration::from_secs(3_600);

/// Goes on for ever, or until the stop.
pub async fn run(app: App) {
    let mut keys = tokio::time::interval(KEYS);
    let mut portal = tokio::time::interval(PORTAL);
    let mut traffic = tokio::time::interval(TRAFFIC);
    loop {
        tokio::select! {
            () = app.stopped() => return,
            _ = keys.tick() => {
                if let Err(error) = applications::sweep_keys(&app.db).await {
                    tracing::warn!(%error, "expired keys are not removed");
                }
            }
            _ = portal.tick() => {
                if let Err(error) = forget_ended(&app).await {
                    tracing::warn!(%error, "sessions and links that have ended are not forgotten");
                }
            }
            _ = traffic.tick() => {
                if let Err(error) = forget_traffic(&app).await {
                    tracing::warn!(%error, "old traffic is not forgotten");
                }
            }
        }
    }
}

async fn forget_traffic(app: &App) -> Result<(), Error> {
    let mut tx = app.db.begin_aside().await?;
    let now_secs = tx.now_ms().await?.div_euclid(1_000);
    traffic::forget(&mut tx, now_secs - TRAFFIC_DAYS * 86_400).await?;
    tx.commit().await
}

/// Takes away sessions and links of the portal that have ended, and what was counted. They are worth nothing already.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_ended(app: &App) -> Result<(), Error> {
    let mut tx = app.db.begin_aside().await?;
    let now_ms = tx.now_ms().await?;
    sessions::sweep(&mut tx, now_ms).await?;
    user_links::sweep(&mut tx, now_ms).await?;
    throttle::sweep(&mut tx, now_ms).await?;
    tx.commit().await
}
