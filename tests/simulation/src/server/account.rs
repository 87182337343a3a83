//! The cells and leases that a transaction has locked: read, changed in memory, written back.

use super::Terms;
use crate::database::{CellKey, Key, Mode, Row, Tx};
use crate::mutation::Mutation;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use tallygate_core::book::{Cell, Holder, Lease};
use tallygate_core::id::MetricId;
use tallygate_core::period::Period;
use tallygate_core::wire::{CreditV1, Instance, LeaseTotalsV1};

/// A cell and the caller's lease, as they will be written.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) cell: Cell,
    pub(super) lease: Lease,
    pub(super) limits_rev: i64,
    /// It did not exist: it has what the series have.
    is_made: bool,
}

pub(super) type Account = BTreeMap<CellKey, Held>;

/// Which of these cells have no row. Nothing is locked.
pub(super) fn missing(tx: &Tx<'_>, cells: &BTreeSet<CellKey>) -> BTreeSet<CellKey> {
    tx.statement();
    tx.see(|database| {
        let cells = cells.iter();
        cells
            .filter(|cell| database.cell(**cell).is_none())
            .copied()
            .collect()
    })
}

/// Locks the sums of applications' metrics, in their order: of those whose usage is added, and whose cells are made.
pub(super) fn lock_sums(tx: &mut Tx<'_>, sums: &BTreeSet<(i64, i64)>) {
    for (application, metric) in sums {
        tx.lock(&Key::Sum(*application, *metric), Mode::Update);
    }
}

/// Locks cells in their order and reads them, with the instance's leases; makes those that do not exist where their sum
/// is locked.
pub(super) fn open(
    tx: &mut Tx<'_>,
    instance: Instance,
    cells: &BTreeSet<CellKey>,
    sums: &BTreeSet<(i64, i64)>,
    terms: &BTreeMap<i64, Terms>,
    unlocked: impl Fn(&Tx<'_>, &CellKey) -> bool,
) -> Account {
    let mut account = Account::new();
    let mut new = Vec::new();
    for &key in cells {
        let row = if unlocked(tx, &key) {
            tx.statement();
            tx.get(&Key::Cell(key))
        } else if tx.get(&Key::Cell(key)).is_some() {
            tx.lock(&Key::Cell(key), Mode::Update)
        } else {
            None
        };
        match row {
            Some(Row::Cell(cell)) => {
                account.insert(key, held(cell, false, key, terms));
            }
            _ if sums.contains(&(key.0, key.1)) => new.push(key),
            _ => {}
        }
    }
    for key in new {
        tx.statement();
        let used = match key.2 {
            // There is no series of minutes: a cell that is made within one starts at nothing.
            Period::Minute => 0,
            _ => tx.see(|database| database.in_series(key)) + tx.in_own_series(key),
        };
        let cell = Cell {
            used,
            ..Cell::default()
        };
        account.insert(key, held(cell, true, key, terms));
    }
    tx.statement();
    for (key, held) in &mut account {
        held.lease = lease(tx, instance, *key);
    }
    account
}

fn held(cell: Cell, is_made: bool, key: CellKey, terms: &BTreeMap<i64, Terms>) -> Held {
    let of_application = terms.get(&key.0);
    let limit = of_application.and_then(|(limits, _)| limits.get(&(key.1, key.2)).copied());
    Held {
        cell: Cell { limit, ..cell },
        lease: Lease::default(),
        limits_rev: of_application.map_or(0, |(_, revision)| *revision),
        is_made,
    }
}

/// Takes from the series what cells have missed: a limit may have been gone for a while.
pub(super) fn catch_up(
    world: &World,
    tx: &Tx<'_>,
    account: &mut Account,
    wanted: impl Fn(&CellKey, i64) -> bool,
) {
    tx.statement();
    for (key, held) in account.iter_mut() {
        if !wanted(key, held.limits_rev) {
            continue;
        }
        let in_series = tx.see(|database| database.in_series(*key)) + tx.in_own_series(*key);
        if key.2 == Period::Minute || held.is_made {
            continue;
        }
        if held.cell.used < in_series && !tx.is_mutated(Mutation::NeverCatchesUp) {
            held.cell.used = in_series;
            held.cell.version += 1;
        }
        world.is_decided_on(*key, held.cell.used, in_series);
    }
}

/// Adds usage that the series have already.
pub(super) fn add_used(account: &mut Account, key: &CellKey, used: u64) {
    if let Some(held) = account.get_mut(key)
        && (!held.is_made || key.2 == Period::Minute)
    {
        held.cell.used += used;
        held.cell.version += 1;
    }
}

pub(super) fn lease(tx: &Tx<'_>, instance: Instance, key: CellKey) -> Lease {
    match tx.get(&Key::Lease(instance, key)) {
        Some(Row::Lease(lease)) => lease,
        _ => Lease::default(),
    }
}

/// Writes cells and leases back.
pub(super) fn write(tx: &mut Tx<'_>, instance: Instance, account: &Account) {
    tx.statement();
    for (&key, held) in account {
        if held.is_made {
            tx.lock_within_statement(&Key::Cell(key), Mode::Update);
        }
        tx.put(Key::Cell(key), Row::Cell(held.cell.clone()));
        if held.lease != Lease::default() {
            tx.put(Key::Lease(instance, key), Row::Lease(held.lease));
        }
    }
}

/// What others than this instance have left of a cell.
pub(super) fn others(tx: &Tx<'_>, instance: Instance, key: CellKey) -> Vec<(Instance, Lease)> {
    tx.see(|database| {
        let leases = database.leases();
        leases
            .filter(|(holder, cell, lease)| *holder != instance && *cell == key && lease.left() > 0)
            .map(|(holder, _, lease)| (holder, *lease))
            .collect()
    })
}

/// Notes of all other holders of a locked cell that somebody was short of it.
pub(super) fn recall_others(tx: &mut Tx<'_>, holder: &Holder, key: CellKey) {
    for (other, lease) in others(tx, holder.instance, key) {
        let recalled = Lease {
            recalled_at_ms: holder.now_ms,
            ..lease
        };
        tx.put(Key::Lease(other, key), Row::Lease(recalled));
    }
}

/// What must never be done: taking a silence for a return.
pub(super) fn release_silent(tx: &mut Tx<'_>, epoch: i64, holder: &Holder, account: &mut Account) {
    if !tx.is_mutated(Mutation::ReleaseOnExpiry) {
        return;
    }
    for (key, held) in account.iter_mut() {
        let silent: Vec<(Instance, Lease)> = tx.see(|database| {
            let leases = database.leases().filter(|(instance, cell, lease)| {
                let seen_ms = database
                    .instance(*instance, epoch)
                    .map_or(lease.granted_at_ms, |row| row.last_seen_ms);
                cell == key
                    && *instance != holder.instance
                    && lease.left() > 0
                    && seen_ms + 20_000 < holder.now_ms
            });
            leases
                .map(|(instance, _, lease)| (instance, *lease))
                .collect()
        });
        for (instance, lease) in silent {
            held.cell.leased = held.cell.leased.saturating_sub(lease.left());
            let released = Lease {
                returned: lease.granted - lease.spent,
                ..lease
            };
            tx.put(Key::Lease(instance, *key), Row::Lease(released));
        }
    }
}

pub(super) fn key_of(application: i64, totals: &LeaseTotalsV1) -> CellKey {
    (application, totals.metric.0, totals.period, totals.window)
}

pub(super) fn totals((_, metric, period, window): CellKey, lease: &Lease) -> LeaseTotalsV1 {
    LeaseTotalsV1 {
        metric: MetricId(metric),
        period,
        window,
        granted: lease.granted,
        spent: lease.spent,
        returned: lease.returned,
    }
}

pub(super) fn credit(key: CellKey, held: &Held, holder: &Holder, elsewhere: bool) -> CreditV1 {
    CreditV1 {
        totals: totals(key, &held.lease),
        version: held.cell.version,
        free: held.cell.free_for(holder),
        elsewhere,
        limits_rev: held.limits_rev,
    }
}
