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
            let given_up = account.is_written_off(&told.key, &holder.instance);
            let mut let_go = false;
            let settled = account.change(&told.key, &holder.instance, |cell, lease| {
                // Who does not know yet that its credit was given up is told to return it, not granted more.
                if told.spent > lease.spent && !given_up {
                    spending.insert((told.delivery, told.key));
                }
                // It holds nothing of what was given up: all is gone, or it has taken over that it was returned.
                let_go = told.spent.saturating_add(told.returned) >= lease.granted
                    || told.returned >= lease.returned;
                book::settle(cell, lease, told.spent, told.returned, holder.now_ms)
            });
            if settled == Some(Settled::Overspent) {
                overspent.entry(told.delivery).or_insert((0, told.key)).0 += 1;
            }
            if let_go {
                account.forgive(&told.key, &holder.instance);
            }
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
