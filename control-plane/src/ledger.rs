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
//! 5. What rows tell of leases is settled beside their usage, and credit is renewed ([`credit`]).
//!
//! Locks are taken in one order by all: instances, sums of applications, cells by their key ([`CellKey`]), applications,
//! sums of products, gateways. Asks and write-offs take the first three in the same order; who changes limits takes the
//! revision, then its rows, then the limits ([`Tx::hold_limits`]), and is never waited for here: an application
//! that is being changed is skipped, and limits that are being changed are looked at again a moment later.

pub mod batch;
pub(crate) mod claim;
mod counters;
mod credit;
mod limits;
pub mod totals;

use crate::db::{Db, Handle, Tx};
use crate::error::Error;
use crate::leases::account;
use crate::leases::key::{CellKey, Named};
use crate::leases::live::Live;
use crate::leases::terms::{self, Grants};
use crate::store::leases::products;
use crate::store::ledger::{self as store, Owner, quarantine};
use batch::{Known, Rejection};
use claim::Claim;
use credit::recalls::{self, Walks};
use credit::{Outcome, Senders, Told, Work};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use tallygate_core::wire::{ProductHealthV1, SyncAnswerV1, SyncV1};
use tokio::sync::{mpsc, oneshot};
use totals::Entry;

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
        let shared = Shared {
            db,
            counters,
            live: Live::default(),
            walks: Walks::default(),
        };
        Self {
            shared,
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
        let shared = shared.clone();
        let settled = tokio::spawn(async move { settle(&shared, &deliveries).await }).await;
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

/// One transaction. The answers come in the order of the deliveries.
async fn apply(
    shared: &Shared,
    deliveries: &[Delivery],
) -> Result<Vec<Result<SyncAnswerV1, Error>>, Error> {
    let mut tx = shared.db.begin().await?;
    let grants = terms::begin(&mut tx).await?;
    let Grants { epoch, now_ms, .. } = grants;

    // Instances are locked in their order. The same batch twice in one group: the second is the duplicate.
    let mut order: Vec<(usize, &Delivery)> = deliveries.iter().enumerate().collect();
    order.sort_by_key(|(_, delivery)| (delivery.sync.instance, delivery.sync.seq));
    let mut claims = BTreeMap::new();
    for (n, delivery) in order {
        claims.insert(n, claim::claim(&mut tx, epoch, now_ms, delivery).await?);
    }
    let claims: Vec<Claim> = claims.into_values().collect();

    let taken = Taken::read(&mut tx, now_ms, deliveries, &claims).await?;
    let senders = Senders {
        deliveries,
        live: shared.live.count(&mut tx, epoch, now_ms).await?,
        grants,
    };
    let work = credit::gather::gather(&mut tx, &senders, &claims, taken.told).await?;
    let mut outcome = count(&mut tx, &senders, &taken.known, taken.entries, &work).await?;
    keep_rejected(&mut tx, epoch, now_ms, deliveries, &taken.rejections).await?;
    note_gateways(&mut tx, now_ms, deliveries, &claims).await?;
    for (n, (delivery, claim)) in deliveries.iter().zip(&claims).enumerate() {
        if delivery.sync.epoch == epoch && !matches!(claim, Claim::Refused(_)) {
            let recalls = outcome.recalls.entry(n).or_default();
            let (instance, draining) = (&delivery.sync.instance, delivery.sync.draining);
            recalls::find(&mut tx, &grants, &shared.walks, instance, draining, recalls).await?;
        }
    }
    tx.commit().await?;

    let rejected: usize = taken.rejections.values().map(Vec::len).sum();
    shared.counters.count(&claims, taken.rows, rejected);
    shared
        .counters
        .count_anomalies(outcome.overspent + taken.senseless + work.senseless);
    let mut rejections = taken.rejections;
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
            let credits = outcome.credits.remove(&n).unwrap_or_default();
            let recalls = outcome.recalls.remove(&n).unwrap_or_default();
            Ok(SyncAnswerV1 {
                now_ms: now_ms.unsigned_abs(),
                epoch,
                ack,
                rejected,
                credits: credits.told(),
                recalls: recalls.told(recalls::MOST),
            })
        })
        .collect())
}

/// What the batches that are the next of their instances say.
#[derive(Default)]
struct Taken<'a> {
    known: Known,
    /// Usage of good rows, sorted and merged.
    entries: Vec<Entry>,
    /// What good rows tell of leases.
    told: Vec<Told>,
    /// Such that makes no sense.
    senseless: u64,
    /// Bad rows, by delivery.
    rejections: BTreeMap<usize, Vec<Rejection<'a>>>,
    /// How many rows there were.
    rows: usize,
}

impl<'a> Taken<'a> {
    async fn read(
        tx: &mut Tx,
        now_ms: i64,
        deliveries: &'a [Delivery],
        claims: &[Claim],
    ) -> Result<Self, Error> {
        let mut taken = Self::default();
        let batches: Vec<(usize, Vec<batch::Row<'a>>)> = deliveries
            .iter()
            .zip(claims)
            .enumerate()
            .filter(|(_, (_, claim))| matches!(claim, Claim::Next { .. }))
            .map(|(n, (delivery, _))| (n, batch::read(&delivery.sync.rows)))
            .collect();
        if batches.is_empty() {
            return Ok(taken);
        }
        taken.known = Known::look_up(tx, batches.iter().flat_map(|(_, rows)| rows)).await?;
        let now_secs = now_ms.unsigned_abs() / 1000;
        let mut cells = Vec::new();
        for (n, rows) in batches {
            taken.rows += rows.len();
            let rejections = taken
                .known
                .sort_out(rows, now_ms, &mut taken.entries, &mut cells);
            taken.rejections.insert(n, rejections);
            for (application, told) in cells.drain(..) {
                let (key, named) =
                    CellKey::named(application, told.metric, told.period, told.window, now_secs);
                match named {
                    Named::Kept if taken.known.belong(application, told.metric.0) => {
                        taken.told.push(Told {
                            delivery: n,
                            key,
                            spent: told.spent,
                            returned: told.returned,
                        });
                    }
                    Named::Over => {}
                    Named::Kept | Named::Wrong => taken.senseless += 1,
                }
            }
        }
        totals::merge(&mut taken.entries);
        Ok(taken)
    }
}

/// Adds usage to series and cells, and does what is to be done about credit beside it.
async fn count(
    tx: &mut Tx,
    senders: &Senders<'_>,
    known: &Known,
    entries: Vec<Entry>,
    work: &Work,
) -> Result<Outcome, Error> {
    if entries.is_empty() && work.is_empty() {
        return Ok(Outcome::default());
    }
    let now_ms = senders.grants.now_ms;
    // Whoever makes cells holds their sums. Usage does so by adding to them; the rest is locked by adding nothing.
    let mut locked: BTreeSet<(i64, i64)> = entries
        .iter()
        .map(|entry| (entry.owner, entry.metric))
        .collect();
    let of_credit: BTreeSet<CellKey> = work
        .keys()
        .into_iter()
        .filter(|key| !locked.contains(&(key.application, key.metric)))
        .collect();
    let missing = account::missing(tx, &of_credit).await?;
    locked.extend(missing.iter().map(|key| (key.application, key.metric)));
    let mut sums = totals::sums(&entries);
    if !missing.is_empty() {
        sums.extend(account::locking_sums(&missing));
        sums.sort_unstable();
    }
    store::add(tx, Owner::Application, &sums).await?;

    let touched = limits::touched(tx, known, &entries, now_ms).await?;
    let outcome = if work.is_empty() {
        limits::add_to_cells(tx, &touched, now_ms).await?;
        Outcome::default()
    } else {
        let may_make = |key: &CellKey| locked.contains(&(key.application, key.metric));
        work.apply(tx, senders, &touched, &entries, may_make)
            .await?
    };
    store::note_first_traffic(tx, &known.first_traffic(&entries)).await?;
    let by_product = totals::sums(&known.by_product(entries));
    store::add(tx, Owner::Product, &by_product).await?;
    Ok(outcome)
}

/// Bad rows go to quarantine, with a line in the log for each batch that had some.
async fn keep_rejected(
    tx: &mut Tx,
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
    tx: &mut Tx,
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
    for (delivery, claim) in deliveries.iter().zip(claims) {
        let done = &delivery.sync.health.products;
        if !done.is_empty() && !matches!(claim, Claim::Refused(_)) {
            // One entry for each product, in one order: whoever sends two is none the better for it.
            let done: BTreeMap<i64, ProductHealthV1> =
                done.iter().map(|done| (done.product.0, *done)).collect();
            let done: Vec<ProductHealthV1> = done.into_values().collect();
            products::note(tx, delivery.gateway, &delivery.sync.instance, &done).await?;
        }
    }
    Ok(())
}
