//! Counters, gauges and histograms of Envoy, as `wasmcustom.tallygate.*`. None has an application in its name:
//! Envoy keeps every name for ever.

use crate::envoy::{Counter, Metric};
use tallygate_core::verdict::Reason;

/// One VM's handles; the numbers are the process's.
pub(crate) struct Metrics {
    /// Requests admitted.
    pub(crate) admitted: Counter,
    refused: [(Reason, Counter); 7],
    /// From the first byte of the request to the last of the response, microseconds; of one request in sixteen.
    pub(crate) duration_us: Metric,
    /// Calls to the control plane that failed.
    pub(crate) failed_calls: Counter,
    /// 1 while the control plane refuses the gateway token.
    pub(crate) unauthorized: Metric,
    /// Revision the gateway decides by.
    pub(crate) revision: Metric,
    /// Sealed batches not acknowledged.
    pub(crate) batches_waiting: Metric,
    /// Rows of usage that the ledger put in quarantine.
    pub(crate) rejected_rows: Counter,
    /// Products or rules that could not be compiled.
    pub(crate) rejected_entries: Metric,
    /// Writes to a slot that were lost to another worker and tried again.
    pub(crate) retries: Counter,
}

impl Metrics {
    pub(crate) fn define() -> Self {
        let refused = |reason: Reason| {
            (
                reason,
                Counter::define(&format!("tallygate.requests.refused.{}", reason.as_str())),
            )
        };
        Self {
            admitted: Counter::define("tallygate.requests.admitted"),
            refused: Reason::ALL.map(refused),
            duration_us: Metric::histogram("tallygate.request_duration_us"),
            failed_calls: Counter::define("tallygate.control_plane.failed_calls"),
            unauthorized: Metric::gauge("tallygate.control_plane.unauthorized"),
            revision: Metric::gauge("tallygate.revision"),
            batches_waiting: Metric::gauge("tallygate.usage.batches_waiting"),
            rejected_rows: Counter::define("tallygate.usage.rejected_rows"),
            rejected_entries: Metric::gauge("tallygate.rejected_entries"),
            retries: Counter::define("tallygate.slot_retries"),
        }
    }

    /// Tells Envoy what was counted since the last tick.
    pub(crate) fn tell(&self) {
        let counters = [
            &self.admitted,
            &self.failed_calls,
            &self.rejected_rows,
            &self.retries,
        ];
        let refused = self.refused.iter().map(|(_, counter)| counter);
        counters.into_iter().chain(refused).for_each(Counter::tell);
    }

    pub(crate) fn refused(&self, reason: Reason) {
        if let Some((_, counter)) = self.refused.iter().find(|(known, _)| *known == reason) {
            counter.increment();
        }
    }
}
