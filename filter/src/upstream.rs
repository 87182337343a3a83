//! Where an admitted request goes.

use crate::config::Upstream;
use crate::envoy::set_request_header;
use tallygate_core::compiled::Product;

/// Proves to the upstream that the request came through the gateway; 3scale's name for it.
pub(crate) const SECRET_TOKEN: &str = "x-3scale-proxy-secret-token";
/// Read by the generated listener's route.
const CLUSTER: &str = "x-tallygate-cluster";

/// Points the request at the product's private base URL, or leaves it to the operator's routes.
///
/// `path` is canonical and below the product's base path; `target` is what the client sent, less its credentials
/// when they were `stripped`.
pub(crate) fn choose(
    upstream: &Upstream,
    product: &Product,
    path: &[u8],
    target: &[u8],
    stripped: bool,
) {
    match (upstream, &product.upstream) {
        (Upstream::Tallygate { plain, tls }, Some(private)) => {
            let cluster = if private.tls { tls } else { plain };
            set_request_header(CLUSTER, cluster.as_bytes());
            set_request_header(
                ":authority",
                private
                    .host_rewrite
                    .as_ref()
                    .unwrap_or(&private.authority)
                    .as_bytes(),
            );
            let mut path = [private.path_prefix.as_bytes(), path].concat();
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
