//! What operators see of credit: by product and gateway for the Account Management API, by product for `/metrics`.

mod gauges;

use crate::db::Tx;
use crate::error::Error;
use crate::store::leases::{self as store, views};
use std::collections::{BTreeMap, BTreeSet};

pub use gauges::Gauges;

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

impl<'a> FromIterator<&'a Self> for Standing {
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
