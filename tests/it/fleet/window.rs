//! Three gateways, one minute, several limits at once, and three times as much demand as they allow, most of it at one
//! gateway: never more than the limit, and as good as all of it. What clients counted, what came to the upstream and
//! what the ledger holds is one number.

use anyhow::{Result, ensure};
use std::time::Duration;
use tallygate_core::period::Period::Minute;
use tallygate_tests::clock;
use tallygate_tests::database::Kind;
use tallygate_tests::demand::{self, Demand, letters};
use tallygate_tests::fleet::Setup;
use tallygate_tests::product::{Limit, enough};

const SHARES: [u32; 3] = [80, 15, 5];
const OVER: Duration = Duration::from_secs(20);
/// For answers that are late, so that the last of them are still of the same minute.
const LATE: Duration = Duration::from_secs(5);

crate::on_both_databases!(story);

async fn story(database: Kind) -> Result<()> {
    let limits: [(&str, u64); 4] = [("one", 1), ("seven", 7), ("hundred", 100), ("many", 1_000)];
    let plans = limits.map(|(name, limit)| (name, [Limit("hits", Minute, limit)]));
    let plans = plans.each_ref().map(|(name, limits)| (*name, &limits[..]));
    let fleet = Setup::on(database).start("window", &plans).await?;

    let demand = limits
        .iter()
        .enumerate()
        .fold(Demand::default(), |demand, (n, (_, limit))| {
            demand.with(n, 3 * limit, &SHARES, OVER)
        });
    let minute = clock::minute_with(OVER + LATE).await?;
    let answers = demand
        .send(&fleet.addresses(), letters(&fleet.applications))
        .await;
    ensure!(
        clock::minute()? == minute,
        "the answers took longer than what was left of the minute"
    );
    demand::check(&answers)?;

    let record = fleet.upstream.record();
    for (n, (name, limit)) in limits.into_iter().enumerate() {
        let admitted = record.requests(&fleet.applications[n].user_key, minute..minute + 1);
        ensure!(
            admitted == answers.count(n, 200),
            "{name}: the upstream saw {admitted}, clients {answers:?}"
        );
        ensure!(
            (enough(limit)..=limit).contains(&admitted),
            "{name}: {admitted} of {limit} were admitted"
        );
    }
    fleet.ledger_agrees(Duration::from_secs(5)).await?;
    fleet.end().await
}
