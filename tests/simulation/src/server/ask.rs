//! `POST leases`: a request waits for credit, which all of its cells get or none does.

use super::{Replica, account, holder, terms};
use crate::database::{CellKey, InstanceRow, Key, Mode, Row};
use crate::mutation::Mutation;
use std::collections::{BTreeMap, BTreeSet};
use tallygate_core::book::{self, Asked};
use tallygate_core::lease::{TTL_MS, is_grantable};
use tallygate_core::wire::{AskAnswerV1, AskV1, OutcomeV1};

pub(crate) fn ask(replica: &Replica<'_>, ask: &AskV1) -> AskAnswerV1 {
    let world = replica.world;
    let (mut tx, begun) = replica.begin();
    let answer = |outcome, cells| AskAnswerV1 {
        now_ms: begun.now_ms,
        epoch: begun.epoch,
        outcome,
        cells,
    };
    let application = ask.application.0;
    let is_open = ask.cells.iter().all(|asked| {
        let totals = &asked.totals;
        is_grantable(totals.period, totals.window, begun.now_ms / 1_000)
            || world.is(Mutation::GrantsAnyWindow)
    });
    if ask.epoch != begun.epoch || !is_open || !begun.may_grant {
        tx.commit();
        return answer(OutcomeV1::Later, Vec::new());
    }
    let instance = Key::Instance(ask.instance, begun.epoch);
    tx.statement();
    if tx.get(&instance).is_none() && tx.lock(&instance, Mode::Update).is_none() {
        let entered = InstanceRow {
            last_seen_ms: begun.now_ms,
            ..InstanceRow::default()
        };
        tx.put(instance, Row::Instance(entered));
    }
    let terms = terms(&tx, &BTreeSet::from([application]));
    let keys: BTreeSet<CellKey> = ask
        .cells
        .iter()
        .map(|asked| account::key_of(application, &asked.totals))
        .collect();
    let missing = account::missing(&tx, &keys);
    let sums: BTreeSet<(i64, i64)> = missing.iter().map(|key| (key.0, key.1)).collect();
    if !world.is(Mutation::CellWithoutSumLock) {
        account::lock_sums(&mut tx, &sums);
    }
    let mut held = account::open(&mut tx, ask.instance, &keys, &sums, &terms, |tx, _| {
        tx.is_mutated(Mutation::RacyGrant)
    });
    account::catch_up(world, &tx, &mut held, |_, _| true);
    let holder = holder(&tx, begun, ask.instance);
    if world.is(Mutation::SpentInAsk) {
        for asked in &ask.cells {
            if let Some(held) = held.get_mut(&account::key_of(application, &asked.totals)) {
                let spent = asked.totals.spent.min(held.lease.granted);
                book::settle(&mut held.cell, &mut held.lease, spent, 0, begun.now_ms);
            }
        }
    }
    let before: BTreeMap<CellKey, u64> = held
        .iter()
        .map(|(key, held)| (*key, held.lease.granted))
        .collect();
    let outcome = {
        let mut by_cell: BTreeMap<CellKey, &mut account::Held> =
            held.iter_mut().map(|(key, held)| (*key, held)).collect();
        let mut asked: Vec<Asked<'_>> = Vec::new();
        for of_cell in &ask.cells {
            let key = account::key_of(application, &of_cell.totals);
            if let Some(held) = by_cell.remove(&key) {
                asked.push(Asked {
                    cell: &mut held.cell,
                    lease: &mut held.lease,
                    asked: *of_cell,
                    silent: 0,
                });
            }
        }
        book::ask(&mut asked, &holder)
    };
    let is_short = outcome == OutcomeV1::Short;
    let need = |key: &CellKey| {
        let mut cells = ask.cells.iter();
        cells
            .find(|asked| account::key_of(application, &asked.totals) == *key)
            .map_or(0, |asked| asked.need)
    };
    let fits = |key: &CellKey, limit: Option<u64>| limit.is_none_or(|limit| need(key) <= limit);
    let is_possible = held.iter().all(|(key, held)| fits(key, held.cell.limit));
    let mut told = Vec::new();
    for (key, held) in &mut held {
        if before.get(key) != Some(&held.lease.granted) {
            world.granted(*key, &held.cell, begun.epoch, begun.now_ms);
        }
        let elsewhere = if is_short {
            // So that of two refusals the later one counts.
            held.cell.version += 1;
            if is_possible {
                account::recall_others(&mut tx, &holder, *key);
            }
            let heard_of = begun.now_ms.saturating_sub(TTL_MS);
            let others = account::others(&tx, ask.instance, *key);
            let is_with_the_living = tx.see(|database| {
                others.iter().any(|(other, _)| {
                    let row = database.instance(*other, begun.epoch);
                    row.is_some_and(|row| row.last_seen_ms > heard_of)
                })
            });
            fits(key, held.cell.limit) && is_with_the_living
        } else {
            held.cell.is_held_elsewhere(&held.lease)
        };
        told.push(account::credit(*key, held, &holder, elsewhere));
    }
    account::write(&mut tx, ask.instance, &held);
    if world.is(Mutation::AnswersBeforeCommit) {
        world.early(replica.host, tx);
    } else {
        tx.commit();
    }
    answer(outcome, told)
}
