//! The account of all cells that a transaction has locked: read, changed in memory, and written back in bulk.
//!
//! One order of locks for all that touch cells, from the ledger and from asks: instances, then sums of applications
//! (`usage_application`), then cells by [`CellKey`]. Whoever makes a cell holds the sum *eternity* of its application
//! and metric, which every usage of them adds to: so nobody else is making the same cell, and the series that it starts
//! from stand still ([`new`]).

pub mod new;

use super::key::CellKey;
use crate::db::Tx;
use crate::error::Error;
use crate::series::Series;
use crate::store::leases::cells as rows;
use crate::store::leases::{held, keep};
use std::collections::{BTreeMap, BTreeSet};
use tallygate_core::book::{Cell, Lease};
use tallygate_core::wire::Instance;

/// Cells and leases of a transaction.
#[derive(Debug)]
pub struct Account {
    epoch: i64,
    cells: BTreeMap<CellKey, Kept<Cell>>,
    leases: BTreeMap<(CellKey, Instance), Kept<Lease>>,
    /// Cells that did not exist.
    made: BTreeSet<CellKey>,
    forgiven: Vec<(CellKey, Instance)>,
    written_off: BTreeSet<(CellKey, Instance)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Kept<T> {
    row: T,
    changed: bool,
}

/// Which leases of the cells are read.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// These.
    Of(&'a [(CellKey, Instance)]),
    /// Those with something left, and those of these processes.
    AllBeside(&'a [Instance]),
}

/// Rows handled by one statement.
const PER_STATEMENT: usize = 20_000;

// === impl Account ===

impl Account {
    /// Locks cells and reads leases of them. Cells that do not exist are made if `may_make` says so of
    /// their application and metric, whose sums are locked then.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open(
        tx: &mut Tx,
        epoch: i64,
        keys: &BTreeSet<CellKey>,
        wanted: Wanted<'_>,
        may_make: impl Fn(&CellKey) -> bool,
    ) -> Result<Self, Error> {
        let mut account = Self {
            epoch,
            cells: BTreeMap::new(),
            leases: BTreeMap::new(),
            made: BTreeSet::new(),
            forgiven: Vec::new(),
            written_off: BTreeSet::new(),
        };
        let keys: Vec<CellKey> = keys.iter().copied().collect();
        for keys in keys.chunks(PER_STATEMENT) {
            for (place, cell) in rows::lock(tx, keys).await? {
                if let Some(key) = keys.get(place) {
                    account.cells.insert(
                        *key,
                        Kept {
                            row: cell,
                            changed: false,
                        },
                    );
                }
            }
        }
        let new: Vec<CellKey> = keys
            .iter()
            .filter(|key| !account.cells.contains_key(key) && may_make(key))
            .copied()
            .collect();
        let used = new::in_series(tx, &new).await?;
        for key in new {
            let row = Cell {
                used: used.get(&key).copied().unwrap_or_default(),
                ..Cell::default()
            };
            account.cells.insert(key, Kept { row, changed: true });
            account.made.insert(key);
        }
        account.read(tx, wanted).await?;
        Ok(account)
    }

    async fn read(&mut self, tx: &mut Tx, wanted: Wanted<'_>) -> Result<(), Error> {
        let mut found = Vec::new();
        match wanted {
            Wanted::Of(leases) => {
                for leases in leases.chunks(PER_STATEMENT) {
                    found.extend(held::of(tx, self.epoch, leases).await?);
                }
            }
            Wanted::AllBeside(asking) => {
                let keys: Vec<CellKey> = self.cells.keys().copied().collect();
                for keys in keys.chunks(PER_STATEMENT) {
                    found.extend(held::all_beside(tx, self.epoch, keys, asking).await?);
                }
            }
        }
        for held in found {
            if !self.cells.contains_key(&held.key) {
                continue;
            }
            let of = (held.key, held.instance);
            let kept = Kept {
                row: held.lease,
                changed: false,
            };
            self.leases.insert(of, kept);
            if held.is_written_off {
                self.written_off.insert(of);
            }
        }
        Ok(())
    }

    /// Takes from the series what those cells have missed that are wanted: usage counts in the cells of the limits that there are at the time, and
    /// a limit may have been gone for a while, by a move or by itself.
    ///
    /// What is being added to a series at this moment is not seen here, and will be added to the cell by who does so.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn catch_up(
        &mut self,
        tx: &mut Tx,
        wanted: impl Fn(&CellKey) -> bool,
    ) -> Result<(), Error> {
        let known: Vec<CellKey> = self
            .cells
            .keys()
            .filter(|key| !self.made.contains(key) && wanted(key))
            .copied()
            .collect();
        for (key, used) in new::in_series(tx, &known).await? {
            if let Some(cell) = self.cells.get_mut(&key).filter(|cell| cell.row.used < used) {
                cell.row.used = used;
                cell.row.version = cell.row.version.saturating_add(1);
                cell.changed = true;
            }
        }
        Ok(())
    }

    /// Says what the limit of a cell is now.
    pub fn set_limit(&mut self, key: &CellKey, limit: Option<u64>) {
        if let Some(cell) = self.cells.get_mut(key) {
            cell.row.limit = limit;
        }
    }

    /// How a cell stands.
    #[must_use]
    pub fn cell(&self, key: &CellKey) -> Option<Cell> {
        Some(self.cells.get(key)?.row.clone())
    }

    /// What a process holds of a cell; nothing, if it never did.
    #[must_use]
    pub fn lease(&self, key: &CellKey, holder: &Instance) -> Lease {
        self.leases
            .get(&(*key, *holder))
            .map(|kept| kept.row)
            .unwrap_or_default()
    }

    /// What was read of a lease, and has become of it.
    #[must_use]
    pub fn known_lease(&self, key: &CellKey, holder: &Instance) -> Option<Lease> {
        Some(self.leases.get(&(*key, *holder))?.row)
    }

    /// What others than this process have left of a cell.
    pub fn others<'a>(
        &'a self,
        key: &'a CellKey,
        but: &'a Instance,
    ) -> impl Iterator<Item = (Instance, Lease)> + 'a {
        self.leases
            .range((*key, Instance::default())..=(*key, [u8::MAX; 16]))
            .filter(move |((_, holder), kept)| holder != but && kept.row.left() > 0)
            .map(|((_, holder), kept)| (*holder, kept.row))
    }

    /// All who have something left of any of the cells.
    #[must_use]
    pub fn holders(&self) -> Vec<Instance> {
        let holders: BTreeSet<Instance> = self
            .leases
            .iter()
            .filter(|(_, kept)| kept.row.left() > 0)
            .map(|((_, holder), _)| *holder)
            .collect();
        holders.into_iter().collect()
    }

    /// Usage of a cell's window that was added to the series in this transaction.
    pub fn add_used(&mut self, key: &CellKey, used: u64) {
        // The series that a new cell starts from has it already.
        let counted = self.made.contains(key) && Series::adding_up_to(key.period).is_some();
        if let Some(cell) = self.cells.get_mut(key).filter(|_| !counted) {
            cell.row.used = cell.row.used.saturating_add(used);
            cell.row.version = cell.row.version.saturating_add(1);
            cell.changed = true;
        }
    }

    /// Writes down how a cell stands now.
    pub fn set_cell(&mut self, key: &CellKey, row: Cell) {
        if let Some(cell) = self.cells.get_mut(key).filter(|cell| cell.row != row) {
            *cell = Kept { row, changed: true };
        }
    }

    /// Writes down what a process holds now.
    pub fn set_lease(&mut self, key: &CellKey, holder: &Instance, row: Lease) {
        let kept = self.leases.entry((*key, *holder)).or_default();
        if kept.row != row {
            *kept = Kept { row, changed: true };
        }
    }

    /// Changes a cell and a lease of it together; nothing when the cell is not there.
    pub fn change<T>(
        &mut self,
        key: &CellKey,
        holder: &Instance,
        change: impl FnOnce(&mut Cell, &mut Lease) -> T,
    ) -> Option<T> {
        let (mut cell, mut lease) = (self.cell(key)?, self.lease(key, holder));
        let changed = change(&mut cell, &mut lease);
        self.set_cell(key, cell);
        self.set_lease(key, holder, lease);
        Some(changed)
    }

    /// Whether a lease was written off, and its holder has not been heard to know of it.
    #[must_use]
    pub fn is_written_off(&self, key: &CellKey, holder: &Instance) -> bool {
        self.written_off.contains(&(*key, *holder))
    }

    /// A holder has let go of a lease: if it was written off, that is done with.
    pub fn forgive(&mut self, key: &CellKey, holder: &Instance) {
        if self.written_off.remove(&(*key, *holder)) {
            self.forgiven.push((*key, *holder));
        }
    }

    /// The cells that were made.
    #[must_use]
    pub fn made(&self) -> &BTreeSet<CellKey> {
        &self.made
    }

    /// Writes back what has changed, and removes cells and leases of the same limits whose windows are over for good.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn write(&self, tx: &mut Tx, now_secs: u64) -> Result<(), Error> {
        let cells: Vec<(CellKey, Cell)> = self
            .cells
            .iter()
            .filter(|(_, kept)| kept.changed)
            .map(|(key, kept)| (*key, kept.row.clone()))
            .collect();
        for cells in cells.chunks(PER_STATEMENT) {
            rows::put(tx, cells).await?;
        }
        let leases: Vec<(CellKey, Instance, Lease)> = self
            .leases
            .iter()
            .filter(|(_, kept)| kept.changed)
            .map(|((key, holder), kept)| (*key, *holder, kept.row))
            .collect();
        for leases in leases.chunks(PER_STATEMENT) {
            keep::put(tx, self.epoch, leases).await?;
        }
        keep::forgive(tx, self.epoch, &self.forgiven).await?;
        let made: Vec<CellKey> = self.made.iter().copied().collect();
        new::prune(tx, &made, now_secs).await
    }
}
