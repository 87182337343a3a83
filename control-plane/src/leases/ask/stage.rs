//! What can be said of an ask without its cells: whether it is listened to, and whether anything is granted there now.

use super::answer;
use crate::error::Error;
use crate::leases::Question;
use crate::leases::key::{CellKey, Named};
use crate::leases::terms::{Grants, Terms};
use crate::ledger::claim;
use crate::store::leases::instances::Process;
use crate::store::ledger::Metrics;
use std::collections::HashMap;
use tallygate_core::wire::{AskAnswerV1, Instance, OutcomeV1};

/// What becomes of a question before cells are looked at.
pub(super) enum Stage {
    /// It is decided by its cells, in this order.
    Open(Vec<CellKey>),
    /// The application may not call: nothing is granted of these cells.
    NotLive(Vec<CellKey>),
    /// It has its answer.
    Answered(Result<AskAnswerV1, Error>),
}

/// What can be said without cells.
pub(super) fn stage(
    question: &Question,
    grants: &Grants,
    processes: &HashMap<Instance, Process>,
    terms: &Terms,
    metrics: &Metrics,
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
        let metric = totals.metric.0;
        if product.is_some_and(|product| !metrics.belongs(metric, product)) {
            let message = if metrics.exists(metric) {
                format!(
                    "name metric {metric}, which is of another product than application {application}"
                )
            } else {
                format!("name metric {metric}, which does not exist")
            };
            return Stage::Answered(Err(Error::invalid("cells", message)));
        }
        if named != Named::Kept || !key.is_grantable(now_secs) {
            return later();
        }
        keys.push(key);
    }
    if !terms.is_live(application) {
        return Stage::NotLive(keys);
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
