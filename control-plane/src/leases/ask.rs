//! Asks, decided in one transaction: who asks, by which terms, and what comes of it.

mod decide;
mod stage;

use super::Question;
use super::account::{Account, Wanted, new};
use super::key::CellKey;
use super::live::Live;
use super::terms::{self, Grants, Terms};
use crate::db::{Db, Tx};
use crate::error::Error;
use crate::store::leases::instances::{self, Process};
use crate::store::ledger::instances::{Batch, enter_instance};
use crate::store::ledger::{self as ledger_store, Owner};
use decide::decide;
use stage::{Stage, stage};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use tallygate_core::book::Holder;
use tallygate_core::wire::{AskAnswerV1, CreditV1, Instance, OutcomeV1};

/// How long asks wait for who changes a limit: less than the requests behind them do.
const PATIENCE: Duration = Duration::from_millis(500);

/// One transaction. The answers come in the order of the questions.
pub(super) async fn apply(
    db: &Db,
    live: &Live,
    questions: &[Question],
) -> Result<Vec<Result<AskAnswerV1, Error>>, Error> {
    let mut tx = db.begin().await?;
    let grants = terms::begin(&mut tx, PATIENCE).await?;
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
            Stage::NotLive(_) | Stage::Answered(_) => None,
        })
        .flatten()
        .copied()
        .collect();
    let shown: BTreeSet<CellKey> = stages
        .iter()
        .filter_map(|stage| match stage {
            Stage::NotLive(keys) => Some(keys),
            Stage::Open(_) | Stage::Answered(_) => None,
        })
        .flatten()
        .copied()
        .collect();
    let mut account = open(&mut tx, &grants, &keys, &shown, questions).await?;
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
            Stage::NotLive(keys) => {
                let cells = keys
                    .iter()
                    .map(|key| not_live(&account, &terms, key))
                    .collect();
                Ok(answer(&grants, OutcomeV1::Short, cells))
            }
            Stage::Open(keys) => {
                let instance = question.ask.instance;
                let leaves = processes
                    .get(&instance)
                    .is_some_and(|process| process.draining);
                let holder = Holder {
                    instance,
                    // Who goes away gets what it needs: shared out among so many there is nothing beyond.
                    live: if leaves { u64::MAX } else { live },
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
    account
        .write(&mut tx, grants.now_ms.unsigned_abs() / 1000)
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
async fn metrics(tx: &mut Tx, questions: &[Question]) -> Result<ledger_store::Metrics, Error> {
    let ids: BTreeSet<i64> = questions
        .iter()
        .flat_map(|question| &question.ask.cells)
        .map(|asked| asked.totals.metric.0)
        .collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    ledger_store::metrics(tx, &ids).await
}

/// Locks the cells, making those that do not exist, and reads their leases. Those that are only shown are not made.
async fn open(
    tx: &mut Tx,
    grants: &Grants,
    keys: &BTreeSet<CellKey>,
    shown: &BTreeSet<CellKey>,
    questions: &[Question],
) -> Result<Account, Error> {
    let missing = new::missing(tx, keys).await?;
    if !missing.is_empty() {
        let sums = new::locking_sums(&missing);
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
    let locked: BTreeSet<CellKey> = keys.union(shown).copied().collect();
    let mut account = Account::open(
        tx,
        grants.epoch,
        &locked,
        Wanted::AllBeside(&asking),
        |key| of.contains(&(key.application, key.metric)),
    )
    .await?;
    account.catch_up(tx, |_| true).await?;
    Ok(account)
}

fn answer(grants: &Grants, outcome: OutcomeV1, cells: Vec<CreditV1>) -> AskAnswerV1 {
    AskAnswerV1 {
        now_ms: grants.now_ms.unsigned_abs(),
        epoch: grants.epoch,
        outcome,
        cells,
    }
}

/// How a cell stands for an application that may not call. The snapshot is about to tell the gateway; until it has, the
/// refusal must count there beside what it knows of the cell.
fn not_live(account: &Account, terms: &Terms, key: &CellKey) -> CreditV1 {
    CreditV1 {
        totals: key.blank_totals(),
        version: account.cell(key).map_or(0, |cell| cell.version),
        free: 0,
        elsewhere: true,
        limits_rev: terms.limits_rev(key.application),
    }
}
