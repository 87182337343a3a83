//! What a group of charges is about: usage that counts whatever comes of it, and cells that the rest depends on.

use super::once::Begun;
use super::standing::limited;
use super::{Charge, Outcome, What};
use crate::db::Tx;
use crate::error::Error;
use crate::leases::key::CellKey;
use crate::leases::terms::{Grants, Terms};
use crate::ledger::totals::{Entry, merge};
use std::collections::BTreeSet;
use tallygate_core::metric::Usage;

/// A charge that is decided by cells.
#[derive(Debug)]
pub(super) struct Open {
    /// Its place in the group.
    pub(super) n: usize,
    /// Its cells and their limits.
    pub(super) limited: Vec<(CellKey, u64)>,
    /// What it needs of each of them.
    pub(super) need: Vec<u64>,
    /// What it counts once it is admitted; none for who only wants to know.
    pub(super) entries: Option<Vec<Entry>>,
}

/// What a group is about.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// What has its outcome already, by place.
    pub(super) settled: Vec<Option<Result<Outcome, Error>>>,
    /// What is decided by cells, in its order.
    pub(super) open: Vec<Open>,
    /// Usage that counts, merged.
    pub(super) counted: Vec<Entry>,
    /// The plans, as they are in this transaction.
    pub(super) terms: Terms,
}

impl Work {
    /// Sorts a group out.
    pub(super) async fn read(
        tx: &mut Tx,
        grants: &Grants,
        charges: &[Charge],
        begun: Vec<Begun>,
    ) -> Result<Self, Error> {
        let applications: BTreeSet<i64> = charges
            .iter()
            .filter_map(|charge| match &charge.what {
                What::Admit(application, _) | What::Want(application, _) => Some(*application),
                What::Count(_) => None,
            })
            .collect();
        let mut work = Self {
            terms: Terms::read(tx, &applications).await?,
            ..Self::default()
        };
        for (n, (charge, begun)) in charges.iter().zip(begun).enumerate() {
            let settled = match begun {
                Begun::Do => work.stage(n, charge, grants),
                Begun::Done => Some(Ok(Outcome::Again)),
                Begun::Refused(error) => Some(Err(error)),
            };
            work.settled.push(settled);
        }
        merge(&mut work.counted);
        Ok(work)
    }

    /// Whatever can be said of a charge without its cells.
    fn stage(
        &mut self,
        n: usize,
        charge: &Charge,
        grants: &Grants,
    ) -> Option<Result<Outcome, Error>> {
        let now_secs = grants.now_ms.unsigned_abs() / 1000;
        let (application, usage, is_taken) = match &charge.what {
            What::Admit(application, usage) => (*application, usage, true),
            What::Want(application, usage) => (*application, usage, false),
            What::Count(lines) => {
                for line in lines {
                    let counted = entries(line.application, line.at_secs, &line.usage);
                    self.counted.extend(counted.filter(|entry| entry.delta > 0));
                }
                return Some(Ok(Outcome::Taken(Vec::new())));
            }
        };
        if !self.terms.is_live(application) {
            return Some(Ok(Outcome::NotLive));
        }
        let entries = entries(application, now_secs, usage);
        let limited = limited(&self.terms, application, Some(usage), now_secs);
        if limited.is_empty() {
            if is_taken {
                self.counted.extend(entries.filter(|entry| entry.delta > 0));
            }
            return Some(Ok(Outcome::Taken(Vec::new())));
        }
        if !grants.allowed {
            // Limits are being changed at this moment, or what gateways hold is not known after a restore.
            return Some(Err(Error::Busy));
        }
        let need = limited
            .iter()
            .map(|(key, _)| usage.get(tallygate_core::id::MetricId(key.metric)))
            .collect();
        self.open.push(Open {
            n,
            limited,
            need,
            entries: is_taken.then(|| entries.collect()),
        });
        None
    }

    /// The sums to hold before any cell is: with what is counted, and with nothing yet where it is not decided.
    pub(super) fn first_entries(&self) -> Vec<Entry> {
        let undecided = self.open.iter().filter_map(|open| open.entries.as_ref());
        let nothing = undecided
            .flatten()
            .map(|entry| Entry { delta: 0, ..*entry });
        let mut entries: Vec<Entry> = self.counted.iter().copied().chain(nothing).collect();
        merge(&mut entries);
        entries
    }
}

fn entries(application: i64, at_secs: u64, usage: &Usage) -> impl Iterator<Item = Entry> {
    let minute = u32::try_from(at_secs / 60).unwrap_or(u32::MAX);
    usage.iter().map(move |(metric, delta)| Entry {
        owner: application,
        metric: metric.0,
        minute,
        delta: i64::try_from(delta).unwrap_or(i64::MAX),
    })
}
