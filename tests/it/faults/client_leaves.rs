//! The client for whose request the gateway asks for credit leaves before the answer comes; others wait on that call.
//! They are answered all the same, and nobody pays for the one who left.

use anyhow::{Context as _, Result, ensure};
use std::time::Duration;
use tallygate_core::period::Period::Year;
use tallygate_tests::database::Kind;
use tallygate_tests::fleet::{Fleet, Setup};
use tallygate_tests::http::{self, Connection};
use tallygate_tests::network::Call;
use tallygate_tests::product::{Application, Limit};
use tallygate_tests::wait;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long the control plane seems to think.
const SLOW: Duration = Duration::from_millis(400);
/// On both workers, so that some share one with the client that leaves.
const OTHERS: usize = 6;
/// A paused request ends by then, one way or the other.
const PAUSED_AT_MOST: Duration = Duration::from_secs(2);

const LIMITS: [Limit; 1] = [Limit("hits", Year, 100)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story() -> Result<()> {
    let setup = Setup {
        gateways: 1,
        ..Setup::on(Kind::Sqlite)
    };
    let names = ["a", "b", "c", "d"].map(|name| (name, &LIMITS[..]));
    let fleet = setup.start("client-leaves", &names).await?;
    fleet.links[0].delay(Some((Call::Leases, SLOW)));
    for application in &fleet.applications {
        leave(&fleet, application).await?;
        let admitted = fleet.admitted(application);
        ensure!(
            admitted == OTHERS as u64,
            "{admitted} came to the upstream, {OTHERS} stayed"
        );
    }
    fleet.ledger_agrees(Duration::from_secs(5)).await?;
    fleet.end().await
}

/// One comes first and leaves while it waits, the others stay.
async fn leave(fleet: &Fleet, application: &Application) -> Result<()> {
    let gateway = fleet.addresses()[0];
    let request = application.get("/letter");
    let asked = fleet.links[0].asked(Call::Leases);
    let mut first = Connection::open(gateway).await?;
    let waits = async { first.send(&request).await };
    let call_is_made = wait::until(
        "the gateway asks for credit",
        Duration::from_secs(5),
        async || Ok(fleet.links[0].asked(Call::Leases)),
        |now| *now > asked,
    );
    tokio::select! {
        answer = waits => anyhow::bail!("it was to wait: {answer:?}"),
        made = call_is_made => made?,
    };
    let mut others = JoinSet::new();
    for _ in 0..OTHERS {
        let request = request.clone();
        others.spawn(async move { http::send_once(gateway, &request).await });
    }
    // They are on their way; the answer to the first one's call is not, yet.
    tokio::time::sleep(SLOW / 4).await;
    drop(first);
    let answers = timeout(PAUSED_AT_MOST, others.join_all())
        .await
        .context("whoever stayed still waits")?;
    for answer in answers {
        let answer = answer?;
        ensure!(answer.status == 200, "whoever stayed got {answer:?}");
    }
    Ok(())
}
