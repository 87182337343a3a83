//! Envoys that differ in their HTTP filters and in nothing else.
//!
//! All begin as the bootstrap that `gateway-config` prints, so that connections, paths and limits are handled as they
//! are in service. Each gets two listeners: one that answers by itself, one that asks the upstream.

use crate::applications::{app_id, app_key};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tallygate::gateway_config::bootstrap::system_ca_file;
use tallygate::gateway_config::{Bootstrap, ControlPlane, Environment, FILTER, Gateway};
use tallygate_tests::ports;

/// What the upstream and the direct response say.
pub(crate) const ANSWER: &str = "{\"status\":\"ok\"}\n";
/// The buckets of Envoy's own limiter never run dry.
const TOKENS: u64 = 1_000_000_000;
const NOOP_FILTER: &str = "target/wasm32-wasip1/wasm/tallygate_noop_filter.wasm";
/// Where the plugin's configuration stands in a listener.
const MANAGER: &str = "/filter_chains/0/filters/0/typed_config";

/// Where an Envoy listens and whom it asks.
#[derive(Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) direct: SocketAddr,
    pub(crate) upstream: SocketAddr,
    /// The upstream itself, unless this is it.
    pub(crate) behind: Option<SocketAddr>,
}

impl Addresses {
    pub(crate) fn free(behind: Option<SocketAddr>) -> Result<Self> {
        Ok(Self {
            direct: ports::free()?,
            upstream: ports::free()?,
            behind,
        })
    }
}

/// Envoy alone.
pub(crate) fn bare(addresses: Addresses) -> Result<Value> {
    bootstrap(addresses, None, |_| Ok(vec![]))
}

/// Envoy's own key check and limiter, for as many applications, each with a bucket of its own.
pub(crate) fn native(addresses: Addresses, applications: u32) -> Result<Value> {
    let numbers = 1..=applications;
    let credential = |number| json!({"key": app_key(number), "client": app_id(number)});
    let descriptor = |number| {
        json!({
            "entries": [{"key": "application", "value": app_id(number)}],
            "token_bucket": bucket(),
        })
    };
    let keys = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth",
        "credentials": numbers.clone().map(credential).collect::<Vec<_>>(),
        "key_sources": [{"query": "app_key"}],
        "forwarding": {"header": "x-application"},
    });
    let limits = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "limits",
        "token_bucket": bucket(),
        "filter_enabled": {"default_value": {"numerator": 100}},
        "filter_enforced": {"default_value": {"numerator": 100}},
        "rate_limits": [{"actions": [{"request_headers": {
            "header_name": "x-application", "descriptor_key": "application",
        }}]}],
        "descriptors": numbers.map(descriptor).collect::<Vec<_>>(),
    });
    bootstrap(addresses, None, |_| {
        Ok(vec![
            json!({"name": "envoy.filters.http.api_key_auth", "typed_config": keys}),
            json!({"name": "envoy.filters.http.local_ratelimit", "typed_config": limits}),
        ])
    })
}

/// A WebAssembly filter that does nothing.
pub(crate) fn noop(addresses: Addresses) -> Result<Value> {
    bootstrap(addresses, None, |mut plugin| {
        let config = plugin
            .pointer_mut("/typed_config/config")
            .context("a plugin without configuration")?;
        config["vm_config"]["vm_id"] = json!("noop");
        config["vm_config"]["code"]["local"]["filename"] = json!(built(NOOP_FILTER)?);
        config["configuration"]["value"] = json!("");
        Ok(vec![plugin])
    })
}

/// Tallygate, as a gateway of this control plane; Envoy's own routes choose the upstream, as for the others.
pub(crate) fn tallygate(addresses: Addresses, control_plane: &str, token: &str) -> Result<Value> {
    bootstrap(addresses, Some((control_plane, token)), |mut plugin| {
        let value = plugin
            .pointer_mut("/typed_config/config/configuration/value")
            .context("a plugin without configuration")?;
        let mut configuration: Value =
            serde_json::from_str(value.as_str().context("the plugin's configuration")?)?;
        configuration["upstream"] = json!("envoy");
        *value = json!(configuration.to_string());
        Ok(vec![plugin])
    })
}

/// The generated bootstrap with other HTTP filters, which `filters` makes from our plugin's entry.
fn bootstrap(
    addresses: Addresses,
    control_plane: Option<(&str, &str)>,
    filters: impl FnOnce(Value) -> Result<Vec<Value>>,
) -> Result<Value> {
    let (url, token) = control_plane.unwrap_or(("http://127.0.0.1:9", ""));
    let generated = Bootstrap {
        admin: ports::free()?,
        control_plane: ControlPlane::parse(url)?,
        filter: built(FILTER)?,
        ca_file: system_ca_file(),
        gateways: vec![Gateway {
            environment: Environment::Production,
            listener: addresses.direct,
            token: token.to_owned(),
            issuers: Vec::new(),
            default_product: None,
        }],
        form_credentials: true,
        listeners_file: None,
    };
    let mut value = generated.to_value();
    let resources = &mut value["static_resources"];
    let listener = resources["listeners"][0].take();
    let plugin = listener
        .pointer(&format!("{MANAGER}/http_filters/0"))
        .context("a listener without our plugin")?;
    let mut filters = filters(plugin.clone())?;
    let router = listener
        .pointer(&format!("{MANAGER}/http_filters"))
        .and_then(|filters| filters.as_array()?.last())
        .context("a listener without the router")?;
    filters.push(router.clone());
    let direct = json!({"direct_response": {"status": 200, "body": {"inline_string": ANSWER}}});
    let mut listeners = vec![with(
        &listener,
        "direct",
        addresses.direct,
        &direct,
        &filters,
    )?];
    if let Some(behind) = addresses.behind {
        let route = json!({"route": {"cluster": "upstream", "timeout": "0s"}});
        listeners.push(with(
            &listener,
            "upstream",
            addresses.upstream,
            &route,
            &filters,
        )?);
        let endpoint = json!({"endpoint": {"address": address(behind)}});
        let upstream = json!({
            "name": "upstream",
            "type": "STATIC",
            "load_assignment": {"cluster_name": "upstream", "endpoints": [{"lb_endpoints": [endpoint]}]},
        });
        resources["clusters"]
            .as_array_mut()
            .context("a bootstrap without clusters")?
            .push(upstream);
    }
    resources["listeners"] = json!(listeners);
    Ok(value)
}

/// A copy of the listener with its own address, its one route, and these filters.
fn with(
    listener: &Value,
    name: &str,
    at: SocketAddr,
    route: &Value,
    filters: &[Value],
) -> Result<Value> {
    let mut listener = listener.clone();
    listener["name"] = json!(name);
    listener["address"] = address(at);
    let manager = listener
        .pointer_mut(MANAGER)
        .context("a listener without a connection manager")?;
    let mut route = route.clone();
    route["match"] = json!({"prefix": "/"});
    manager["stat_prefix"] = json!(name);
    manager["route_config"]["virtual_hosts"][0]["routes"] = json!([route]);
    manager["http_filters"] = json!(filters);
    Ok(listener)
}

fn address(at: SocketAddr) -> Value {
    json!({"socket_address": {"address": at.ip().to_string(), "port_value": at.port()}})
}

fn bucket() -> Value {
    json!({"max_tokens": TOKENS, "tokens_per_fill": TOKENS, "fill_interval": "60s"})
}

fn built(path: &str) -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    path.canonicalize()
        .with_context(|| format!("{} is not there: `make bench` builds it", path.display()))
}
