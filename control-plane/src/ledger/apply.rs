//! Deliveries, applied in one transaction: the steps that [`super`] lists.

use super::batch::Rejection;
use super::claim::{self, Claim};
use super::credit::caught_up::CaughtUp;
use super::credit::recalls;
use super::credit::{Outcome, Senders, Work, gather};
use super::taken::Taken;
use super::totals::Entry;
use super::{Delivery, Shared, limits, totals};
use crate::db::Tx;
use crate::error::Error;
use crate::leases::account::new;
use crate::leases::key::CellKey;
use crate::leases::terms::{self, Grants};
use crate::ledger::batch::Known;
use crate::store::leases::{drains, products};
use crate::store::ledger::{self as store, Owner, quarantine};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tallygate_core::wire::{Instance, ProductHealthV1, SyncAnswerV1};

/// How long usage waits for who changes a limit; then it is counted, and nothing is granted beside it.
const PATIENCE: Duration = Duration::from_millis(20);

/// One transaction. The answers come in the order of the deliveries.
pub(super) async fn apply(
    shared: &Shared,
    deliveries: &[Delivery],
) -> Result<Vec<Result<SyncAnswerV1, Error>>, Error> {
    let mut tx = shared.db.begin().await?;
    let grants = terms::begin(&mut tx, PATIENCE).await?;
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
    let names: Vec<Instance> = deliveries
        .iter()
        .map(|delivery| delivery.sync.instance)
        .collect();
    let drained = drains::asked(&mut tx, epoch, &names).await?;
    let senders = Senders {
        deliveries,
        drained: &drained,
        live: shared.live.count(&mut tx, epoch, now_ms).await?,
        grants,
    };
    let work = gather::gather(&mut tx, &senders, &claims, taken.told).await?;
    let mut outcome = count(
        &mut tx,
        &senders,
        &shared.caught_up,
        &taken.known,
        taken.entries,
        &work,
    )
    .await?;
    keep_rejected(&mut tx, epoch, now_ms, deliveries, &taken.rejections).await?;
    note_gateways(&mut tx, now_ms, deliveries, &claims).await?;
    let revision = *shared.db.revisions().borrow();
    for (n, (delivery, claim)) in deliveries.iter().zip(&claims).enumerate() {
        if delivery.sync.epoch == epoch && !matches!(claim, Claim::Refused(_)) {
            let recalls = outcome.recalls.entry(n).or_default();
            let (instance, draining) = (&delivery.sync.instance, senders.is_draining(n));
            recalls::find(
                &mut tx,
                &grants,
                &shared.walks,
                revision,
                instance,
                draining,
                recalls,
            )
            .await?;
        }
    }
    tx.commit().await?;
    shared.caught_up.note(&outcome.caught_up);

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

/// Adds usage to series and cells, and does what is to be done about credit beside it.
async fn count(
    tx: &mut Tx,
    senders: &Senders<'_>,
    caught_up: &CaughtUp,
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
        .keys
        .iter()
        .filter(|key| !locked.contains(&(key.application, key.metric)))
        .copied()
        .collect();
    let missing = new::missing(tx, &of_credit).await?;
    locked.extend(missing.iter().map(|key| (key.application, key.metric)));
    let mut sums = totals::sums(&entries);
    if !missing.is_empty() {
        sums.extend(new::locking_sums(&missing));
        sums.sort_unstable();
    }
    store::add(tx, Owner::Application, &sums).await?;

    let touched = limits::touched(tx, known, &entries, now_ms).await?;
    let outcome = if work.is_empty() {
        let grown = limits::add_to_cells(tx, &touched.cells, now_ms).await?;
        Outcome {
            grown,
            ..Outcome::default()
        }
    } else {
        let may_make = |key: &CellKey| locked.contains(&(key.application, key.metric));
        work.apply(tx, senders, &touched.cells, &entries, caught_up, may_make)
            .await?
    };
    touched.watch(tx, &outcome.grown).await?;
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
