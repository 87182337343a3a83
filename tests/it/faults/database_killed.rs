//! PostgreSQL is killed under load, and recovers from its log: both replicas of the control plane find it again.

use super::pressure::{LIMITS, Pressure};
use anyhow::Result;
use serde_json::json;
use tallygate_tests::database::Kind;
use tallygate_tests::fleet::Setup;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story() -> Result<()> {
    let setup = Setup {
        gateways: 2,
        own_server: true,
        settings: json!({"on_disconnect": "deny"}),
        ..Setup::on(Kind::Postgres)
    };
    let mut fleet = setup
        .start("database-killed", &[("sender", &LIMITS)])
        .await?;
    let pressure = Pressure::start(&fleet);
    pressure.answers(0, 200, 200).await?;
    if let Some(postgres) = &mut fleet.postgres {
        postgres.kill().await?;
        pressure.answers(0, 503, 10).await?;
        pressure.answers(1, 503, 10).await?;
        postgres.start_again().await?;
    }
    pressure.answers(0, 200, 1).await?;
    pressure.answers(1, 200, 1).await?;
    pressure.uses_up(&fleet).await?;
    pressure.finish_exactly(&fleet).await?;
    fleet.end().await
}
