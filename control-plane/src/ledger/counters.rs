//! What the ledger tells `/metrics`.

use super::claim::Claim;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// What the ledger has done since the process started.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    batches: Counter,
    duplicates: Counter,
    lost: Counter,
    refused: Counter,
    rows: Counter,
    rejected: Counter,
    anomalies: Counter,
    retried: Counter,
}

impl Counters {
    /// Made known to `/metrics`.
    pub fn register(&self, registry: &mut Registry) {
        let mut register = |name: &str, help: &str, counter: &Counter| {
            registry.register(name, help, counter.clone())
        };
        register("usage_batches", "Usage batches applied", &self.batches);
        register(
            "usage_duplicate_batches",
            "Usage batches that had been applied before",
            &self.duplicates,
        );
        register(
            "usage_lost_batches",
            "Usage batches lost with history (a restored database)",
            &self.lost,
        );
        register(
            "usage_refused_calls",
            "Calls of instances that are fenced or another gateway's",
            &self.refused,
        );
        register("usage_rows", "Usage rows applied", &self.rows);
        register(
            "usage_rejected_rows",
            "Usage rows put into quarantine",
            &self.rejected,
        );
        register(
            "lease_anomalies",
            "Totals of leases that make no sense, or say that more was spent than granted",
            &self.anomalies,
        );
        register(
            "usage_groups_retried",
            "Groups of usage batches that failed together and were applied one by one",
            &self.retried,
        );
    }

    pub(super) fn count_retry(&self) {
        self.retried.inc();
    }

    pub(super) fn count_anomalies(&self, anomalies: u64) {
        self.anomalies.inc_by(anomalies);
    }

    pub(super) fn count(&self, claims: &[Claim], rows: usize, rejected: usize) {
        for claim in claims {
            match claim {
                Claim::Next { lost } => {
                    self.batches.inc();
                    self.lost.inc_by(*lost);
                }
                Claim::Known { again: true, .. } => drop(self.duplicates.inc()),
                Claim::Known { .. } => {}
                Claim::Refused(_) => drop(self.refused.inc()),
            }
        }
        self.rejected.inc_by(rejected as u64);
        self.rows.inc_by(rows.saturating_sub(rejected) as u64);
    }
}
