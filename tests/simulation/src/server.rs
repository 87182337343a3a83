//! The control plane: what a replica does for each call, one transaction each, with [`tallygate_core::book`] inside.
//!
//! Statements and locks are those of the real one: instances, then sums of applications, then cells, each in the order
//! of their keys; a lease is read and written under its cell's lock. Who grants shares the lock of limits, and
//! never waits for it.

mod account;
mod admin;
mod ask;
mod sync;

pub(crate) use admin::{Change, change};
pub(crate) use ask::ask;
pub(crate) use sync::sync;

use crate::database::{Key, Limits, Mode, Row, Tx};
use crate::mutation::Mutation;
use crate::task::Host;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use tallygate_core::book::Holder;
use tallygate_core::lease::TTL_MS;
use tallygate_core::wire::Instance;

/// A replica at work on a call.
pub(crate) struct Replica<'a> {
    pub(crate) world: &'a World,
    pub(crate) host: &'a Host,
}

/// What a transaction begins by reading.
#[derive(Clone, Copy)]
struct Begun {
    now_ms: u64,
    epoch: i64,
    /// Limits stand still, and no restore is being waited out.
    may_grant: bool,
}

/// Limits of an application, and their revision.
type Terms = (Limits, i64);

/// How often limits that are being changed are looked at again.
const PATIENCE: u32 = 10;

impl<'a> Replica<'a> {
    fn begin(&self) -> (Tx<'a>, Begun) {
        let world = self.world;
        let mut tx = Tx::begin(world, self.host);
        let mut limits_stand = false;
        for _ in 0..PATIENCE {
            limits_stand = limits_stand || tx.try_lock(&Key::Limits, Mode::Share);
        }
        tx.statement();
        let now_ms = world.now_ms.get();
        tx.statement();
        let (epoch, grace_until_ms) = tx.see(|database| database.epoch());
        let grace_until_ms = grace_until_ms.unwrap_or_else(|| {
            // The first call after a restore: from here on gateways are heard, and say what they hold.
            tx.lock(&Key::Epoch, Mode::Update);
            let until_ms = now_ms + TTL_MS;
            let row = Row::Epoch {
                epoch,
                grace_until_ms: Some(until_ms),
            };
            tx.put(Key::Epoch, row);
            until_ms
        });
        let is_rebuilt = now_ms >= grace_until_ms || world.is(Mutation::NoWaitAfterRestore);
        let begun = Begun {
            now_ms,
            epoch,
            may_grant: limits_stand && is_rebuilt,
        };
        (tx, begun)
    }
}

/// For whom a grant is considered, with all who are heard of now.
fn holder(tx: &Tx<'_>, begun: Begun, instance: Instance) -> Holder {
    tx.statement();
    let live = tx.see(|database| {
        let rows = database.instances(begun.epoch);
        rows.filter(|(_, row)| {
            !row.draining && row.last_seen_ms.saturating_add(TTL_MS) > begun.now_ms
        })
        .count()
    });
    Holder {
        instance,
        live: live as u64,
        now_ms: begun.now_ms,
    }
}

/// What applications may be granted by; it stands still while limits are shared.
fn terms(tx: &Tx<'_>, applications: &BTreeSet<i64>) -> BTreeMap<i64, Terms> {
    tx.statement();
    tx.see(|database| {
        let applications = applications.iter();
        applications
            .map(|application| (*application, database.limits(*application)))
            .collect()
    })
}
