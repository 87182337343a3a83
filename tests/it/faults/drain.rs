//! A gateway is drained and stopped under load: all that it admitted is in the ledger, and all that it held can be used
//! at the other one.

use super::pressure::{LIMITS, Pressure};
use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::fleet::Setup;
use tallygate_tests::gateway::DRAIN_SECS;
use tallygate_tests::load::Tally;
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story() -> Result<()> {
    let setup = Setup {
        gateways: 2,
        ..Setup::on(Kind::Sqlite)
    };
    let mut fleet = setup.start("drain", &[("sender", &LIMITS)]).await?;
    let pressure = Pressure::start(&fleet);
    pressure.answers(0, 200, 200).await?;
    pressure.answers(1, 200, 200).await?;
    let drain = format!(
        "/admin/api/gateways/{}/drain.json",
        fleet.shown().await?[1]["id"]
    );
    fleet.api.post(&drain, &serde_json::json!({})).await?;
    let answer = fleet.gateways[1]
        .admin_post("/drain_listeners?graceful")
        .await?;
    ensure!(answer.status == 200, "{answer:?}");
    // As long as the bootstrap's own words say: the drain, and two seconds more.
    sleep(Duration::from_secs(DRAIN_SECS + 2)).await;
    fleet.gateways[1].end(Signal::SIGTERM).await?;
    for gateway in &fleet.shown().await?[1..] {
        ensure!(
            gateway["credit_held"] == 0 && gateway["unaccounted"] == 0,
            "it kept credit: {gateway}"
        );
    }
    pressure.uses_up_at(&fleet, 0).await?;

    // Once the listener has closed nobody can connect: a balancer would have moved on long before.
    let tallies = pressure.finish().await;
    ensure!(tallies[0].broken.is_empty(), "{:?}", tallies[0].broken);
    let tally = tallies.into_iter().fold(Tally::default(), Tally::and);
    let admitted = fleet.admitted(&fleet.applications[0]);
    ensure!(
        admitted == super::pressure::LIMIT && tally.admitted() == admitted,
        "the upstream saw {admitted}, clients {:?}",
        tally.by_status
    );
    fleet.ledger_agrees(Duration::from_secs(5)).await?;
    fleet.end().await
}
