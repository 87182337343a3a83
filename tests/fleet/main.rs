//! `make fleet`: three gateways with two workers each, five limits at once, and three times as much demand, in window
//! after window; then one of the gateways is cut off for a minute. `make fleet-zipf`: 10 000 applications within their
//! limits, and how many of their requests wait.
//!
//! Modules in reading order: the three measurements, what they need, the tables.

mod cut;
mod windows;
mod zipf;

mod applications;

mod report;

use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};
use report::Report;
use std::path::{Path, PathBuf};
use tallygate::demo::screen::Screen;
use tallygate_tests::control_plane::Build;
use tallygate_tests::database::{self, Kind};

/// Measures a fleet of gateways.
#[derive(Debug, Parser)]
struct Options {
    /// What to measure.
    #[arg(value_enum, default_values = ["windows", "cut"])]
    what: Vec<What>,
    /// On which database: SQLite with one control plane, PostgreSQL with two. (A gateway is cut off on SQLite.)
    #[arg(long, value_enum, default_value = "both")]
    database: Database,
    /// Minutes that are measured, on each database.
    #[arg(long, default_value_t = 10)]
    windows: u64,
    /// Requests a second, of the Zipf load.
    #[arg(long, default_value_t = 800)]
    rate: u64,
    /// Gateways that share the Zipf load.
    #[arg(long, default_value_t = 3)]
    gateways: usize,
    /// Runs the control plane's debug build, and says so.
    #[arg(long)]
    debug: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Limits under three times their demand.
    Windows,
    /// A gateway that is cut off, with each policy.
    Cut,
    /// Many applications within their limits.
    Zipf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
    Both,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let mut screen = Screen::on_stdout();
    screen.title("A fleet of gateways with two workers each");
    if options.debug {
        screen.warn("the control plane is a debug build: its times are no measure");
    }
    let folder = folder()?;
    let mut report = Report::default();
    let kinds = options.database.kinds();
    let needs_postgres =
        kinds.contains(&Kind::Postgres) && options.what.iter().any(|what| *what != What::Cut);
    ensure!(
        !needs_postgres || database::has_postgres(),
        "there is no PostgreSQL: put `tests/with-postgres.sh` before the command, or say `--database sqlite`"
    );
    for what in &options.what {
        screen.line(&screen.bold(what.title()));
        match what {
            What::Windows => {
                for kind in &kinds {
                    report
                        .windows
                        .push(windows::measure(&options, *kind, &mut screen).await?);
                }
            }
            What::Cut => {
                for policy in ["deny", "allow"] {
                    report
                        .cuts
                        .push(cut::measure(&options, policy, &mut screen).await?);
                }
            }
            What::Zipf => {
                for kind in &kinds {
                    report
                        .zipf
                        .push(zipf::measure(&options, *kind, &mut screen).await?);
                }
            }
        }
        screen.line("");
    }
    report.write(&folder.join("summary.json"))?;
    report.show(&mut screen);
    ensure!(report.is_good(), "a promise was not kept");
    Ok(())
}

// === impl Options ===

impl Options {
    fn build(&self) -> Build {
        if self.debug {
            Build::Debug
        } else {
            Build::Release
        }
    }
}

// === impl What ===

impl What {
    fn title(self) -> &'static str {
        match self {
            Self::Windows => "Limits per minute, demand three times as much",
            Self::Cut => "One of three gateways is cut off for a minute",
            Self::Zipf => "10 000 applications within their limits, by Zipf's law",
        }
    }
}

// === impl Database ===

impl Database {
    fn kinds(self) -> Vec<Kind> {
        match self {
            Self::Sqlite => vec![Kind::Sqlite],
            Self::Postgres => vec![Kind::Postgres],
            Self::Both => vec![Kind::Sqlite, Kind::Postgres],
        }
    }
}

/// `target/fleet`.
fn folder() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fleet");
    std::fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}
