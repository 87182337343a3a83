//! A load at every gateway of a fleet, for one application, until its limit is used up.

use anyhow::{Result, ensure};
use std::time::Duration;
use tallygate_core::period::Period::Year;
use tallygate_tests::fleet::Fleet;
use tallygate_tests::load::{Load, Running, Tally};
use tallygate_tests::product::Limit;
use tallygate_tests::wait;

/// So much is allowed: in a year, so that no story has to look at the clock.
pub(crate) const LIMIT: u64 = 3_000;
/// The plan of the application that calls.
pub(crate) const LIMITS: [Limit; 1] = [Limit("hits", Year, LIMIT)];
/// At each gateway: together 200 requests a second.
const CLIENTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(20);
/// A fault is over and done with after that.
const SOON: Duration = Duration::from_secs(15);

/// A load under way.
pub(crate) struct Pressure {
    loads: Vec<Running>,
}

// === impl Pressure ===

impl Pressure {
    pub(crate) fn start(fleet: &Fleet) -> Self {
        let request = fleet.applications[0].get("/letter");
        let load = |target| Load {
            target,
            request: request.clone(),
            clients: CLIENTS,
            pause: PAUSE,
        };
        Self {
            loads: fleet
                .addresses()
                .into_iter()
                .map(|target| load(target).start())
                .collect(),
        }
    }

    /// How many were answered so at this gateway, so far.
    pub(crate) fn count(&self, gateway: usize, status: u16) -> u64 {
        self.loads[gateway].count(status)
    }

    /// Waits until this gateway has answered so another `more` times.
    pub(crate) async fn answers(&self, gateway: usize, status: u16, more: u64) -> Result<()> {
        let before = self.count(gateway, status);
        wait::until(
            &format!("{more} times {status} from gateway {gateway}"),
            SOON,
            async || Ok(self.count(gateway, status)),
            |now| *now >= before + more,
        )
        .await?;
        Ok(())
    }

    /// Waits until the limit is used up.
    pub(crate) async fn uses_up(&self, fleet: &Fleet) -> Result<()> {
        for gateway in 0..self.loads.len() {
            self.uses_up_at(fleet, gateway).await?;
        }
        Ok(())
    }

    /// Waits until the limit is used up, and this gateway knows.
    pub(crate) async fn uses_up_at(&self, fleet: &Fleet, gateway: usize) -> Result<()> {
        self.uses_up_to(fleet, gateway, LIMIT).await
    }

    /// Waits until so much is used up, and this gateway refuses more.
    pub(crate) async fn uses_up_to(&self, fleet: &Fleet, gateway: usize, all: u64) -> Result<()> {
        wait::until(
            "the limit is used up",
            SOON * 2,
            async || Ok(fleet.admitted(&fleet.applications[0])),
            |admitted| *admitted >= all,
        )
        .await?;
        // One more for each client: none of them may be admitted.
        self.answers(gateway, 429, u64::from(CLIENTS)).await
    }

    /// Ends it; what came back from each gateway.
    pub(crate) async fn finish(self) -> Vec<Tally> {
        let mut tallies = Vec::new();
        for load in self.loads {
            tallies.push(load.finish().await);
        }
        tallies
    }

    /// Ends it, and holds the three counts against each other and against the limit, all of which must have been
    /// admitted, and no more.
    pub(crate) async fn finish_exactly(self, fleet: &Fleet) -> Result<Tally> {
        let tally = self
            .finish()
            .await
            .into_iter()
            .fold(Tally::default(), Tally::and);
        let admitted = fleet.admitted(&fleet.applications[0]);
        ensure!(
            tally.broken.is_empty(),
            "clients' connections broke: {:?}",
            tally.broken
        );
        ensure!(
            admitted == LIMIT,
            "{admitted} of {LIMIT} came to the upstream"
        );
        ensure!(
            tally.admitted() == admitted,
            "the upstream saw {admitted}, clients {:?}",
            tally.by_status
        );
        fleet.ledger_agrees(SOON).await?;
        Ok(tally)
    }
}
