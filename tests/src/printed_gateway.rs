//! One more gateway of an installation, started as an operator would: from what `tallygate gateway-config` prints, with the
//! command that the printed file names.

use crate::installation::Installation;
use crate::ports;
use anyhow::{Context as _, Result, ensure};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tallygate::demo::child::{Child, Group};
use tokio::process::Command;

/// A running gateway.
#[derive(Debug)]
pub struct PrintedGateway {
    /// Where it takes requests.
    pub listener: SocketAddr,
    envoy: Child,
}

impl PrintedGateway {
    /// Prints its configuration and starts Envoy; it may not have fetched anything yet.
    ///
    /// # Errors
    /// When nothing is printed, or Envoy does not start.
    pub async fn start(it: &Installation, environment: &str) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let (listener, admin) = (ports::free()?, ports::free()?);
        let printed = Command::new(root.join("target/debug/tallygate"))
            .args([
                "gateway-config",
                "--environment",
                environment,
                "--concurrency",
                "2",
            ])
            .args([
                "--listener",
                &listener.to_string(),
                "--admin",
                &admin.to_string(),
            ])
            .env("TALLYGATE_ADMIN_URL", it.control_plane.url())
            .env("TALLYGATE_ACCESS_TOKEN", it.credentials.access_token())
            .current_dir(&root)
            .output()
            .await?;
        ensure!(
            printed.status.success(),
            "{}",
            String::from_utf8_lossy(&printed.stderr)
        );
        let file = it.folder().join("gateway.yaml");
        std::fs::write(&file, &printed.stdout)?;
        let text = String::from_utf8(printed.stdout)?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("#   envoy -c gateway.yaml "));
        let mut command = Command::new(root.join(tallygate::demo::ENVOY));
        command
            .arg("-c")
            .arg(&file)
            .args(line.context("no command in the file")?.split(' '));
        let log = it.folder().join("second-envoy.log");
        let envoy = Child::start("Envoy", command, &log, Group::Ours)?;
        Ok(Self { listener, envoy })
    }

    /// An error, if Envoy has ended.
    ///
    /// # Errors
    /// When it has.
    pub fn check_alive(&mut self) -> Result<()> {
        self.envoy.check_alive()
    }

    /// Ends it.
    pub async fn stop(mut self) {
        self.envoy.stop(Duration::from_secs(5)).await;
    }
}
