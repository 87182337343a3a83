//! The bootstrap as a whole, by the example committed under `envoy/`; and what an admin may type.

use super::*;
use std::net::Ipv4Addr;

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// One gateway whose control plane is at `url`.
fn example(url: &str) -> Bootstrap {
    Bootstrap {
        admin: local(9902),
        control_plane: ControlPlane::parse(url).expect("a good URL"),
        filter: "/opt/tallygate/tallygate_filter.wasm".into(),
        ca_file: "/etc/ssl/certs/ca-certificates.crt".into(),
        gateways: vec![Gateway {
            environment: Environment::Production,
            listener: local(8082),
            token: "tgg_EXAMPLE".to_owned(),
            issuers: Vec::new(),
            default_product: None,
        }],
        form_credentials: true,
        listeners_file: None,
    }
}

/// `envoy/gateway.example.yaml` is what the README explains; it must be what is really printed.
#[test]
fn the_committed_example_is_up_to_date() {
    let printed = print(
        &example("https://admin.example.com"),
        "production 127.0.0.1:8082",
        Some(2),
    )
    .expect("prints");
    assert_committed("gateway.example.yaml", &printed);
}

/// `envoy/istio/mail-api.yaml` is what the kustomization beside it patches.
#[test]
fn the_committed_resources_of_istio_are_up_to_date() {
    let printed = mail_api().file(Format::Istio).expect("prints");
    assert_committed("istio/mail-api.yaml", &printed);
}

/// An order for a product that takes tokens, with nothing left out.
fn mail_api() -> Order {
    let server = |url: &str| ControlPlane::parse(url).expect("a good URL");
    let audiences = ["mail".to_owned()];
    Order {
        name: "mail_api production".into(),
        environment: Environment::Production,
        site: Some(Site {
            product: "mail_api".into(),
            environment: Environment::Production,
            version: 3,
            public: vec![("api.example.com".into(), "/mail".into())],
            upstreams: vec![site::Private {
                path: "/".into(),
                server: server("https://private.example.com:8443"),
                path_prefix: "/v1".into(),
                host: "private.example.com:8443".into(),
            }],
            issuer: None,
        }),
        token: files::NO_TOKEN.into(),
        control_plane: server("https://admin.example.com"),
        listener: local(8080),
        admin: local(9901),
        filter: files::IMAGE.into(),
        ca_file: "/etc/ssl/certs/ca-certificates.crt".into(),
        form_credentials: true,
        issuers: vec![
            jwt_authn::Provider::new(
                "tallygate_oidc_example".into(),
                "https://id.example.com",
                &audiences,
                "https://id.example.com/keys",
            )
            .expect("a good issuer"),
        ],
        namespace: files::NAMESPACE.into(),
        concurrency: None,
    }
}

#[track_caller]
fn assert_committed(name: &str, printed: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../envoy")
        .join(name);
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    if committed != printed {
        let fresh = file.with_extension("yaml.new");
        std::fs::write(&fresh, printed).expect("writes the fresh example");
        panic!(
            "{} is out of date: look at {} and move it there",
            file.display(),
            fresh.display()
        );
    }
}

#[test]
fn istio_needs_a_product() {
    let order = Order {
        site: None,
        ..mail_api()
    };
    assert!(order.file(Format::Istio).is_err());
    assert!(order.file(Format::Filter).is_ok());
}

#[test]
fn a_plain_control_plane_is_reached_without_tls() {
    let value = example("http://127.0.0.1:3001").to_value();
    let cluster = value
        .pointer("/static_resources/clusters/0")
        .expect("the control plane's cluster");
    assert_eq!(cluster["type"], "STATIC");
    assert_eq!(cluster["transport_socket"], serde_json::Value::Null);
}

#[test]
fn listeners_move_to_a_file_when_one_is_named() {
    let mut bootstrap = example("http://127.0.0.1:3001");
    bootstrap.listeners_file = Some("/run/lds.json".into());
    let value = bootstrap.to_value();
    assert_eq!(value.pointer("/static_resources/listeners"), None);
    assert_eq!(
        value
            .pointer("/dynamic_resources/lds_config/path_config_source/path")
            .and_then(|path| path.as_str()),
        Some("/run/lds.json")
    );
    assert_eq!(
        bootstrap
            .listeners()
            .pointer("/resources/0/name")
            .and_then(|name| name.as_str()),
        Some("tallygate_production")
    );
}

#[test]
fn admin_urls() {
    let check = |url: &str| match ControlPlane::parse(url) {
        Ok(it) => format!(
            "{} {}",
            if it.tls { "tls" } else { "plain" },
            it.authority()
        ),
        Err(error) => format!("error: {error}"),
    };
    for (url, expected) in [
        ("http://127.0.0.1:3001", "plain 127.0.0.1:3001"),
        ("http://localhost/", "plain localhost:80"),
        ("https://Admin.Example.com", "tls admin.example.com:443"),
        (
            "HTTPS://admin.example.com:8443",
            "tls admin.example.com:8443",
        ),
        ("http://[::1]:3001", "plain [::1]:3001"),
        ("https://[2001:db8::1]", "tls [2001:db8::1]:443"),
        (
            "127.0.0.1:3001",
            "error: `127.0.0.1:3001` must begin with http:// or https://",
        ),
        (
            "ftp://h",
            "error: `ftp://h` must begin with http:// or https://",
        ),
        ("http://", "error: `http://` names no host"),
        ("http://:80", "error: `http://:80` names no host"),
        ("http://h:70000", "error: `70000` is not a port"),
        ("http://[::1", "error: `[` without `]` in the host"),
        ("http://[::1]x", "error: expected `:port` after `]`"),
        ("http://[h]", "error: `h` is not an IPv6 address"),
        (
            "http://h/admin",
            "error: `http://h/admin` must be scheme, host and port only: the gateway API lives at the root of the admin address",
        ),
        (
            "http://user@h",
            "error: `http://user@h` must be scheme, host and port only: the gateway API lives at the root of the admin address",
        ),
    ] {
        assert_eq!(check(url), expected, "{url}");
    }
}
