//! Totals, taken over into the account.

use super::{Outcome, Senders, Work};
use crate::leases::account::Account;
use crate::leases::key::CellKey;
use std::collections::{BTreeSet, HashMap};
use tallygate_core::book::{self, Settled};

impl Work {
    /// Takes over what was declared, spent and returned. Returns who has spent something.
    pub(super) fn settle(
        &self,
        account: &mut Account,
        senders: &Senders<'_>,
        outcome: &mut Outcome,
    ) -> BTreeSet<(usize, CellKey)> {
        let mut spending = BTreeSet::new();
        let mut overspent: HashMap<usize, (u64, CellKey)> = HashMap::new();
        // First what was granted: after a restore more may have been spent than the backup knows to be granted.
        for declared in &self.declared {
            if let Some(holder) = senders.holder(declared.delivery) {
                account.change(&declared.key, &holder.instance, |cell, lease| {
                    book::declare(cell, lease, declared.granted);
                });
            }
        }
        for told in &self.told {
            let Some(holder) = senders.holder(told.delivery) else {
                continue;
            };
            let settled = account.change(&told.key, &holder.instance, |cell, lease| {
                if told.spent > lease.spent {
                    spending.insert((told.delivery, told.key));
                }
                book::settle(cell, lease, told.spent, told.returned, holder.now_ms)
            });
            if settled == Some(Settled::Overspent) {
                overspent.entry(told.delivery).or_insert((0, told.key)).0 += 1;
            }
            account.forgive(&told.key, &holder.instance);
        }
        for (delivery, (leases, first)) in overspent {
            outcome.overspent += leases;
            let sender = senders.deliveries.get(delivery);
            tracing::warn!(
                gateway = sender.map(|delivery| delivery.gateway),
                instance = sender.map(|delivery| hex::encode(delivery.sync.instance)),
                leases,
                first = ?first,
                "a gateway has spent or returned more credit than it was granted: was the database restored, or credit written off?"
            );
        }
        spending
    }
}
