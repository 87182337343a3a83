//! What asks tell `/metrics`.

use crate::error::Error;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tallygate_core::wire::{AskAnswerV1, OutcomeV1};

/// What became of asks since the process started.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    granted: Counter,
    short: Counter,
    later: Counter,
    refused: Counter,
    retried: Counter,
}

impl Counters {
    /// Made known to `/metrics`.
    pub fn register(&self, registry: &mut Registry) {
        let mut register = |name: &str, help: &str, counter: &Counter| {
            registry.register(name, help, counter.clone())
        };
        register(
            "lease_asks_granted",
            "Asks that were granted",
            &self.granted,
        );
        register(
            "lease_asks_short",
            "Asks that found too little left",
            &self.short,
        );
        register(
            "lease_asks_later",
            "Asks put off: after a restore, while a limit was changed, or of a window that is not open",
            &self.later,
        );
        register(
            "lease_asks_refused",
            "Asks that failed or made no sense",
            &self.refused,
        );
        register(
            "lease_groups_retried",
            "Groups of asks that failed together and were decided one by one",
            &self.retried,
        );
    }

    pub(super) fn count_retry(&self) {
        self.retried.inc();
    }

    pub(super) fn count(&self, answer: &Result<AskAnswerV1, Error>) {
        let counter = match answer {
            Ok(answer) => match answer.outcome {
                OutcomeV1::Granted => &self.granted,
                OutcomeV1::Short => &self.short,
                OutcomeV1::Later => &self.later,
            },
            Err(_) => &self.refused,
        };
        counter.inc();
    }
}
