//! The clock that windows go by: minutes of UTC.

use anyhow::{Result, ensure};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::sleep;

/// Nothing is sent so close to a minute's edge: gateways may differ by as much on which minute it is.
pub const EDGE: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// Since 1970.
///
/// # Errors
/// When the clock stands before that.
pub fn now() -> Result<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}

/// Waits for the next minute unless `needed` is left of this one, edges aside; gives back the minute's number.
///
/// # Errors
/// When no minute is so long.
pub async fn minute_with(needed: Duration) -> Result<u64> {
    ensure!(needed + EDGE * 2 <= MINUTE, "a minute is shorter than that");
    let into = Duration::from_millis(u64::try_from(now()?.as_millis() % MINUTE.as_millis())?);
    let until_safe = if into < EDGE {
        EDGE - into
    } else if into + needed + EDGE > MINUTE {
        MINUTE - into + EDGE
    } else {
        Duration::ZERO
    };
    sleep(until_safe).await;
    minute()
}

/// Waits until the next minute has begun, and its edge is past; gives back its number.
///
/// # Errors
/// When the clock cannot be read.
pub async fn next_minute() -> Result<u64> {
    let into = Duration::from_millis(u64::try_from(now()?.as_millis() % MINUTE.as_millis())?);
    sleep(MINUTE - into + EDGE).await;
    minute()
}

/// The number of the minute that it is.
///
/// # Errors
/// When the clock cannot be read.
pub fn minute() -> Result<u64> {
    Ok(now()?.as_secs() / MINUTE.as_secs())
}
