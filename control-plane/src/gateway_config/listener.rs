//! A gateway's listener: what is refused before the filter sees it, the filter, and the way out.

use super::bootstrap::{Bootstrap, Gateway, address};
use super::clusters::{CONTROL_PLANE, UPSTREAM_PLAIN, UPSTREAM_TLS, dns_cache};
use super::jwt_authn;
use super::plugin::{Plugin, Upstream};
use serde_json::{Value, json};

/// The request header by which the filter picks the cluster. A client's own value never survives:
/// the filter overwrites it on every admitted request, and all others are answered by the filter.
const CLUSTER_HEADER: &str = "x-tallygate-cluster";
/// Where to connect when it is not the host that the upstream is to see (`hostname_rewrite`), set by the filter.
const UPSTREAM_HOST_HEADER: &str = "x-tallygate-upstream-host";
const UPSTREAM_PORT_HEADER: &str = "x-tallygate-upstream-port";

/// The listener of one gateway.
pub(super) fn listener(bootstrap: &Bootstrap, gateway: &Gateway) -> Value {
    json!({
        "name": format!("tallygate_{}", gateway.environment),
        "address": address(gateway.listener),
        "per_connection_buffer_limit_bytes": 1_048_576,
        // With few long-lived connections the kernel's own spread leaves workers idle.
        "connection_balance_config": {"exact_balance": {}},
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": connection_manager(bootstrap, gateway),
        }]}],
    })
}

fn connection_manager(bootstrap: &Bootstrap, gateway: &Gateway) -> Value {
    let mut manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": format!("tallygate_{}", gateway.environment),
        // One path has one spelling before it is matched against mapping rules.
        "normalize_path": true,
        "merge_slashes": true,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        // The client's address is the connection's: nobody's x-forwarded-for or x-envoy-* is believed.
        "use_remote_address": true,
        "server_header_transformation": "PASS_THROUGH",
        // Slow and idle clients; a stream may take as long as it likes while bytes flow.
        "request_headers_timeout": "10s",
        "stream_idle_timeout": "300s",
        "common_http_protocol_options": {"idle_timeout": "3600s"},
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65_536,
            "initial_connection_window_size": 1_048_576,
        },
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "route_config": {
            "name": "tallygate",
            "virtual_hosts": [{
                "name": "any",
                "domains": ["*"],
                "routes": [{
                    "match": {"prefix": "/"},
                    "route": {
                        "cluster_header": CLUSTER_HEADER,
                        "timeout": "0s",
                        // Only where the upstream cannot have seen the request: usage was counted once.
                        "retry_policy": {"retry_on": "connect-failure,refused-stream", "num_retries": 1},
                    },
                    "request_headers_to_remove": [CLUSTER_HEADER, UPSTREAM_HOST_HEADER, UPSTREAM_PORT_HEADER],
                }],
            }],
        },
        "http_filters": [
            {"name": "tallygate", "typed_config": plugin(bootstrap, gateway)},
            {"name": "envoy.filters.http.set_filter_state", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
                "on_request_headers": [
                    filter_state("envoy.upstream.dynamic_host", UPSTREAM_HOST_HEADER),
                    filter_state("envoy.upstream.dynamic_port", UPSTREAM_PORT_HEADER),
                ],
            }},
            {"name": "envoy.filters.http.dynamic_forward_proxy", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
                "dns_cache_config": dns_cache(),
                "allow_dynamic_host_from_filter_state": true,
            }},
            {"name": "envoy.filters.http.router", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                "suppress_envoy_headers": true,
            }},
        ],
    });
    if let Some(filters) = manager["http_filters"].as_array_mut()
        && let Some(jwt_authn) = jwt_authn::filter(&gateway.issuers)
    {
        filters.insert(0, jwt_authn);
    }
    manager
}

/// Hands a header of the filter's to the dynamic forward proxy; nothing when the filter did not set it.
fn filter_state(key: &str, header: &str) -> Value {
    json!({
        "object_key": key,
        "format_string": {
            "text_format_source": {"inline_string": format!("%REQ({header})%")},
            "omit_empty_values": true,
        },
        "skip_if_empty": true,
    })
}

fn plugin(bootstrap: &Bootstrap, gateway: &Gateway) -> Value {
    let configuration = Plugin {
        environment: gateway.environment,
        cluster: CONTROL_PLANE,
        control_plane: &bootstrap.control_plane,
        token: &gateway.token,
        upstream: Upstream::Filter {
            plain: UPSTREAM_PLAIN,
            tls: UPSTREAM_TLS,
        },
        default_product: gateway.default_product.as_deref(),
        form_credentials: bootstrap.form_credentials,
        guard_against_wipes: false,
    }
    .to_value();
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": format!("tallygate_{}", gateway.environment),
            // A worker whose VM trapped gets a new one; what it had counted is in shared data.
            "failure_policy": "FAIL_RELOAD",
            // Lets the filter hold a request's headers until it has seen the form body. Without it Envoy reads no body of a
            // request that is held, however long it is.
            "allow_on_headers_stop_iteration": bootstrap.form_credentials,
            "vm_config": {
                // Shared data belongs to this id: workers, and the filter before and after an update, meet there.
                "vm_id": format!("tallygate-{}", gateway.environment),
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": bootstrap.filter}},
            },
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                // Indented: people read this file.
                "value": format!("{configuration:#}"),
            },
        },
    })
}
