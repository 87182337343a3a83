//! A PostgreSQL server of one story's own, which can be stopped and started again.

use crate::{ports, wait};
use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::Signal;
use nix::unistd::{Uid, User, chown};
use sqlx::{Connection as _, PgConnection};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tallygate::demo::child::{Child, Group};
use tokio::process::Command;

/// The user that the server runs as when we are root, which it refuses to be.
const OWNER: &str = "postgres";

/// A running server; its data goes when this is dropped.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
    server: Option<Child>,
}

// === impl Postgres ===

impl Postgres {
    /// Makes a cluster and starts it.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub async fn start() -> Result<Self> {
        // Not below the checkout: the server's own user could not reach it there.
        let folder = std::env::temp_dir().join(format!("tallygate-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&folder)?;
        let mut postgres = Self {
            programs: programs()?,
            folder,
            address: ports::free()?,
            server: None,
        };
        if Uid::effective().is_root() {
            let owner = User::from_name(OWNER)?.context("there is no user `postgres`")?;
            chown(&postgres.folder, Some(owner.uid), Some(owner.gid))?;
        }
        let made = postgres
            .command("initdb")
            .args(["--username=tallygate", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync"])
            .output()
            .await?;
        ensure!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        postgres.start_again().await?;
        Ok(postgres)
    }

    /// Starts it again after [`Postgres::kill`], and waits until it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&mut self) -> Result<()> {
        let mut command = self.command("postgres");
        command.args(["-p", &self.address.port().to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            // The machine itself does not crash here: what was written is there after a restart.
            "fsync=off",
            "log_min_messages=fatal",
        ] {
            command.args(["-c", setting]);
        }
        let log = self.folder.join("server.log");
        let mut server = Child::start("PostgreSQL", command, &log, Group::Own)?;
        let url = self.url("postgres");
        wait::until(
            "PostgreSQL answers",
            Duration::from_secs(30),
            async || {
                wait::or_give_up(server.check_alive())?;
                Ok(PgConnection::connect(&url).await?.close().await?)
            },
            |()| true,
        )
        .await?;
        self.server = Some(server);
        Ok(())
    }

    /// Ends it in the midst of whatever it does: all connections break, and it recovers from its log afterwards.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn kill(&mut self) -> Result<()> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        // Killed by SIGKILL it would leave its children behind, and they would keep the next one from starting.
        server.signal(Signal::SIGQUIT);
        tokio::time::timeout(Duration::from_secs(10), server.wait())
            .await
            .context("PostgreSQL does not end")??;
        Ok(())
    }

    /// A database in it.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://tallygate@{}/{database}", self.address)
    }

    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if Uid::effective().is_root() {
            let mut as_owner = Command::new("setpriv");
            as_owner.args(["--reuid", OWNER, "--regid", OWNER, "--clear-groups", "--"]);
            as_owner.arg(program);
            as_owner
        } else {
            Command::new(program)
        };
        command
            .current_dir(&self.folder)
            .arg("-D")
            .arg(self.folder.join("data"));
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            // At once, its children too.
            server.signal(Signal::SIGQUIT);
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Where the server's programs are: Debian keeps them off the PATH, one folder a version.
fn programs() -> Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut found: Vec<PathBuf> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .chain(search_path())
        .filter(|folder| has_server(folder))
        .collect();
    found.sort();
    match found.pop() {
        Some(folder) => Ok(folder),
        None => bail!("PostgreSQL is not installed: `tests/with-postgres.sh true` does it"),
    }
}

fn has_server(folder: &Path) -> bool {
    ["initdb", "postgres"]
        .iter()
        .all(|program| folder.join(program).is_file())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a setting of the system, not of the program"
)]
fn search_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}
