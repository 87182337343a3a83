//! `tallygate serve` as a child: started, killed and started again on the same database and ports.

use crate::{ports, wait};
use anyhow::{Context as _, Result, ensure};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tallygate::config::DatabaseConfig;
use tallygate::demo::child::{Child, Group};
use tokio::net::TcpStream;
use tokio::process::Command;

/// The control plane of an installation.
#[derive(Debug)]
pub struct ControlPlane {
    database: DatabaseConfig,
    log: PathBuf,
    /// Where providers and gateways call.
    pub admin: SocketAddr,
    /// The portal.
    pub portal: SocketAddr,
    child: Option<Child>,
}

// === impl ControlPlane ===

impl ControlPlane {
    /// Starts it on free ports and waits until it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(database: DatabaseConfig, folder: &Path) -> Result<Self> {
        let mut control_plane = Self {
            database,
            log: folder.join("control-plane.log"),
            admin: ports::free()?,
            portal: ports::free()?,
            child: None,
        };
        control_plane.start_again().await?;
        Ok(control_plane)
    }

    /// Starts it again after [`ControlPlane::kill`].
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&mut self) -> Result<()> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/tallygate");
        ensure!(
            program.is_file(),
            "{} is not there: `cargo build -p tallygate` first",
            program.display()
        );
        let mut command = Command::new(program);
        command.args([
            "serve",
            &format!("--database-url={}", self.database.database_url),
            &format!("--portal-listen={}", self.portal),
            &format!("--admin-listen={}", self.admin),
        ]);
        if let Some(file) = &self.database.secret_key_file {
            command.arg("--secret-key-file").arg(file);
        }
        let mut child = Child::start("tallygate serve", command, &self.log, Group::Ours)?;
        let admin = self.admin;
        wait::until(
            "the control plane answers",
            Duration::from_secs(30),
            async || {
                wait::or_give_up(child.check_alive())?;
                TcpStream::connect(admin).await.context("connecting")
            },
            |_| true,
        )
        .await?;
        self.child = Some(child);
        Ok(())
    }

    /// Kills it as the out-of-memory killer would.
    pub async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await;
        }
    }

    /// Its address for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.admin)
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}
