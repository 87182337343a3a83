//! Envoy's listeners are replaced under load, with new plugin configuration and with new code: no client notices, and
//! every call is in the ledger once.

use anyhow::{Result, ensure};
use serde_json::json;
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::{DRAIN_SECS, Filter, Gateway};
use tallygate_tests::installation::{Installation, with_query};
use tallygate_tests::load::Load;
use tallygate_tests::{http, wait};
use tokio::time::sleep;

crate::on_both_databases!(story);

async fn story(database: Kind) -> Result<()> {
    let mut it = Installation::start("listener-updates", database, Filter::Shipped).await?;
    let application_id = it.company.gold.application_id;
    let load = Load {
        target: it.production(),
        request: http::request(
            "GET",
            &with_query("/api/mail.send.json", &it.company.gold),
            &[],
            b"",
        ),
        clients: 8,
        pause: Duration::from_millis(20),
    };
    let load = load.start();
    sleep(Duration::from_secs(1)).await;

    it.gateway.update_plugin_configuration(|configuration| {
        configuration["default_product"] = json!("mail")
    })?;
    replaced(&it, 2).await?;
    sleep(Duration::from_secs(DRAIN_SECS + 1)).await;

    let other_code = Gateway::filter(Filter::Trap)?;
    it.gateway
        .update(|bootstrap| bootstrap.filter = other_code)?;
    replaced(&it, 4).await?;
    sleep(Duration::from_secs(DRAIN_SECS + 1)).await;
    let tally = load.finish().await;

    ensure!(tally.is_all_good(), "clients noticed: {tally:?}");
    ensure!(tally.admitted() > 1_000, "hardly a load: {tally:?}");
    ensure!(
        it.upstream.requests() == tally.admitted(),
        "the upstream saw {}",
        it.upstream.requests()
    );
    it.ledger_becomes(application_id, tally.admitted(), Duration::from_secs(5))
        .await?;
    it.end()
}

/// Waits until Envoy has taken in the new listeners.
async fn replaced(it: &Installation, listeners: u64) -> Result<()> {
    wait::until(
        "Envoy replaces its listeners",
        Duration::from_secs(10),
        async || it.gateway.stat("listener_manager.listener_modified").await,
        |replaced| *replaced >= listeners,
    )
    .await?;
    wait::until(
        "the new listeners are warm",
        Duration::from_secs(10),
        async || {
            it.gateway
                .stat("listener_manager.total_listeners_warming")
                .await
        },
        |warming| *warming == 0,
    )
    .await?;
    Ok(())
}
