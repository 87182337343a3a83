//! What agents' calls tell `/metrics`.

use super::Outcome;
use crate::error::Error;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// What was done for agents since the process started.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    taken: Counter,
    again: Counter,
    short: Counter,
    failed: Counter,
    rejected: Counter,
    retried: Counter,
}

impl Counters {
    /// Made known to `/metrics`.
    pub fn register(&self, registry: &mut Registry) {
        let mut register = |name: &str, help: &str, counter: &Counter| {
            registry.register(name, help, counter.clone());
        };
        register(
            "agent_charges_taken",
            "Charges of agents that were admitted or counted",
            &self.taken,
        );
        register(
            "agent_charges_again",
            "Charges that had been done under the same Idempotency-Key",
            &self.again,
        );
        register(
            "agent_charges_short",
            "Charges that a limit was in the way of",
            &self.short,
        );
        register(
            "agent_charges_failed",
            "Charges that were not decided",
            &self.failed,
        );
        register(
            "agent_rejected_transactions",
            "Reported transactions that named nothing that exists",
            &self.rejected,
        );
        register(
            "agent_groups_retried",
            "Groups of charges that failed and were decided one by one",
            &self.retried,
        );
    }

    /// Transactions of a report that were left out.
    pub fn count_rejected(&self, transactions: usize) {
        self.rejected
            .inc_by(u64::try_from(transactions).unwrap_or(u64::MAX));
    }

    pub(super) fn count_retry(&self) {
        self.retried.inc();
    }

    pub(super) fn count(&self, outcome: &Result<Outcome, Error>) {
        match outcome {
            Ok(Outcome::Taken(_)) => self.taken.inc(),
            Ok(Outcome::Again) => self.again.inc(),
            Ok(Outcome::Short { .. } | Outcome::NotLive) => self.short.inc(),
            Err(_) => self.failed.inc(),
        };
    }
}
