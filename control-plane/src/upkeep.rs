//! Removes what time has made useless: keys that have expired, and traffic of long ago.
//!
//! Every control plane runs [`run`]; what one has removed another does not find.

use crate::app::App;
use crate::applications;
use crate::error::Error;
use crate::store::traffic;
use std::time::Duration;

/// How often expired keys are looked for. They are none already: this only takes their rows away.
const KEYS: Duration = Duration::from_secs(60);
/// How often old traffic is looked for.
const TRAFFIC: Duration = Duration::from_secs(3_600);
/// How long traffic is kept, in days.
pub const TRAFFIC_DAYS: i64 = 92;

/// Goes on for ever, or until the stop.
pub async fn run(app: App) {
    let mut keys = tokio::time::interval(KEYS);
    let mut traffic = tokio::time::interval(TRAFFIC);
    loop {
        tokio::select! {
            () = app.stopped() => return,
            _ = keys.tick() => {
                if let Err(error) = applications::sweep_keys(&app.db).await {
                    tracing::warn!(%error, "expired keys are not removed");
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
