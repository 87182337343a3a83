//! Where an admitted request goes.

use crate::config::Upstream;
use crate::envoy::set_request_header;
use tallygate_core::decide::Admissible;

/// Proves to the upstream that the request came through the gateway; 3scale's name for it.
pub(crate) const SECRET_TOKEN: &str = "x-3scale-proxy-secret-token";
/// Read by the generated listener's route.
const CLUSTER: &str = "x-tallygate-cluster";
/// Read there too: where to connect, when it is not the host that the upstream is to see.
const HOST: &str = "x-tallygate-upstream-host";
const PORT: &str = "x-tallygate-upstream-port";

/// Points the request at the private base URL of its backend or product, or leaves it to the operator's routes.
///
/// `target` is what the client sent, less its credentials when they were `stripped`.
pub(crate) fn choose(upstream: &Upstream, request: &Admissible<'_>, target: &[u8], stripped: bool) {
    match (upstream, request.upstream()) {
        (Upstream::Tallygate { plain, tls }, Some(private)) => {
            let own = if private.tls { tls } else { plain };
            let cluster = request.cluster().unwrap_or(own);
            set_request_header(CLUSTER, cluster.as_bytes());
            match &private.host_rewrite {
                Some(host) => {
                    let default = if private.tls { "443" } else { "80" };
                    let (name, port) = host_and_port(&private.authority, default);
                    set_request_header(":authority", host.as_bytes());
                    set_request_header(HOST, name.as_bytes());
                    set_request_header(PORT, port.as_bytes());
                }
                None => set_request_header(":authority", private.authority.as_bytes()),
            }
            let mut path = [private.path_prefix.as_bytes(), &request.path].concat();
            if let Some(query) = target
                .iter()
                .position(|&byte| byte == b'?')
                .and_then(|at| target.get(at..))
            {
                path.extend_from_slice(query);
            }
            if path != target || stripped {
                set_request_header(":path", &path);
            }
        }
        // No private base URL: the route finds no cluster by this name and answers 503.
        (Upstream::Tallygate { .. }, None) => set_request_header(CLUSTER, b"tallygate_no_upstream"),
        (Upstream::Envoy, _) => {
            if stripped {
                set_request_header(":path", target);
            }
        }
    }
}

fn host_and_port<'a>(authority: &'a str, default: &'a str) -> (&'a str, &'a str) {
    match authority.rsplit_once(':') {
        // A colon further left belongs to an IPv6 address in brackets.
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (authority, default),
    }
}
