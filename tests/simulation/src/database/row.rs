//! Tables as far as leases and usage have to do with them.

use std::collections::BTreeMap;
use tallygate_core::book;
use tallygate_core::period::Period;
use tallygate_core::wire::Instance;

/// A cell: application, metric, period, start of the window in seconds since 1970.
pub(crate) type CellKey = (i64, i64, Period, u64);

/// Limits of a plan: metric, period, value.
pub(crate) type Limits = BTreeMap<(i64, Period), u64>;

/// A row's primary key. Their order is the order that locks are taken in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// SQLite's one writer.
    Writer,
    /// The ledger's epoch.
    Epoch,
    /// What who grants shares, and who changes limits has alone.
    Limits,
    Instance(Instance, i64),
    /// All usage of an application's metric: whoever adds any, or makes a cell of it, holds this.
    Sum(i64, i64),
    /// Usage of an application's metric in a minute.
    Series(i64, i64, u32),
    Cell(CellKey),
    Lease(Instance, CellKey),
    /// The last revision of the configuration.
    Revision,
    Application(i64),
    Plan(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Lock,
    Epoch {
        epoch: i64,
        /// Until when gateways tell what they hold; none before the first call after a restore.
        grace_until_ms: Option<u64>,
    },
    Revision(i64),
    Instance(InstanceRow),
    Application {
        plan: i64,
        revision: i64,
    },
    Plan {
        limits: Limits,
        revision: i64,
    },
    /// Whose usage it is stands here for the checks alone.
    Series(BTreeMap<Instance, u64>),
    Cell(book::Cell),
    Lease(book::Lease),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InstanceRow {
    pub(crate) last_seq: u64,
    pub(crate) last_seen_ms: u64,
    pub(crate) draining: bool,
}
