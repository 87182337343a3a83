//! Which leases a group of deliveries is about.

use super::{Ahead, Declared, Senders, Told, Work};
use crate::db::Tx;
use crate::error::Error;
use crate::leases::key::{CellKey, Named};
use crate::leases::terms::Terms;
use crate::ledger::Delivery;
use crate::ledger::batch::MOST;
use crate::ledger::claim::Claim;
use crate::store::leases::candidates;
use crate::store::ledger as store;
use std::collections::BTreeSet;
use tallygate_core::lease::next_window;
use tallygate_core::period::Period;
use tallygate_core::wire::Instance;

/// Cells granted ahead in one answer.
const MOST_AHEAD: usize = 1_000;

/// Finds out, from what rows told, what is declared, and which windows begin soon.
pub(in crate::ledger) async fn gather(
    tx: &mut Tx,
    senders: &Senders<'_>,
    claims: &[Claim],
    told: Vec<Told>,
) -> Result<Work, Error> {
    let mut work = Work {
        told,
        ..Work::default()
    };
    // Deliveries of this epoch from processes that are listened to.
    let heard: Vec<(usize, &Delivery)> = senders
        .deliveries
        .iter()
        .zip(claims)
        .enumerate()
        .filter(|(_, (delivery, claim))| {
            delivery.sync.epoch == senders.grants.epoch && !matches!(claim, Claim::Refused(_))
        })
        .map(|(n, (delivery, _))| (n, delivery))
        .collect();
    work.declare(tx, senders, &heard).await?;
    if senders.grants.allowed {
        work.look_ahead(tx, senders, &heard).await?;
    }
    if !work.is_empty() {
        let told = work.told.iter().map(|told| told.key);
        let declared = work.declared.iter().map(|declared| declared.key);
        let ahead = work.ahead.iter().map(|ahead| ahead.key);
        work.keys = told.chain(declared).chain(ahead).collect();
        let applications: BTreeSet<i64> = work.keys.iter().map(|key| key.application).collect();
        work.terms = Terms::read(tx, &applications).await?;
    }
    Ok(work)
}

impl Work {
    /// What processes say they hold. What names nothing that exists, or a window that is over, is left out.
    async fn declare(
        &mut self,
        tx: &mut Tx,
        senders: &Senders<'_>,
        heard: &[(usize, &Delivery)],
    ) -> Result<(), Error> {
        let declared: Vec<Declared> = heard
            .iter()
            .flat_map(|(n, delivery)| {
                delivery.sync.declared.iter().flat_map(move |leases| {
                    leases.cells.iter().map(move |totals| {
                        let (key, named) = CellKey::named(
                            leases.application.0,
                            totals.metric,
                            totals.period,
                            totals.window,
                            senders.now_secs(),
                        );
                        (
                            named,
                            Declared {
                                delivery: *n,
                                key,
                                granted: totals.granted,
                            },
                        )
                    })
                })
            })
            .filter_map(|(named, declared)| match named {
                Named::Kept => Some(declared),
                Named::Over => None,
                Named::Wrong => {
                    self.senseless += 1;
                    None
                }
            })
            .collect();
        if declared.is_empty() {
            return Ok(());
        }
        let applications: BTreeSet<i64> = declared.iter().map(|d| d.key.application).collect();
        let metrics: BTreeSet<i64> = declared.iter().map(|d| d.key.metric).collect();
        let terms = Terms::read(tx, &applications).await?;
        let metrics: Vec<i64> = metrics.into_iter().collect();
        let metrics = store::metrics(tx, &metrics).await?;
        for declared in declared {
            let product = terms.product(declared.key.application);
            let credible = declared.granted <= MOST;
            if credible
                && product.is_some_and(|product| metrics.belongs(declared.key.metric, product))
            {
                self.declared.push(declared);
            } else {
                self.senseless += 1;
            }
        }
        Ok(())
    }

    /// Which leases of windows that are about to end may be followed by one of the next.
    async fn look_ahead(
        &mut self,
        tx: &mut Tx,
        senders: &Senders<'_>,
        heard: &[(usize, &Delivery)],
    ) -> Result<(), Error> {
        let ending: Vec<(Period, u64, u64)> = Period::ALL
            .into_iter()
            .filter_map(|period| {
                let next = next_window(period, senders.now_secs())?;
                let current = period.window(senders.now_secs());
                Some((period, current.start, next.start))
            })
            .collect();
        let mut seen: BTreeSet<Instance> = BTreeSet::new();
        for (n, delivery) in heard {
            let instance = &delivery.sync.instance;
            if senders.is_draining(*n) || !seen.insert(*instance) {
                continue;
            }
            let mut most = MOST_AHEAD;
            for window in &ending {
                let found =
                    candidates::ending(tx, senders.grants.epoch, instance, *window, most).await?;
                most = most.saturating_sub(found.len());
                self.ahead.extend(found.into_iter().map(|found| Ahead {
                    delivery: *n,
                    key: found.key.at(window.2),
                    before: found.key,
                    lease_before: found.lease,
                }));
            }
        }
        Ok(())
    }
}
