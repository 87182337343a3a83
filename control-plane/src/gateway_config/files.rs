//! Files for whoever runs a gateway of their own, in three formats: a whole bootstrap of Envoy, the filter's configuration
//! for an Envoy that there is already, and Istio's resources. From the API and from `tallygate gateway-config`.

use super::bootstrap::{Bootstrap, Gateway};
use super::clusters::CONTROL_PLANE;
use super::istio::Istio;
use super::jwt_authn::Provider;
use super::plugin::{Plugin, Upstream};
use super::site::Site;
use super::{ControlPlane, Environment, print};
use anyhow::Context as _;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What a file is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A whole bootstrap of Envoy, YAML.
    #[default]
    Envoy,
    /// The filter's configuration, JSON: for a listener of your own.
    Filter,
    /// Istio's resources, YAML: `WasmPlugin`, `ServiceEntry`, and what leads to the product.
    Istio,
}

/// Everything that a file may hold.
#[derive(Clone, Debug)]
pub struct Order {
    /// The gateway's name in the console.
    pub name: String,
    /// The configuration that it follows.
    pub environment: Environment,
    /// The product that it is for; none for all of them.
    pub site: Option<Site>,
    /// Its token.
    pub token: String,
    /// Where it asks and reports.
    pub control_plane: ControlPlane,
    /// Where it takes requests.
    pub listener: SocketAddr,
    /// Envoy's own admin interface.
    pub admin: SocketAddr,
    /// The `.wasm`; for Istio the image, or another URL.
    pub filter: String,
    /// Certificate authorities.
    pub ca_file: PathBuf,
    /// Whether form bodies are read.
    pub form_credentials: bool,
    /// Whose tokens requests may carry.
    pub issuers: Vec<Provider>,
    /// Where Istio's ingress gateway runs.
    pub namespace: String,
    /// Worker threads, for the command in the file's first lines.
    pub concurrency: Option<u32>,
}

/// What stands where the token belongs, in files that were made without a gateway.
pub const NO_TOKEN: &str = "PUT_THE_GATEWAYS_TOKEN_HERE";
/// Where the filter's image is looked for unless something else is said.
pub const IMAGE: &str = concat!(
    "oci://registry.example.com/tallygate-filter:",
    env!("CARGO_PKG_VERSION")
);
/// Where the filter is on a machine that has it installed.
pub const INSTALLED: &str = "/opt/tallygate/tallygate_filter.wasm";
/// The namespace of Istio's ingress gateway, as its charts have it.
pub const NAMESPACE: &str = "istio-ingress";

// === impl Order ===

impl Order {
    /// The file.
    ///
    /// # Errors
    /// When the format needs a product and none is named.
    pub fn file(&self, format: Format) -> anyhow::Result<String> {
        match format {
            Format::Envoy => print(&self.bootstrap(), &self.name, self.concurrency),
            Format::Filter => {
                let configuration = self.plugin().to_value();
                Ok(format!("{configuration:#}\n"))
            }
            Format::Istio => self.istio(),
        }
    }

    fn default_product(&self) -> Option<&str> {
        self.site.as_ref().map(|site| site.product.as_str())
    }

    fn bootstrap(&self) -> Bootstrap {
        Bootstrap {
            admin: self.admin,
            control_plane: self.control_plane.clone(),
            filter: PathBuf::from(&self.filter),
            ca_file: self.ca_file.clone(),
            gateways: vec![Gateway {
                environment: self.environment,
                listener: self.listener,
                token: self.token.clone(),
                issuers: self.issuers.clone(),
                default_product: self.default_product().map(str::to_owned),
            }],
            form_credentials: self.form_credentials,
            listeners_file: None,
        }
    }

    fn plugin(&self) -> Plugin<'_> {
        Plugin {
            environment: self.environment,
            cluster: CONTROL_PLANE,
            control_plane: &self.control_plane,
            token: &self.token,
            upstream: Upstream::Routes,
            default_product: self.default_product(),
            form_credentials: self.form_credentials,
            guard_against_wipes: false,
        }
    }

    fn istio(&self) -> anyhow::Result<String> {
        let site = self
            .site
            .as_ref()
            .context("Istio's resources lead to one product: name it")?;
        let istio = Istio {
            site,
            namespace: &self.namespace,
            filter: &self.filter,
            control_plane: &self.control_plane,
            token: &self.token,
            issuers: &self.issuers,
        };
        let mut text = String::new();
        writeln!(
            text,
            "# Tallygate in Istio, \"{}\": the product {}, version {}.",
            self.name.escape_debug(),
            site.product.escape_debug(),
            site.version
        )?;
        writeln!(
            text,
            "# The WasmPlugin holds the gateway's token: who may read it may report usage. Form bodies are not read."
        )?;
        writeln!(
            text,
            "# Its certificate is looked for in the secret {}-tls of the namespace.",
            site.label()
        )?;
        writeln!(text, "#")?;
        writeln!(text, "#   kubectl apply -f istio.yaml")?;
        for resource in istio.resources() {
            text.push_str("---\n");
            text.push_str(&yaml_serde::to_string(&resource)?);
        }
        Ok(text)
    }
}
