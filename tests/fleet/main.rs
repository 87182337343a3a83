//! `make fleet`: three gateways with two workers each, five limits at once, and three times as much demand, in window
//! after window. `make fleet-zipf`: 10 000 applications within their limits, and how many of their requests wait.
//!
//! Modules in reading order: the two measurements, what they need, the table.

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
    #[arg(value_enum, default_value = "windows")]
    what: What,
    /// On which database: SQLite with one control plane, PostgreSQL with two.
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
    screen.title(match options.what {
        What::Windows => "Limits of a fleet: 3 gateways, 2 workers each, demand 3 × the limit",
        What::Zipf => "Waiting for credit: 10 000 applications by Zipf's law",
    });
    if options.debug {
        screen.warn("the control plane is a debug build: its times are no measure");
    }
    let folder = folder()?;
    let mut report = Report::default();
    for kind in options.database.kinds()? {
        match options.what {
            What::Windows => {
                let run = windows::measure(&options, kind, &mut screen).await?;
                report.add_windows(run);
            }
            What::Zipf => {
                let run = zipf::measure(&options, kind, &mut screen).await?;
                report.add_zipf(run);
            }
        }
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

// === impl Database ===

impl Database {
    fn kinds(self) -> Result<Vec<Kind>> {
        let kinds = match self {
            Self::Sqlite => vec![Kind::Sqlite],
            Self::Postgres => vec![Kind::Postgres],
            Self::Both => vec![Kind::Sqlite, Kind::Postgres],
        };
        ensure!(
            !kinds.contains(&Kind::Postgres) || database::has_postgres(),
            "there is no PostgreSQL: put `tests/with-postgres.sh` before the command, or say `--database sqlite`"
        );
        Ok(kinds)
    }
}

/// `target/fleet`.
fn folder() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fleet");
    std::fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}
