//! `make bench`: what a request costs beside bare Envoy, Envoy's own filters and a filter that does nothing.
//!
//! One run, one table. Every contender is an Envoy of its own, all pinned to one core; `wrk`, the upstream and the
//! control planes share the other. One is loaded at a time, in rounds and in changing order, and medians count, so
//! that whatever else the machine does hits all of them. Compare ratios and CPU time per request, not requests
//! per second.
//!
//! Modules in reading order: what is compared, what it runs on, what is sent, the other measurements, the table.

mod contender;
mod rounds;

mod applications;
mod bootstrap;
mod envoy;
mod installation;

mod targets;
mod wrk;

mod decision;
mod ledger;
mod revocation;

mod report;

use anyhow::{Context as _, Result, ensure};
use contender::Contenders;
use installation::{Installation, Size};
use report::Report;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tallygate::demo::screen::Screen;
use tallygate_tests::database::{self, Kind};

/// Envoy's core.
const ENVOY_CORE: u32 = 0;
/// Everybody else's.
const OTHER_CORE: u32 = 1;

const SMALL: Size = Size {
    applications: 1_000,
    rules: 10,
};
const LARGE: Size = Size {
    applications: 1_000_000,
    rules: 1_000,
};
/// For the ledger on PostgreSQL, which needs no gateway.
const LEDGER: Size = Size {
    applications: 10_000,
    rules: 10,
};

#[tokio::main]
async fn main() -> Result<()> {
    let mut screen = Screen::on_stdout();
    screen.title("Tallygate benchmark");
    check_machine().await?;
    let folder = folder()?;
    let mut report = Report::default();

    screen.begin("core");
    report.decisions = decision::measure(SMALL, LARGE)?;
    screen.done(&report.decisions.summary());

    screen.begin("small");
    let small = Installation::start(&folder.join("small"), Kind::Sqlite, SMALL).await?;
    screen.done("10 rules, 1 000 applications");
    screen.begin("large");
    let large = Installation::start(&folder.join("large"), Kind::Sqlite, LARGE).await?;
    screen.done("1 000 rules, 1 000 000 applications, written straight into the database");

    screen.begin("gateways");
    let mut contenders = Contenders::start(&folder, &small, &large).await?;
    report.snapshot_secs = contenders.snapshot_secs;
    screen.done(&format!(
        "one million applications loaded after {:.1} s",
        report.snapshot_secs
    ));

    let began = Instant::now();
    rounds::run(&folder, &mut contenders, &mut screen, &mut report).await?;
    screen.line(&screen.dim(&format!(
        "    {:.0} s of load",
        began.elapsed().as_secs_f64()
    )));

    screen.begin("revocation");
    let gateway = contenders.tallygate_small().context("no gateway")?;
    report.revocation = Some(revocation::measure(&small, gateway).await?);
    screen.done("a key deleted by the API, until the gateway refuses it");
    contenders.end().await;

    screen.begin("ledger");
    report.ledger_sqlite = Some(ledger::measure(&large).await?);
    if database::has_postgres() {
        let installation =
            Installation::start(&folder.join("postgres"), Kind::Postgres, LEDGER).await?;
        report.ledger_postgres = Some(ledger::measure(&installation).await?);
    }
    screen.done("usage of 10 000 applications, durable before it is answered");

    report.write(&folder.join("summary.json"))?;
    report.show(&mut screen);
    Ok(())
}

/// `target/bench`, without what an earlier run left.
fn folder() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

/// Two cores, and the programs that are not ours.
async fn check_machine() -> Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    ensure!(
        cores >= 2,
        "two cores are needed, one for Envoy and one for the load; here is {cores}"
    );
    for (program, package) in [("taskset", "util-linux"), ("wrk", "wrk")] {
        let found = tokio::process::Command::new("sh")
            .args(["-c", &format!("command -v {program}")])
            .output()
            .await
            .context("looking for programs")?;
        ensure!(
            found.status.success(),
            "`{program}` is missing: apt-get install {package}"
        );
    }
    Ok(())
}
