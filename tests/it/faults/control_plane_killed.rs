//! The control plane is killed under load, and again while it takes in what had waited. Gateways spend what they hold
//! and then refuse; once it is back, the limit is used up to the last request, and not beyond.

use super::pressure::{LIMITS, Pressure};
use anyhow::{Result, ensure};
use serde_json::json;
use tallygate_tests::database::Kind;
use tallygate_tests::fleet::Setup;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story() -> Result<()> {
    let setup = Setup {
        gateways: 2,
        settings: json!({"on_disconnect": "deny"}),
        ..Setup::on(Kind::Sqlite)
    };
    let mut fleet = setup
        .start("control-plane-killed", &[("sender", &LIMITS)])
        .await?;
    let pressure = Pressure::start(&fleet);
    pressure.answers(0, 200, 200).await?;
    fleet.control_planes[0].kill().await;
    // Nothing left to spend.
    pressure.answers(0, 503, 10).await?;
    pressure.answers(1, 503, 10).await?;
    fleet.control_planes[0].start_again().await?;
    pressure.answers(0, 200, 1).await?;
    fleet.control_planes[0].kill().await;
    fleet.control_planes[0].start_again().await?;
    pressure.uses_up(&fleet).await?;
    let tally = pressure.finish_exactly(&fleet).await?;
    ensure!(
        tally
            .by_status
            .keys()
            .all(|status| matches!(status, 200 | 429 | 503)),
        "{:?}",
        tally.by_status
    );
    fleet.end().await
}
