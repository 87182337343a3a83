//! `tallygate demo`, as `make run` starts it: ready, in use, with its control plane killed and started again by hand,
//! stopped by a signal, and started again with the same data.

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tallygate::demo::child::{Child, Group};
use tallygate_tests::{http, ports, wait};
use tokio::process::Command;
use tokio::time::timeout;

const PORTS: [&str; 6] = [
    "PORTAL",
    "ADMIN",
    "GATEWAY",
    "STAGING",
    "ENVOY_ADMIN",
    "UPSTREAM",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("../target/e2e/demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;

    let mut demo = Demo::start(&folder).await?;
    let first = demo.variables()?;
    demo.is_in_use(&first).await?;
    demo.survives_a_killed_control_plane(&first).await?;
    demo.stops(Signal::SIGTERM).await?;

    let demo = Demo::start(&folder).await?;
    let again = demo.variables()?;
    for name in [
        "PROVIDER_KEY",
        "SERVICE_ID",
        "BRONZE_API_KEY",
        "GOLD_API_USER",
        "SECRET_TOKEN",
        "PORTAL_PASSWORD",
    ] {
        ensure!(
            first.get(name) == again.get(name),
            "{name} is another after a restart"
        );
    }
    demo.is_in_use(&again).await?;
    demo.stops(Signal::SIGINT).await?;
    Ok(std::fs::remove_dir_all(&folder)?)
}

struct Demo {
    child: Child,
    folder: PathBuf,
    ports: Vec<SocketAddr>,
}

// === impl Demo ===

impl Demo {
    async fn start(folder: &Path) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut command = Command::new(root.join("target/debug/tallygate"));
        command
            .arg("demo")
            .current_dir(&root)
            .env("TALLYGATE_DEMO_DIR", folder);
        let mut all = Vec::new();
        for name in PORTS {
            let address = ports::free()?;
            command.env(format!("TALLYGATE_{name}_PORT"), address.port().to_string());
            all.push(address);
        }
        let log = folder.join("demo.out");
        let _ = std::fs::remove_file(&log);
        let mut child = Child::start("tallygate demo", command, &log, Group::Own)?;
        wait::until(
            "the demo is ready",
            Duration::from_secs(60),
            async || {
                wait::or_give_up(child.check_alive())?;
                Ok(std::fs::read_to_string(&log)?)
            },
            |shown| shown.contains("Ctrl-C stops"),
        )
        .await?;
        Ok(Self {
            child,
            folder: folder.to_owned(),
            ports: all,
        })
    }

    fn shown(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.folder.join("demo.out"))?)
    }

    /// `demo.env`, read by a shell as an operator's script would.
    fn variables(&self) -> Result<HashMap<String, String>> {
        let file = self.folder.join("demo.env");
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file)?.permissions());
        ensure!(mode & 0o077 == 0, "others may read {}", file.display());
        let script = "set -a; . \"$1\"; env -0";
        let output = std::process::Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(&file)
            .env_clear()
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        Ok(text
            .split('\0')
            .filter_map(|pair| pair.split_once('='))
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .collect())
    }

    async fn is_in_use(&self, variables: &HashMap<String, String>) -> Result<()> {
        let get = |name: &str| {
            variables
                .get(name)
                .with_context(|| format!("demo.env has no {name}"))
        };
        for gateway in ["GATEWAY_URL", "STAGING_URL"] {
            let gateway = http::address_of(get(gateway)?)?;
            let target = format!(
                "/api/mail.send.json?api_user={}&api_key={}",
                get("BRONZE_API_USER")?,
                get("BRONZE_API_KEY")?
            );
            let host = gateway.to_string();
            let answer = http::get(gateway, &target, &[("host", &host)]).await?;
            ensure!(answer.status == 200, "{answer:?}");
            let seen = answer.json()?;
            ensure!(seen["method"] == "GET" && seen["body"] == "", "{seen}");
            ensure!(
                seen["headers"]["x-3scale-proxy-secret-token"] == get("SECRET_TOKEN")?.as_str(),
                "{seen}"
            );
        }
        let home = http::get(http::address_of(get("PORTAL_URL")?)?, "/", &[]).await?;
        ensure!(home.status == 200, "{home:?}");
        let services = format!(
            "/admin/api/services.json?access_token={}",
            get("ACCESS_TOKEN")?
        );
        let services = http::get(http::address_of(get("ADMIN_URL")?)?, &services, &[]).await?;
        ensure!(services.status == 200, "{services:?}");
        // What `gateway-config` reads is there too.
        ensure!(
            get("TALLYGATE_ADMIN_URL")? == get("ADMIN_URL")?,
            "{variables:?}"
        );
        ensure!(
            get("TALLYGATE_ACCESS_TOKEN")? == get("ACCESS_TOKEN")?,
            "{variables:?}"
        );
        ensure!(
            self.shown()?
                .contains(&format!("api_key={}", get("BRONZE_API_KEY")?)),
            "no request to paste"
        );
        Ok(())
    }

    /// It neither ends nor starts it again itself, and says how to.
    async fn survives_a_killed_control_plane(
        &mut self,
        variables: &HashMap<String, String>,
    ) -> Result<()> {
        kill(Pid::from_raw(self.control_plane()?), Signal::SIGKILL)?;
        let (shown, _) = wait::until(
            "the demo says how to start it again",
            Duration::from_secs(5),
            async || self.shown(),
            |shown| shown.contains("The control plane ended"),
        )
        .await?;
        self.child.check_alive()?;
        let command = shown
            .lines()
            .find_map(|line| line.trim().strip_suffix(" &"));
        let mut by_hand = Command::new("sh");
        by_hand.args([
            "-c",
            &format!("exec {}", command.context("no command to paste")?),
        ]);
        let mut by_hand = Child::start(
            "tallygate serve",
            by_hand,
            &self.folder.join("by-hand.log"),
            Group::Ours,
        )?;
        let admin = self.ports[1];
        wait::until(
            "it serves again",
            Duration::from_secs(10),
            async || http::get(admin, "/readyz", &[]).await,
            |answer| answer.status == 200,
        )
        .await?;
        self.is_in_use(variables).await?;
        by_hand.stop(Duration::from_secs(5)).await;
        Ok(())
    }

    fn control_plane(&self) -> Result<i32> {
        let demo = self.child.pid().context("the demo has ended")?;
        let children = std::fs::read_to_string(format!("/proc/{demo}/task/{demo}/children"))?;
        for pid in children.split_whitespace() {
            let command = std::fs::read(format!("/proc/{pid}/cmdline"))?;
            if command
                .split(|byte| *byte == 0)
                .any(|word| word == b"serve")
            {
                return Ok(pid.parse()?);
            }
        }
        anyhow::bail!("no `tallygate serve` among the demo's children: {children}")
    }

    /// All of it, and soon.
    async fn stops(mut self, signal: Signal) -> Result<()> {
        self.child.signal(signal);
        let status = timeout(Duration::from_secs(5), self.child.wait())
            .await
            .context("the demo does not stop")??;
        ensure!(status.success(), "{status}");
        for address in &self.ports {
            ensure!(
                std::net::TcpListener::bind(address).is_ok(),
                "something still listens on {address}"
            );
        }
        Ok(())
    }
}
