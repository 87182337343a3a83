//! 10 000 applications within their limits, by Zipf's law: how many of their requests wait for credit, and how long.
//!
//! Each application has limits per minute, day and month that fit what it does, as customers choose their plans. First
//! every one of them calls once at every gateway, since a gateway has to ask for an application that it has never seen;
//! then comes the load by chance, and after some of it the part that is measured.

use crate::Options;
use crate::applications::{self, APPLICATIONS};
use anyhow::{Result, ensure};
use serde::Serialize;
use std::time::Duration;
use tallygate::demo::screen::Screen;
use tallygate_tests::chance::{Chance, Zipf};
use tallygate_tests::database::Kind;
use tallygate_tests::demand::{Answers, Demand};
use tallygate_tests::fleet::{Fleet, Setup};
use tallygate_tests::histogram::Histogram;
use tallygate_tests::wait;
use tokio::time::sleep;

/// A second, while each calls for the first time.
const FIRST_CALLS_RATE: u64 = 400;
/// Of load by chance, before it is measured.
const WARM_UP: Duration = Duration::from_mins(2);
/// Envoy's histograms are merged every five seconds.
const STATS: Duration = Duration::from_secs(6);

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct OfZipf {
    pub(crate) database: &'static str,
    pub(crate) gateways: usize,
    pub(crate) minutes: u64,
    pub(crate) rate: u64,
    pub(crate) requests: u64,
    pub(crate) waited: u64,
    /// In each of the minutes: whether it is steady.
    pub(crate) waited_by_minute: Vec<u64>,
    pub(crate) callouts: u64,
    pub(crate) wait_p50_us: Option<u64>,
    pub(crate) wait_p99_us: Option<u64>,
    /// Of the first calls, of which all have to wait.
    pub(crate) first_p50_us: Option<u64>,
    pub(crate) first_p99_us: Option<u64>,
    /// Not admitted, though within the limits.
    pub(crate) refused: u64,
}

// === impl OfZipf ===

impl OfZipf {
    /// Share of requests that were decided without waiting.
    pub(crate) fn local(&self) -> f64 {
        1.0 - self.waited as f64 / self.requests.max(1) as f64
    }
}

pub(crate) async fn measure(options: &Options, kind: Kind, screen: &mut Screen) -> Result<OfZipf> {
    let database = match kind {
        Kind::Sqlite => "SQLite",
        Kind::Postgres => "PostgreSQL",
    };
    screen.begin(database);
    let setup = Setup {
        build: options.build(),
        gateways: options.gateways,
        ..Setup::on(kind)
    };
    let plans = applications::plans();
    let plans = plans.each_ref().map(|(name, limits)| (*name, &limits[..]));
    let fleet = setup.start("zipf", &plans).await?;
    let requests = applications::make(&fleet).await?;
    screen.done(&format!(
        "{} gateways, {APPLICATIONS} applications",
        options.gateways
    ));

    screen.begin("first calls");
    let first = first_calls(options.gateways);
    let mut sent = first.len() as u64;
    let mut answers = first.send(&fleet.addresses(), requests.clone()).await;
    sleep(STATS).await;
    let first_waits = fleet.histogram("leases.wait_us").await?;
    screen.done(&format!(
        "each application at each gateway; half of them waited no longer than {}",
        ms(first_waits.percentile(0.5))
    ));

    let mut chance = Chance(1);
    screen.begin("warm-up");
    let load = by_chance(options, WARM_UP, &mut chance);
    sent += load.len() as u64;
    answers = answers.and(load.send(&fleet.addresses(), requests.clone()).await);
    sleep(STATS).await;
    let before = Counts::read(&fleet).await?;
    screen.done(&format!("{} requests a second by chance", options.rate));

    screen.begin("measured");
    let load = by_chance(options, Duration::from_mins(options.windows), &mut chance);
    let measured = load.len() as u64;
    sent += measured;
    let addresses = fleet.addresses();
    let (of_load, waited_by_minute) = tokio::join!(
        load.send(&addresses, requests),
        waited_by_minute(&fleet, options.windows)
    );
    let waited_by_minute = waited_by_minute?;
    sleep(STATS).await;
    let after = Counts::read(&fleet).await?;
    let waits = after.waits.since(&before.waits);
    let run = OfZipf {
        database,
        gateways: options.gateways,
        minutes: options.windows,
        rate: options.rate,
        requests: measured,
        waited: after.waited - before.waited,
        waited_by_minute,
        callouts: after.callouts - before.callouts,
        wait_p50_us: waits.percentile(0.5),
        wait_p99_us: waits.percentile(0.99),
        first_p50_us: first_waits.percentile(0.5),
        first_p99_us: first_waits.percentile(0.99),
        refused: measured - of_load.with_status(200),
    };
    screen.done(&format!(
        "{measured} requests, {} of them waited",
        run.waited
    ));

    screen.begin("ledger");
    let answers = answers.and(of_load);
    ledger_holds(&fleet, &answers).await?;
    screen.done(&format!(
        "holds the {} of {sent} requests that were admitted",
        answers.with_status(200)
    ));
    fleet.end().await?;
    Ok(run)
}

/// Every application once at every gateway, one after another.
fn first_calls(gateways: usize) -> Demand {
    let mut demand = Demand::default();
    let gap = Duration::from_secs(1) / u32::try_from(FIRST_CALLS_RATE).unwrap_or(1);
    let mut after = Duration::ZERO;
    for request in 0..APPLICATIONS as usize {
        for gateway in 0..gateways {
            demand.push(after, gateway, request);
            after += gap;
        }
    }
    demand
}

/// So many requests a second, each of an application by chance, at the gateways in turn.
fn by_chance(options: &Options, over: Duration, chance: &mut Chance) -> Demand {
    let ranks = Zipf::new(APPLICATIONS);
    let count = options.rate * over.as_secs();
    let mut demand = Demand::default();
    for n in 0..count {
        let after = over.mul_f64(n as f64 / count as f64);
        let gateway = (chance.draw() % options.gateways.max(1) as u64) as usize;
        demand.push(after, gateway, ranks.draw(chance) as usize);
    }
    demand
}

/// What the filter has counted so far.
struct Counts {
    waited: u64,
    callouts: u64,
    waits: Histogram,
}

// === impl Counts ===

impl Counts {
    async fn read(fleet: &Fleet) -> Result<Self> {
        Ok(Self {
            waited: fleet.counter("leases.waited").await?,
            callouts: fleet.counter("leases.callouts").await?,
            waits: fleet.histogram("leases.wait_us").await?,
        })
    }
}

/// How many requests wait in each of the minutes that come.
async fn waited_by_minute(fleet: &Fleet, minutes: u64) -> Result<Vec<u64>> {
    let mut by_minute = Vec::new();
    let mut before = fleet.counter("leases.waited").await?;
    for _ in 0..minutes {
        sleep(Duration::from_mins(1)).await;
        let now = fleet.counter("leases.waited").await?;
        by_minute.push(now - before);
        before = now;
    }
    Ok(by_minute)
}

async fn ledger_holds(fleet: &Fleet, answers: &Answers) -> Result<()> {
    let admitted = answers.with_status(200);
    ensure!(
        answers.with_status(0) == 0,
        "connections broke: {:?}",
        answers.odd
    );
    let path = format!(
        "/stats/services/{}/usage.json?metric_name=hits&period=eternity",
        fleet.product.id
    );
    wait::until(
        "the ledger holds what was admitted",
        Duration::from_secs(10),
        async || Ok(fleet.api.get(&path).await?["total"].as_u64()),
        |held| *held == Some(admitted),
    )
    .await?;
    Ok(())
}

/// Microseconds as people read them.
pub(crate) fn ms(us: Option<u64>) -> String {
    us.map_or_else(
        || "–".to_owned(),
        |us| format!("{:.1} ms", us as f64 / 1_000.0),
    )
}
