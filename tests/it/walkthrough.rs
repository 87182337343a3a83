//! The walkthrough of the documentation, as it is written: from an empty database to an API that is sold.

use anyhow::{Result, ensure};
use std::path::Path;
use std::time::Duration;
use tallygate::admin_client::AdminClient;
use tallygate::demo::credentials::Credentials;
use tallygate::demo::upstream::Upstream;
use tallygate::gateway_config::{Environment, create_gateway};
use tallygate_tests::control_plane::{Build, ControlPlane};
use tallygate_tests::database::{self, Kind};
use tallygate_tests::gateway::{Entrance, Filter, Gateway};
use tallygate_tests::ports;
use tokio::process::Command;

/// Longer than a minute's window and all calls: the script waits for a window to begin.
const PATIENCE: Duration = Duration::from_secs(150);

crate::on_both_databases!(story);

async fn story(database: Kind) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let name = format!("walkthrough-{database:?}-{}", std::process::id()).to_lowercase();
    let folder = root.join("target/e2e").join(name);
    std::fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;

    let database = database::create(database, &folder).await?;
    let credentials = Credentials::load_or_create(&folder, &database).await?;
    let log = folder.join("control-plane.log");
    let control_plane = ControlPlane::start(Build::Debug, database, log).await?;
    let api = AdminClient::new(&control_plane.url(), credentials.access_token())?;
    let upstream = Upstream::start(ports::free()?).await?;
    let entrance = async |at, name, environment| {
        let token = create_gateway(&api, name, environment).await?;
        anyhow::Ok(Entrance { at, token })
    };
    let production = entrance(ports::free()?, "production", Environment::Production).await?;
    let staging = entrance(control_plane.staging, "staging", Environment::Staging).await?;
    let url = |entrance: &Entrance| format!("http://{}", entrance.at);
    let (gateway_url, staging_url) = (url(&production), url(&staging));
    let gateway = Gateway::start(
        &folder,
        "envoy",
        Filter::Shipped,
        &control_plane.url(),
        production,
        Some(staging),
    )?;

    let mut script = Command::new(root.join("docs/walkthrough.sh"));
    script
        .env("ADMIN_URL", control_plane.url())
        .env("ACCESS_TOKEN", credentials.access_token())
        .env("UPSTREAM_URL", upstream.url())
        .env("GATEWAY_URL", gateway_url)
        .env("STAGING_URL", staging_url)
        .env("no_proxy", "127.0.0.1")
        .kill_on_drop(true);
    let told = tokio::time::timeout(PATIENCE, script.output()).await??;
    let out = String::from_utf8_lossy(&told.stdout);
    let error = String::from_utf8_lossy(&told.stderr);
    ensure!(
        told.status.success(),
        "{out}\n{error}\n=== control plane\n{}\n=== Envoy\n{}",
        control_plane.log(),
        gateway.log()
    );
    for line in [
        "200  600 calls",
        "429  come back in",
        "✓ From nothing to an API that is sold.",
    ] {
        ensure!(out.contains(line), "no {line:?} in\n{out}");
    }
    drop(gateway);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
