//! A month's limit across a gateway's `kill -9`: never over. What the dead gateway held is shown as unaccounted, is no
//! more than it was granted last, and all the rest can be used at the others.

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::time::Duration;
use tallygate_core::period::Period::Month;
use tallygate_tests::database::Kind;
use tallygate_tests::fleet::{Fleet, Setup};
use tallygate_tests::load::Load;
use tallygate_tests::product::Limit;
use tallygate_tests::{ledger, wait};

const LIMIT: u64 = 2_000;
/// Long enough for credit to be sized by what is used.
const BEFORE_THE_KILL: u64 = 300;
const WITHIN_A_MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story() -> Result<()> {
    let plan = [Limit("hits", Month, LIMIT)];
    let mut fleet = Setup::on(Kind::Sqlite)
        .start("month", &[("sender", &plan)])
        .await?;
    let sender = fleet.applications[0].clone();
    let load = |target| Load {
        target,
        request: sender.get("/letter"),
        clients: 2,
        pause: Duration::from_millis(20),
    };
    let mut loads: Vec<_> = fleet
        .addresses()
        .into_iter()
        .map(|target| load(target).start())
        .collect();
    let doomed = loads.pop().context("no load")?;
    wait::until(
        "the gateway that will be killed is in use",
        Duration::from_secs(20),
        async || Ok(doomed.count(200)),
        |admitted| *admitted >= BEFORE_THE_KILL,
    )
    .await?;
    let mut killed = fleet.gateways.pop().context("no gateway")?;
    killed.end(Signal::SIGKILL).await?;
    doomed.finish().await;
    let held = number(&of_the_killed(&fleet).await?, "credit_held")?;

    // The others go on until there is nothing left for them, and no moment is lost by waiting for it.
    let (shown, _) = wait::until(
        "what the killed gateway held is shown as unaccounted",
        WITHIN_A_MINUTE,
        async || of_the_killed(&fleet).await,
        |shown| number(shown, "unaccounted").is_ok_and(|units| units > 0),
    )
    .await?;
    let unaccounted = number(&shown, "unaccounted")?;
    ensure!(
        unaccounted <= held,
        "{unaccounted} are unaccounted, it held {held}"
    );
    wait::until(
        "all the rest is used",
        Duration::from_secs(20),
        async || ledger::total(&fleet.api, sender.id, "hits").await,
        |used| *used == LIMIT - unaccounted,
    )
    .await?;
    for load in loads {
        let tally = load.finish().await;
        ensure!(tally.broken.is_empty(), "{:?}", tally.broken);
    }

    // What it admitted and could not report any more is covered by what it held.
    let admitted = fleet.admitted(&sender);
    ensure!(admitted <= LIMIT, "{admitted} were admitted");
    ensure!(
        (LIMIT - unaccounted..).contains(&admitted),
        "{admitted} were admitted, {unaccounted} are unaccounted"
    );
    let used = ledger::total(&fleet.api, sender.id, "hits").await?;
    ensure!(used == LIMIT - unaccounted, "the ledger went on to {used}");
    fleet.end().await
}

/// The last gateway, as operators see it.
async fn of_the_killed(fleet: &Fleet) -> Result<Value> {
    let mut all = fleet.shown().await?;
    all.pop().context("no gateways are shown")
}

fn number(shown: &Value, name: &str) -> Result<u64> {
    let number = shown[name].as_u64();
    number.with_context(|| format!("no `{name}` in {shown}"))
}
