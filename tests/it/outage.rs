//! The control plane is killed under load and comes back: no client notices, and every call is in the ledger once.

use anyhow::{Result, ensure};
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::Filter;
use tallygate_tests::http;
use tallygate_tests::installation::{Installation, with_query};
use tallygate_tests::load::Load;
use tokio::time::sleep;

/// Longer than several flushes and their retries.
const AWAY: Duration = Duration::from_secs(6);

crate::on_both_databases!(story);

async fn story(database: Kind) -> Result<()> {
    let mut it = Installation::start("outage", database, Filter::Shipped).await?;
    let application_id = it.company.gold.application_id;
    let load = Load {
        target: it.production(),
        request: http::request(
            "GET",
            &with_query("/api/mail.send.json", &it.company.gold),
            &[],
            b"",
        ),
        clients: 8,
        pause: Duration::from_millis(20),
    };
    let load = load.start();
    sleep(Duration::from_secs(2)).await;
    it.control_plane.kill().await;
    sleep(AWAY).await;
    it.control_plane.start_again().await?;
    // Killed again in the middle of taking in what had waited: batches that were applied come again.
    sleep(Duration::from_millis(300)).await;
    it.control_plane.kill().await;
    it.control_plane.start_again().await?;
    sleep(Duration::from_secs(2)).await;
    let tally = load.finish().await;

    ensure!(tally.is_all_good(), "clients noticed: {tally:?}");
    ensure!(tally.admitted() > 1_000, "hardly a load: {tally:?}");
    ensure!(
        it.upstream.requests() == tally.admitted(),
        "the upstream saw {}",
        it.upstream.requests()
    );
    it.ledger_becomes(application_id, tally.admitted(), Duration::from_secs(15))
        .await?;
    it.end()
}
