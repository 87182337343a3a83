//! What credit is granted by: each application's plan and its limits, as they are now.

use super::key::CellKey;
use crate::db::Tx;
use crate::error::Error;
use crate::store::leases::{self as store, number};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use tallygate_core::id::MetricId;
use tallygate_core::lease::TTL_MS;
use tallygate_core::period::Period;

/// Plans and limits of some applications.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    applications: HashMap<i64, store::terms::Application>,
    /// By plan, metric and period.
    limits: HashMap<(i64, i64, Period), u64>,
}

/// Whether credit may be granted in this transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grants {
    /// The ledger's epoch.
    pub epoch: i64,
    /// The database's clock, milliseconds since 1970.
    pub now_ms: i64,
    /// Limits stand still, and no restore is being waited out.
    pub allowed: bool,
}

/// Who changes limits meanwhile is looked for again after this.
const PAUSE: Duration = Duration::from_millis(5);

/// The first statements of a transaction that may grant: waits so long, holding nothing, while somebody changes limits.
///
/// # Errors
/// When the database does not answer.
pub async fn begin(tx: &mut Tx, patience: Duration) -> Result<Grants, Error> {
    let mut waited = Duration::ZERO;
    let limits_stand = loop {
        if tx.share_limits().await? {
            break true;
        }
        if waited >= patience {
            break false;
        }
        tokio::time::sleep(PAUSE).await;
        waited += PAUSE;
    };
    let now_ms = tx.now_ms().await?;
    let epoch = store::epoch(tx).await?;
    let grace_until = match epoch.grace_until {
        Some(until_ms) => until_ms,
        None => {
            // The first call after a restore: from here on gateways are heard, and say what they hold.
            let until_ms = now_ms.saturating_add(store::stored(TTL_MS));
            store::begin_grace(tx, until_ms).await?;
            until_ms
        }
    };
    Ok(Grants {
        epoch: epoch.epoch,
        now_ms,
        allowed: limits_stand && now_ms >= grace_until,
    })
}

// === impl Terms ===

impl Terms {
    /// Reads them; they hold until the transaction ends if [`Grants::allowed`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(tx: &mut Tx, applications: &BTreeSet<i64>) -> Result<Self, Error> {
        let ids: Vec<i64> = applications.iter().copied().collect();
        let applications: HashMap<i64, store::terms::Application> =
            store::terms::applications(tx, &ids)
                .await?
                .into_iter()
                .map(|row| (row.id, row))
                .collect();
        let plans: BTreeSet<i64> = applications.values().map(|row| row.plan_id).collect();
        let plans: Vec<i64> = plans.into_iter().collect();
        let limits = crate::store::ledger::limits(tx, &plans)
            .await?
            .into_iter()
            .filter_map(|row| {
                let period = Period::parse(&row.period)?;
                Some(((row.plan_id, row.metric_id, period), number(row.value)))
            })
            .collect();
        Ok(Self {
            applications,
            limits,
        })
    }

    /// The product of an application.
    #[must_use]
    pub fn product(&self, application: i64) -> Option<i64> {
        Some(self.applications.get(&application)?.product_id)
    }

    /// Whether an application may call.
    #[must_use]
    pub fn is_live(&self, application: i64) -> bool {
        self.applications
            .get(&application)
            .is_some_and(|row| row.live)
    }

    /// The revision that gateways know the limits of an application by.
    #[must_use]
    pub fn limits_rev(&self, application: i64) -> i64 {
        self.applications
            .get(&application)
            .map_or(0, |row| row.limits_rev)
    }

    /// All limits of an application's plan, by metric and period, shortest first: (metric, period, the most in one window).
    #[must_use]
    pub fn limits(&self, application: i64) -> Vec<(MetricId, Period, u64)> {
        let plan = self.applications.get(&application).map(|row| row.plan_id);
        let mut limits: Vec<(MetricId, Period, u64)> = self
            .limits
            .iter()
            .filter(|((of, _, _), _)| Some(*of) == plan)
            .map(|((_, metric, period), most)| (MetricId(*metric), *period, *most))
            .collect();
        limits.sort_unstable();
        limits
    }

    /// The limit of a cell; none when the plan has none there.
    #[must_use]
    pub fn limit(&self, key: &CellKey) -> Option<u64> {
        let plan = self.applications.get(&key.application)?.plan_id;
        self.limits.get(&(plan, key.metric, key.period)).copied()
    }
}
