//! One of three gateways is cut off for a minute under load, once with each policy: `deny` never exceeds the limit,
//! `allow` does by what is shown as overdraft.

use crate::Options;
use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use tallygate::demo::screen::Screen;
use tallygate_core::period::Period::Eternity;
use tallygate_tests::database::Kind;
use tallygate_tests::demand::Demand;
use tallygate_tests::fleet::Setup;
use tallygate_tests::network::Road;
use tallygate_tests::product::Limit;
use tallygate_tests::wait;
use tokio::time::sleep;

const BEFORE: Duration = Duration::from_secs(10);
const CUT: Duration = Duration::from_mins(1);
const AFTER: Duration = Duration::from_secs(20);
/// At each gateway, a second.
const RATE: u64 = 100;
/// Used up before the end, whatever the gateway that is cut off does.
const LIMIT: u64 = 15_000;

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Cut {
    pub(crate) policy: &'static str,
    pub(crate) limit: u64,
    pub(crate) admitted: u64,
    /// As operators are shown it, in all.
    pub(crate) overdraft: u64,
    /// What the gateway that was cut off answered: 200, 429, 503.
    pub(crate) cut_off: [u64; 3],
    /// What the others answered.
    pub(crate) others: [u64; 3],
    /// The ledger holds what was admitted.
    pub(crate) ledger: u64,
}

// === impl Cut ===

impl Cut {
    /// Whether the limit was held, as far as the policy promises.
    pub(crate) fn is_kept(&self) -> bool {
        let promised = match self.policy {
            "deny" => self.overdraft == 0 && self.admitted == self.limit,
            _ => self.admitted <= self.limit + self.overdraft,
        };
        promised && self.ledger == self.admitted
    }
}

pub(crate) async fn measure(
    options: &Options,
    policy: &'static str,
    screen: &mut Screen,
) -> Result<Cut> {
    screen.begin(&format!("cut, {policy}"));
    let setup = Setup {
        build: options.build(),
        settings: json!({"on_disconnect": policy}),
        ..Setup::on(Kind::Sqlite)
    };
    let plan = [Limit("hits", Eternity, LIMIT)];
    let fleet = setup
        .start(&format!("cut-{policy}"), &[("sender", &plan)])
        .await?;
    let sender = &fleet.applications[0];
    let over = BEFORE + CUT + AFTER;
    // A request of its own for each gateway, so that their answers can be told apart.
    let requests = vec![sender.get("/letter"); fleet.gateways.len()];
    let demand = (0..requests.len()).fold(Demand::default(), |demand, gateway| {
        let mut shares = vec![0; fleet.gateways.len()];
        shares[gateway] = 1;
        demand.with(gateway, RATE * over.as_secs(), &shares, over)
    });
    let link = &fleet.links[2];
    let cut = async {
        sleep(BEFORE).await;
        link.cut(Road::Silent);
        sleep(CUT).await;
        link.restore();
    };
    let addresses = fleet.addresses();
    let (answers, ()) = tokio::join!(demand.send(&addresses, requests), cut);
    ensure!(
        answers.with_status(0) == 0,
        "connections broke: {:?}",
        answers.odd
    );

    let admitted = fleet.admitted(sender);
    ensure!(
        admitted == answers.with_status(200),
        "the upstream saw {admitted}"
    );
    fleet.ledger_agrees(Duration::from_secs(15)).await?;
    let overdraft = async || -> Result<u64> {
        let shown = fleet.shown().await?;
        let all: Option<Vec<u64>> = shown.iter().map(|it| it["overdraft"].as_u64()).collect();
        Ok(all.context("no overdraft is shown")?.into_iter().sum())
    };
    let (overdraft, _) = wait::until(
        "what was admitted beyond the limit is shown",
        Duration::from_secs(10),
        overdraft,
        |shown| admitted <= LIMIT + shown,
    )
    .await?;
    let of = |gateway: usize| [200, 429, 503].map(|status| answers.count(gateway, status));
    let (first, second) = (of(0), of(1));
    let run = Cut {
        policy,
        limit: LIMIT,
        admitted,
        overdraft,
        cut_off: of(2),
        others: [0, 1, 2].map(|n| first[n] + second[n]),
        ledger: admitted,
    };
    screen.done(&format!(
        "{admitted} of {LIMIT} admitted, {overdraft} of them as overdraft"
    ));
    fleet.end().await?;
    Ok(run)
}
