//! Where a gateway's Envoy can send requests: the control plane, and any upstream at all.
//!
//! The filter names the upstream in `:authority` and picks the plain or the TLS cluster, so new
//! products and backends need no change here.

use super::bootstrap::{Bootstrap, ControlPlane};
use super::jwt_authn;
use serde_json::{Value, json};
use std::path::Path;

/// The filter's cluster for the gateway API.
pub(super) const CONTROL_PLANE: &str = "tallygate_control_plane";
/// Any `http://` upstream.
pub(super) const UPSTREAM_PLAIN: &str = "tallygate_upstream_plain";
/// Any `https://` upstream.
pub(super) const UPSTREAM_TLS: &str = "tallygate_upstream_tls";

/// Envoy's default of 1024 is for one service; these clusters stand for all upstreams together.
const MAX_UPSTREAM_REQUESTS: u32 = 20_000;

/// All clusters.
pub(super) fn clusters(bootstrap: &Bootstrap) -> Vec<Value> {
    let ca_file = &bootstrap.ca_file;
    let mut clusters = vec![
        control_plane(&bootstrap.control_plane, ca_file),
        upstream(UPSTREAM_PLAIN, None),
        upstream(UPSTREAM_TLS, Some(ca_file)),
    ];
    let issuers = bootstrap.gateways.iter().flat_map(|it| &it.issuers);
    clusters.extend(jwt_authn::clusters(issuers, ca_file));
    clusters
}

/// The cache of resolved names, shared by the filter that fills it and the clusters that use it.
pub(super) fn dns_cache() -> Value {
    json!({
        "name": "tallygate",
        "dns_lookup_family": "ALL",
        "max_hosts": 4096,
    })
}

fn control_plane(control_plane: &ControlPlane, ca_file: &Path) -> Value {
    fixed(CONTROL_PLANE, control_plane, ca_file)
}

/// One server, known beforehand.
pub(super) fn fixed(name: &str, server: &ControlPlane, ca_file: &Path) -> Value {
    let mut cluster = json!({
        "name": name,
        // Every address that the name has is a replica; they share the database, so any will do.
        "type": if server.ip().is_some() { "STATIC" } else { "STRICT_DNS" },
        "connect_timeout": "2s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {
                "address": server.host,
                "port_value": server.port,
            }}}}]}],
        },
        // A replica that vanished without a word is noticed in 25 s, not when the kernel gives up.
        "upstream_connection_options": {"tcp_keepalive": {
            "keepalive_time": 10,
            "keepalive_interval": 5,
            "keepalive_probes": 3,
        }},
    });
    if server.ip().is_none() {
        cluster["dns_lookup_family"] = json!("V4_PREFERRED");
    }
    if server.tls {
        let san = match server.ip() {
            Some(ip) => json!({"san_type": "IP_ADDRESS", "matcher": {"exact": ip.to_string()}}),
            None => json!({"san_type": "DNS", "matcher": {"exact": server.host}}),
        };
        let mut tls = tls_context(ca_file);
        tls["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"] =
            json!([san]);
        if server.ip().is_none() {
            tls["sni"] = json!(server.host);
        }
        cluster["transport_socket"] =
            json!({"name": "envoy.transport_sockets.tls", "typed_config": tls});
    }
    cluster
}

fn upstream(name: &str, tls: Option<&Path>) -> Value {
    let mut options = json!({
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        // Shorter than servers' usual keep-alive, so that a request seldom meets a closing connection.
        "common_http_protocol_options": {"idle_timeout": "30s"},
        // The certificate must be for the name that was asked for. (Envoy wants this said without TLS too.)
        "upstream_http_protocol_options": {"auto_sni": true, "auto_san_validation": true},
    });
    match tls {
        None => options["explicit_http_config"] = json!({"http_protocol_options": {}}),
        // HTTP/2 where the upstream offers it.
        Some(_) => options["auto_config"] = json!({}),
    }
    let mut cluster = json!({
        "name": name,
        "connect_timeout": "5s",
        "lb_policy": "CLUSTER_PROVIDED",
        "cluster_type": {
            "name": "envoy.clusters.dynamic_forward_proxy",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig",
                "dns_cache_config": dns_cache(),
            },
        },
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
        "circuit_breakers": {"thresholds": [{
            "max_connections": MAX_UPSTREAM_REQUESTS,
            "max_pending_requests": MAX_UPSTREAM_REQUESTS,
            "max_requests": MAX_UPSTREAM_REQUESTS,
            "max_retries": 100,
        }]},
    });
    if let Some(ca_file) = tls {
        cluster["transport_socket"] =
            json!({"name": "envoy.transport_sockets.tls", "typed_config": tls_context(ca_file)});
    }
    cluster
}

fn tls_context(ca_file: &Path) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": {"validation_context": {"trusted_ca": {"filename": ca_file}}},
    })
}
