//! `tallygate gateway-config`: one more gateway for a running installation.
//!
//! Asks the control plane for a gateway (which makes a token of its own), then prints a complete
//! Envoy bootstrap that holds it. Nothing is started and nothing else is changed. The same
//! [`Bootstrap`] is what `tallygate demo` and the end-to-end tests start their Envoy with.

pub mod bootstrap;
mod clusters;
pub mod files;
pub mod istio;
pub mod jwt_authn;
mod listener;
pub mod plugin;
pub mod site;

use crate::admin_client::AdminClient;
use crate::oidc;
use anyhow::Context as _;
use serde_json::json;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use bootstrap::{Bootstrap, ControlPlane, Environment, Gateway};
use files::{Format, Order};
use site::Site;

/// Where `make filter` leaves the filter.
pub const FILTER: &str = "target/wasm32-wasip1/wasm/tallygate_filter.wasm";

/// `tallygate gateway-config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration that this gateway follows
    #[arg(long, value_enum)]
    environment: Environment,

    /// What is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// The product, by system name, that hosts which no product claims are taken for; with `--format istio` the one that
    /// is led to
    #[arg(long, value_name = "SYSTEM_NAME")]
    product: Option<String>,

    /// Where this gateway takes requests; needed for `--format envoy`
    #[arg(long, value_name = "ADDRESS:PORT")]
    listener: Option<SocketAddr>,

    /// Where Envoy's own admin interface listens; keep it private; needed for `--format envoy`
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin: Option<SocketAddr>,

    /// Where Istio's ingress gateway runs
    #[arg(long, value_name = "NAMESPACE", default_value = files::NAMESPACE)]
    namespace: String,

    /// Worker threads of Envoy, for the command in the file's first lines [default: one a core]
    #[arg(long, value_name = "N")]
    concurrency: Option<u32>,

    /// The filter's `.wasm`, as this gateway's Envoy finds it [default: the one built here]; for Istio its image
    #[arg(long, value_name = "PATH")]
    filter: Option<String>,

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

/// Makes the gateway and gives back its file: for Envoy a bootstrap, as YAML below a comment that says how to start it.
///
/// # Errors
/// When the control plane cannot be reached or refuses, or the filter is not where it should be.
pub async fn run(args: &Args) -> anyhow::Result<String> {
    // All that can be wrong on this side is looked at first: a gateway is made only for a file that gets printed.
    let control_plane = ControlPlane::parse(&args.admin_url).context("TALLYGATE_ADMIN_URL")?;
    let (listener, admin) = addresses(args)?;
    let filter = match args.format {
        Format::Envoy => filter_path(args.filter.as_deref().map(Path::new))?
            .to_string_lossy()
            .into_owned(),
        Format::Filter => String::new(),
        Format::Istio => args
            .filter
            .clone()
            .unwrap_or_else(|| files::IMAGE.to_owned()),
    };
    let name = match (&args.name, args.listener, &args.product) {
        (Some(name), _, _) => name.clone(),
        (None, Some(listener), _) => format!("{} {listener}", args.environment),
        (None, None, Some(product)) => format!("{product} {}", args.environment),
        (None, None, None) => args.environment.to_string(),
    };
    let ca_file = args
        .ca_file
        .clone()
        .unwrap_or_else(bootstrap::system_ca_file);

    let client = AdminClient::new(&args.admin_url, &args.access_token)?;
    let site = match &args.product {
        Some(product) => Some(find_site(&client, product, args.environment).await?),
        None => None,
    };
    anyhow::ensure!(
        args.format != Format::Istio || site.is_some(),
        "`--format istio` leads to one product: name it with `--product SYSTEM_NAME`"
    );
    let mut issuers = Vec::new();
    // In Istio each product brings its own.
    let wanted = match (args.format, &site) {
        (Format::Envoy, _) => oidc::of_environment(&client, args.environment.of_products()).await?,
        (Format::Istio, Some(site)) => site.issuer.iter().cloned().collect(),
        (Format::Filter | Format::Istio, _) => Vec::new(),
    };
    for issuer in wanted {
        issuers.push(oidc::discovery::provider(&issuer, &ca_file).await?);
    }
    let mut order = Order {
        name,
        environment: args.environment,
        site,
        token: files::NO_TOKEN.to_owned(),
        control_plane,
        listener,
        admin,
        filter,
        ca_file,
        form_credentials: !args.no_form_credentials,
        issuers,
        namespace: args.namespace.clone(),
        concurrency: args.concurrency,
    };
    // Once without the token, to see that it can be printed.
    order.file(args.format)?;
    order.token = create_gateway(&client, &order.name, args.environment).await?;
    order.file(args.format)
}

/// The addresses, which only a bootstrap has.
fn addresses(args: &Args) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let unused = SocketAddr::from(([127, 0, 0, 1], 0));
    match args.format {
        Format::Envoy => Ok((
            args.listener
                .context("say where the gateway takes requests: `--listener ADDRESS:PORT`")?,
            args.admin
                .context("say where Envoy's admin interface listens: `--admin ADDRESS:PORT`")?,
        )),
        Format::Filter | Format::Istio => Ok((unused, unused)),
    }
}

/// The product, as the environment's gateways meet it.
async fn find_site(
    client: &AdminClient,
    product: &str,
    environment: Environment,
) -> anyhow::Result<Site> {
    const PER_PAGE: usize = 500;
    let of_configs = environment.of_products().of_configs();
    for page in 1.. {
        let path = format!(
            "/admin/api/account/proxy_configs/{of_configs}.json?version=latest&per_page={PER_PAGE}&page={page}"
        );
        let answer = client.get(&path).await?;
        let configs = answer["proxy_configs"]
            .as_array()
            .context("an answer without proxy_configs")?;
        let found = configs
            .iter()
            .filter_map(|config| config.pointer("/proxy_config/content"))
            .find(|content| content["system_name"] == product);
        if let Some(content) = found {
            return Site::of_content(content, environment);
        }
        if configs.len() < PER_PAGE {
            break;
        }
    }
    anyhow::bail!("no product `{product}` was ever promoted to {of_configs}")
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
