//! What the ledger holds, by the statistics that providers see.

use crate::wait;
use anyhow::{Context as _, Result, ensure};
use std::time::Duration;
use tallygate::admin_client::AdminClient;
use tokio::time::sleep;

/// Two flushes, and a little more.
const TWO_FLUSHES: Duration = Duration::from_millis(2_200);

/// What it holds of an application's metric, in all.
///
/// # Errors
/// When the control plane does not answer.
pub async fn total(api: &AdminClient, application: i64, metric: &str) -> Result<u64> {
    let path = format!(
        "/stats/applications/{application}/usage.json?metric_name={metric}&period=eternity"
    );
    let usage = api.get(&path).await?;
    usage["total"]
        .as_u64()
        .with_context(|| format!("statistics without a total: {usage}"))
}

/// Waits until it holds exactly `expected` hits of the application, and a moment longer: it must stay so. Gives back
/// how long it took.
///
/// # Errors
/// When it does not come to that within `limit`; the message says what it holds.
pub async fn becomes(
    api: &AdminClient,
    application: i64,
    expected: u64,
    limit: Duration,
) -> Result<Duration> {
    all_become(api, &[(application, expected)], limit).await
}

/// The same for several applications.
///
/// # Errors
/// When one of them does not come to that.
pub async fn all_become(
    api: &AdminClient,
    expected: &[(i64, u64)],
    limit: Duration,
) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    for (application, expected) in expected {
        let (_, took) = wait::until(
            &format!("the ledger holds {expected} of application {application}"),
            limit,
            async || total(api, *application, "hits").await,
            |held| held == expected,
        )
        .await?;
        longest = longest.max(took);
    }
    // Two flushes later nothing may have been counted twice.
    sleep(TWO_FLUSHES).await;
    for (application, expected) in expected {
        let held = total(api, *application, "hits").await?;
        ensure!(
            held == *expected,
            "the ledger went on from {expected} to {held} of application {application}"
        );
    }
    Ok(longest)
}
