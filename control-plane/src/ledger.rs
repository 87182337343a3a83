//! The ledger: usage from gateways, counted exactly once.
//!
//! A batch comes in by `gateway_api::sync`, waits here for its turn, and is applied with all others that
//! wait, in one transaction (*group commit*: a row that many batches touch is written once, and the disk is
//! waited for once). Then each sender gets its answer. The steps of that transaction, in [`apply()`]:
//!
//! 1. [`claim`]: is this the instance's next batch? A batch taken before changes nothing.
//! 2. [`batch`]: rows are read and checked one by one; a bad one goes to quarantine alone.
//! 3. [`totals`]: what is left is added up in memory, per application and per product.
//! 4. The sums are added to the series, then to the cells of limits ([`limits`]).
//! 5. What rows tell of leases is settled beside their usage, and credit is renewed ([`credit`]).
//!
//! Locks are taken in one order by all: instances, sums of applications, cells by their key (`leases::key`), applications,
//! sums of products, gateways. Asks and write-offs take the first three in the same order. Who changes limits takes the
//! revision, its product's row, the limits (`Tx::hold_limits`) and then the rows that it writes; it waits for grants that are
//! under way, and is never waited for here: an application that is being changed is skipped, and limits that are being
//! changed are looked at again a moment later.

mod apply;
pub mod batch;
pub(crate) mod claim;
mod counters;
mod credit;
pub(crate) mod limits;
mod taken;
pub mod totals;

use crate::db::{Db, Handle};
use crate::error::Error;
use crate::leases::live::Live;
use apply::apply;
use credit::caught_up::CaughtUp;
use credit::recalls::Walks;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tallygate_core::wire::{SyncAnswerV1, SyncV1};
use tokio::sync::{mpsc, oneshot};

pub use counters::Counters;

/// What a gateway sent, and whose token it came with.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The gateway.
    pub gateway: i64,
    /// What it sent.
    pub sync: SyncV1,
}

/// Takes deliveries from any number of callers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    shared: Shared,
    queue: Arc<OnceLock<mpsc::Sender<Waiting>>>,
}

/// What every transaction has at hand.
#[derive(Clone, Debug)]
struct Shared {
    db: Db,
    counters: Counters,
    live: Live,
    walks: Walks,
    caught_up: CaughtUp,
}

#[derive(Debug)]
struct Waiting {
    delivery: Delivery,
    answer: oneshot::Sender<Result<SyncAnswerV1, Error>>,
}

/// Deliveries that wait in line before callers are told to come back.
const QUEUE: usize = 256;
/// Rows applied in one PostgreSQL transaction, in bytes, and a little more: the more, the less each costs.
const POSTGRES_GROUP_BYTES: usize = 4 * 1024 * 1024;
/// The same for SQLite, which has one writer: whoever revokes a key waits for the group before.
const SQLITE_GROUP_BYTES: usize = 1024 * 1024;

/// How long a group may take.
const LONGEST: Duration = Duration::from_secs(10);

/// Cells declared in one delivery: gateways send about 2 000, and what one slot has beyond.
const MOST_DECLARED: usize = 4_000;
/// What a declared cell weighs in a group, in bytes.
const DECLARED_BYTES: usize = 32;

// === impl Delivery ===

impl Delivery {
    fn declared(&self) -> usize {
        let declared = self.sync.declared.iter();
        declared.map(|leases| leases.cells.len()).sum()
    }

    /// What it weighs in a group, about.
    fn bytes(&self) -> usize {
        self.sync.rows.len() + self.declared() * DECLARED_BYTES
    }
}

// === impl Ledger ===

impl Ledger {
    /// One for this database.
    #[must_use]
    pub fn new(db: Db, counters: Counters) -> Self {
        let shared = Shared {
            db,
            counters,
            live: Live::default(),
            walks: Walks::default(),
            caught_up: CaughtUp::default(),
        };
        Self {
            shared,
            queue: Arc::default(),
        }
    }

    /// Applies a delivery; when this returns an answer, it is durable.
    ///
    /// # Errors
    /// When the database does not answer, too much is declared, or the instance is another gateway's or fenced.
    pub async fn take(&self, delivery: Delivery) -> Result<SyncAnswerV1, Error> {
        if delivery.declared() > MOST_DECLARED {
            return Err(Error::invalid(
                "declared",
                format!("has more than {MOST_DECLARED} cells"),
            ));
        }
        let (answer, answered) = oneshot::channel();
        self.queue()
            .try_send(Waiting { delivery, answer })
            .map_err(|_| Error::Busy)?;
        answered.await.unwrap_or(Err(Error::Busy))
    }

    /// The line to the one task that applies, started by who comes first.
    fn queue(&self) -> &mpsc::Sender<Waiting> {
        self.queue.get_or_init(|| {
            let (queue, waiting) = mpsc::channel(QUEUE);
            tokio::spawn(run(self.shared.clone(), waiting));
            queue
        })
    }
}

/// Applies what waits, group by group.
async fn run(shared: Shared, mut queue: mpsc::Receiver<Waiting>) {
    let group_bytes = match shared.db.handle() {
        Handle::Sqlite(_) => SQLITE_GROUP_BYTES,
        Handle::Postgres(_) => POSTGRES_GROUP_BYTES,
    };
    while let Some(first) = queue.recv().await {
        let mut bytes = first.delivery.bytes();
        let mut group = vec![first];
        while bytes < group_bytes
            && let Ok(next) = queue.try_recv()
        {
            bytes += next.delivery.bytes();
            group.push(next);
        }
        let (deliveries, senders): (Vec<_>, Vec<_>) = group
            .into_iter()
            .map(|waiting| (waiting.delivery, waiting.answer))
            .unzip();
        // In a task of its own, so that a panic costs one group its answers and not all that come after it.
        let shared = shared.clone();
        let settled = tokio::spawn(async move {
            // A connection that has died without a word must not stop those that come after: all come again.
            let settled = shared
                .db
                .within(LONGEST, settle(&shared, &deliveries))
                .await;
            settled.unwrap_or_else(|| {
                tracing::error!(
                    "a group of usage batches took too long: its senders send it again"
                );
                Vec::new()
            })
        })
        .await;
        for (sender, answer) in senders.into_iter().zip(settled.unwrap_or_default()) {
            // Who has gone away asks again.
            let _gone = sender.send(answer);
        }
    }
}

/// Applies a group; when that fails, each delivery by itself, so that none can hold up the others.
async fn settle(shared: &Shared, deliveries: &[Delivery]) -> Vec<Result<SyncAnswerV1, Error>> {
    match apply(shared, deliveries).await {
        Ok(answers) => answers,
        Err(error) if deliveries.len() == 1 => vec![Err(error)],
        Err(error) => {
            shared.counters.count_retry();
            tracing::warn!(%error, deliveries = deliveries.len(), "a group of usage batches failed, applying them one by one");
            let mut answers = Vec::with_capacity(deliveries.len());
            for delivery in deliveries {
                let alone = apply(shared, std::slice::from_ref(delivery)).await;
                answers.push(alone.and_then(|mut answer| answer.pop().unwrap_or(Err(Error::Busy))));
            }
            answers
        }
    }
}
