//! The ledger: usage from gateways, counted exactly once.
//!
//! A batch comes in by `gateway_api::sync`, waits here for its turn, and is applied with all others that
//! wait, in one transaction (*group commit*: a row that many batches touch is written once, and the disk is
//! waited for once). Then each sender gets its answer. The steps of that transaction, in [`apply`]:
//!
//! 1. [`claim`]: is this the instance's next batch? A batch taken before changes nothing.
//! 2. [`batch`]: rows are read and checked one by one; a bad one goes to quarantine alone.
//! 3. [`totals`]: what is left is added up in memory, per application and per product.
//! 4. The sums are added to the series, then to the cells of limits ([`limits`]).
//!
//! Locks are taken in one order by all: instances, sums of applications, cells, applications, sums of products,
//! gateways.

pub mod batch;
pub(crate) mod claim;
mod counters;
mod limits;
pub mod totals;

use crate::db::{Db, Handle};
use crate::error::Error;
use crate::store::ledger::{self as store, Owner, quarantine};
use batch::{Known, Rejection};
use claim::Claim;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
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
    db: Db,
    counters: Counters,
    queue: Arc<OnceLock<mpsc::Sender<Waiting>>>,
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

// === impl Ledger ===

impl Ledger {
    /// One for this database.
    #[must_use]
    pub fn new(db: Db, counters: Counters) -> Self {
        Self {
            db,
            counters,
            queue: Arc::default(),
        }
    }

    /// Applies a delivery; when this returns an answer, it is durable.
    ///
    /// # Errors
    /// When the database does not answer, or the instance is another gateway's or fenced.
    pub async fn take(&self, delivery: Delivery) -> Result<SyncAnswerV1, Error> {
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
            tokio::spawn(run(self.db.clone(), self.counters.clone(), waiting));
            queue
        })
    }
}

/// Applies what waits, group by group.
async fn run(db: Db, counters: Counters, mut queue: mpsc::Receiver<Waiting>) {
    let group_bytes = match db.handle() {
        Handle::Sqlite(_) => SQLITE_GROUP_BYTES,
        Handle::Postgres(_) => POSTGRES_GROUP_BYTES,
    };
    while let Some(first) = queue.recv().await {
        let mut bytes = first.delivery.sync.rows.len();
        let mut group = vec![first];
        while bytes < group_bytes
            && let Ok(next) = queue.try_recv()
        {
            bytes += next.delivery.sync.rows.len();
            group.push(next);
        }
        let (deliveries, senders): (Vec<_>, Vec<_>) = group
            .into_iter()
            .map(|waiting| (waiting.delivery, waiting.answer))
            .unzip();
        // In a task of its own, so that a panic costs one group its answers and not all that come after it.
        let (db, counters) = (db.clone(), counters.clone());
        let settled = tokio::spawn(async move { settle(&db, &counters, &deliveries).await }).await;
        for (sender, answer) in senders.into_iter().zip(settled.unwrap_or_default()) {
            // Who has gone away asks again.
            let _gone = sender.send(answer);
        }
    }
}

/// Applies a group; when that fails, each delivery by itself, so that none can hold up the others.
async fn settle(
    db: &Db,
    counters: &Counters,
    deliveries: &[Delivery],
) -> Vec<Result<SyncAnswerV1, Error>> {
    match apply(db, counters, deliveries).await {
        Ok(answers) => answers,
        Err(error) if deliveries.len() == 1 => vec![Err(error)],
        Err(error) => {
            tracing::warn!(%error, deliveries = deliveries.len(), "a group of usage batches failed, applying them one by one");
            let mut answers = Vec::with_capacity(deliveries.len());
            for delivery in deliveries {
                let alone = apply(db, counters, std::slice::from_ref(delivery)).await;
                answers.push(alone.and_then(|mut answer| answer.pop().unwrap_or(Err(Error::Busy))));
            }
            answers
        }
    }
}

/// One transaction. The answers come in the order of the deliveries.
async fn apply(
    db: &Db,
    counters: &Counters,
    deliveries: &[Delivery],
) -> Result<Vec<Result<SyncAnswerV1, Error>>, Error> {
    let mut tx = db.begin().await?;
    let now_ms = tx.now_ms().await?;
    let epoch = store::epoch(&mut tx).await?;

    // Instances are locked in their order. The same batch twice in one group: the second is the duplicate.
    let mut order: Vec<(usize, &Delivery)> = deliveries.iter().enumerate().collect();
    order.sort_by_key(|(_, delivery)| (delivery.sync.instance, delivery.sync.seq));
    let mut claims = BTreeMap::new();
    for (n, delivery) in order {
        claims.insert(n, claim::claim(&mut tx, epoch, now_ms, delivery).await?);
    }
    let claims: Vec<Claim> = claims.into_values().collect();

    let taken: Vec<(usize, &Delivery)> = deliveries
        .iter()
        .enumerate()
        .filter(|(n, _)| matches!(claims.get(*n), Some(Claim::Next { .. })))
        .collect();
    let mut rejections: BTreeMap<usize, Vec<Rejection<'_>>> = BTreeMap::new();
    let mut rows = 0;
    if !taken.is_empty() {
        let batches: Vec<Vec<batch::Row<'_>>> = taken
            .iter()
            .map(|(_, delivery)| batch::read(&delivery.sync.rows))
            .collect();
        let known = Known::look_up(&mut tx, batches.iter().flatten()).await?;
        let mut entries = Vec::new();
        for ((n, _), batch) in taken.iter().zip(batches) {
            rows += batch.len();
            rejections.insert(*n, known.sort_out(batch, now_ms, &mut entries));
        }
        totals::merge(&mut entries);
        store::add(&mut tx, Owner::Application, &totals::sums(&entries)).await?;
        limits::add_to_cells(&mut tx, &known, &entries, now_ms).await?;
        store::note_first_traffic(&mut tx, &known.first_traffic(&entries)).await?;
        keep_rejected(&mut tx, epoch, now_ms, deliveries, &rejections).await?;
        let by_product = totals::sums(&known.by_product(entries));
        store::add(&mut tx, Owner::Product, &by_product).await?;
    }
    note_gateways(&mut tx, now_ms, deliveries, &claims).await?;
    tx.commit().await?;

    let rejected: usize = rejections.values().map(Vec::len).sum();
    counters.count(&claims, rows, rejected);
    Ok(deliveries
        .iter()
        .zip(claims)
        .enumerate()
        .map(|(n, (delivery, claim))| {
            let (ack, rejected) = match claim {
                Claim::Next { .. } => {
                    let rejections = rejections.remove(&n).unwrap_or_default();
                    let told = rejections
                        .into_iter()
                        .map(|bad| (bad.index, bad.reason))
                        .collect();
                    (delivery.sync.seq, told)
                }
                Claim::Known { ack, rejected, .. } => (ack, rejected),
                Claim::Refused(error) => return Err(error),
            };
            Ok(SyncAnswerV1 {
                now_ms: now_ms.unsigned_abs(),
                epoch,
                ack,
                rejected,
                credits: Vec::new(),
                recalls: Vec::new(),
            })
        })
        .collect())
}

/// Bad rows go to quarantine, with a line in the log for each batch that had some.
async fn keep_rejected(
    tx: &mut crate::db::Tx,
    epoch: i64,
    now_ms: i64,
    deliveries: &[Delivery],
    rejections: &BTreeMap<usize, Vec<Rejection<'_>>>,
) -> Result<(), Error> {
    for (delivery, rejections) in rejections
        .iter()
        .filter_map(|(n, bad)| Some((deliveries.get(*n)?, bad)))
    {
        let Some(first) = rejections.first() else {
            continue;
        };
        tracing::warn!(
            gateway = delivery.gateway,
            seq = delivery.sync.seq,
            rows = rejections.len(),
            reason = first.reason,
            "usage rows were put into quarantine"
        );
        let bad: Vec<quarantine::Bad<'_>> = rejections
            .iter()
            .map(|bad| quarantine::Bad {
                instance: &delivery.sync.instance,
                seq: i64::try_from(delivery.sync.seq).unwrap_or(i64::MAX),
                index: i64::from(bad.index),
                bytes: bad.bytes,
                reason: &bad.reason,
            })
            .collect();
        quarantine::keep(tx, epoch, &bad, now_ms).await?;
    }
    Ok(())
}

/// Notes how the gateways are, by what each said last.
async fn note_gateways(
    tx: &mut crate::db::Tx,
    now_ms: i64,
    deliveries: &[Delivery],
    claims: &[Claim],
) -> Result<(), Error> {
    let latest: BTreeMap<i64, &Delivery> = deliveries
        .iter()
        .zip(claims)
        .filter(|(_, claim)| !matches!(claim, Claim::Refused(_)))
        .map(|(delivery, _)| (delivery.gateway, delivery))
        .collect();
    for (gateway, delivery) in latest {
        store::note_gateway(tx, gateway, now_ms, &delivery.sync.health).await?;
    }
    Ok(())
}
