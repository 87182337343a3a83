//! Credit, beside usage: what batches say was spent and returned of it is settled in the transaction that counts what it
//! was spent on, and there the holders get more.
//!
//! 1. [`gather`]: which leases the deliveries are about, and which may be granted of windows that begin soon.
//! 2. Cells of usage and of leases are locked together ([`Account`]), usage is counted, totals are settled and
//!    declared, credit is renewed and granted ahead: [`Work::apply`].
//! 3. [`recalls`]: what each sender should return.

pub(super) mod caught_up;
pub(super) mod gather;
mod grant;
pub(super) mod recalls;
mod settle;

use super::Delivery;
use super::totals::Entry;
use crate::alerts::growth::{self, Growth};
use crate::db::Tx;
use crate::error::Error;
use crate::leases::account::{Account, Wanted};
use crate::leases::key::CellKey;
use crate::leases::terms::{Grants, Terms};
use crate::leases::wire::{Grouped, credit, totals};
use caught_up::CaughtUp;
use std::collections::{BTreeMap, BTreeSet};
use tallygate_core::book::{self, Holder, Lease};
use tallygate_core::wire::{CreditV1, Instance, LeaseTotalsV1};

/// What a group of deliveries is about, beside usage.
#[derive(Debug, Default)]
pub(super) struct Work {
    told: Vec<Told>,
    declared: Vec<Declared>,
    ahead: Vec<Ahead>,
    /// The cells that it is about.
    pub(super) keys: BTreeSet<CellKey>,
    terms: Terms,
    /// Totals that make no sense.
    pub(super) senseless: u64,
}

/// What a row tells of a lease.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    /// The delivery.
    pub(super) delivery: usize,
    /// The cell.
    pub(super) key: CellKey,
    /// Spent, in all.
    pub(super) spent: u64,
    /// Returned, in all.
    pub(super) returned: u64,
}

/// What a process says it was granted.
#[derive(Clone, Copy, Debug)]
struct Declared {
    delivery: usize,
    key: CellKey,
    granted: u64,
}

/// A lease of a window that begins soon, and the one before.
#[derive(Clone, Copy, Debug)]
struct Ahead {
    delivery: usize,
    key: CellKey,
    before: CellKey,
    lease_before: Lease,
}

/// What the senders are answered, by delivery.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// New credit.
    pub(super) credits: BTreeMap<usize, Grouped<CreditV1>>,
    /// Credit to return.
    pub(super) recalls: BTreeMap<usize, Grouped<LeaseTotalsV1>>,
    /// Totals that say more was spent than granted.
    pub(super) overspent: u64,
    /// How cells have grown.
    pub(super) grown: Vec<Growth>,
    /// Cells that have caught up with their series, by the limits of this revision.
    pub(super) caught_up: BTreeSet<(CellKey, i64)>,
}

/// For whom the deliveries of a group are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Senders<'a> {
    /// The deliveries.
    pub(super) deliveries: &'a [Delivery],
    /// Processes that an operator wants to stop.
    pub(super) drained: &'a BTreeSet<Instance>,
    /// Processes that are alive.
    pub(super) live: u64,
    /// Whether anything may be granted, and when it is.
    pub(super) grants: Grants,
}

// === impl Senders ===

impl Senders<'_> {
    fn holder(&self, delivery: usize) -> Option<Holder> {
        Some(Holder {
            instance: self.deliveries.get(delivery)?.sync.instance,
            live: self.live,
            now_ms: self.now_ms(),
        })
    }

    /// Whether a process goes away, by its own word or an operator's.
    pub(super) fn is_draining(&self, delivery: usize) -> bool {
        self.deliveries.get(delivery).is_some_and(|delivery| {
            delivery.sync.draining || self.drained.contains(&delivery.sync.instance)
        })
    }

    fn now_ms(&self) -> u64 {
        self.grants.now_ms.unsigned_abs()
    }

    fn now_secs(&self) -> u64 {
        self.now_ms() / 1000
    }
}

// === impl Work ===

impl Work {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty() && self.declared.is_empty() && self.ahead.is_empty()
    }

    /// The leases that it is about.
    fn leases(&self, senders: &Senders<'_>) -> Vec<(CellKey, Instance)> {
        let told = self.told.iter().map(|told| (told.delivery, told.key));
        let declared = self.declared.iter().map(|told| (told.delivery, told.key));
        let ahead = self.ahead.iter().map(|ahead| (ahead.delivery, ahead.key));
        let leases: BTreeSet<(CellKey, Instance)> = told
            .chain(declared)
            .chain(ahead)
            .filter_map(|(delivery, key)| {
                Some((key, senders.deliveries.get(delivery)?.sync.instance))
            })
            .collect();
        leases.into_iter().collect()
    }

    /// Counts usage in `used` cells and does the work, on cells locked together. The series have the usage of `entries`
    /// already; cells may be made where `may_make` says so.
    pub(super) async fn apply(
        &self,
        tx: &mut Tx,
        senders: &Senders<'_>,
        used: &[(CellKey, i64)],
        entries: &[Entry],
        caught_up: &CaughtUp,
        may_make: impl Fn(&CellKey) -> bool,
    ) -> Result<Outcome, Error> {
        let mut used: BTreeMap<CellKey, u64> = used
            .iter()
            .map(|(key, used)| (*key, used.unsigned_abs()))
            .collect();
        for key in &self.keys {
            // A cell whose limit is gone goes on counting while somebody holds credit in it.
            used.entry(*key).or_insert_with(|| usage_of(entries, key));
        }
        let keys: BTreeSet<CellKey> = used.keys().copied().collect();
        let leases = self.leases(senders);
        let epoch = senders.grants.epoch;
        let mut account = Account::open(tx, epoch, &keys, Wanted::Of(&leases), may_make).await?;
        let before = growth::note(&account, keys);
        for key in &self.keys {
            account.set_limit(key, self.terms.limit(key));
        }
        for (key, used) in used.into_iter().filter(|(_, used)| *used > 0) {
            account.add_used(&key, used);
        }
        let mut outcome = Outcome::default();
        let spending = self.settle(&mut account, senders, &mut outcome);
        // What is granted must know of what was used while there was no such limit. Once for each change of limits is enough:
        // from there on all usage counts.
        let about = |key: &CellKey| (*key, self.terms.limits_rev(key.application));
        outcome.caught_up = if senders.grants.allowed {
            let spending = spending.iter().map(|(_, key)| key);
            let granting: BTreeSet<(CellKey, i64)> = spending
                .chain(self.ahead.iter().map(|ahead| &ahead.key))
                .map(about)
                .collect();
            caught_up.missing(granting)
        } else {
            BTreeSet::new()
        };
        if !outcome.caught_up.is_empty() {
            let wanted = |key: &CellKey| outcome.caught_up.contains(&about(key));
            account.catch_up(tx, wanted).await?;
        }
        let mut granted = self.renew(&mut account, senders, spending);
        granted.extend(self.grant_ahead(&mut account, senders));
        self.tell(&account, senders, granted, &mut outcome);
        outcome.grown = growth::since(&account, before).collect();
        account.write(tx, senders.now_secs()).await?;
        Ok(outcome)
    }

    /// What was granted, and what of that which was reported should be returned.
    fn tell(
        &self,
        account: &Account,
        senders: &Senders<'_>,
        granted: BTreeSet<(usize, CellKey)>,
        outcome: &mut Outcome,
    ) {
        for (delivery, key) in granted {
            let (Some(cell), Some(holder)) = (account.cell(&key), senders.holder(delivery)) else {
                continue;
            };
            let lease = account.lease(&key, &holder.instance);
            let elsewhere = cell.is_held_elsewhere(&lease);
            let limits_rev = self.terms.limits_rev(key.application);
            outcome.credits.entry(delivery).or_default().insert(
                &key,
                credit(&key, &cell, &lease, &holder, elsewhere, limits_rev),
            );
        }
        for told in &self.told {
            let (Some(cell), Some(holder)) =
                (account.cell(&told.key), senders.holder(told.delivery))
            else {
                continue;
            };
            let lease = account.lease(&told.key, &holder.instance);
            let draining = senders.is_draining(told.delivery);
            if book::takes_back(&cell, &lease, draining, holder.now_ms) {
                outcome
                    .recalls
                    .entry(told.delivery)
                    .or_default()
                    .insert(&told.key, totals(&told.key, &lease));
            }
        }
    }
}

/// What entries, sorted, add to a cell.
fn usage_of(entries: &[Entry], key: &CellKey) -> u64 {
    let window = key.period.window(key.window());
    let of_metric = (key.application, key.metric);
    let begin = entries.partition_point(|entry| (entry.owner, entry.metric) < of_metric);
    entries
        .iter()
        .skip(begin)
        .take_while(|entry| (entry.owner, entry.metric) == of_metric)
        .filter(|entry| {
            let at_secs = u64::from(entry.minute) * 60;
            at_secs >= window.start && window.end.is_none_or(|end| at_secs < end)
        })
        .fold(0, |sum, entry| {
            sum.saturating_add(entry.delta.unsigned_abs())
        })
}
