//! A fleet: several gateways, each with a way of its own to the control plane or to one of its replicas, in front of
//! one upstream that keeps a record.

mod setup;

pub use setup::Setup;

use crate::control_plane::ControlPlane;
use crate::gateway::Gateway;
use crate::histogram::Histogram;
use crate::network::Link;
use crate::postgres::Postgres;
use crate::product::{Application, HOST, Product};
use crate::upstream::{EVER, Upstream};
use crate::{http, ledger, logs, wait};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tallygate::admin_client::AdminClient;

/// Everything that runs, and how to talk to it.
#[derive(Debug)]
pub struct Fleet {
    /// The gateways.
    pub gateways: Vec<Gateway>,
    /// From each gateway to its control plane.
    pub links: Vec<Link>,
    /// The control plane, or its replicas.
    pub control_planes: Vec<ControlPlane>,
    /// The database, for those who write into it by hand.
    pub database_url: String,
    /// The database, where it is a server of this fleet's own.
    pub postgres: Option<Postgres>,
    /// The API of the first replica.
    pub api: AdminClient,
    /// What is called.
    pub product: Product,
    /// Who calls, in the order they were asked for.
    pub applications: Vec<Application>,
    /// Where admitted requests end.
    pub upstream: Upstream,
    folder: PathBuf,
    ended: bool,
}

// === impl Fleet ===

impl Fleet {
    /// Where requests go, gateway by gateway.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.gateways.iter().map(|it| it.production).collect()
    }

    /// Requests of an application that came to the upstream: these were admitted.
    #[must_use]
    pub fn admitted(&self, application: &Application) -> u64 {
        self.upstream.record().requests(&application.user_key, EVER)
    }

    /// Waits until the ledger holds what the upstream saw, for every application; each request costs one hit.
    ///
    /// # Errors
    /// When it does not come to that within `limit`.
    pub async fn ledger_agrees(&self, limit: Duration) -> Result<Duration> {
        let record = self.upstream.record();
        let expected: Vec<(i64, u64)> = self
            .applications
            .iter()
            .map(|it| (it.id, record.requests(&it.user_key, EVER)))
            .collect();
        ledger::all_become(&self.api, &expected, limit).await
    }

    /// What operators are shown of each gateway, in this product.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn shown(&self) -> Result<Vec<Value>> {
        let path = format!("/admin/api/services/{}/gateways.json", self.product.id);
        let all = self.api.get(&path).await?;
        let all = all["gateways"]
            .as_array()
            .with_context(|| format!("no gateways: {all}"))?;
        Ok(all.iter().map(|it| it["gateway"].clone()).collect())
    }

    /// A counter of the filter's, over all gateways.
    ///
    /// # Errors
    /// When an Envoy does not answer.
    pub async fn counter(&self, name: &str) -> Result<u64> {
        let mut sum = 0;
        for gateway in &self.gateways {
            sum += gateway
                .stat(&format!("wasmcustom.tallygate.{name}"))
                .await?;
        }
        Ok(sum)
    }

    /// One of the filter's histograms, over all gateways, as of Envoy's last flush of statistics.
    ///
    /// # Errors
    /// When an Envoy does not answer.
    pub async fn histogram(&self, name: &str) -> Result<Histogram> {
        let mut sum = Histogram::default();
        for gateway in &self.gateways {
            let name = format!("wasmcustom.tallygate.{name}");
            sum = sum.and(&gateway.histogram(&name).await?);
        }
        Ok(sum)
    }

    /// Waits until each worker of a gateway knows the product and the applications.
    ///
    /// # Errors
    /// When it has ended, or does not come to that.
    pub async fn wait_until_deciding(&mut self, gateway: usize) -> Result<()> {
        let gateway = &mut self.gateways[gateway];
        let request = http::request(
            "GET",
            "/letter?user_key=of-nobody-at-all",
            &[("host", HOST)],
            b"",
        );
        // Each on a new connection: Envoy hands them to its workers in turn.
        for _ in 0..4 {
            wait::until(
                "the gateway decides",
                Duration::from_secs(30),
                async || {
                    wait::or_give_up(gateway.check_alive())?;
                    http::send_once(gateway.production, &request).await
                },
                |answer| answer.status == 403,
            )
            .await?;
        }
        Ok(())
    }

    /// Where the logs are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The story went well: nothing of it needs to be kept. (Dropped without this, it shows its logs.)
    ///
    /// # Errors
    /// When the database does not end.
    pub async fn end(mut self) -> Result<()> {
        self.gateways.clear();
        self.control_planes.clear();
        if let Some(mut postgres) = self.postgres.take() {
            postgres.kill().await?;
        }
        self.ended = true;
        Ok(())
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if self.ended {
            let _ = std::fs::remove_dir_all(&self.folder);
            return;
        }
        for (n, control_plane) in self.control_planes.iter().enumerate() {
            logs::show(&format!("control plane {n}"), &control_plane.log());
        }
        for (n, gateway) in self.gateways.iter().enumerate() {
            logs::show(&format!("Envoy {n}"), &gateway.log());
        }
        logs::show_place(&self.folder);
    }
}
