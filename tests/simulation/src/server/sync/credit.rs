//! Credit, beside usage: settled, declared, renewed, granted ahead, recalled.

use super::super::account::{self, Account};
use super::super::{Begun, holder, terms};
use super::add_to_series;
use crate::database::{CellKey, Key, Row, Tx};
use crate::mutation::Mutation;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use tallygate_core::book::{self, Holder, Lease};
use tallygate_core::id::ApplicationId;
use tallygate_core::lease::next_window;
use tallygate_core::period::Period;
use tallygate_core::wire::{CreditsV1, LeasesV1, SyncAnswerV1, SyncV1, UsageRowV1};

/// Windows that begin soon, and the ones before.
type Ahead = BTreeMap<CellKey, (CellKey, Lease)>;

/// Returns which cells have caught up with their series, by the limits of which revision, once this is committed.
pub(super) fn apply(
    world: &World,
    tx: &mut Tx<'_>,
    begun: Begun,
    sync: &SyncV1,
    rows: &[UsageRowV1],
    answer: &mut SyncAnswerV1,
) -> BTreeSet<(CellKey, i64)> {
    let instance = sync.instance;
    let holder = holder(tx, begun, instance);
    let may_grant = begun.may_grant && !sync.draining;
    let ahead = if may_grant {
        look_ahead(tx, &holder)
    } else {
        Ahead::new()
    };
    let of_rows = rows.iter().flat_map(|row| {
        let cells = row.cells.iter();
        cells.map(|told| (row.application.0, told.metric.0, told.period, told.window))
    });
    let of_declared = sync.declared.iter().flat_map(|leases| {
        let cells = leases.cells.iter();
        cells.map(|totals| account::key_of(leases.application.0, totals))
    });
    let mut keys: BTreeSet<CellKey> = of_rows.chain(of_declared).collect();
    keys.extend(ahead.keys());
    let applications: BTreeSet<i64> = keys.iter().map(|key| key.0).collect();
    let terms = terms(tx, &applications);

    // Whoever makes cells holds their sums. Usage does so by adding to them; the rest is locked by adding nothing.
    let mut sums: BTreeSet<(i64, i64)> = rows
        .iter()
        .flat_map(|row| {
            let usage = row.usage.iter();
            usage.map(|usage| (row.application.0, usage.metric.0))
        })
        .collect();
    let of_credit: BTreeSet<CellKey> = keys
        .iter()
        .filter(|key| !sums.contains(&(key.0, key.1)))
        .copied()
        .collect();
    let missing = account::missing(tx, &of_credit);
    sums.extend(missing.iter().map(|key| (key.0, key.1)));
    account::lock_sums(tx, &sums);
    add_to_series(tx, instance, rows);

    let used = grown(tx, rows, &keys);
    keys.extend(used.keys());
    let mut held = account::open(tx, instance, &keys, &sums, &terms, |tx, key| {
        ahead.contains_key(key) && tx.is_mutated(Mutation::PrefetchUnlocked)
    });
    for (key, used) in &used {
        account::add_used(&mut held, key, *used);
    }
    settle(world, &mut held, sync, rows, begun.now_ms);
    account::release_silent(tx, begun.epoch, &holder, &mut held);
    let mut granted: BTreeSet<CellKey> = BTreeSet::new();
    if may_grant {
        // Once for each change of limits is enough: from there on all usage counts.
        let caught_up = world.caught_up.borrow().clone();
        account::catch_up(world, tx, &mut held, |key, limits_rev| {
            !caught_up.contains(&(*key, limits_rev))
        });
        granted.extend(renew(&mut held, rows, &holder));
        granted.extend(grant_ahead(&mut held, &ahead, &holder));
    }
    for key in &granted {
        if let Some(held) = held.get(key) {
            world.granted(*key, &held.cell, begun.epoch, begun.now_ms);
        }
    }
    let recalls = recalls(world, tx, sync, &held, begun.now_ms);
    account::write(tx, instance, &held);
    let mut credits: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    for key in granted {
        if let Some(held) = held.get(&key) {
            let elsewhere = held.cell.is_held_elsewhere(&held.lease);
            let credit = account::credit(key, held, &holder, elsewhere);
            credits.entry(key.0).or_default().push(credit);
        }
    }
    answer.credits = credits
        .into_iter()
        .map(|(application, cells)| CreditsV1 {
            application: ApplicationId(application),
            cells,
        })
        .collect();
    answer.recalls = recalls;
    let held = held.iter().filter(|_| may_grant);
    held.map(|(key, held)| (*key, held.limits_rev)).collect()
}

/// Windows that begin soon, for leases in those that are about to end. Nothing is locked.
fn look_ahead(tx: &Tx<'_>, holder: &Holder) -> Ahead {
    let now_secs = holder.now_ms / 1_000;
    tx.statement();
    tx.see(|database| {
        let leases = database.leases_of(holder.instance);
        leases
            .filter_map(|(before, lease)| {
                let (application, metric, period, window) = before;
                let next = next_window(period, now_secs).or_else(|| {
                    let end = period.window(now_secs).end?;
                    tx.is_mutated(Mutation::GrantsAnyWindow)
                        .then(|| period.window(end))
                })?;
                let key = (application, metric, period, next.start);
                let is_next = period.window(now_secs).start == window
                    && database
                        .limits(application)
                        .0
                        .contains_key(&(metric, period));
                is_next.then_some((key, (before, *lease)))
            })
            .collect()
    })
}

/// What usage adds to which cells: those of the limits that there are now, and those in which the sender holds credit.
fn grown(tx: &Tx<'_>, rows: &[UsageRowV1], keys: &BTreeSet<CellKey>) -> BTreeMap<CellKey, u64> {
    tx.statement();
    let mut grown: BTreeMap<CellKey, u64> = BTreeMap::new();
    for row in rows {
        let application = row.application.0;
        let (limits, _) = tx.see(|database| database.limits(application));
        for usage in &row.usage {
            for period in Period::ALL {
                let window = period.window(u64::from(usage.minute) * 60).start;
                let key = (application, usage.metric.0, period, window);
                if limits.contains_key(&(usage.metric.0, period)) || keys.contains(&key) {
                    *grown.entry(key).or_default() += usage.delta;
                }
            }
        }
    }
    grown
}

fn settle(world: &World, held: &mut Account, sync: &SyncV1, rows: &[UsageRowV1], now_ms: u64) {
    // What is declared comes first: what was spent of it must not look like more than was granted.
    for leases in &sync.declared {
        for told in &leases.cells {
            let key = account::key_of(leases.application.0, told);
            if let Some(held) = held.get_mut(&key) {
                book::declare(&mut held.cell, &mut held.lease, told.granted);
            }
        }
    }
    for row in rows {
        for told in &row.cells {
            let key = (row.application.0, told.metric.0, told.period, told.window);
            if let Some(held) = held.get_mut(&key) {
                let settled = book::settle(
                    &mut held.cell,
                    &mut held.lease,
                    told.spent,
                    told.returned,
                    now_ms,
                );
                world.settled(sync.instance, key, settled);
            }
        }
    }
}

/// Grants more to those who have reported.
fn renew(held: &mut Account, rows: &[UsageRowV1], holder: &Holder) -> Vec<CellKey> {
    let now_secs = holder.now_ms / 1_000;
    let mut granted = Vec::new();
    for row in rows {
        for told in &row.cells {
            let key = (row.application.0, told.metric.0, told.period, told.window);
            let is_current = key.2.window(now_secs).start == key.3;
            if let Some(held) = held.get_mut(&key).filter(|held| held.cell.limit.is_some())
                && is_current
                && book::renew(&mut held.cell, &mut held.lease, holder)
            {
                granted.push(key);
            }
        }
    }
    granted
}

fn grant_ahead(held: &mut Account, ahead: &Ahead, holder: &Holder) -> Vec<CellKey> {
    let mut granted = Vec::new();
    for (next, (before, lease_before)) in ahead {
        let before = held.get(before).map_or(*lease_before, |held| held.lease);
        if let Some(held) = held.get_mut(next).filter(|held| held.cell.limit.is_some())
            && book::prefetch(&mut held.cell, &mut held.lease, &before, holder)
        {
            granted.push(*next);
        }
    }
    granted
}

/// What the sender should return. It is told what it was granted in all, which can only have grown by then: so what this
/// transaction does not write is read without locks.
fn recalls(
    world: &World,
    tx: &Tx<'_>,
    sync: &SyncV1,
    held: &Account,
    now_ms: u64,
) -> Vec<LeasesV1> {
    tx.statement();
    let mine: Vec<CellKey> = tx.see(|database| {
        database
            .leases_of(sync.instance)
            .map(|(key, _)| key)
            .collect()
    });
    let mut recalls: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    for key in mine {
        let is_over = |end: u64| end * 1_000 < now_ms;
        if key.2.window(key.3).end.is_some_and(is_over) {
            continue;
        }
        let (cell, lease) = match held.get(&key) {
            Some(held) => (held.cell.clone(), held.lease),
            None => {
                let Some(Row::Cell(mut cell)) = tx.get(&Key::Cell(key)) else {
                    continue;
                };
                let (limits, _) = tx.see(|database| database.limits(key.0));
                cell.limit = limits.get(&(key.1, key.2)).copied();
                (cell, account::lease(tx, sync.instance, key))
            }
        };
        if book::takes_back(&cell, &lease, sync.draining, now_ms)
            && !world.is(Mutation::NeverRecalls)
        {
            let told = account::totals(key, &lease);
            recalls.entry(key.0).or_default().push(told);
        }
    }
    recalls
        .into_iter()
        .map(|(application, cells)| LeasesV1 {
            application: ApplicationId(application),
            cells,
        })
        .collect()
}
