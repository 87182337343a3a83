//! The same for `/metrics`, by product.

use super::{Fleet, Standing};
use crate::db::Db;
use crate::error::Error;
use crate::store::leases::views;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::Mutex;

/// Gauges by product, read from the database when they are asked for and not fresh.
#[derive(Clone, Debug, Default)]
pub struct Gauges {
    /// When, milliseconds since 1970.
    read: Arc<Mutex<Option<i64>>>,
    numbers: [Family<Labels, Gauge>; 8],
    callouts_per_request: Family<Labels, Gauge<f64, AtomicU64>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    product: String,
}

/// How long what was read is shown, in milliseconds: a scrape must cost little however often it comes.
const FRESH_MS: i64 = 2_000;
/// Names and meanings, in the order of [`Standing::numbers`].
const NAMES: [(&str, &str); 8] = [
    (
        "product_credit_held",
        "Credit that gateways hold in open windows",
    ),
    (
        "product_leases",
        "Leases with something left in open windows",
    ),
    ("product_recalls", "Leases that are being recalled"),
    (
        "product_unaccounted",
        "Credit of gateway processes that are not heard of any more",
    ),
    ("product_admitted", "Requests that gateways admitted"),
    ("product_waited", "Requests that waited for credit"),
    ("product_callouts", "Calls that gateways made for credit"),
    (
        "product_overdraft",
        "Admitted without credit while the control plane was away",
    ),
];

// === impl Gauges ===

impl Gauges {
    /// Made known to `/metrics`.
    pub fn register(&self, registry: &mut Registry) {
        for ((name, help), family) in NAMES.into_iter().zip(&self.numbers) {
            registry.register(name, help, family.clone());
        }
        registry.register(
            "product_callouts_per_request",
            "Calls for credit for each request that was admitted",
            self.callouts_per_request.clone(),
        );
    }

    /// Reads them again unless they are fresh. Whoever comes meanwhile waits for the same reading.
    ///
    /// # Errors
    /// When the database does not answer; they stay as they were.
    pub async fn refresh(&self, db: &Db) -> Result<(), Error> {
        let mut read = self.read.lock().await;
        let now_ms = db.now_ms().await?;
        if read.is_some_and(|at| (at..at + FRESH_MS).contains(&now_ms)) {
            return Ok(());
        }
        let mut tx = db.read().await?;
        let fleet = Fleet::read(&mut tx, now_ms, None).await?;
        let products = views::products(&mut tx).await?;
        let mut by_product: BTreeMap<i64, Standing> = BTreeMap::new();
        for ((_, product), standing) in &fleet.standings {
            by_product.entry(*product).or_default().add(standing);
        }
        for family in &self.numbers {
            family.clear();
        }
        self.callouts_per_request.clear();
        for product in products {
            let standing = by_product.get(&product.id).copied().unwrap_or_default();
            let labels = Labels {
                product: product.system_name,
            };
            for (family, number) in self.numbers.iter().zip(standing.numbers()) {
                family.get_or_create(&labels).set(number);
            }
            self.callouts_per_request
                .get_or_create(&labels)
                .set(standing.callouts_per_request());
        }
        *read = Some(now_ms);
        Ok(())
    }
}
