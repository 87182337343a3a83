//! `POST sync`: a sealed batch is applied once, its totals are settled, new credit is granted and old credit recalled.

mod credit;

use super::{Begun, Replica};
use crate::database::{InstanceRow, Key, Mode, Row, Tx};
use crate::mutation::Mutation;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use tallygate_core::wire::{Instance, SyncAnswerV1, SyncV1, UsageRowV1, decode};

/// What became of a batch.
struct Claim {
    ack: u64,
    is_next: bool,
}

pub(crate) fn sync(replica: &Replica<'_>, sync: &SyncV1) -> SyncAnswerV1 {
    let world = replica.world;
    let (mut tx, begun) = replica.begin();
    let claim = claim(world, &mut tx, begun, sync);
    let mut answer = SyncAnswerV1 {
        now_ms: begun.now_ms,
        epoch: begun.epoch,
        ack: claim.ack,
        rejected: Vec::new(),
        credits: Vec::new(),
        recalls: Vec::new(),
    };
    let mut caught_up = BTreeSet::new();
    if sync.epoch == begun.epoch {
        let rows: Vec<UsageRowV1> = if claim.is_next {
            decode(&sync.rows).unwrap_or_default()
        } else {
            Vec::new()
        };
        caught_up = credit::apply(world, &mut tx, begun, sync, &rows, &mut answer);
    }
    if world.is(Mutation::AnswersBeforeCommit) {
        world.early(replica.host, tx);
    } else {
        tx.commit();
        world.caught_up.borrow_mut().append(&mut caught_up);
    }
    answer
}

/// Moves the instance from one batch to the next, or it is not the next.
fn claim(world: &World, tx: &mut Tx<'_>, begun: Begun, sync: &SyncV1) -> Claim {
    let key = Key::Instance(sync.instance, begun.epoch);
    let row = if world.is(Mutation::SeqUnlocked) {
        tx.statement();
        tx.get(&key)
    } else {
        tx.lock(&key, Mode::Update)
    };
    let mut known = match row {
        Some(Row::Instance(known)) => known,
        _ => InstanceRow::default(),
    };
    // Of another epoch: the sender learns ours, and how many of its batches the ledger had in its own.
    let seq = if sync.epoch == begun.epoch {
        sync.seq
    } else {
        0
    };
    let is_next = seq > known.last_seq;
    if is_next {
        world.batch_taken(sync.instance, begun.epoch, known.last_seq, seq);
        known.last_seq = seq;
    }
    let ack = if sync.epoch == begun.epoch || world.is(Mutation::EpochsAreStrangers) {
        known.last_seq
    } else {
        tx.statement();
        let before = tx.see(|database| database.instance(sync.instance, sync.epoch).cloned());
        before.map_or(0, |before| before.last_seq)
    };
    known.last_seen_ms = begun.now_ms;
    known.draining = sync.draining;
    tx.put(key, Row::Instance(known));
    Claim { ack, is_next }
}

/// Adds usage to the series, whose sums are locked.
fn add_to_series(tx: &mut Tx<'_>, instance: Instance, rows: &[UsageRowV1]) {
    let mut sums: BTreeMap<Key, u64> = BTreeMap::new();
    for row in rows {
        for usage in &row.usage {
            let key = Key::Series(row.application.0, usage.metric.0, usage.minute);
            *sums.entry(key).or_default() += usage.delta;
        }
    }
    tx.statement();
    for (key, sum) in sums {
        let mut series = match tx.get(&key) {
            Some(Row::Series(series)) => series,
            _ => BTreeMap::new(),
        };
        *series.entry(instance).or_default() += sum;
        tx.put(key, Row::Series(series));
    }
}
