//! The filter in Istio's ingress gateway: a `WasmPlugin` for an environment, and what leads to one product of it.
//!
//! One plugin serves all products of its environment, so that their files can be applied beside one another. Routes are
//! Istio's: the filter decides and counts, the `VirtualService` says where to. Form bodies are not read: Istio has no
//! setting that lets a filter hold a request's headers until it has seen them.

use super::ControlPlane;
use super::jwt_authn::{self, Provider};
use super::plugin::{Plugin, Upstream};
use super::site::{Private, Site};
use serde_json::{Value, json};
use std::path::Path;

/// All that is applied for a product.
#[derive(Clone, Copy, Debug)]
pub struct Istio<'a> {
    /// The product.
    pub site: &'a Site,
    /// Where the ingress gateway runs.
    pub namespace: &'a str,
    /// The filter's image, or where else Istio fetches it from.
    pub filter: &'a str,
    /// The control plane.
    pub control_plane: &'a ControlPlane,
    /// The gateway's token.
    pub token: &'a str,
    /// Whose tokens requests may carry.
    pub issuers: &'a [Provider],
}

/// How Istio calls the HTTP connection manager.
const MANAGER: &str = "envoy.filters.network.http_connection_manager";
const MANAGER_TYPE: &str = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
/// Certificate authorities in Istio's proxy image.
const CA_FILE: &str = "/etc/ssl/certs/ca-certificates.crt";

// === impl Istio ===

impl Istio<'_> {
    /// The resources, in the order in which they are applied.
    #[must_use]
    pub fn resources(&self) -> Vec<Value> {
        let mut resources = self.control_plane();
        resources.push(self.paths());
        resources.extend(self.tokens());
        resources.push(self.plugin());
        resources.extend(self.product());
        resources
    }

    fn environment(&self) -> &'static str {
        self.site.environment.as_str()
    }

    fn resource(&self, api: &str, kind: &str, name: &str, spec: Value) -> Value {
        json!({
            "apiVersion": api,
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "labels": {"app.kubernetes.io/name": "tallygate"},
            },
            "spec": spec,
        })
    }

    fn networking(&self, kind: &str, name: &str, spec: Value) -> Value {
        self.resource("networking.istio.io/v1", kind, name, spec)
    }

    fn plugin(&self) -> Value {
        let cluster = cluster(self.control_plane);
        let configuration = Plugin {
            environment: self.site.environment,
            cluster: &cluster,
            control_plane: self.control_plane,
            token: self.token,
            upstream: Upstream::Routes,
            default_product: None,
            form_credentials: false,
            // All plugins of Istio's share one vm_id, and come and go as their resources do.
            guard_against_wipes: true,
        };
        let name = format!("tallygate-{}", self.environment());
        let spec = json!({
            "selector": ingress_gateway(),
            "type": "HTTP",
            "phase": "AUTHN",
            "url": self.filter,
            "imagePullPolicy": "IfNotPresent",
            // A worker whose VM trapped gets a new one; until then it answers 503, and lets nobody in.
            "failStrategy": "FAIL_RELOAD",
            "pluginConfig": configuration.to_value(),
        });
        self.resource("extensions.istio.io/v1alpha1", "WasmPlugin", &name, spec)
    }

    /// One path has one spelling before it is matched against mapping rules.
    fn paths(&self) -> Value {
        let value = json!({"typed_config": {
            "@type": MANAGER_TYPE,
            "normalize_path": true,
            "merge_slashes": true,
            "path_with_escaped_slashes_action": "REJECT_REQUEST",
        }});
        let patch = json!({
            "applyTo": "NETWORK_FILTER",
            "match": {"context": "GATEWAY", "listener": {"filterChain": {"filter": {"name": MANAGER}}}},
            "patch": {"operation": "MERGE", "value": value},
        });
        self.envoy_filter("tallygate-paths", vec![patch])
    }

    /// Tokens of issuers are verified before the filter looks at them.
    fn tokens(&self) -> Option<Value> {
        let filter = jwt_authn::filter(self.issuers)?;
        let mut patches = vec![json!({
            "applyTo": "HTTP_FILTER",
            "match": {"context": "GATEWAY", "listener": {"filterChain": {"filter": {"name": MANAGER}}}},
            "patch": {"operation": "INSERT_FIRST", "value": filter},
        })];
        for cluster in jwt_authn::clusters(self.issuers.iter(), Path::new(CA_FILE)) {
            patches.push(json!({
                "applyTo": "CLUSTER",
                "match": {"context": "GATEWAY"},
                "patch": {"operation": "ADD", "value": cluster},
            }));
        }
        let name = format!("{}-tokens", self.site.label());
        Some(self.envoy_filter(&name, patches))
    }

    fn envoy_filter(&self, name: &str, patches: Vec<Value>) -> Value {
        let spec = json!({
            "workloadSelector": {"labels": {"istio": "ingressgateway"}},
            "configPatches": patches,
        });
        self.resource("networking.istio.io/v1alpha3", "EnvoyFilter", name, spec)
    }

    /// Where the control plane is; a service of the cluster is known already.
    fn control_plane(&self) -> Vec<Value> {
        if self.control_plane.host.ends_with(".cluster.local") {
            return Vec::new();
        }
        self.server("tallygate-control-plane", self.control_plane)
    }

    /// Where clients come in, and where they are led.
    fn product(&self) -> Vec<Value> {
        let label = self.site.label();
        let hosts: Vec<&str> = self
            .site
            .public
            .iter()
            .map(|(host, _)| host.as_str())
            .collect();
        if hosts.is_empty() || self.site.upstreams.is_empty() {
            return Vec::new();
        }
        let mut resources = Vec::new();
        let mut known: Vec<&ControlPlane> = vec![self.control_plane];
        for upstream in &self.site.upstreams {
            let server = &upstream.server;
            if !server.host.ends_with(".cluster.local") && !known.contains(&server) {
                let name = format!("{label}-upstream-{}", known.len());
                resources.extend(self.server(&name, server));
            }
            known.push(server);
        }
        let port = |number: u16, name: &str, protocol: &str| json!({"number": number, "name": format!("{name}-{label}"), "protocol": protocol});
        resources.push(self.networking("Gateway", &label, json!({
            "selector": {"istio": "ingressgateway"},
            "servers": [
                {
                    "port": port(443, "https", "HTTPS"),
                    "hosts": hosts,
                    "tls": {"mode": "SIMPLE", "credentialName": format!("{label}-tls")},
                },
                // Credentials are not for everybody to read.
                {"port": port(80, "http", "HTTP"), "hosts": hosts, "tls": {"httpsRedirect": true}},
            ],
        })));
        let routes: Vec<Value> = self
            .site
            .public
            .iter()
            .flat_map(|(host, base_path)| {
                let upstreams = self.site.upstreams.iter();
                upstreams.map(move |upstream| route(host, base_path, upstream))
            })
            .collect();
        resources.push(self.networking(
            "VirtualService",
            &label,
            json!({
                "hosts": hosts,
                "gateways": [label],
                "http": routes,
            }),
        ));
        resources
    }

    /// A server outside of the mesh, and that it is spoken to by TLS if it is.
    fn server(&self, name: &str, server: &ControlPlane) -> Vec<Value> {
        let host = service_host(server);
        let mut spec = json!({
            "hosts": [host],
            "location": "MESH_EXTERNAL",
            "ports": [{"number": server.port, "name": "http", "protocol": "HTTP"}],
            "resolution": "DNS",
        });
        if let Some(ip) = server.ip() {
            spec["resolution"] = json!("STATIC");
            spec["endpoints"] = json!([{"address": ip.to_string()}]);
        }
        let mut resources = vec![self.networking("ServiceEntry", name, spec)];
        if server.tls {
            let mut tls = json!({"mode": "SIMPLE", "caCertificates": CA_FILE});
            match server.ip() {
                Some(ip) => tls["subjectAltNames"] = json!([ip.to_string()]),
                None => {
                    tls["sni"] = json!(server.host);
                    tls["subjectAltNames"] = json!([server.host]);
                }
            }
            resources.push(self.networking(
                "DestinationRule",
                name,
                json!({
                    "host": host,
                    "trafficPolicy": {"tls": tls},
                }),
            ));
        }
        resources
    }
}

fn ingress_gateway() -> Value {
    json!({"matchLabels": {"istio": "ingressgateway"}})
}

/// The name of a server in the mesh: an address has none of its own.
fn service_host(server: &ControlPlane) -> String {
    match server.ip() {
        Some(ip) => format!(
            "{}.tallygate.internal",
            ip.to_string().replace(['.', ':'], "-")
        ),
        None => server.host.clone(),
    }
}

/// How Istio names a server's cluster.
fn cluster(server: &ControlPlane) -> String {
    format!("outbound|{}||{}", server.port, service_host(server))
}

/// What Envoy does in our own gateways: base path and the backend's path go, what the private base URL has comes before
/// the rest.
fn route(host: &str, base_path: &str, upstream: &Private) -> Value {
    let below = [base_path, &upstream.path]
        .map(|path| path.trim_end_matches('/'))
        .concat();
    let prefix = &upstream.path_prefix;
    let mut matches = vec![json!({"uri": {"prefix": format!("{below}/")}})];
    if !below.is_empty() {
        matches.push(json!({"uri": {"exact": below}}));
    }
    // A wildcard cannot be matched here: the gateway has matched it.
    if !host.starts_with('*') {
        for one in &mut matches {
            one["authority"] = json!({"exact": host});
        }
    }
    let mut rewrite = json!({"authority": upstream.host});
    if !below.is_empty() || !prefix.is_empty() {
        rewrite["uri"] = json!(format!("{prefix}/"));
    }
    json!({
        "match": matches,
        "rewrite": rewrite,
        // Long downloads and streams are the upstream's to end.
        "timeout": "0s",
        "route": [{"destination": {
            "host": service_host(&upstream.server),
            "port": {"number": upstream.server.port},
        }}],
        // Only where the upstream cannot have seen the request: usage was counted once.
        "retries": {"attempts": 1, "retryOn": "connect-failure,refused-stream"},
    })
}
