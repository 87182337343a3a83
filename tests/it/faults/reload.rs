//! A gateway's listener is replaced under load, first with another configuration of the plugin, then with other code:
//! old and new VMs spend from the same credit, and no client notices.

use super::pressure::{LIMITS, Pressure};
use anyhow::{Result, ensure};
use serde_json::json;
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::fleet::Setup;
use tallygate_tests::gateway::{DRAIN_SECS, Filter, Gateway};
use tallygate_tests::wait;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story() -> Result<()> {
    let setup = Setup {
        gateways: 2,
        ..Setup::on(Kind::Sqlite)
    };
    let mut fleet = setup.start("reload", &[("sender", &LIMITS)]).await?;
    let pressure = Pressure::start(&fleet);
    pressure.answers(0, 200, 100).await?;
    fleet.gateways[0].update_plugin_configuration(|configuration| {
        configuration["default_product"] = json!("post");
    })?;
    drained(&fleet.gateways[0], 1).await?;
    let other_code = Gateway::filter(Filter::Trap)?;
    fleet.gateways[0].update(|bootstrap| bootstrap.filter = other_code)?;
    drained(&fleet.gateways[0], 2).await?;
    pressure.uses_up(&fleet).await?;
    let tally = pressure.finish_exactly(&fleet).await?;
    ensure!(
        tally
            .by_status
            .keys()
            .all(|status| matches!(status, 200 | 429)),
        "clients noticed: {:?}",
        tally.by_status
    );
    fleet.end().await
}

/// Waits until Envoy has taken in a new listener for the `times`-th time, and the old one is gone.
async fn drained(gateway: &Gateway, times: u64) -> Result<()> {
    let limit = Duration::from_secs(DRAIN_SECS + 10);
    for (stat, expected) in [
        ("listener_manager.listener_modified", times),
        ("listener_manager.total_listeners_warming", 0),
        ("listener_manager.total_listeners_draining", 0),
    ] {
        wait::until(
            stat,
            limit,
            async || gateway.stat(stat).await,
            |now| *now == expected,
        )
        .await?;
    }
    Ok(())
}
