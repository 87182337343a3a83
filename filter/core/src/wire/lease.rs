//! Credit on its way between control plane and gateways.
//!
//! Every number is a total that only grows, told anew in each message: applying one is `max`, so messages may be
//! lost, repeated and overtaken. Nothing here moves usage; that is what rows of a batch do ([`super::sync`]).

use super::Instance;
use crate::id::{ApplicationId, MetricId};
use crate::period::Period;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// `POST /gateway/v1/leases`: a request waits for credit. All of the cells get what is needed, or none does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskV1 {
    /// The gateway process.
    pub instance: Instance,
    /// The ledger's epoch as the gateway knows it.
    pub epoch: i64,
    /// Whose credit.
    pub application: ApplicationId,
    /// The cells that the waiting request meets.
    pub cells: Vec<AskedCellV1>,
}

/// A cell that a waiting request meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedCellV1 {
    /// The cell, and what the gateway knows of its lease.
    pub totals: LeaseTotalsV1,
    /// What the request needs.
    pub need: u64,
    /// What all that wait with it need; at least `need`.
    pub want: u64,
}

/// A cell of an application, and what one gateway process was granted of it, has spent and has returned, in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseTotalsV1 {
    /// The metric.
    pub metric: MetricId,
    /// The period.
    pub period: Period,
    /// Start of the window, seconds since 1970.
    pub window: u64,
    /// Granted, in all.
    pub granted: u64,
    /// Spent, in all.
    pub spent: u64,
    /// Returned, in all.
    pub returned: u64,
}

/// The answer to an ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskAnswerV1 {
    /// The database's clock, milliseconds since 1970.
    pub now_ms: u64,
    /// The ledger's epoch.
    pub epoch: i64,
    /// What came of it.
    pub outcome: OutcomeV1,
    /// How the cells stand, granted or not; empty when nobody can say.
    pub cells: Vec<CreditV1>,
}

/// What came of an ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeV1 {
    /// The process holds what is needed on all cells.
    Granted,
    /// At least one cell has not enough left; nothing was granted.
    Short,
    /// Nothing is granted now: the ledger was restored and waits for what gateways hold, or the window is not open by
    /// its clock.
    Later,
}

/// How a cell stands for one gateway process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditV1 {
    /// The cell and its lease, as the ledger knows it: what was spent lately may be missing.
    pub totals: LeaseTotalsV1,
    /// Grows with every change of the cell: of two answers the newer has the higher.
    pub version: u64,
    /// What nobody holds, and could be granted to this process.
    pub free: u64,
    /// Others hold credit, and have been asked to return it: a refusal is for a moment only.
    pub elsewhere: bool,
    /// The limit's revision: that of the product or of the application, whichever changed last.
    pub limits_rev: i64,
}

/// Credits of one application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditsV1 {
    /// Whose.
    pub application: ApplicationId,
    /// Of which cells.
    pub cells: Vec<CreditV1>,
}

/// Leases of one application: what a gateway declares after a restore, and what is recalled from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeasesV1 {
    /// Whose.
    pub application: ApplicationId,
    /// Of which cells.
    pub cells: Vec<LeaseTotalsV1>,
}
