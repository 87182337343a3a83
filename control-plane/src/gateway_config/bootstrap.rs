//! What a gateway's Envoy is started with: admin address, listeners, clusters, limits.
//!
//! Pure: the same values always give the same bootstrap.

use super::{clusters, jwt_authn, listener};
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// More downstream connections than this are refused, so that a flood cannot exhaust the process.
const MAX_DOWNSTREAM_CONNECTIONS: u32 = 50_000;

/// One Envoy process: one listener and one plugin for each gateway in it.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// Envoy's admin interface.
    pub admin: SocketAddr,
    /// Where the gateways fetch from and report to.
    pub control_plane: ControlPlane,
    /// The filter's `.wasm`.
    pub filter: PathBuf,
    /// Certificate authorities for TLS to upstreams and to the control plane.
    pub ca_file: PathBuf,
    /// The listeners.
    pub gateways: Vec<Gateway>,
    /// Whether form bodies are read for credentials and rules. Envoy holds back the bodies of requests that wait for
    /// credit only where they are not; where they are it buffers them, and what is too long for that is refused (503).
    pub form_credentials: bool,
    /// Where Envoy watches for its listeners ([`Bootstrap::listeners`]) instead of having them fixed.
    pub listeners_file: Option<PathBuf>,
}

/// One listener with a filter that follows one environment.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// The configuration it follows.
    pub environment: Environment,
    /// Where it takes requests.
    pub listener: SocketAddr,
    /// Its token for the gateway API.
    pub token: String,
    /// Whose tokens its requests may carry.
    pub issuers: Vec<jwt_authn::Provider>,
    /// The product for hosts that no product claims, by system name.
    pub default_product: Option<String>,
}

/// Which promoted configuration a gateway follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Environment {
    /// Newest deployed configuration, to try before it is promoted.
    Staging,
    /// The promoted configuration.
    Production,
}

/// How Envoy reaches the control plane's admin listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlPlane {
    /// https or http.
    pub tls: bool,
    /// Host name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

// === impl Bootstrap ===

impl Bootstrap {
    /// The bootstrap as Envoy reads it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut bootstrap = json!({
            "node": {"id": "tallygate", "cluster": "tallygate"},
            "admin": {"address": address(self.admin), "ignore_global_conn_limit": true},
            "overload_manager": {"resource_monitors": [{
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                    "max_active_downstream_connections": MAX_DOWNSTREAM_CONNECTIONS,
                },
            }]},
        });
        let listeners: Vec<Value> = self
            .gateways
            .iter()
            .map(|gateway| listener::listener(self, gateway))
            .collect();
        let clusters = clusters::clusters(self);
        match &self.listeners_file {
            None => {
                bootstrap["static_resources"] =
                    json!({"listeners": listeners, "clusters": clusters})
            }
            Some(file) => {
                bootstrap["static_resources"] = json!({"clusters": clusters});
                bootstrap["dynamic_resources"] = json!({"lds_config": {
                    "resource_api_version": "V3",
                    "path_config_source": {"path": file},
                }});
            }
        }
        bootstrap
    }

    /// The listeners alone, as a file for Envoy to watch (replace it by a rename: Envoy watches for moves).
    #[must_use]
    pub fn listeners(&self) -> Value {
        let resources: Vec<Value> = self
            .gateways
            .iter()
            .map(|gateway| {
                let mut listener = listener::listener(self, gateway);
                listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
                listener
            })
            .collect();
        json!({"resources": resources})
    }
}

/// An address as Envoy writes it.
pub(super) fn address(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

/// Where this system keeps its certificate authorities; Debian's place when none is found.
#[must_use]
pub fn system_ca_file() -> PathBuf {
    let places = [
        "/etc/ssl/certs/ca-certificates.crt", // Debian, Alpine, Arch
        "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL
        "/etc/ssl/ca-bundle.pem",             // openSUSE
        "/etc/ssl/cert.pem",                  // BSDs, macOS
    ];
    places
        .into_iter()
        .map(Path::new)
        .find(|place| place.is_file())
        .unwrap_or(Path::new(places[0]))
        .to_owned()
}

// === impl Environment ===

impl Environment {
    /// Its name, here and in the gateway API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

impl Environment {
    /// The same, where products are looked up.
    #[must_use]
    pub const fn of_products(self) -> crate::publish::Environment {
        match self {
            Self::Staging => crate::publish::Environment::Staging,
            Self::Production => crate::publish::Environment::Production,
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl ControlPlane ===

impl ControlPlane {
    /// Takes an admin URL apart.
    ///
    /// # Errors
    /// When it is not `http://host[:port]` or `https://host[:port]`.
    pub fn parse(url: &str) -> anyhow::Result<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => anyhow::bail!("`{url}` must begin with http:// or https://"),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        ensure!(
            !authority.contains(['/', '?', '#', '@']),
            "`{url}` must be scheme, host and port only: the gateway API lives at the root of the admin address"
        );
        let default_port = if tls { 443 } else { 80 };
        let (host, port) = if let Some(bracketed) = authority.strip_prefix('[') {
            let (host, port) = bracketed
                .split_once(']')
                .context("`[` without `]` in the host")?;
            ensure!(
                host.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()),
                "`{host}` is not an IPv6 address"
            );
            (
                host,
                port.strip_prefix(':')
                    .or(port.is_empty().then_some(""))
                    .context("expected `:port` after `]`")?,
            )
        } else {
            authority.rsplit_once(':').unwrap_or((authority, ""))
        };
        ensure!(!host.is_empty(), "`{url}` names no host");
        let port = match port {
            "" => default_port,
            port => port
                .parse()
                .with_context(|| format!("`{port}` is not a port"))?,
        };
        Ok(Self {
            tls,
            host: host.to_ascii_lowercase(),
            port,
        })
    }

    /// The address, when the host is one.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// What the filter sends as `:authority`.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.ip() {
            Some(IpAddr::V6(ip)) => format!("[{ip}]:{}", self.port),
            _ => format!("{}:{}", self.host, self.port),
        }
    }
}
