//! `tallygate gateway-config` prints a bootstrap that makes one more gateway of a running installation.

use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::time::Duration;
use tallygate::demo::child::{Child, Group};
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::Filter;
use tallygate_tests::installation::{Installation, with_query};
use tallygate_tests::{http, ports, wait};
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story() -> Result<()> {
    let it = Installation::start("one-more-gateway", Kind::Sqlite, Filter::Shipped).await?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (listener, admin) = (ports::free()?, ports::free()?);

    let printed = Command::new(root.join("target/debug/tallygate"))
        .args([
            "gateway-config",
            "--environment",
            "production",
            "--concurrency",
            "2",
        ])
        .args([
            "--listener",
            &listener.to_string(),
            "--admin",
            &admin.to_string(),
        ])
        .env("TALLYGATE_ADMIN_URL", it.control_plane.url())
        .env("TALLYGATE_ACCESS_TOKEN", it.credentials.access_token())
        .current_dir(&root)
        .output()
        .await?;
    ensure!(
        printed.status.success(),
        "{}",
        String::from_utf8_lossy(&printed.stderr)
    );
    let file = it.folder().join("gateway.yaml");
    std::fs::write(&file, &printed.stdout)?;

    // The command is the one that the file itself names.
    let text = String::from_utf8(printed.stdout)?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("#   envoy -c gateway.yaml "));
    let mut command = Command::new(root.join(tallygate::demo::ENVOY));
    command
        .arg("-c")
        .arg(&file)
        .args(line.context("no command in the file")?.split(' '));
    let mut envoy = Child::start(
        "Envoy",
        command,
        &it.folder().join("second-envoy.log"),
        Group::Ours,
    )?;

    let gold = &it.company.gold;
    // The product answers at the installation's own address; a load balancer would keep the host as well.
    let host = it.production().to_string();
    let request = http::request(
        "GET",
        &with_query("/api/mail.send.json", gold),
        &[("host", &host)],
        b"",
    );
    let (answer, _) = wait::until(
        "the second gateway admits",
        Duration::from_secs(30),
        async || {
            wait::or_give_up(envoy.check_alive())?;
            http::send_once(listener, &request).await
        },
        |answer| answer.status == 200,
    )
    .await?;
    ensure!(
        answer.json()?["headers"]["x-3scale-proxy-secret-token"]
            == it.company.secret_token.as_str(),
        "{answer:?}"
    );
    it.ledger_becomes(gold.application_id, 1, Duration::from_secs(3))
        .await?;
    envoy.stop(Duration::from_secs(5)).await;
    it.end()
}
