//! Counters, gauges and histograms of Envoy, as `wasmcustom.tallygate.*`. None has an application in its name:
//! Envoy keeps every name for ever.

use crate::envoy::Metric;
use tallygate_core::verdict::Reason;

/// One VM's handles; the numbers are the process's.
pub(crate) struct Metrics {
    /// Requests admitted.
    pub(crate) admitted: Metric,
    refused: [(Reason, Metric); 7],
    /// From the first byte of the request to the last of the response, microseconds; of one request in sixteen.
    pub(crate) duration_us: Metric,
    /// Calls to the control plane that failed.
    pub(crate) failed_calls: Metric,
    /// 1 while the control plane refuses the gateway token.
    pub(crate) unauthorized: Metric,
    /// Revision the gateway decides by.
    pub(crate) revision: Metric,
    /// Sealed batches not acknowledged.
    pub(crate) batches_waiting: Metric,
    /// Rows of usage that the ledger put in quarantine.
    pub(crate) rejected_rows: Metric,
    /// Products or rules that could not be compiled.
    pub(crate) rejected_entries: Metric,
    /// Writes to a slot that were lost to another worker and tried again.
    pub(crate) retries: Metric,
}

impl Metrics {
    pub(crate) fn define() -> Self {
        let refused = |reason: Reason| {
            (
                reason,
                Metric::counter(&format!("tallygate.requests.refused.{}", reason.as_str())),
            )
        };
        Self {
            admitted: Metric::counter("tallygate.requests.admitted"),
            refused: Reason::ALL.map(refused),
            duration_us: Metric::histogram("tallygate.request_duration_us"),
            failed_calls: Metric::counter("tallygate.control_plane.failed_calls"),
            unauthorized: Metric::gauge("tallygate.control_plane.unauthorized"),
            revision: Metric::gauge("tallygate.revision"),
            batches_waiting: Metric::gauge("tallygate.usage.batches_waiting"),
            rejected_rows: Metric::counter("tallygate.usage.rejected_rows"),
            rejected_entries: Metric::gauge("tallygate.rejected_entries"),
            retries: Metric::counter("tallygate.slot_retries"),
        }
    }

    pub(crate) fn refused(&self, reason: Reason) {
        if let Some((_, metric)) = self.refused.iter().find(|(known, _)| *known == reason) {
            metric.increment();
        }
    }
}
