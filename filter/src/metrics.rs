//! Counters, gauges and histograms of Envoy, as `wasmcustom.tallygate.*`. None has an application in its name:
//! Envoy keeps every name for ever.
//!
//! What requests count is added up here and told to Envoy on the tick: a call to the host costs more than the rest of
//! a request's bookkeeping. A VM that traps loses the counts of a fraction of a second; usage is not counted here.

use crate::envoy::Metric;
use std::cell::Cell;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use tallygate_core::compiled::Product;
use tallygate_core::id::ProductId;
use tallygate_core::verdict::Reason;
use tallygate_core::wire::ProductHealthV1;

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
    /// Requests that waited for credit.
    pub(crate) waited: Counter,
    /// How long, microseconds.
    pub(crate) wait_us: Metric,
    /// Calls made for credit.
    pub(crate) callouts: Counter,
    /// Leases returned because the control plane asked for them.
    pub(crate) recalls: Counter,
    /// Admitted without credit while the control plane was away, in units of the limited metrics.
    pub(crate) overdraft: Counter,
    /// 1 while the control plane answers nobody.
    pub(crate) away: Metric,
    products: RefCell<HashMap<ProductId, Rc<ProductMetrics>>>,
}

/// A counter that is told to Envoy on the tick.
pub(crate) struct Counter {
    metric: Metric,
    pending: Cell<u64>,
}

/// What is counted for one product.
pub(crate) struct ProductMetrics {
    product: ProductId,
    pub(crate) admitted: Counter,
    pub(crate) waited: Counter,
    pub(crate) callouts: Counter,
    pub(crate) overdraft: Counter,
}

// === impl Metrics ===

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
            away: Metric::gauge("tallygate.control_plane.away"),
            revision: Metric::gauge("tallygate.revision"),
            batches_waiting: Metric::gauge("tallygate.usage.batches_waiting"),
            rejected_rows: Counter::define("tallygate.usage.rejected_rows"),
            rejected_entries: Metric::gauge("tallygate.rejected_entries"),
            retries: Counter::define("tallygate.slot_retries"),
            waited: Counter::define("tallygate.leases.waited"),
            wait_us: Metric::histogram("tallygate.leases.wait_us"),
            callouts: Counter::define("tallygate.leases.callouts"),
            recalls: Counter::define("tallygate.leases.recalls"),
            overdraft: Counter::define("tallygate.leases.overdraft"),
            products: RefCell::default(),
        }
    }

    pub(crate) fn refused(&self, reason: Reason) {
        if let Some((_, counter)) = self.refused.iter().find(|(known, _)| *known == reason) {
            counter.add(1);
        }
    }

    /// What is counted for a product.
    pub(crate) fn of(&self, product: &Product) -> Rc<ProductMetrics> {
        let mut products = self.products.borrow_mut();
        let known = products
            .entry(product.id)
            .or_insert_with(|| Rc::new(ProductMetrics::define(product)));
        Rc::clone(known)
    }

    /// Tells Envoy what was counted since the last time.
    pub(crate) fn publish(&self) {
        let all = [
            &self.admitted,
            &self.failed_calls,
            &self.rejected_rows,
            &self.retries,
            &self.waited,
            &self.callouts,
            &self.recalls,
            &self.overdraft,
        ];
        all.into_iter().for_each(Counter::publish);
        self.refused
            .iter()
            .for_each(|(_, counter)| counter.publish());
        for product in self.products.borrow().values() {
            [
                &product.admitted,
                &product.waited,
                &product.callouts,
                &product.overdraft,
            ]
            .into_iter()
            .for_each(Counter::publish);
        }
    }

    /// The process's totals for each of these products.
    pub(crate) fn health<'a>(
        &self,
        products: impl Iterator<Item = &'a Product>,
    ) -> Vec<ProductHealthV1> {
        products
            .map(|product| {
                let metrics = self.of(product);
                ProductHealthV1 {
                    product: metrics.product,
                    admitted: metrics.admitted.total(),
                    waited: metrics.waited.total(),
                    callouts: metrics.callouts.total(),
                    overdraft: metrics.overdraft.total(),
                }
            })
            .collect()
    }
}

// === impl Counter ===

impl Counter {
    fn define(name: &str) -> Self {
        Self {
            metric: Metric::counter(name),
            pending: Cell::new(0),
        }
    }

    pub(crate) fn add(&self, amount: u64) {
        self.pending.set(self.pending.get().saturating_add(amount));
    }

    fn publish(&self) {
        self.metric.add(self.pending.take());
    }

    /// Of the whole process, as far as published.
    fn total(&self) -> u64 {
        self.metric.value()
    }
}

// === impl ProductMetrics ===

impl ProductMetrics {
    fn define(product: &Product) -> Self {
        let counter = |what: &str| {
            Counter::define(&format!("tallygate.product.{}.{what}", product.system_name))
        };
        Self {
            product: product.id,
            admitted: counter("admitted"),
            waited: counter("waited"),
            callouts: counter("callouts"),
            overdraft: counter("overdraft"),
        }
    }
}
