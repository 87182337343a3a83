//! VMs trap under load: a worker's, and the leader's, at each of its uses of shared data in a flush. Its successor goes
//! on where it stopped, and nothing is counted twice or lost.

use super::pressure::{LIMIT, LIMITS, Pressure};
use anyhow::{Result, ensure};
use serde_json::json;
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::fleet::{Fleet, Setup};
use tallygate_tests::gateway::Filter;
use tallygate_tests::load::Tally;
use tallygate_tests::{http, wait};

/// At which of its uses of shared data the leader's VM traps, counted from the beginning of a tick: in the election, in
/// sealing, in debiting, in taking in what was answered.
const STEPS: [u32; 14] = [0, 2, 4, 6, 8, 11, 14, 17, 20, 24, 28, 32, 36, 40];
const SOON: Duration = Duration::from_secs(10);
/// A request that was admitted, but whose VM trapped before its answer came, is counted though its client saw 503.
const IN_FLIGHT: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story() -> Result<()> {
    let setup = Setup {
        gateways: 2,
        filter: Filter::Trap,
        settings: json!({"on_disconnect": "deny"}),
        ..Setup::on(Kind::Sqlite)
    };
    let fleet = setup.start("traps", &[("sender", &LIMITS)]).await?;
    let pressure = Pressure::start(&fleet);
    pressure.answers(0, 200, 20).await?;
    // One gateway takes the steps from the front, the other from the back.
    let (one, other) = (Traps(&fleet, 0), Traps(&fleet, 1));
    one.of_a_worker().await?;
    for (step, step_of_other) in STEPS
        .into_iter()
        .zip(STEPS.into_iter().rev())
        .take(STEPS.len() / 2)
    {
        tokio::try_join!(one.of_the_leader(step), other.of_the_leader(step_of_other))?;
    }
    pressure.uses_up(&fleet).await?;

    let tally = pressure
        .finish()
        .await
        .into_iter()
        .fold(Tally::default(), Tally::and);
    // A request that waited for credit in a VM that traps is woken by nobody; its client gives up.
    let given_up = |why: &String| why.starts_with("no answer in time");
    ensure!(
        tally.broken.iter().all(given_up) && tally.broken.len() <= STEPS.len(),
        "{:?}",
        tally.broken
    );
    let admitted = fleet.admitted(&fleet.applications[0]);
    ensure!(admitted == LIMIT, "{admitted} of {LIMIT} were admitted");
    // The requests that asked for traps are admitted too, and their answers not in the tally.
    let asked = STEPS.len() as u64 + 1;
    let lost = asked * IN_FLIGHT;
    ensure!(
        (admitted.saturating_sub(asked + lost)..=admitted).contains(&tally.admitted()),
        "the upstream saw {admitted}, clients {:?}",
        tally.by_status
    );
    fleet.ledger_agrees(SOON).await?;
    fleet.end().await
}

/// At one gateway.
struct Traps<'a>(&'a Fleet, usize);

// === impl Traps ===

impl Traps<'_> {
    async fn of_a_worker(&self) -> Result<()> {
        let before = self.count("trap on purpose");
        let answer = self.ask("x-tallygate-trap", "1").await?;
        ensure!(answer.status == 503, "the request that traps: {answer:?}");
        self.came("trap on purpose", before).await
    }

    /// At its `step`-th use of shared data from its next tick on.
    async fn of_the_leader(&self, step: u32) -> Result<()> {
        let before = self.count("in the leader");
        wait::until(
            "a worker takes the request",
            SOON,
            async || self.ask("x-tallygate-trap-leader", &step.to_string()).await,
            // Where there is no VM Envoy itself answers, in plain text or without any.
            |answer| {
                answer.status != 503
                    || answer.header("content-type") == Some("application/problem+json")
            },
        )
        .await?;
        self.came("in the leader", before).await
    }

    async fn ask(&self, header: &str, value: &str) -> Result<http::Answer> {
        let gateway = self.0.gateways[self.1].production;
        let request = self.0.applications[0].get_with("/letter", &[(header, value)]);
        http::send_once(gateway, &request).await
    }

    /// How often this stands in Envoy's log.
    fn count(&self, words: &str) -> usize {
        self.0.gateways[self.1].log().matches(words).count()
    }

    async fn came(&self, words: &str, before: usize) -> Result<()> {
        wait::until(
            "the VM traps",
            SOON,
            async || Ok(self.count(words)),
            |now| *now > before,
        )
        .await?;
        Ok(())
    }
}
