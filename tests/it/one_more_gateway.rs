//! `tallygate gateway-config` prints a bootstrap that makes one more gateway of a running installation.

use anyhow::{Result, ensure};
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::Filter;
use tallygate_tests::installation::{Installation, with_query};
use tallygate_tests::printed_gateway::PrintedGateway;
use tallygate_tests::{http, wait};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story() -> Result<()> {
    let it = Installation::start("one-more-gateway", Kind::Sqlite, Filter::Shipped).await?;
    let mut gateway = PrintedGateway::start(&it, "production").await?;
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
            wait::or_give_up(gateway.check_alive())?;
            http::send_once(gateway.listener, &request).await
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
    gateway.stop().await;
    it.end()
}
