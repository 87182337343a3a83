//! The demo's gateways: one Envoy with two workers and two listeners, staging and production.

use super::child::{Child, Group};
use super::company::Company;
use super::credentials::{Credentials, write_private};
use super::{Demo, probe};
use crate::admin_client::AdminClient;
use crate::gateway_config::{Bootstrap, ControlPlane, Environment, Gateway, bootstrap};
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

/// Two, so that what is true here is true of real gateways: workers share limits and configuration.
const WORKERS: u32 = 2;
/// Compiling the filter and fetching the snapshot.
const START: Duration = Duration::from_secs(30);
/// Connections that must be answered in a row before all workers count as ready.
const IN_A_ROW: u32 = 4 * WORKERS;

// === impl Demo ===

impl Demo {
    pub(super) fn start_envoy(&self, credentials: &Credentials) -> anyhow::Result<Child> {
        let gateway = |environment, port| {
            let token = credentials
                .gateway_token(environment)
                .context("a gateway without a token")?
                .to_owned();
            Ok::<_, anyhow::Error>(Gateway {
                environment,
                listener: self.ports.address(port),
                token,
                issuers: Vec::new(),
                default_product: None,
            })
        };
        let bootstrap = Bootstrap {
            admin: self.ports.address(self.ports.envoy_admin),
            control_plane: ControlPlane::parse(&self.ports.url(self.ports.admin))?,
            filter: self.filter.clone(),
            ca_file: bootstrap::system_ca_file(),
            gateways: vec![
                gateway(Environment::Staging, self.ports.staging)?,
                gateway(Environment::Production, self.ports.gateway)?,
            ],
            form_credentials: true,
            listeners_file: None,
        };
        let file = self.dir.join("envoy.yaml");
        write_private(
            &file,
            yaml_serde::to_string(&bootstrap.to_value())?.as_bytes(),
        )?;

        let mut command = Command::new(&self.envoy);
        command.arg("-c").arg(&file);
        command.args([
            "--concurrency",
            &WORKERS.to_string(),
            "--use-dynamic-base-id",
            "--log-level",
            "warning",
        ]);
        command.args(["--drain-time-s", "1", "--parent-shutdown-time-s", "2"]);
        Child::start("Envoy", command, &self.dir.join("envoy.log"), Group::Own)
    }

    /// Waits until every worker of both gateways decides by the company's configuration.
    ///
    /// The request it tries names a real application with a wrong key: 403 says that product, rules
    /// and applications are all there, and nothing is counted.
    pub(super) async fn wait_until_deciding(
        &self,
        envoy: &mut Child,
        company: &Company,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + START;
        for port in [self.ports.staging, self.ports.gateway] {
            let url = format!(
                "{}/api/mail.ready.json?api_user={}&api_key=wrong-on-purpose",
                self.ports.url(port),
                company.bronze.api_user
            );
            let mut in_a_row = 0;
            while in_a_row < IN_A_ROW {
                let status = probe::status(&url, &[]).await;
                if matches!(status, Ok(403)) {
                    in_a_row += 1;
                    continue;
                }
                in_a_row = 0;
                envoy.check_alive()?;
                ensure!(
                    Instant::now() < deadline,
                    "the gateway did not get ready within {} s: it answers {status:?}. Envoy's log:\n{}",
                    START.as_secs(),
                    envoy.log_end()
                );
                sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// Returns the credit that the gateways hold, takes no new connections, and lets every worker flush what it has counted.
    pub(super) async fn drain_envoy(&self, api: &AdminClient) {
        // A control plane that has been killed cannot be told: then their credit stays charged.
        let _told = timeout(Duration::from_secs(1), drain_gateways(api)).await;
        let url = format!(
            "{}/drain_listeners?graceful",
            self.ports.url(self.ports.envoy_admin)
        );
        if probe::request("POST", &url, &[]).await.is_ok() {
            // Listeners close after a second (`--drain-time-s`); then the last usage is sent, within another.
            sleep(Duration::from_millis(2200)).await;
        }
    }
}

/// The demo's own, not those that somebody has added.
async fn drain_gateways(api: &AdminClient) -> anyhow::Result<()> {
    let known = api.get("/admin/api/gateways.json").await?;
    let of_demo = |gateway: &&Value| {
        let name = gateway["name"].as_str().unwrap_or_default();
        name.starts_with("demo ")
    };
    let gateways = known["gateways"].as_array().into_iter().flatten();
    for gateway in gateways.map(|entry| &entry["gateway"]).filter(of_demo) {
        let path = format!("/admin/api/gateways/{}/drain.json", gateway["id"]);
        api.post(&path, &json!({})).await?;
    }
    Ok(())
}
