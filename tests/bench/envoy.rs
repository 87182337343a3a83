//! One Envoy with one worker, pinned to a core, and what the kernel says it has used.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tallygate::demo::child::{Child, Group};
use tokio::process::Command;

/// Microseconds of one of the kernel's ticks: user space is always told 100 a second.
const TICK_US: u64 = 10_000;

/// A running Envoy.
pub(crate) struct Envoy {
    child: Child,
    pid: u32,
    /// Where requests are answered by Envoy itself.
    pub(crate) direct: SocketAddr,
    /// Where requests go to the upstream.
    pub(crate) upstream: SocketAddr,
}

impl Envoy {
    pub(crate) fn start(
        folder: &Path,
        name: &str,
        core: u32,
        bootstrap: &Value,
        (direct, upstream): (SocketAddr, SocketAddr),
    ) -> Result<Self> {
        let envoy = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(tallygate::demo::ENVOY);
        ensure!(
            envoy.is_file(),
            "{} is not there: `envoy/install.sh` fetches it",
            envoy.display()
        );
        let file = folder.join(format!("{name}.json"));
        std::fs::write(&file, bootstrap.to_string())?;
        let mut command = Command::new("taskset");
        command
            .args(["-c", &core.to_string()])
            .arg(envoy)
            .arg("-c")
            .arg(&file)
            .args([
                "--concurrency",
                "1",
                "--use-dynamic-base-id",
                "--log-level",
                "error",
            ]);
        let log = folder.join(format!("{name}.log"));
        let child = Child::start("Envoy", command, &log, Group::Ours)?;
        let pid = child.pid().context("Envoy ended at once")?;
        Ok(Self {
            child,
            pid,
            direct,
            upstream,
        })
    }

    /// CPU time of all its threads so far, in microseconds.
    pub(crate) fn cpu_us(&self) -> Result<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // After the program's name, which may hold anything, in parentheses.
        let (_, rest) = stat.rsplit_once(')').context("/proc/PID/stat")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |n: usize| fields.get(n).and_then(|field| field.parse::<u64>().ok());
        let (user, system) = ticks(11).zip(ticks(12)).context("/proc/PID/stat")?;
        Ok((user + system) * TICK_US)
    }

    /// Resident memory, in kB.
    pub(crate) fn rss_kb(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next())
            .and_then(|kb| kb.parse().ok())
            .context("/proc/PID/status")
    }

    /// An error, if it has ended.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        self.child.check_alive()
    }

    pub(crate) async fn stop(&mut self) {
        self.child.stop(Duration::from_secs(5)).await;
    }
}
