//! The Envoys that are compared. All stay up for the whole run.

use crate::bootstrap::{self, Addresses};
use crate::envoy::Envoy;
use crate::installation::{HOST, Installation};
use crate::{ENVOY_CORE, OTHER_CORE, targets};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tallygate_tests::{http, wait};

/// What answers the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    /// Envoy itself.
    Direct,
    /// A server behind it.
    Upstream,
}

/// One Envoy and what is sent to it.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) envoy: Envoy,
    pub(crate) targets: PathBuf,
}

/// All of them, and the upstream.
pub(crate) struct Contenders {
    pub(crate) all: Vec<Contender>,
    /// From the start of a fresh gateway to its first admitted request, with a million applications.
    pub(crate) snapshot_secs: f64,
    upstream: Envoy,
}

impl Response {
    pub(crate) const BOTH: [Self; 2] = [Self::Direct, Self::Upstream];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Upstream => "upstream",
        }
    }
}

impl Contender {
    pub(crate) fn address(&self, response: Response) -> SocketAddr {
        match response {
            Response::Direct => self.envoy.direct,
            Response::Upstream => self.envoy.upstream,
        }
    }

    /// Waits until both listeners let a request pass.
    async fn wait_until_ready(&mut self, limit: Duration) -> Result<()> {
        let targets = std::fs::read_to_string(&self.targets)?;
        let target = targets.lines().next().context("no targets")?;
        for address in [self.envoy.direct, self.envoy.upstream] {
            let what = format!("{} answers with 200", self.name);
            wait::until(
                &what,
                limit,
                async || {
                    self.envoy.check_alive()?;
                    http::get(address, target, &[("host", HOST)]).await
                },
                |answer| answer.status == 200,
            )
            .await?;
        }
        Ok(())
    }
}

impl Contenders {
    pub(crate) async fn start(
        folder: &Path,
        small: &Installation,
        large: &Installation,
    ) -> Result<Self> {
        let start = |name: &'static str, core, addresses: Addresses, bootstrap: &Value| {
            let listens = (addresses.direct, addresses.upstream);
            Envoy::start(folder, name, core, bootstrap, listens)
        };
        let (few, many) = (
            folder.join("targets-small.txt"),
            folder.join("targets-large.txt"),
        );
        targets::write(&few, small.size)?;
        targets::write(&many, large.size)?;

        let addresses = Addresses::free(None)?;
        let upstream = start(
            "server",
            OTHER_CORE,
            addresses,
            &bootstrap::bare(addresses)?,
        )?;
        let behind = Some(addresses.direct);
        let mut all = Vec::new();
        let addresses = Addresses::free(behind)?;
        all.push(("bare", addresses, bootstrap::bare(addresses)?, &few));
        let addresses = Addresses::free(behind)?;
        let native = bootstrap::native(addresses, small.size.applications)?;
        all.push(("native", addresses, native, &few));
        let addresses = Addresses::free(behind)?;
        all.push(("noop", addresses, bootstrap::noop(addresses)?, &few));
        let addresses = Addresses::free(behind)?;
        let tallygate = bootstrap::tallygate(addresses, &small.url(), &small.gateway_token)?;
        all.push(("tallygate-small", addresses, tallygate, &few));
        let addresses = Addresses::free(behind)?;
        let tallygate = bootstrap::tallygate(addresses, &large.url(), &large.gateway_token)?;
        all.push(("tallygate-large", addresses, tallygate, &many));

        let mut contenders = Self {
            all: Vec::new(),
            snapshot_secs: 0.0,
            upstream,
        };
        for (name, addresses, bootstrap, targets) in all {
            let began = Instant::now();
            let mut contender = Contender {
                name,
                envoy: start(name, ENVOY_CORE, addresses, &bootstrap)?,
                targets: targets.clone(),
            };
            contender.wait_until_ready(Duration::from_secs(120)).await?;
            contenders.snapshot_secs = began.elapsed().as_secs_f64();
            contenders.all.push(contender);
        }
        Ok(contenders)
    }

    /// The gateway of the small installation.
    pub(crate) fn tallygate_small(&self) -> Option<SocketAddr> {
        let found = self.all.iter().find(|it| it.name == "tallygate-small");
        found.map(|contender| contender.envoy.direct)
    }

    pub(crate) async fn end(mut self) {
        for contender in &mut self.all {
            contender.envoy.stop().await;
        }
        self.upstream.stop().await;
    }
}
