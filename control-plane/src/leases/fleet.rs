//! What operators see of credit: by product and gateway for the Account Management API, by product for `/metrics`.

use crate::db::{Db, Tx};
use crate::error::Error;
use crate::store::leases::{self as store, views};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::Mutex;

/// How one gateway, one product, or everything stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What is left of all leases in open windows.
    pub credit_held: i64,
    /// How many leases have something left.
    pub leases: i64,
    /// How many of them are being recalled.
    pub recalls: i64,
    /// What processes hold that are not heard of any more: it may have been spent.
    pub unaccounted: i64,
    /// Requests admitted.
    pub admitted: i64,
    /// Requests that waited for credit.
    pub waited: i64,
    /// Calls made for credit.
    pub callouts: i64,
    /// Admitted without credit while the control plane was away, in units of the limited metrics.
    pub overdraft: i64,
}

/// How all gateways stand.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    /// By gateway and product.
    pub standings: BTreeMap<(i64, i64), Standing>,
    /// Gateways with a process that is heard of.
    pub live: BTreeSet<i64>,
}

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

// === impl Standing ===

impl Standing {
    /// Calls for credit for each request that was admitted.
    #[must_use]
    pub fn callouts_per_request(&self) -> f64 {
        if self.admitted > 0 {
            self.callouts as f64 / self.admitted as f64
        } else {
            0.0
        }
    }

    fn numbers(&self) -> [i64; 8] {
        [
            self.credit_held,
            self.leases,
            self.recalls,
            self.unaccounted,
            self.admitted,
            self.waited,
            self.callouts,
            self.overdraft,
        ]
    }

    fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.credit_held, other.credit_held),
            (&mut self.leases, other.leases),
            (&mut self.recalls, other.recalls),
            (&mut self.unaccounted, other.unaccounted),
            (&mut self.admitted, other.admitted),
            (&mut self.waited, other.waited),
            (&mut self.callouts, other.callouts),
            (&mut self.overdraft, other.overdraft),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
    }
}

impl<'a> FromIterator<&'a Standing> for Standing {
    fn from_iter<I: IntoIterator<Item = &'a Self>>(standings: I) -> Self {
        let mut sum = Self::default();
        for standing in standings {
            sum.add(standing);
        }
        sum
    }
}

// === impl Fleet ===

impl Fleet {
    /// Reads it, of one product or of all.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(tx: &mut Tx, now_ms: i64, product: Option<i64>) -> Result<Self, Error> {
        let epoch = store::epoch(tx).await?.epoch;
        let mut fleet = Self::default();
        for held in views::holdings(tx, epoch, now_ms, product).await? {
            let standing = fleet.of(held.gateway_id, held.product_id);
            standing.credit_held = held.credit_held;
            standing.leases = held.leases;
            standing.recalls = held.recalls;
            standing.unaccounted = held.unaccounted;
        }
        for done in views::done(tx, product).await? {
            let standing = fleet.of(done.gateway_id, done.product_id);
            standing.admitted = done.admitted;
            standing.waited = done.waited;
            standing.callouts = done.callouts;
            standing.overdraft = done.overdraft;
        }
        let live = views::live_gateways(tx, epoch, now_ms).await?;
        fleet.live = live.into_iter().collect();
        Ok(fleet)
    }

    /// How a gateway stands, in all products that were read.
    #[must_use]
    pub fn gateway(&self, id: i64) -> Standing {
        self.standings
            .range((id, i64::MIN)..=(id, i64::MAX))
            .map(|(_, standing)| standing)
            .collect()
    }

    /// How all stand together.
    #[must_use]
    pub fn totals(&self) -> Standing {
        self.standings.values().collect()
    }

    fn of(&mut self, gateway: i64, product: i64) -> &mut Standing {
        self.standings.entry((gateway, product)).or_default()
    }
}

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
