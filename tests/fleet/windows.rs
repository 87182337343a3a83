//! Limits from 1 to 20 000 a minute, each with three times its demand, most of it at one gateway; at which one changes
//! with every window.

use crate::Options;
use anyhow::{Result, ensure};
use serde::Serialize;
use std::time::Duration;
use tallygate::demo::screen::Screen;
use tallygate_core::period::Period::Minute;
use tallygate_tests::clock;
use tallygate_tests::database::Kind;
use tallygate_tests::demand::{Demand, letters};
use tallygate_tests::fleet::{Fleet, Setup};
use tallygate_tests::product::{Limit, enough};
use tokio::time::sleep;

const LIMITS: [(&str, u64); 5] = [
    ("one", 1),
    ("seven", 7),
    ("hundred", 100),
    ("thousand", 1_000),
    ("twenty-thousand", 20_000),
];
/// What is asked for, as a multiple of the limit.
const TIMES: u64 = 3;
const SHARES: [u32; 3] = [80, 15, 5];
/// Of each minute.
const OVER: Duration = Duration::from_secs(50);
/// Envoy's histograms are merged every five seconds.
const STATS: Duration = Duration::from_secs(6);

/// One database's windows.
#[derive(Debug, Serialize)]
pub(crate) struct Windows {
    pub(crate) database: &'static str,
    pub(crate) replicas: usize,
    pub(crate) limits: Vec<OfLimit>,
    pub(crate) requests: u64,
    pub(crate) callouts: u64,
    pub(crate) waited: u64,
    pub(crate) wait_p50_us: Option<u64>,
    pub(crate) wait_p99_us: Option<u64>,
    /// Answered with 503 because credit did not come in time.
    pub(crate) not_ready: u64,
    /// Clients, upstream and ledger agreed to the last request.
    pub(crate) ledger: u64,
}

/// What became of one limit.
#[derive(Debug, Serialize)]
pub(crate) struct OfLimit {
    pub(crate) limit: u64,
    /// Admitted in each window.
    pub(crate) admitted: Vec<u64>,
}

// === impl OfLimit ===

impl OfLimit {
    /// Windows with more than the limit.
    pub(crate) fn over(&self) -> usize {
        let over = self.admitted.iter().filter(|it| **it > self.limit);
        over.count()
    }

    pub(crate) fn most(&self) -> u64 {
        self.admitted.iter().copied().max().unwrap_or_default()
    }

    pub(crate) fn least(&self) -> u64 {
        self.admitted.iter().copied().min().unwrap_or_default()
    }

    /// Whether no window had more than the limit, and each as good as all of it.
    pub(crate) fn is_kept(&self) -> bool {
        self.over() == 0 && self.least() >= enough(self.limit)
    }
}

pub(crate) async fn measure(options: &Options, kind: Kind, screen: &mut Screen) -> Result<Windows> {
    let setup = Setup {
        build: options.build(),
        ..Setup::on(kind)
    };
    let replicas = setup.replicas;
    let database = match kind {
        Kind::Sqlite => "SQLite",
        Kind::Postgres => "PostgreSQL",
    };
    screen.begin(database);
    let plans = LIMITS.map(|(name, limit)| (name, [Limit("hits", Minute, limit)]));
    let plans = plans.each_ref().map(|(name, limits)| (*name, &limits[..]));
    let fleet = setup.start("fleet", &plans).await?;
    screen.done(&format!(
        "3 gateways on {replicas} control plane{}",
        if replicas > 1 { "s" } else { "" }
    ));

    let mut limits: Vec<OfLimit> = LIMITS
        .iter()
        .map(|(_, limit)| OfLimit {
            limit: *limit,
            admitted: Vec::new(),
        })
        .collect();
    let (mut requests, mut not_ready) = (0, 0);
    for number in 0..options.windows {
        screen.begin(&format!("window {}/{}", number + 1, options.windows));
        let shares = shares_of(number);
        let window = one(&fleet, &shares).await?;
        for (limit, admitted) in limits.iter_mut().zip(&window.admitted) {
            limit.admitted.push(*admitted);
        }
        requests += window.requests;
        not_ready += window.not_ready;
        let admitted: Vec<String> = window.admitted.iter().map(u64::to_string).collect();
        screen.done(&format!(
            "demand {} %: admitted {}",
            shares.map(|share| share.to_string()).join("/"),
            admitted.join(" · ")
        ));
    }

    screen.begin("ledger");
    fleet.ledger_agrees(Duration::from_secs(10)).await?;
    sleep(STATS).await;
    let waits = fleet.histogram("leases.wait_us").await?;
    let run = Windows {
        database,
        replicas,
        ledger: limits.iter().flat_map(|limit| &limit.admitted).sum(),
        limits,
        requests,
        callouts: fleet.counter("leases.callouts").await?,
        waited: fleet.counter("leases.waited").await?,
        wait_p50_us: waits.percentile(0.5),
        wait_p99_us: waits.percentile(0.99),
        not_ready,
    };
    screen.done(&format!(
        "holds the {} requests that clients saw admitted and the upstream saw",
        run.ledger
    ));
    fleet.end().await?;
    Ok(run)
}

/// The gateway with most of the demand is another one in each window.
fn shares_of(window: u64) -> [u32; 3] {
    let mut shares = SHARES;
    shares.rotate_right((window % 3) as usize);
    shares
}

struct Window {
    admitted: Vec<u64>,
    requests: u64,
    not_ready: u64,
}

async fn one(fleet: &Fleet, shares: &[u32]) -> Result<Window> {
    let demand = LIMITS
        .iter()
        .enumerate()
        .fold(Demand::default(), |demand, (n, (_, limit))| {
            demand.with(n, TIMES * limit, shares, OVER)
        });
    let requests = demand.len() as u64;
    let minute = clock::next_minute().await?;
    let answers = demand
        .send(&fleet.addresses(), letters(&fleet.applications))
        .await;
    ensure!(
        clock::minute()? == minute,
        "the demand could not be sent within a minute: the last answer came {:?} late",
        answers.latest
    );
    let record = fleet.upstream.record();
    let mut admitted = Vec::new();
    for (n, application) in fleet.applications.iter().enumerate() {
        let seen = record.requests(&application.user_key, minute..minute + 1);
        let told = answers.count(n, 200);
        ensure!(
            seen == told,
            "the upstream saw {seen}, clients {told}: {:?}",
            answers.odd
        );
        admitted.push(seen);
    }
    let not_ready = answers.with_status(503);
    ensure!(
        answers.with_status(200) + answers.with_status(429) + not_ready == requests,
        "answers that nobody expects: {:?}",
        answers.odd
    );
    Ok(Window {
        admitted,
        requests,
        not_ready,
    })
}
