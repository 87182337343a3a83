//! Answers are lost: the control plane has done what it was asked for, and the gateway, which cannot know, asks again.

use super::pressure::{LIMITS, Pressure};
use anyhow::{Result, ensure};
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::fleet::{Fleet, Setup};
use tallygate_tests::network::Call;
use tallygate_tests::wait;

crate::on_both_databases!(story);

async fn story(database: Kind) -> Result<()> {
    let setup = Setup {
        gateways: 2,
        settings: serde_json::json!({"on_disconnect": "deny"}),
        ..Setup::on(database)
    };
    let fleet = setup.start("answers-lost", &[("sender", &LIMITS)]).await?;
    let losing = Losing(&fleet);
    // The very first grants are told to nobody.
    losing.begin(Call::Leases);
    let pressure = Pressure::start(&fleet);
    losing.lost(0, 2).await?;
    losing.lost(1, 2).await?;
    losing.begin(Call::Sync);
    pressure.answers(0, 200, 100).await?;
    losing.lost(0, 3).await?;
    losing.lost(1, 3).await?;
    losing.end();
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

struct Losing<'a>(&'a Fleet);

// === impl Losing ===

impl Losing<'_> {
    fn begin(&self, call: Call) {
        for link in &self.0.links {
            link.lose_answers(Some(call));
        }
    }

    fn end(&self) {
        for link in &self.0.links {
            link.lose_answers(None);
        }
    }

    /// Waits until so many more were lost on the way to this gateway.
    async fn lost(&self, gateway: usize, more: u64) -> Result<()> {
        let link = &self.0.links[gateway];
        let before = link.lost();
        wait::until(
            "answers are lost",
            Duration::from_secs(15),
            async || Ok(link.lost()),
            |lost| *lost >= before + more,
        )
        .await?;
        Ok(())
    }
}
