//! A real Envoy with two workers and the filter, from the bootstrap that `gateway-config` prints.

mod admin;

use crate::ports;
use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tallygate::demo::child::{Child, Group};
use tallygate::gateway_config::bootstrap::system_ca_file;
use tallygate::gateway_config::{
    Bootstrap, ControlPlane, Environment, FILTER, Gateway as Listener,
};
use tokio::process::Command;

/// Old listeners go this long after an update, in seconds.
pub const DRAIN_SECS: u64 = 3;

/// Which build of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// The one that is shipped.
    Shipped,
    /// The one that traps when a request has the header `x-tallygate-trap`.
    Trap,
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    folder: PathBuf,
    bootstrap: Bootstrap,
    /// Where it takes requests of the production environment.
    pub production: SocketAddr,
    /// Where it takes requests of the staging environment, if it does.
    pub staging: Option<SocketAddr>,
}

/// One of its listeners.
#[derive(Clone, Debug)]
pub struct Entrance {
    /// Where.
    pub at: SocketAddr,
    /// Token for the gateway API.
    pub token: String,
}

// === impl Filter ===

impl Filter {
    fn path(self) -> Result<PathBuf> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let path = match self {
            Self::Shipped => root.join(FILTER),
            Self::Trap => root.join("target/trap/wasm32-wasip1/wasm/tallygate_filter.wasm"),
        };
        path.canonicalize()
            .with_context(|| format!("{} is not there: `make e2e` builds it", path.display()))
    }
}

// === impl Gateway ===

impl Gateway {
    /// Starts Envoy; it may not have fetched anything yet.
    ///
    /// # Errors
    /// When Envoy cannot be started.
    pub fn start(
        folder: &Path,
        name: &str,
        filter: Filter,
        control_plane: &str,
        production: Entrance,
        staging: Option<Entrance>,
    ) -> Result<Self> {
        let envoy = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(tallygate::demo::ENVOY);
        ensure!(
            envoy.is_file(),
            "{} is not there: `envoy/install.sh` fetches it",
            envoy.display()
        );
        let addresses = (production.at, staging.as_ref().map(|it| it.at));
        let listener = |environment, entrance: Entrance| Listener {
            environment,
            listener: entrance.at,
            token: entrance.token,
            issuers: Vec::new(),
            default_product: None,
        };
        let staging = staging.map(|entrance| listener(Environment::Staging, entrance));
        let production = listener(Environment::Production, production);
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder)?;
        let bootstrap = Bootstrap {
            admin: ports::free()?,
            control_plane: ControlPlane::parse(control_plane)?,
            filter: filter.path()?,
            ca_file: system_ca_file(),
            gateways: staging.into_iter().chain([production]).collect(),
            form_credentials: true,
            listeners_file: Some(folder.join("listeners.json")),
        };
        let file = folder.join("envoy.json");
        std::fs::write(&file, bootstrap.to_value().to_string())?;
        std::fs::write(
            folder.join("listeners.json"),
            bootstrap.listeners().to_string(),
        )?;
        let mut command = Command::new(envoy);
        command.arg("-c").arg(&file).args([
            "--concurrency",
            "2",
            "--use-dynamic-base-id",
            "--log-level",
            "warning",
        ]);
        command.args([
            "--drain-time-s",
            &DRAIN_SECS.to_string(),
            "--parent-shutdown-time-s",
            "4",
        ]);
        let child = Child::start("Envoy", command, &folder.join("envoy.log"), Group::Ours)?;
        Ok(Self {
            child,
            folder,
            bootstrap,
            production: addresses.0,
            staging: addresses.1,
        })
    }

    /// Replaces the listeners by what `change` makes of them, as a management server would.
    ///
    /// # Errors
    /// When the file that Envoy watches cannot be written.
    pub fn update(&mut self, change: impl FnOnce(&mut Bootstrap)) -> Result<()> {
        change(&mut self.bootstrap);
        self.write_listeners(&self.bootstrap.listeners())
    }

    /// Replaces the listeners' configuration by other text of the same meaning: new plugin configuration, no other change.
    ///
    /// # Errors
    /// When the file that Envoy watches cannot be written.
    pub fn update_plugin_configuration(
        &self,
        change: impl Fn(&mut serde_json::Value),
    ) -> Result<()> {
        let mut listeners = self.bootstrap.listeners();
        let pointer = "/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config/configuration/value";
        let resources = listeners["resources"]
            .as_array_mut()
            .context("listeners without resources")?;
        for listener in resources {
            let value = listener
                .pointer_mut(pointer)
                .context("a listener without the plugin")?;
            let mut configuration =
                serde_json::from_str(value.as_str().context("the plugin's configuration")?)?;
            change(&mut configuration);
            *value = serde_json::Value::String(configuration.to_string());
        }
        self.write_listeners(&listeners)
    }

    fn write_listeners(&self, listeners: &serde_json::Value) -> Result<()> {
        let fresh = self.folder.join("listeners.new");
        std::fs::write(&fresh, listeners.to_string())?;
        // Envoy notices moves only: it never sees half a file.
        Ok(std::fs::rename(fresh, self.folder.join("listeners.json"))?)
    }

    /// Sets the filter's `.wasm` for the next [`Gateway::update`].
    ///
    /// # Errors
    /// When that build is not there.
    pub fn filter(filter: Filter) -> Result<PathBuf> {
        filter.path()
    }

    /// What Envoy has logged (warnings and worse).
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("envoy.log")).unwrap_or_default()
    }

    /// An error, if Envoy has ended.
    ///
    /// # Errors
    /// When it has.
    pub fn check_alive(&mut self) -> Result<()> {
        self.child.check_alive()
    }

    /// Ends it with `signal` and waits until it is gone.
    ///
    /// # Errors
    /// When the system does not say.
    pub async fn end(&mut self, signal: Signal) -> Result<()> {
        self.child.signal(signal);
        tokio::time::timeout(Duration::from_secs(20), self.child.wait())
            .await
            .context("Envoy does not end")??;
        Ok(())
    }
}
