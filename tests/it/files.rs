//! Files for gateways are what Envoy takes, by its own word: those that are printed and downloaded, and those that `envoy/`
//! shows.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tallygate::gateway_config::bootstrap::system_ca_file;
use tallygate::gateway_config::files::{Format, Order};
use tallygate::gateway_config::jwt_authn::Provider;
use tallygate::gateway_config::{ControlPlane, Environment, FILTER};
use tokio::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn filter() -> Result<PathBuf> {
    let path = root().join(FILTER);
    path.canonicalize()
        .with_context(|| format!("{} is not there: `make e2e` builds it", path.display()))
}

/// Envoy's own judgement of a bootstrap: whether it takes it, and what it says.
async fn validate(name: &str, bootstrap: &str) -> Result<(bool, String)> {
    let folder = root().join("target/e2e/files");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{name}-{}.yaml", std::process::id()));
    std::fs::write(&file, bootstrap)?;
    let output = Command::new(root().join(tallygate::demo::ENVOY))
        .args([
            "--mode",
            "validate",
            "--use-dynamic-base-id",
            "--concurrency",
            "1",
            "-c",
        ])
        .arg(&file)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        std::fs::remove_file(&file)?;
    }
    Ok((output.status.success(), said))
}

fn order() -> Result<Order> {
    let audiences = ["mail".to_owned()];
    let issuer = Provider::new(
        "tallygate_oidc_example".into(),
        "https://id.example.com",
        &audiences,
        "https://id.example.com/keys",
    )?;
    Ok(Order {
        name: "validated".into(),
        environment: Environment::Production,
        site: None,
        token: "tgg_EXAMPLE".into(),
        control_plane: ControlPlane::parse("https://admin.example.com")?,
        listener: ([127, 0, 0, 1], 0).into(),
        admin: ([127, 0, 0, 1], 0).into(),
        filter: filter()?.to_string_lossy().into_owned(),
        ca_file: system_ca_file(),
        form_credentials: true,
        issuers: vec![issuer],
        namespace: "istio-ingress".into(),
        concurrency: None,
    })
}

#[tokio::test]
async fn envoy_takes_what_is_printed() -> Result<()> {
    for (name, order) in [
        ("tls", order()?),
        (
            "plain",
            Order {
                control_plane: ControlPlane::parse("http://[::1]:3001")?,
                issuers: Vec::new(),
                form_credentials: false,
                ..order()?
            },
        ),
    ] {
        let (taken, said) = validate(name, &order.file(Format::Envoy)?).await?;
        ensure!(taken, "{name}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn envoy_takes_the_committed_example_and_refuses_a_wrong_one() -> Result<()> {
    let example = std::fs::read_to_string(root().join("envoy/gateway.example.yaml"))?;
    // Where these things are on this machine.
    let here = example
        .replace(
            "/opt/tallygate/tallygate_filter.wasm",
            &filter()?.to_string_lossy(),
        )
        .replace(
            "/etc/ssl/certs/ca-certificates.crt",
            &system_ca_file().to_string_lossy(),
        );
    let (taken, said) = validate("example", &here).await?;
    ensure!(taken, "{said}");
    let wrong = here.replace("merge_slashes: true", "merge_slushes: true");
    ensure!(wrong != here);
    let (taken, said) = validate("wrong", &wrong).await?;
    ensure!(!taken && said.contains("merge_slushes"), "{said}");
    Ok(())
}

/// The filter's configuration in a listener of an operator's own, with routes of its own.
#[tokio::test]
async fn the_filter_takes_its_configuration_in_an_envoy_of_the_operators() -> Result<()> {
    let order = order()?;
    let configuration = order.file(Format::Filter)?;
    let own = |configuration: &str| -> Result<String> {
        let mut bootstrap: Value = json!({
            "static_resources": {
                "listeners": [{
                    "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
                    "filter_chains": [{"filters": [{
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                            "stat_prefix": "own",
                            "normalize_path": true,
                            "merge_slashes": true,
                            "path_with_escaped_slashes_action": "REJECT_REQUEST",
                            "route_config": {"virtual_hosts": [{"name": "own", "domains": ["*"], "routes": [
                                {"match": {"prefix": "/"}, "route": {"cluster": "own"}},
                            ]}]},
                            "http_filters": [{}, {"name": "router", "typed_config": {
                                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                            }}],
                        },
                    }]}],
                }],
                "clusters": [
                    {"name": "own", "type": "STATIC"},
                    {"name": "tallygate_control_plane", "type": "STATIC"},
                ],
            },
        });
        let filters = bootstrap
            .pointer_mut("/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0")
            .context("no filters")?;
        *filters = json!({"name": "tallygate", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "vm_config": {
                    "vm_id": "own",
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": filter()?}},
                },
                "allow_on_headers_stop_iteration": true,
                "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration},
            },
        }});
        Ok(bootstrap.to_string())
    };
    let (taken, said) = validate("own", &own(&configuration)?).await?;
    ensure!(taken, "{said}");
    let wrong = configuration.replace("\"cold_start\"", "\"cold_stort\"");
    let (_, said) = validate("own-wrong", &own(&wrong)?).await?;
    ensure!(
        said.contains("cold_stort"),
        "the filter did not say what is wrong: {said}"
    );
    Ok(())
}
