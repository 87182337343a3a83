//! Charges, applied in one transaction: the steps that [`super`] lists.

use super::decide::{Decision, decide};
use super::once;
use super::standing::Standing;
use super::work::{Open, Work};
use super::{Charge, Outcome};
use crate::alerts::{self, growth};
use crate::db::{Db, Tx};
use crate::error::Error;
use crate::leases::account::{Account, Wanted};
use crate::leases::key::CellKey;
use crate::leases::terms::{self, Grants};
use crate::ledger::batch::Known;
use crate::ledger::limits;
use crate::ledger::totals::{self, Entry, merge};
use crate::store::leases::instances::{self, Process};
use crate::store::leases::stored;
use crate::store::ledger::{self as store, Owner};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use tallygate_core::wire::Instance;

/// How long charges wait for who changes a limit.
const PATIENCE: Duration = Duration::from_millis(500);

/// One transaction. The outcomes come in the order of the charges.
pub(super) async fn apply(
    db: &Db,
    charges: &[Charge],
) -> Result<Vec<Result<Outcome, Error>>, Error> {
    let mut tx = db.begin().await?;
    let grants = terms::begin(&mut tx, PATIENCE).await?;
    let begun = once::begin(&mut tx, grants.now_ms, charges).await?;
    let was_begun: Vec<bool> = begun
        .iter()
        .map(|begun| matches!(begun, once::Begun::Do))
        .collect();
    let mut work = Work::read(&mut tx, &grants, charges, begun).await?;

    let first = work.first_entries();
    let known = known(&mut tx, &first).await?;
    store::add(&mut tx, Owner::Application, &totals::sums(&first)).await?;
    let admitted = on_cells(&mut tx, &grants, &known, &first, &mut work).await?;
    store::add(&mut tx, Owner::Application, &totals::sums(&admitted)).await?;

    let mut counted = std::mem::take(&mut work.counted);
    counted.extend(admitted);
    merge(&mut counted);
    store::note_first_traffic(&mut tx, &known.first_traffic(&counted)).await?;
    let by_product = totals::sums(&known.by_product(counted));
    store::add(&mut tx, Owner::Product, &by_product).await?;

    let outcomes: Vec<Result<Outcome, Error>> = work
        .settled
        .into_iter()
        .map(|settled| settled.unwrap_or(Err(Error::Busy)))
        .collect();
    let was_done = |n: usize| {
        let begun = was_begun.get(n).copied().unwrap_or_default();
        begun.then(|| matches!(outcomes.get(n), Some(Ok(Outcome::Taken(_)))))
    };
    once::end(&mut tx, grants.now_ms, charges, was_done).await?;
    tx.commit().await?;
    Ok(outcomes)
}

async fn known(tx: &mut Tx, entries: &[Entry]) -> Result<Known, Error> {
    let applications: BTreeSet<i64> = entries.iter().map(|entry| entry.owner).collect();
    let metrics: BTreeSet<i64> = entries.iter().map(|entry| entry.metric).collect();
    Known::of(tx, applications, metrics).await
}

/// Adds what counts to its cells, and decides what depends on them. Returns the usage that was admitted, merged.
async fn on_cells(
    tx: &mut Tx,
    grants: &Grants,
    known: &Known,
    first: &[Entry],
    work: &mut Work,
) -> Result<Vec<Entry>, Error> {
    let touched = limits::touched(tx, known, &work.counted, grants.now_ms).await?;
    let open = std::mem::take(&mut work.open);
    let asked = open
        .iter()
        .flat_map(|open| &open.limited)
        .map(|(key, _)| *key);
    let keys: BTreeSet<CellKey> = touched
        .cells
        .iter()
        .map(|(key, _)| *key)
        .chain(asked)
        .collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    // Whoever makes cells holds their sums; who only asks makes none.
    let held: BTreeSet<(i64, i64)> = first
        .iter()
        .map(|entry| (entry.owner, entry.metric))
        .collect();
    let may_make = |key: &CellKey| held.contains(&(key.application, key.metric));
    let beside = Wanted::AllBeside(&[]);
    let mut account = Account::open(tx, grants.epoch, &keys, beside, may_make).await?;
    let before = growth::note(&account, keys);
    let mut limits: BTreeMap<CellKey, i64> = touched.by_key().collect();
    for (key, limit) in open.iter().flat_map(|open| &open.limited) {
        account.set_limit(key, Some(*limit));
        limits.insert(*key, stored(*limit));
    }
    for (key, used) in &touched.cells {
        account.add_used(key, used.unsigned_abs());
    }
    // What was used while there was no such limit.
    account.catch_up(tx, |_| true).await?;
    let processes: HashMap<Instance, Process> =
        instances::processes(tx, grants.epoch, &account.holders())
            .await?
            .into_iter()
            .map(|process| (process.instance, process))
            .collect();
    let mut admitted = Vec::new();
    for open in open {
        let decision = decide(
            &mut account,
            &processes,
            &open,
            grants.now_ms.unsigned_abs(),
        );
        let standings = standings(&account, &open);
        let outcome = match decision {
            Decision::Granted => {
                let entries = open.entries.into_iter().flatten();
                admitted.extend(entries.filter(|entry| entry.delta > 0));
                Outcome::Taken(standings)
            }
            Decision::Short { soon } => Outcome::Short { standings, soon },
        };
        if let Some(settled) = work.settled.get_mut(open.n) {
            *settled = Some(Ok(outcome));
        }
    }
    account
        .write(tx, grants.now_ms.unsigned_abs() / 1000)
        .await?;
    for growth in growth::since(&account, before) {
        if let Some(limit) = limits.get(&growth.key) {
            alerts::watch(tx, growth, *limit).await?;
        }
    }
    merge(&mut admitted);
    Ok(admitted)
}

fn standings(account: &Account, open: &Open) -> Vec<Standing> {
    let limited = open.limited.iter();
    limited
        .map(|(key, limit)| Standing::of(key, *limit, account))
        .collect()
}
