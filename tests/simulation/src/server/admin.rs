//! Changes at the control plane's API that leases have to do with.

use super::Replica;
use crate::database::{Key, Mode, Row, Tx};
use std::collections::BTreeMap;
use tallygate_core::period::Period;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// A limit of a plan is added, raised, lowered, or removed.
    Limit {
        plan: i64,
        metric: i64,
        period: Period,
        value: Option<u64>,
    },
    /// An application goes to another plan.
    Move { application: i64, plan: i64 },
}

pub(crate) fn change(replica: &Replica<'_>, change: Change) {
    let mut tx = Tx::begin(replica.world, replica.host);
    // Revisions become visible in their order, because the next one waits for this commit.
    let revision = match tx.lock(&Key::Revision, Mode::Update) {
        Some(Row::Revision(revision)) => revision + 1,
        _ => 1,
    };
    tx.put(Key::Revision, Row::Revision(revision));
    match change {
        Change::Limit {
            plan,
            metric,
            period,
            value,
        } => {
            let key = Key::Plan(plan);
            let mut limits = match tx.lock(&key, Mode::Update) {
                Some(Row::Plan { limits, .. }) => limits,
                _ => BTreeMap::new(),
            };
            match value {
                Some(value) => limits.insert((metric, period), value),
                None => limits.remove(&(metric, period)),
            };
            tx.put(key, Row::Plan { limits, revision });
        }
        Change::Move { application, plan } => {
            let key = Key::Application(application);
            tx.lock(&key, Mode::Update);
            tx.put(key, Row::Application { plan, revision });
        }
    }
    // Nobody grants by limits that are being changed.
    tx.lock(&Key::Limits, Mode::Update);
    tx.commit();
}
