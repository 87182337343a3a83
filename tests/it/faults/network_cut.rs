//! One gateway's way to the control plane is cut under load, so that nothing comes back, not even a refusal.
//!
//! With `deny` it spends what it holds and refuses then; the other gateway uses all the rest. With `allow` it goes on
//! within the limit as if it were alone, and what no credit covered is shown as overdraft.

use super::pressure::{LIMIT, LIMITS, Pressure};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::fleet::{Fleet, Setup};
use tallygate_tests::load::Tally;
use tallygate_tests::network::Road;
use tallygate_tests::wait;

async fn start(policy: &str) -> Result<Fleet> {
    let setup = Setup {
        gateways: 2,
        settings: json!({"on_disconnect": policy}),
        ..Setup::on(Kind::Sqlite)
    };
    let name = format!("network-cut-{policy}");
    setup.start(&name, &[("sender", &LIMITS)]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deny() -> Result<()> {
    let fleet = start("deny").await?;
    let pressure = Pressure::start(&fleet);
    pressure.answers(1, 200, 200).await?;
    fleet.links[1].cut(Road::Silent);
    pressure.answers(1, 503, 20).await?;
    // The other one has not noticed.
    pressure.answers(0, 200, 100).await?;
    ensure!(
        pressure.count(0, 503) == 0,
        "503 from the gateway that was not cut off"
    );
    fleet.links[1].restore();
    pressure.answers(1, 200, 1).await?;
    pressure.uses_up(&fleet).await?;
    pressure.finish_exactly(&fleet).await?;
    fleet.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn allow() -> Result<()> {
    let fleet = start("allow").await?;
    let pressure = Pressure::start(&fleet);
    pressure.answers(1, 200, 200).await?;
    fleet.links[1].cut(Road::Silent);
    // Both use up what there is: one of them all that is left, the other all that there ever was.
    pressure.answers(0, 429, 10).await?;
    pressure.answers(1, 429, 10).await?;
    let tallies = pressure.finish().await;
    fleet.links[1].restore();

    let alone = tallies[1].admitted();
    ensure!(
        alone == LIMIT,
        "alone it admitted {alone} of {LIMIT}: {:?}",
        tallies[1].by_status
    );
    let tally = tallies.into_iter().fold(Tally::default(), Tally::and);
    let admitted = fleet.admitted(&fleet.applications[0]);
    ensure!(tally.broken.is_empty(), "{:?}", tally.broken);
    ensure!(
        tally.admitted() == admitted,
        "the upstream saw {admitted}, clients {:?}",
        tally.by_status
    );
    // Overdraft is in the ledger like all that was used.
    fleet.ledger_agrees(Duration::from_secs(15)).await?;
    let over = admitted - LIMIT;
    ensure!(over > 0, "there was nothing to be shown");
    let (shown, _) = wait::until(
        "the overdraft is shown",
        Duration::from_secs(10),
        async || {
            let all = fleet.shown().await?;
            let shown: Option<Vec<u64>> = all.iter().map(|it| it["overdraft"].as_u64()).collect();
            shown.with_context(|| format!("no overdraft: {all:?}"))
        },
        |shown| shown[1] >= over,
    )
    .await?;
    ensure!(shown[0] == 0, "the other gateway overdrew too: {shown:?}");
    // It had been granted something before.
    ensure!(shown[1] < alone, "{shown:?}");
    fleet.end().await
}
