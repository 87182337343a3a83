//! Waiting for a condition instead of for a time.

use anyhow::{Result, bail};
use std::fmt::Debug;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(20);

/// An error that no waiting cures.
#[derive(Debug)]
pub struct Hopeless(anyhow::Error);

impl std::fmt::Display for Hopeless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for Hopeless {}

/// Makes an error end the wait.
///
/// # Errors
/// The same error, so marked.
pub fn or_give_up<T>(result: Result<T>) -> Result<T> {
    Ok(result.map_err(Hopeless)?)
}

/// Asks `probe` until `good` likes its answer; gives back the answer and how long it took.
///
/// # Errors
/// When `limit` passes first; the message holds the last answer.
pub async fn until<T: Debug>(
    what: &str,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> Result<T>,
    good: impl Fn(&T) -> bool,
) -> Result<(T, Duration)> {
    let began = Instant::now();
    loop {
        // Before the probe: an answer counts from when it was asked for.
        let asked = began.elapsed();
        let answer = probe().await;
        match answer {
            Ok(answer) if good(&answer) => return Ok((answer, asked)),
            Err(error) if error.is::<Hopeless>() => return Err(error.context(what.to_owned())),
            answer if asked > limit => bail!("{what}: not within {limit:?}; last: {answer:?}"),
            _ => sleep(STEP).await,
        }
    }
}
