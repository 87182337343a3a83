//! Files for gateways that the provider runs.

use super::{Field, Form, Shape, Tag, choice, flag, get, object, post, shape, text};

pub(super) fn tag() -> Tag {
    Tag::new("Gateway files", "What a gateway of your own is started with, for a product in an environment. GET leaves a placeholder where the gateway's token belongs; POST makes a gateway and puts its token in, which is shown this once.")
        .at("/admin/api/services/{service_id}/proxy/configs/{environment}/gateway", [
            get("/envoy.yaml", "Show a bootstrap of Envoy").about("Complete: listener, filter, clusters. It serves all products of the environment; hosts that none claims are taken for this one.")
                .segment(environment()).takes(common()).raw("application/yaml", "admin:\n  address: …\n"),
            post("/envoy.yaml", "Make a gateway, and its bootstrap of Envoy")
                .segment(environment()).takes(common()).raw("application/yaml", "admin:\n  address: …\n"),
            get("/filter", "Show the filter's configuration").about("For a listener of your own, with routes of your own.")
                .segment(environment()).takes(common()).only(Form::Json).answers(configuration()),
            post("/filter", "Make a gateway, and its filter's configuration")
                .segment(environment()).takes(common()).only(Form::Json).answers(configuration()),
            get("/istio.yaml", "Show Istio's resources").about("A WasmPlugin for the environment, and ServiceEntry, Gateway and VirtualService for the product.")
                .segment(environment()).takes(common()).raw("application/yaml", "apiVersion: extensions.istio.io/v1alpha1\n"),
            post("/istio.yaml", "Make a gateway, and Istio's resources for it")
                .segment(environment()).takes(common()).raw("application/yaml", "apiVersion: extensions.istio.io/v1alpha1\n"),
        ])
}

fn environment() -> Field {
    choice("environment", &["sandbox", "production"])
}

fn common() -> Vec<Field> {
    vec![
        text("name", "Frankfurt 1").max(255).about("What the file calls the gateway"),
        text("control_plane", "https://admin.example.com").max(255).about("Where the gateway finds this server, when it is not the address that the server is known by"),
        text("listener", "0.0.0.0:8080").about("Where requests are taken"),
        text("admin", "127.0.0.1:9901").about("Envoy's admin interface"),
        text("filter", "/opt/tallygate/tallygate_filter.wasm").about("The filter's file; for Istio its image"),
        text("ca_file", "/etc/ssl/certs/ca-certificates.crt").about("Certificate authorities"),
        flag("form_credentials", true).about("Whether form bodies are read"),
        text("namespace", "istio-ingress").about("Where Istio's ingress gateway runs"),
    ]
}

/// As the filter reads it.
fn configuration() -> Shape {
    shape("FilterConfiguration", [
        choice("environment", &["staging", "production"]),
        object("control_plane", shape("FilterControlPlane", [
            text("cluster", "tallygate_control_plane"),
            text("authority", "admin.example.com:443"),
            text("token", "tgg_…"),
        ])),
        text("upstream", "envoy"),
        text("default_product", "mail_api").or_null(),
        text("cold_start", "deny"),
        flag("form_credentials", true),
    ])
}
