//! A gateway that is drained and then stopped under load loses nothing that it admitted.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::{DRAIN_SECS, Filter};
use tallygate_tests::http;
use tallygate_tests::installation::{Installation, with_query};
use tallygate_tests::load::Load;
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story() -> Result<()> {
    let mut it = Installation::start("stop", Kind::Sqlite, Filter::Shipped).await?;
    let load = Load {
        target: it.production(),
        request: http::request(
            "GET",
            &with_query("/api/mail.send.json", &it.company.gold),
            &[],
            b"",
        ),
        clients: 4,
        pause: Duration::from_millis(20),
    };
    let load = load.start();
    sleep(Duration::from_secs(1)).await;

    let answer = it.gateway.admin_post("/drain_listeners?graceful").await?;
    ensure!(answer.status == 200, "{answer:?}");
    // As long as the bootstrap's own words say: the drain, and two seconds more.
    sleep(Duration::from_secs(DRAIN_SECS + 2)).await;
    it.gateway.end(Signal::SIGTERM).await?;
    let tally = load.finish().await;

    // Once the listener has closed nobody can connect: a balancer would have moved on long before.
    let others: Vec<_> = tally
        .by_status
        .keys()
        .filter(|status| **status != 200)
        .collect();
    ensure!(
        others.is_empty() && tally.admitted() > 300,
        "{:?}",
        tally.by_status
    );
    ensure!(
        it.upstream.requests() == tally.admitted(),
        "the upstream saw {}",
        it.upstream.requests()
    );
    it.ledger_becomes(
        it.company.gold.application_id,
        tally.admitted(),
        Duration::from_secs(1),
    )
    .await?;
    it.end_without_gateway();
    Ok(())
}
