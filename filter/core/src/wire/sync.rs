//! Usage on its way to the ledger.

use super::{CreditsV1, Instance, LeasesV1};
use crate::id::{ApplicationId, MetricId, ProductId};
use crate::period::Period;
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// What the leader of a gateway sends once a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncV1 {
    /// The gateway process.
    pub instance: Instance,
    /// The ledger's epoch as the gateway knows it; 0 before the first answer.
    pub epoch: i64,
    /// Number of the sealed batch below, from 1; 0 when there is none.
    pub seq: u64,
    /// The batch: compact [`UsageRowV1`]s, exactly as sealed.
    #[serde(with = "super::bytes")]
    pub rows: Vec<u8>,
    /// What the process holds, told anew after a restore: the ledger's backup may know less of it.
    pub declared: Vec<LeasesV1>,
    /// The gateway is being drained and will not come back.
    pub draining: bool,
    /// How it is.
    pub health: HealthV1,
}

/// What operators want to know of a gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthV1 {
    /// Version of the filter.
    pub version: String,
    /// The revision it decides by.
    pub revision: i64,
    /// Sealed batches not yet acknowledged.
    pub batches_waiting: u32,
    /// Products or rules it could not compile.
    pub rejected_entries: u32,
    /// What it has done for each product.
    pub products: Vec<ProductHealthV1>,
}

/// What a gateway process has done for a product since it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductHealthV1 {
    /// The product.
    pub product: ProductId,
    /// Requests admitted.
    pub admitted: u64,
    /// Requests that waited for credit.
    pub waited: u64,
    /// Calls made for credit.
    pub callouts: u64,
    /// Admitted without credit while the control plane was away, in units of the limited metrics.
    pub overdraft: u64,
}

/// Usage of one application since the last batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRowV1 {
    /// Who called.
    pub application: ApplicationId,
    /// What was counted, methods already rolled up to their parents.
    pub usage: Vec<UsageV1>,
    /// Totals of its limited cells, from the same read as the usage: what was spent settles beside its usage, and
    /// nowhere else.
    pub cells: Vec<CellTotalsV1>,
}

/// A delta of one metric in one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageV1 {
    /// The metric.
    pub metric: MetricId,
    /// Minutes since 1970, UTC.
    pub minute: u32,
    /// How much was used.
    pub delta: u64,
}

/// What an instance has spent and returned of its credit in one cell, in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellTotalsV1 {
    /// The metric.
    pub metric: MetricId,
    /// The period.
    pub period: Period,
    /// Start of the window, seconds since 1970.
    pub window: u64,
    /// Spent, in all.
    pub spent: u64,
    /// Returned, in all.
    pub returned: u64,
}

/// The answer to a sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncAnswerV1 {
    /// The database's clock, milliseconds since 1970.
    pub now_ms: u64,
    /// The ledger's epoch. When it is not the sender's, nothing was applied and batches count from 1 again.
    pub epoch: i64,
    /// Every batch up to this number, in the sender's epoch, is in the ledger.
    pub ack: u64,
    /// Rows of this batch that were not applied, by index, and why. They are kept in quarantine.
    pub rejected: Vec<(u32, String)>,
    /// New credit, for what this batch has spent and for windows that begin soon.
    pub credits: Vec<CreditsV1>,
    /// Credit to return.
    pub recalls: Vec<LeasesV1>,
}
