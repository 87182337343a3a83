//! `wrk` on the other core: as fast as answers come back, with requests from a file.

use crate::OTHER_CORE;
use crate::installation::HOST;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// Connections that each wait for their answer before they ask again.
const CONNECTIONS: u32 = 16;

/// The script: every line of the file is a request's target; the result is printed as JSON.
const SCRIPT: &str = r#"
local requests, n = {}, 0

function init(args)
  for target in io.lines(args[1]) do
    local headers = { ["Host"] = args[2], ["User-Agent"] = "benchmark/1.0", ["Accept"] = "*/*" }
    requests[#requests + 1] = wrk.format("GET", target, headers)
  end
end

function request()
  n = n % #requests + 1
  return requests[n]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "refused": %d, "broken": %d, "us": %d, "p50_us": %d, "p99_us": %d}\n',
    summary.requests, e.status, e.connect + e.read + e.write + e.timeout, summary.duration,
    latency:percentile(50), latency:percentile(99)))
end
"#;

/// The script, in its file.
pub(crate) struct Wrk {
    script: PathBuf,
}

/// One load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) requests: u64,
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

impl Wrk {
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        let script = folder.join("wrk.lua");
        std::fs::write(&script, SCRIPT)?;
        Ok(Self { script })
    }

    /// Loads `address` for some seconds. Every answer has to be a good one.
    pub(crate) async fn load(
        &self,
        address: SocketAddr,
        targets: &Path,
        duration: Duration,
    ) -> Result<Load> {
        let output = Command::new("taskset")
            .args(["-c", &OTHER_CORE.to_string(), "wrk", "--threads=1"])
            .arg(format!("--connections={CONNECTIONS}"))
            .arg(format!("--duration={}s", duration.as_secs()))
            .arg("--script")
            .arg(&self.script)
            .arg(format!("http://{address}"))
            .arg("--")
            .arg(targets)
            .arg(HOST)
            .kill_on_drop(true)
            .output()
            .await
            .context("starting wrk")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let result = text.lines().find_map(|line| line.strip_prefix("RESULT "));
        let result: Value = serde_json::from_str(result.with_context(|| {
            format!(
                "wrk gave no result: {text}{}",
                String::from_utf8_lossy(&output.stderr)
            )
        })?)?;
        let number = |name: &str| result[name].as_f64().unwrap_or_default();
        ensure!(
            number("refused") == 0.0 && number("broken") == 0.0,
            "{address} did not answer every request with 200: {result}"
        );
        Ok(Load {
            requests: result["requests"].as_u64().unwrap_or_default(),
            per_second: number("requests") * 1e6 / number("us").max(1.0),
            p50_us: number("p50_us"),
            p99_us: number("p99_us"),
        })
    }
}
