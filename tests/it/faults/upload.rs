//! 20 MB are uploaded by a request that has to wait for credit. Where the gateway reads no form bodies Envoy stops
//! reading, and all of it passes. Where it does, the request is refused at once, and passes when there is credit.

use anyhow::{Context as _, Result, ensure};
use std::time::Duration;
use tallygate_core::period::Period::Year;
use tallygate_tests::database::Kind;
use tallygate_tests::fleet::{Fleet, Setup};
use tallygate_tests::http::{self, Answer, Connection};
use tallygate_tests::network::Call;
use tallygate_tests::product::{Application, HOST, Limit};
use tallygate_tests::wait;

const BYTES: usize = 20 * 1024 * 1024;
/// How long the control plane seems to think: many times as long as the upload takes.
const SLOW: Duration = Duration::from_millis(700);

const LIMITS: [Limit; 1] = [Limit("hits", Year, 100)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story() -> Result<()> {
    let setup = Setup {
        gateways: 1,
        ..Setup::on(Kind::Sqlite)
    };
    let mut fleet = setup
        .start("upload", &[("with-forms", &LIMITS), ("without", &LIMITS)])
        .await?;
    fleet.links[0].delay(Some((Call::Leases, SLOW)));
    let [with_forms, without] = &fleet.applications.clone()[..] else {
        anyhow::bail!("two applications");
    };

    let first = upload(&fleet, with_forms).await?;
    // Envoy itself says 413 when all of it has come before the filter could say 503.
    ensure!(
        first.status == 413 || first.status == 503 && first.header("retry-after") == Some("1"),
        "{first:?}"
    );
    ensure!(fleet.admitted(with_forms) == 0, "it came to the upstream");
    // Once the gateway holds credit nothing has to wait.
    let small = http::send_once(fleet.addresses()[0], &with_forms.get("/letter")).await?;
    ensure!(small.status == 200, "{small:?}");
    wait::until(
        "the upload passes",
        Duration::from_secs(5),
        async || upload(&fleet, with_forms).await,
        |answer| answer.status == 200,
    )
    .await?;
    ensure!(
        fleet.upstream.record().longest_body == BYTES,
        "not all of it"
    );

    fleet.gateways[0].update(|bootstrap| bootstrap.form_credentials = false)?;
    wait::until(
        "Envoy replaces its listener",
        Duration::from_secs(10),
        async || {
            let gateway = &fleet.gateways[0];
            let modified = gateway.stat("listener_manager.listener_modified").await?;
            let warming = gateway.stat("listener_manager.total_listeners_warming");
            Ok((modified, warming.await?))
        },
        |state| *state == (1, 0),
    )
    .await?;
    let asked = fleet.links[0].asked(Call::Leases);
    let answer = upload(&fleet, without).await?;
    ensure!(answer.status == 200, "{answer:?}");
    ensure!(
        fleet.links[0].asked(Call::Leases) > asked,
        "it did not have to wait"
    );
    fleet.ledger_agrees(Duration::from_secs(5)).await?;
    fleet.end().await
}

async fn upload(fleet: &Fleet, application: &Application) -> Result<Answer> {
    let length = BYTES.to_string();
    let headers = [
        ("host", HOST),
        ("content-type", "application/octet-stream"),
        ("content-length", length.as_str()),
    ];
    let target = application.target("/letter");
    let request = http::request("POST", &target, &headers, &vec![b'x'; BYTES]);
    let mut connection = Connection::open(fleet.addresses()[0]).await?;
    // It may be refused before all of it is sent.
    let answer = connection.send_hostile(&request, false).await?;
    answer.context("closed without an answer")
}
