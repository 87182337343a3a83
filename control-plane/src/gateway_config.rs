//! `tallygate gateway-config`: one more gateway for a running installation.
//!
//! Asks the control plane for a gateway (which makes a token of its own), then prints a complete
//! Envoy bootstrap that holds it. Nothing is started and nothing else is changed. The same
//! [`Bootstrap`] is what `tallygate demo` and the end-to-end tests start their Envoy with.

pub mod bootstrap;
mod clusters;
pub mod jwt_authn;
mod listener;

use crate::admin_client::AdminClient;
use crate::oidc;
use anyhow::Context as _;
use serde_json::json;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use bootstrap::{Bootstrap, ControlPlane, Environment, Gateway};

/// Where `make filter` leaves the filter.
pub const FILTER: &str = "target/wasm32-wasip1/wasm/tallygate_filter.wasm";

/// `tallygate gateway-config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration that this gateway follows
    #[arg(long, value_enum)]
    environment: Environment,

    /// Where this gateway takes requests
    #[arg(long, value_name = "ADDRESS:PORT")]
    listener: SocketAddr,

    /// Where Envoy's own admin interface listens; keep it private
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin: SocketAddr,

    /// Worker threads of Envoy, for the command in the file's first lines [default: one a core]
    #[arg(long, value_name = "N")]
    concurrency: Option<u32>,

    /// The filter's `.wasm`, as this gateway's Envoy finds it [default: the one built here]
    #[arg(long, value_name = "PATH")]
    filter: Option<PathBuf>,

    /// The gateway's name in the console [default: environment and listener]
    #[arg(long)]
    name: Option<String>,

    /// Certificate authorities that upstreams and an https control plane are checked against
    /// [default: the system's]
    #[arg(long, value_name = "PATH")]
    ca_file: Option<PathBuf>,

    /// Read no form bodies, neither for credentials nor for rules: uploads of any length may then wait for credit
    #[arg(long)]
    no_form_credentials: bool,

    /// The control plane's admin address
    #[arg(long, value_name = "URL", env = "TALLYGATE_ADMIN_URL")]
    admin_url: String,

    /// An access token with the scope `account_management` and permission `rw`
    #[arg(
        long,
        value_name = "TOKEN",
        env = "TALLYGATE_ACCESS_TOKEN",
        hide_env_values = true
    )]
    access_token: String,
}

/// Makes the gateway and gives back its bootstrap, as YAML below a comment that says how to start it.
///
/// # Errors
/// When the control plane cannot be reached or refuses, or the filter is not where it should be.
pub async fn run(args: &Args) -> anyhow::Result<String> {
    // All that can be wrong on this side is looked at first: a gateway is made only for a file that gets printed.
    let control_plane = ControlPlane::parse(&args.admin_url).context("TALLYGATE_ADMIN_URL")?;
    let filter = filter_path(args.filter.as_deref())?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => format!("{} {}", args.environment, args.listener),
    };

    let ca_file = args
        .ca_file
        .clone()
        .unwrap_or_else(bootstrap::system_ca_file);

    let client = AdminClient::new(&args.admin_url, &args.access_token)?;
    let mut issuers = Vec::new();
    for issuer in oidc::of_environment(&client, args.environment.of_products()).await? {
        issuers.push(oidc::discovery::provider(&issuer, &ca_file).await?);
    }
    let token = create_gateway(&client, &name, args.environment).await?;
    let bootstrap = Bootstrap {
        admin: args.admin,
        control_plane,
        filter,
        ca_file,
        gateways: vec![Gateway {
            environment: args.environment,
            listener: args.listener,
            token,
            issuers,
        }],
        form_credentials: !args.no_form_credentials,
        listeners_file: None,
    };
    print(&bootstrap, &name, args.concurrency)
}

/// Makes a gateway through the control plane's API and gives back its token, which is shown this once.
///
/// # Errors
/// When the control plane cannot be reached or refuses.
pub async fn create_gateway(
    client: &AdminClient,
    name: &str,
    environment: Environment,
) -> anyhow::Result<String> {
    let answer = client
        .post(
            "/admin/api/gateways.json",
            &json!({"name": name, "environment": environment.to_string()}),
        )
        .await
        .context("the control plane did not make a gateway")?;
    let token = answer
        .pointer("/gateway/token")
        .and_then(|token| token.as_str());
    Ok(token
        .context("the control plane made a gateway but its answer holds no token")?
        .to_owned())
}

/// The filter's absolute path: Envoy may be started from any folder.
///
/// A path that was given is taken as it is, since the gateway may be another machine.
fn filter_path(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = given {
        return std::path::absolute(path).with_context(|| format!("--filter {}", path.display()));
    }
    let built = std::path::absolute(FILTER)?;
    anyhow::ensure!(
        built.is_file(),
        "{} is not there: build it with `make filter`, or say where it is with `--filter PATH`",
        built.display()
    );
    Ok(built)
}

/// The file: how to start it, then the bootstrap.
fn print(bootstrap: &Bootstrap, name: &str, concurrency: Option<u32>) -> anyhow::Result<String> {
    let concurrency = concurrency
        .map(|n| format!(" --concurrency {n}"))
        .unwrap_or_default();
    let mut text = String::new();
    writeln!(text, "# Tallygate gateway \"{}\".", name.escape_debug())?;
    writeln!(
        text,
        "# It holds the gateway's token: keep it readable by Envoy's user alone. Save it as gateway.yaml, then"
    )?;
    writeln!(text, "#")?;
    writeln!(
        text,
        "#   envoy -c gateway.yaml --use-dynamic-base-id --drain-time-s 5{concurrency}"
    )?;
    writeln!(text, "#")?;
    writeln!(
        text,
        "# (or `--base-id N`, another number for each Envoy of this machine). To stop it without losing usage, after"
    )?;
    writeln!(
        text,
        "# `POST /admin/api/gateways/ID/drain.json` at the control plane, which has it return its credit:"
    )?;
    writeln!(text, "#")?;
    writeln!(
        text,
        "#   curl -X POST 'http://{}/drain_listeners?graceful'; sleep 7; kill -TERM PID",
        bootstrap.admin
    )?;
    writeln!(text)?;
    text.push_str(&yaml_serde::to_string(&bootstrap.to_value())?);
    Ok(text)
}

#[cfg(test)]
mod tests;
