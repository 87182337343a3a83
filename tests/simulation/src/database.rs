//! The control plane's database: rows, their locks, transactions.
//!
//! As PostgreSQL has it by default (READ COMMITTED): each statement sees what was committed before it began, and what
//! its own transaction wrote; a row is locked until its transaction ends; a transaction that is dropped leaves
//! nothing behind. As SQLite has it: one transaction at a time.

mod row;
mod tx;

pub(crate) use row::{CellKey, InstanceRow, Key, Limits, Row};
pub(crate) use tx::Tx;

use std::collections::{BTreeMap, BTreeSet};
use tallygate_core::book;
use tallygate_core::period::Period;
use tallygate_core::wire::Instance;

/// How a row is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `for share`: others may share it, and nobody may change it.
    Share,
    /// `for update`, and every change.
    Update,
}

#[derive(Clone, Debug, Default)]
struct Lock {
    update: Option<u64>,
    share: BTreeSet<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Database {
    rows: BTreeMap<Key, Row>,
    locks: BTreeMap<Key, Lock>,
    waiting: BTreeMap<u64, (Key, Mode)>,
    transactions: u64,
    pub(crate) is_sqlite: bool,
}

// === impl Database ===

impl Database {
    pub(crate) fn new(is_sqlite: bool, rows: BTreeMap<Key, Row>) -> Self {
        Self {
            rows,
            is_sqlite,
            ..Self::default()
        }
    }

    /// All that is committed.
    pub(crate) fn rows(&self) -> &BTreeMap<Key, Row> {
        &self.rows
    }

    /// What a backup brings back.
    pub(crate) fn replace(&mut self, rows: BTreeMap<Key, Row>) {
        self.rows = rows;
    }

    pub(crate) fn epoch(&self) -> (i64, Option<u64>) {
        match self.rows.get(&Key::Epoch) {
            Some(Row::Epoch {
                epoch,
                grace_until_ms,
            }) => (*epoch, *grace_until_ms),
            _ => (0, None),
        }
    }

    pub(crate) fn cell(&self, key: CellKey) -> Option<&book::Cell> {
        match self.rows.get(&Key::Cell(key)) {
            Some(Row::Cell(cell)) => Some(cell),
            _ => None,
        }
    }

    pub(crate) fn lease(&self, instance: Instance, key: CellKey) -> Option<&book::Lease> {
        match self.rows.get(&Key::Lease(instance, key)) {
            Some(Row::Lease(lease)) => Some(lease),
            _ => None,
        }
    }

    pub(crate) fn instance(&self, instance: Instance, epoch: i64) -> Option<&InstanceRow> {
        match self.rows.get(&Key::Instance(instance, epoch)) {
            Some(Row::Instance(row)) => Some(row),
            _ => None,
        }
    }

    /// All instances of an epoch.
    pub(crate) fn instances(&self, epoch: i64) -> impl Iterator<Item = (Instance, &InstanceRow)> {
        let all = self
            .rows
            .range(Key::Instance([0; 16], 0)..Key::Sum(i64::MIN, 0));
        all.filter_map(move |(key, row)| match (key, row) {
            (Key::Instance(instance, of), Row::Instance(row)) if *of == epoch => {
                Some((*instance, row))
            }
            _ => None,
        })
    }

    /// All leases of an instance.
    pub(crate) fn leases_of(
        &self,
        instance: Instance,
    ) -> impl Iterator<Item = (CellKey, &book::Lease)> {
        let first = Key::Lease(instance, (i64::MIN, i64::MIN, Period::Minute, 0));
        self.rows
            .range(first..)
            .map_while(move |(key, row)| match (key, row) {
                (Key::Lease(holder, cell), Row::Lease(lease)) if *holder == instance => {
                    Some((*cell, lease))
                }
                _ => None,
            })
    }

    /// All cells.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (CellKey, &book::Cell)> {
        let first = Key::Cell((i64::MIN, i64::MIN, Period::Minute, 0));
        self.rows
            .range(first..)
            .map_while(|(key, row)| match (key, row) {
                (Key::Cell(key), Row::Cell(cell)) => Some((*key, cell)),
                _ => None,
            })
    }

    /// All leases.
    pub(crate) fn leases(&self) -> impl Iterator<Item = (Instance, CellKey, &book::Lease)> {
        let first = Key::Lease([0; 16], (i64::MIN, i64::MIN, Period::Minute, 0));
        self.rows
            .range(first..)
            .map_while(|(key, row)| match (key, row) {
                (Key::Lease(holder, cell), Row::Lease(lease)) => Some((*holder, *cell, lease)),
                _ => None,
            })
    }

    /// What the series have of a cell's window.
    pub(crate) fn in_series(&self, (application, metric, period, window): CellKey) -> u64 {
        let minute = |secs: u64| u32::try_from(secs / 60).unwrap_or(u32::MAX);
        let end = period.window(window).end.map_or(u32::MAX, minute);
        let first = Key::Series(application, metric, minute(window));
        let series = self
            .rows
            .range(first..Key::Series(application, metric, end));
        series
            .filter_map(|(_, row)| match row {
                Row::Series(sums) => Some(sums.values().sum::<u64>()),
                _ => None,
            })
            .sum()
    }

    /// The limits that an application's plan has now, and their revision.
    pub(crate) fn limits(&self, application: i64) -> (Limits, i64) {
        let Some(Row::Application { plan, revision }) =
            self.rows.get(&Key::Application(application))
        else {
            return Default::default();
        };
        match self.rows.get(&Key::Plan(*plan)) {
            Some(Row::Plan {
                limits,
                revision: of_plan,
            }) => (limits.clone(), *revision.max(of_plan)),
            _ => (BTreeMap::new(), *revision),
        }
    }

    fn is_free(&self, tx: u64, key: &Key, mode: Mode) -> bool {
        self.locks.get(key).is_none_or(|lock| {
            let update = lock.update.is_none_or(|holder| holder == tx);
            let share = mode == Mode::Share || lock.share.iter().all(|&holder| holder == tx);
            update && share
        })
    }

    /// Whether a transaction that waits may go on.
    pub(crate) fn may_go_on(&self, tx: u64, key: &Key, mode: Mode) -> bool {
        self.is_free(tx, key, mode)
    }

    /// Whether this transaction waits for one that waits for it.
    fn is_deadlocked(&self, tx: u64) -> bool {
        let mut seen = BTreeSet::new();
        let mut next = vec![tx];
        while let Some(waiting) = next.pop() {
            let Some((key, mode)) = self.waiting.get(&waiting) else {
                continue;
            };
            let Some(lock) = self.locks.get(key) else {
                continue;
            };
            let sharers = lock.share.iter().filter(|_| *mode == Mode::Update);
            for &holder in lock.update.iter().chain(sharers) {
                if holder == tx && waiting != tx {
                    return true;
                }
                if holder != waiting && seen.insert(holder) {
                    next.push(holder);
                }
            }
        }
        false
    }
}
