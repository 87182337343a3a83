//! Asks, decided in one transaction: who asks, by which terms, and what comes of it.

use super::Question;
use super::account::{self, Account};
use super::key::{CellKey, Named};
use super::live::Live;
use super::terms::{self, Grants, Terms};
use super::wire::credit;
use crate::db::{Db, Tx};
use crate::error::Error;
use crate::ledger::claim;
use crate::store::leases::accounts::Wanted;
use crate::store::leases::instances::{self, Process};
use crate::store::leases::stored;
use crate::store::ledger::instances::{Batch, enter_instance};
use crate::store::ledger::{self as ledger_store, Owner};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tallygate_core::book::{self, Asked, Cell, Holder, Lease};
use tallygate_core::lease::{RECALL_MS, TTL_MS};
use tallygate_core::wire::{AskAnswerV1, AskV1, CreditV1, Instance, OutcomeV1};

/// Who has been recalled is recalled again after this, while somebody is still short.
const RECALL_AGAIN_MS: u64 = RECALL_MS / 3;

/// What becomes of a question before cells are looked at.
enum Stage {
    /// It is decided by its cells, in this order.
    Open(Vec<CellKey>),
    /// It has its answer.
    Answered(Result<AskAnswerV1, Error>),
}

/// One transaction. The answers come in the order of the questions.
pub(super) async fn apply(
    db: &Db,
    live: &Live,
    questions: &[Question],
) -> Result<Vec<Result<AskAnswerV1, Error>>, Error> {
    let mut tx = db.begin().await?;
    let grants = terms::begin(&mut tx).await?;
    let mut processes = processes(&mut tx, &grants, questions).await?;

    let applications: BTreeSet<i64> = questions
        .iter()
        .map(|question| question.ask.application.0)
        .collect();
    let terms = Terms::read(&mut tx, &applications).await?;
    let metrics = metrics(&mut tx, questions).await?;
    let stages: Vec<Stage> = questions
        .iter()
        .map(|question| stage(question, &grants, &processes, &terms, &metrics))
        .collect();
    let keys: BTreeSet<CellKey> = stages
        .iter()
        .filter_map(|stage| match stage {
            Stage::Open(keys) => Some(keys),
            Stage::Answered(_) => None,
        })
        .flatten()
        .copied()
        .collect();
    let mut account = open(&mut tx, &grants, &keys, questions).await?;
    for key in &keys {
        account.set_limit(key, terms.limit(key));
    }
    let holders = account.holders();
    for process in instances::processes(&mut tx, grants.epoch, &holders).await? {
        processes.insert(process.instance, process);
    }

    let live = live.count(&mut tx, grants.epoch, grants.now_ms).await?;
    let answers = questions
        .iter()
        .zip(stages)
        .map(|(question, stage)| match stage {
            Stage::Answered(answer) => answer,
            Stage::Open(keys) => {
                let holder = Holder {
                    instance: question.ask.instance,
                    live,
                    now_ms: grants.now_ms.unsigned_abs(),
                };
                let (outcome, cells) = decide(
                    &mut account,
                    &terms,
                    &processes,
                    &question.ask,
                    &keys,
                    &holder,
                );
                Ok(answer(&grants, outcome, cells))
            }
        })
        .collect();
    account.write(&mut tx).await?;
    account
        .prune(&mut tx, grants.now_ms.unsigned_abs() / 1000)
        .await?;
    tx.commit().await?;
    Ok(answers)
}

/// Who asks; processes never heard of are entered, in the order in which all lock instances.
async fn processes(
    tx: &mut Tx,
    grants: &Grants,
    questions: &[Question],
) -> Result<HashMap<Instance, Process>, Error> {
    let asking: BTreeMap<Instance, i64> = questions
        .iter()
        .filter(|question| question.ask.epoch == grants.epoch)
        .map(|question| (question.ask.instance, question.gateway))
        .collect();
    let names: Vec<Instance> = asking.keys().copied().collect();
    let look_up = async |tx: &mut Tx| -> Result<HashMap<Instance, Process>, Error> {
        let found = instances::processes(tx, grants.epoch, &names).await?;
        Ok(found
            .into_iter()
            .map(|process| (process.instance, process))
            .collect())
    };
    let known = look_up(tx).await?;
    let mut entered = false;
    for (instance, gateway) in &asking {
        if !known.contains_key(instance) {
            let batch = Batch {
                instance,
                epoch: grants.epoch,
                seq: 0,
                digest: &[],
                gateway: *gateway,
                draining: false,
            };
            enter_instance(tx, batch, grants.now_ms).await?;
            entered = true;
        }
    }
    if entered {
        look_up(tx).await
    } else {
        Ok(known)
    }
}

/// The products of the metrics that are asked for.
async fn metrics(tx: &mut Tx, questions: &[Question]) -> Result<HashMap<i64, i64>, Error> {
    let ids: BTreeSet<i64> = questions
        .iter()
        .flat_map(|question| &question.ask.cells)
        .map(|asked| asked.totals.metric.0)
        .collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    let rows = ledger_store::metrics(tx, &ids).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.product_id))
        .collect())
}

/// What can be said without cells.
fn stage(
    question: &Question,
    grants: &Grants,
    processes: &HashMap<Instance, Process>,
    terms: &Terms,
    metrics: &HashMap<i64, i64>,
) -> Stage {
    let ask = &question.ask;
    let later = || Stage::Answered(Ok(answer(grants, OutcomeV1::Later, Vec::new())));
    if ask.epoch != grants.epoch {
        return later();
    }
    if let Some(refusal) = processes
        .get(&ask.instance)
        .and_then(|process| refusal(process, question.gateway))
    {
        return Stage::Answered(Err(refusal));
    }
    let application = ask.application.0;
    let product = terms.product(application);
    let now_secs = grants.now_ms.unsigned_abs() / 1000;
    let mut keys = Vec::with_capacity(ask.cells.len());
    for asked in &ask.cells {
        let totals = &asked.totals;
        let (key, named) = CellKey::named(
            application,
            totals.metric,
            totals.period,
            totals.window,
            now_secs,
        );
        match metrics.get(&totals.metric.0) {
            _ if product.is_none() => {}
            Some(of) if Some(*of) == product => {}
            Some(_) => {
                return Stage::Answered(Err(Error::invalid(
                    "cells",
                    format!(
                        "name metric {}, which is of another product than application {application}",
                        totals.metric
                    ),
                )));
            }
            None => {
                return Stage::Answered(Err(Error::invalid(
                    "cells",
                    format!("name metric {}, which does not exist", totals.metric),
                )));
            }
        }
        if named != Named::Kept || !key.is_grantable(now_secs) {
            return later();
        }
        keys.push(key);
    }
    if !terms.is_live(application) {
        // The snapshot is about to tell the gateway.
        let cells = keys
            .iter()
            .map(|key| CreditV1 {
                totals: key.blank_totals(),
                version: 0,
                free: 0,
                elsewhere: true,
                limits_rev: terms.limits_rev(application),
            })
            .collect();
        return Stage::Answered(Ok(answer(grants, OutcomeV1::Short, cells)));
    }
    if !grants.allowed {
        return later();
    }
    Stage::Open(keys)
}

/// By the rules of the ledger's claims.
fn refusal(process: &Process, gateway: i64) -> Option<Error> {
    if process.gateway != gateway && !process.gateway_is_removed {
        Some(claim::anothers())
    } else {
        process.fenced.then(claim::fenced)
    }
}

/// Locks the cells, making those that do not exist, and reads their leases.
async fn open(
    tx: &mut Tx,
    grants: &Grants,
    keys: &BTreeSet<CellKey>,
    questions: &[Question],
) -> Result<Account, Error> {
    let missing = account::missing(tx, keys).await?;
    if !missing.is_empty() {
        let sums = account::locking_sums(&missing);
        ledger_store::add(tx, Owner::Application, &sums).await?;
    }
    let of: BTreeSet<(i64, i64)> = missing
        .iter()
        .map(|key| (key.application, key.metric))
        .collect();
    let asking: BTreeSet<Instance> = questions
        .iter()
        .map(|question| question.ask.instance)
        .collect();
    let asking: Vec<Instance> = asking.into_iter().collect();
    Account::open(tx, grants.epoch, keys, Wanted::AllBeside(&asking), |key| {
        of.contains(&(key.application, key.metric))
    })
    .await
}

/// Decides one ask on locked cells, and recalls credit from others if it is short.
fn decide(
    account: &mut Account,
    terms: &Terms,
    processes: &HashMap<Instance, Process>,
    ask: &AskV1,
    keys: &[CellKey],
    holder: &Holder,
) -> (OutcomeV1, Vec<CreditV1>) {
    let mut rows: Vec<(Cell, Lease)> = keys
        .iter()
        .map(|key| {
            let cell = account.cell(key).unwrap_or_default();
            (cell, account.lease(key, &ask.instance))
        })
        .collect();
    let mut asked: Vec<Asked<'_>> = rows
        .iter_mut()
        .zip(&ask.cells)
        .map(|((cell, lease), asked)| Asked {
            cell,
            lease,
            asked: *asked,
        })
        .collect();
    let outcome = book::ask(&mut asked, holder);
    let short = outcome == OutcomeV1::Short;
    let fits: Vec<bool> = asked.iter().map(Asked::is_possible).collect();
    let possible = fits.iter().all(|&fits| fits);
    let mut cells = Vec::with_capacity(keys.len());
    for ((key, (mut cell, lease)), fits) in keys.iter().zip(rows).zip(fits) {
        let elsewhere = if short {
            // So that of two refusals the later one counts.
            cell.version = cell.version.saturating_add(1);
            if possible {
                recall(account, key, holder);
            }
            fits && (cell.is_kept_from(holder)
                || is_with_the_living(account, key, processes, holder))
        } else {
            cell.is_held_elsewhere(&lease)
        };
        let limits_rev = terms.limits_rev(key.application);
        cells.push(credit(key, &cell, &lease, holder, elsewhere, limits_rev));
        account.set_cell(key, cell);
        account.set_lease(key, &ask.instance, lease);
    }
    (outcome, cells)
}

/// Asks all others for what they have left of a cell.
fn recall(account: &mut Account, key: &CellKey, holder: &Holder) {
    let others: Vec<(Instance, Lease)> = account
        .others(key, &holder.instance)
        .filter(|(_, lease)| lease.recalled_at_ms.saturating_add(RECALL_AGAIN_MS) <= holder.now_ms)
        .collect();
    for (other, lease) in others {
        let recalled = Lease {
            recalled_at_ms: holder.now_ms,
            ..lease
        };
        account.set_lease(key, &other, recalled);
    }
}

/// Whether a process that is heard of has something left of a cell, so that it will come back soon.
fn is_with_the_living(
    account: &Account,
    key: &CellKey,
    processes: &HashMap<Instance, Process>,
    holder: &Holder,
) -> bool {
    let heard_of = holder.now_ms.saturating_sub(TTL_MS);
    account.others(key, &holder.instance).any(|(other, _)| {
        processes
            .get(&other)
            .is_some_and(|process| !process.fenced && process.last_seen_at > stored(heard_of))
    })
}

fn answer(grants: &Grants, outcome: OutcomeV1, cells: Vec<CreditV1>) -> AskAnswerV1 {
    AskAnswerV1 {
        now_ms: grants.now_ms.unsigned_abs(),
        epoch: grants.epoch,
        outcome,
        cells,
    }
}
