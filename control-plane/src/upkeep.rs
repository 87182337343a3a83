//! Removes what time has made useless: keys that have expired.
//!
//! Every control plane runs [`run`]; what one has removed another does not find.

use crate::app::App;
use crate::applications;
use std::time::Duration;

/// How often expired keys are looked for. They are none already: this only takes their rows away.
const KEYS: Duration = Duration::from_secs(60);

/// Goes on for ever, or until the stop.
pub async fn run(app: App) {
    let mut keys = tokio::time::interval(KEYS);
    loop {
        tokio::select! {
            () = app.stopped() => return,
            _ = keys.tick() => {
                if let Err(error) = applications::sweep_keys(&app.db).await {
                    tracing::warn!(%error, "expired keys are not removed");
                }
            }
        }
    }
}
