//! One transaction, of one task.

use super::{CellKey, Database, Key, Lock, Mode, Row};
use crate::mutation::Mutation;
use crate::task::{Host, Pause};
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};

/// Dropped without [`Tx::commit`], it leaves nothing behind.
pub(crate) struct Tx<'a> {
    world: &'a World,
    host: &'a Host,
    id: u64,
    locked: BTreeSet<Key>,
    writes: BTreeMap<Key, Row>,
}

impl<'a> Tx<'a> {
    pub(crate) fn begin(world: &'a World, host: &'a Host) -> Self {
        let (id, is_sqlite) = {
            let mut database = world.database.borrow_mut();
            database.transactions += 1;
            (database.transactions, database.is_sqlite)
        };
        let mut tx = Self {
            world,
            host,
            id,
            locked: BTreeSet::new(),
            writes: BTreeMap::new(),
        };
        if is_sqlite {
            tx.lock(&Key::Writer, Mode::Update);
        }
        tx
    }

    /// The next statement: others may come in between.
    pub(crate) fn statement(&self) {
        self.host.suspend(Pause::Step);
    }

    /// What the current statement sees of a row, without locking it.
    pub(crate) fn get(&self, key: &Key) -> Option<Row> {
        self.writes
            .get(key)
            .or(self.world.database.borrow().rows.get(key))
            .cloned()
    }

    /// What the current statement sees of many rows.
    pub(crate) fn see<T>(&self, look: impl FnOnce(&Database) -> T) -> T {
        look(&self.world.database.borrow())
    }

    /// What this transaction has added to a cell's series, beyond what is committed.
    pub(crate) fn in_own_series(&self, (application, metric, period, window): CellKey) -> u64 {
        let minute = |secs: u64| u32::try_from(secs / 60).unwrap_or(u32::MAX);
        let end = period.window(window).end.map_or(u32::MAX, minute);
        let first = Key::Series(application, metric, minute(window));
        let last = Key::Series(application, metric, end);
        let sum = |row: Option<&Row>| match row {
            Some(Row::Series(sums)) => sums.values().sum(),
            _ => 0,
        };
        let database = self.world.database.borrow();
        let own = self.writes.range(first..last);
        own.map(|(key, row)| {
            let all: u64 = sum(Some(row));
            all.saturating_sub(sum(database.rows.get(key)))
        })
        .sum()
    }

    pub(crate) fn is_mutated(&self, mutation: Mutation) -> bool {
        self.world.is(mutation)
    }

    /// Locks a row unless somebody else has it; never waits.
    pub(crate) fn try_lock(&mut self, key: &Key, mode: Mode) -> bool {
        self.statement();
        let is_free = self.world.database.borrow().is_free(self.id, key, mode);
        if is_free {
            self.lock_within_statement(key, mode);
        }
        is_free
    }

    /// Locks a row, or the place where it would be, and gives what stands there then.
    pub(crate) fn lock(&mut self, key: &Key, mode: Mode) -> Option<Row> {
        self.statement();
        self.lock_within_statement(key, mode)
    }

    pub(crate) fn lock_within_statement(&mut self, key: &Key, mode: Mode) -> Option<Row> {
        let id = self.id;
        loop {
            let mut database = self.world.database.borrow_mut();
            if database.is_free(id, key, mode) {
                database.waiting.remove(&id);
                let lock: &mut Lock = database.locks.entry(key.clone()).or_default();
                match mode {
                    Mode::Share => {
                        lock.share.insert(id);
                    }
                    Mode::Update => lock.update = Some(id),
                }
                break;
            }
            database.waiting.insert(id, (key.clone(), mode));
            let deadlocked = database.is_deadlocked(id);
            drop(database);
            if deadlocked {
                self.world.violate(format!("deadlock at {key:?}"));
            }
            self.host.suspend(Pause::Lock(id, key.clone(), mode));
        }
        self.locked.insert(key.clone());
        self.get(key)
    }

    /// Writes a row, which must be locked, unless somebody wants it otherwise.
    pub(crate) fn put(&mut self, key: Key, row: Row) {
        self.writes.insert(key, row);
    }

    /// Makes it durable.
    pub(crate) fn commit(mut self) {
        self.statement();
        let writes = std::mem::take(&mut self.writes);
        {
            let mut database = self.world.database.borrow_mut();
            for (key, row) in &writes {
                database.rows.insert(key.clone(), row.clone());
            }
        }
        self.world.committed(&writes);
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        let mut database = self.world.database.borrow_mut();
        database.waiting.remove(&self.id);
        for key in &self.locked {
            if let Some(lock) = database.locks.get_mut(key) {
                if lock.update == Some(self.id) {
                    lock.update = None;
                }
                lock.share.remove(&self.id);
                if lock.update.is_none() && lock.share.is_empty() {
                    database.locks.remove(key);
                }
            }
        }
    }
}
