//! What must hold: I1 at every admission, I2 and I3 at every commit, the accounts of cells at every commit.

use crate::database::{CellKey, Database, InstanceRow, Key, Limits, Row};
use crate::gateway::host::Admitted;
use std::collections::BTreeMap;
use tallygate_core::lease::PREFETCH_SECS;
use tallygate_core::period::Period;
use tallygate_core::wire::Instance;

/// How long what a gateway has sent may be on its way when it dies, in milliseconds: where the database is slow, too.
const UNHEARD_MS: u64 = 180_000;

/// Usage by application, metric and minute.
pub(crate) type Usage = BTreeMap<(i64, i64, u32), u64>;

#[derive(Debug)]
pub(crate) struct Checks {
    /// What each instance has admitted.
    pub(crate) admitted: BTreeMap<Instance, Usage>,
    /// What was admitted of each cell, covered by credit.
    pub(crate) covered: BTreeMap<CellKey, u64>,
    /// Since when an application has had which limits.
    limits: BTreeMap<i64, Vec<(u64, Limits)>>,
    /// By how much a cell may be passed since a backup was restored: what was granted and used after it was made.
    forgotten: BTreeMap<CellKey, u64>,
    /// Instances that are no more, and since when.
    pub(crate) dead: BTreeMap<Instance, u64>,
    /// What the ledger lost with what came after the backup.
    pub(crate) lost: BTreeMap<Instance, u64>,
}

impl Checks {
    pub(crate) fn new(database: &Database, now_ms: u64) -> Self {
        let mut checks = Self {
            admitted: BTreeMap::new(),
            covered: BTreeMap::new(),
            limits: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            dead: BTreeMap::new(),
            lost: BTreeMap::new(),
        };
        checks.note_limits(
            database,
            now_ms.saturating_sub(PREFETCH_SECS * 1_000 + 60_000),
        );
        checks
    }

    fn note_limits(&mut self, database: &Database, now_ms: u64) {
        for key in database.rows().keys() {
            if let Key::Application(application) = key {
                let (limits, _) = database.limits(*application);
                let history = self.limits.entry(*application).or_default();
                if history.last().is_none_or(|(_, known)| *known != limits) {
                    history.push((now_ms, limits));
                }
            }
        }
    }

    /// The highest limit of a cell that was in force from so long before its window on; none if there was a time
    /// without.
    fn highest(&self, (application, metric, period, window): CellKey) -> Option<u64> {
        let from_ms = window.saturating_sub(PREFETCH_SECS) * 1_000;
        let history = self.limits.get(&application)?;
        let mut highest = 0;
        for (n, (_, limits)) in history.iter().enumerate() {
            let ends_ms = history
                .get(n + 1)
                .map_or(u64::MAX, |(since_ms, _)| *since_ms);
            if ends_ms >= from_ms {
                highest = highest.max(*limits.get(&(metric, period))?);
            }
        }
        Some(highest)
    }

    /// A request was admitted. I1.
    pub(crate) fn admitted(&mut self, admitted: &Admitted) -> Option<String> {
        let of_instance = self.admitted.entry(admitted.instance).or_default();
        for &(metric, minute, delta) in &admitted.usage {
            let key = (admitted.application, metric, minute);
            *of_instance.entry(key).or_default() += delta;
        }
        for &(metric, period, window, covered, _) in &admitted.cells {
            let key = (admitted.application, metric, period, window);
            let sum = {
                let sum = self.covered.entry(key).or_default();
                *sum += covered;
                *sum
            };
            if covered == 0 {
                continue;
            }
            // Where there was no limit for a time, any credit may have been granted.
            let Some(highest) = self.highest(key) else {
                continue;
            };
            let forgotten = self.forgotten.get(&key).copied().unwrap_or_default();
            if sum > highest.saturating_add(forgotten) {
                return Some(format!(
                    "I1: {key:?}: {sum} admitted, the limit is {highest}"
                ));
            }
        }
        None
    }

    /// A transaction was committed. I2, I3, and the sums of cells.
    pub(crate) fn committed(
        &mut self,
        database: &Database,
        writes: &BTreeMap<Key, Row>,
        now_ms: u64,
    ) -> Option<String> {
        let mut cells: Vec<CellKey> = Vec::new();
        for (key, row) in writes {
            match (key, row) {
                (Key::Plan(_) | Key::Application(_), _) => self.note_limits(database, now_ms),
                (Key::Cell(cell) | Key::Lease(_, cell), _) => cells.push(*cell),
                (Key::Series(application, metric, minute), Row::Series(sums)) => {
                    for (instance, sum) in sums {
                        let key = (*application, *metric, *minute);
                        let admitted = self.admitted.get(instance);
                        let admitted = admitted.and_then(|usage| usage.get(&key)).copied();
                        if *sum > admitted.unwrap_or_default() {
                            return Some(format!(
                                "I2: the ledger has {sum} of {} in {key:?}, admitted were {admitted:?}",
                                instance[0]
                            ));
                        }
                    }
                }
                _ => {}
            }
        }
        cells.sort_unstable();
        cells.dedup();
        cells.into_iter().find_map(|key| {
            check_cell(database, key)
                .or_else(|| check_used(database, key))
                .or_else(|| self.check_dead(database, key))
        })
    }

    /// I5: a dead gateway strands no more than was granted to it last, and to what it had asked for.
    fn check_dead(&self, database: &Database, key: CellKey) -> Option<String> {
        let granted = self.dead.iter().find(|(instance, since_ms)| {
            let lease = database.lease(**instance, key);
            lease.is_some_and(|lease| lease.granted_at_ms > **since_ms + UNHEARD_MS)
        });
        granted.map(|(instance, _)| format!("{} is dead, and was granted {key:?}", instance[0]))
    }

    /// A backup takes the place of the database.
    ///
    /// `in_peace`, every gateway tells in time what it was granted.
    pub(crate) fn restored(
        &mut self,
        before: &Database,
        backup: &Database,
        now_ms: u64,
        in_peace: bool,
    ) {
        for (instance, key, lease) in before.leases().filter(|_| !in_peace) {
            let known = backup.lease(instance, key).map_or(0, |lease| lease.granted);
            *self.forgotten.entry(key).or_default() += lease.granted.saturating_sub(known);
        }
        for (key, cell) in before.cells() {
            let known = backup.cell(key).map_or(0, |cell| cell.used);
            *self.forgotten.entry(key).or_default() += cell.used.saturating_sub(known);
        }
        self.note_limits(backup, now_ms);
    }

    /// All that an instance has admitted.
    pub(crate) fn sum_admitted(&self, instance: Instance) -> u64 {
        let usage = self.admitted.get(&instance);
        usage.map_or(0, |usage| usage.values().sum())
    }
}

fn check_cell(database: &Database, key: CellKey) -> Option<String> {
    let leased = database.cell(key)?.leased;
    let left: u64 = database
        .leases()
        .filter(|(_, cell, _)| *cell == key)
        .map(|(_, _, lease)| lease.left())
        .sum();
    (leased != left).then(|| format!("{key:?} has {leased} leased, its leases have {left} left"))
}

/// A cell counts nothing that its series have not; less, while its limit is gone. (There is no series of minutes.)
fn check_used(database: &Database, key: CellKey) -> Option<String> {
    let used = database.cell(key).filter(|_| key.2 != Period::Minute)?.used;
    let in_series = database.in_series(key);
    (used > in_series).then(|| format!("{key:?} has {used} used, its series have {in_series}"))
}

/// All that the ledger has of an instance.
pub(crate) fn sum_in_ledger(database: &Database, instance: Instance) -> u64 {
    let rows = database.rows().values();
    rows.filter_map(|row| match row {
        Row::Series(sums) => sums.get(&instance),
        _ => None,
    })
    .sum()
}

/// The last batch of an instance in the ledger.
pub(crate) fn last_seq(database: &Database, instance: Instance, epoch: i64) -> u64 {
    match database.rows().get(&Key::Instance(instance, epoch)) {
        Some(Row::Instance(InstanceRow { last_seq, .. })) => *last_seq,
        _ => 0,
    }
}
