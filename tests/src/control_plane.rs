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

/// The control plane of an installation, or one of its replicas.
#[derive(Debug)]
pub struct ControlPlane {
    build: Build,
    database: DatabaseConfig,
    log: PathBuf,
    /// Where providers and gateways call.
    pub admin: SocketAddr,
    /// The portal.
    pub portal: SocketAddr,
    /// Where it tests integrations: for a staging gateway to listen on.
    pub staging: SocketAddr,
    /// The server that takes its mails.
    smtp_url: Option<String>,
    child: Option<Child>,
}

/// Which build of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// Quick to build: for tests.
    Debug,
    /// What is shipped: for measurements.
    Release,
}

// === impl Build ===

impl Build {
    fn program(self) -> Result<PathBuf> {
        let (profile, how) = match self {
            Self::Debug => ("debug", "cargo build -p tallygate"),
            Self::Release => ("release", "cargo build --release -p tallygate"),
        };
        let program = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../target")
            .join(profile)
            .join("tallygate");
        ensure!(
            program.is_file(),
            "{} is not there: `{how}` first",
            program.display()
        );
        Ok(program)
    }
}

// === impl ControlPlane ===

impl ControlPlane {
    /// Starts it on free ports and waits until it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(build: Build, database: DatabaseConfig, log: PathBuf) -> Result<Self> {
        Self::start_with_mail(build, database, log, None).await
    }

    /// The same, and its mails go to this server.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_with_mail(
        build: Build,
        database: DatabaseConfig,
        log: PathBuf,
        smtp_url: Option<String>,
    ) -> Result<Self> {
        let mut control_plane = Self {
            build,
            database,
            log,
            admin: ports::free()?,
            portal: ports::free()?,
            staging: ports::free()?,
            smtp_url,
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
        let mut command = Command::new(self.build.program()?);
        command.args([
            "serve",
            &format!("--database-url={}", self.database.database_url),
            &format!("--portal-listen={}", self.portal),
            &format!("--portal-url={}", self.portal_url()),
            &format!("--admin-listen={}", self.admin),
            &format!("--staging-gateway-url=http://{}", self.staging),
        ]);
        if let Some(file) = &self.database.secret_key_file {
            command.arg("--secret-key-file").arg(file);
        }
        if let Some(url) = &self.smtp_url {
            command.arg(format!("--smtp-url={url}"));
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

    /// The portal's address for browsers.
    #[must_use]
    pub fn portal_url(&self) -> String {
        format!("http://{}", self.portal)
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}
