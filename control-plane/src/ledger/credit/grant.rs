//! Credit that is granted before anybody has to wait for it.

use super::{Senders, Work};
use crate::leases::account::Account;
use crate::leases::key::CellKey;
use std::collections::{BTreeSet, HashMap};
use tallygate_core::book::{self, Holder};

/// Cells renewed in one answer, which should stay under [`tallygate_core::wire::PAGE_BYTES`]: what is left out is asked for.
const MOST_RENEWED: usize = 5_000;

impl Work {
    /// Grants more to those who spend; not to who has only returned something. Returns to whom.
    pub(super) fn renew(
        &self,
        account: &mut Account,
        senders: &Senders<'_>,
        spending: BTreeSet<(usize, CellKey)>,
    ) -> BTreeSet<(usize, CellKey)> {
        let may_grow = |key: &CellKey| senders.grants.allowed && key.is_current(senders.now_secs());
        let mut granted = BTreeSet::new();
        let mut room: HashMap<usize, usize> = HashMap::new();
        for (delivery, key) in spending.into_iter().filter(|(_, key)| may_grow(key)) {
            let room = room.entry(delivery).or_insert(MOST_RENEWED);
            if *room == 0 {
                continue;
            }
            let Some(holder) = self.may_hold(senders, delivery, &key) else {
                continue;
            };
            let renewed = account.change(&key, &holder.instance, |cell, lease| {
                book::renew(cell, lease, &holder)
            });
            if renewed == Some(true) {
                *room -= 1;
                granted.insert((delivery, key));
            }
        }
        granted
    }

    /// Grants of windows that begin soon. Returns to whom.
    pub(super) fn grant_ahead(
        &self,
        account: &mut Account,
        senders: &Senders<'_>,
    ) -> BTreeSet<(usize, CellKey)> {
        let mut granted = BTreeSet::new();
        for ahead in self.ahead.iter().filter(|_| senders.grants.allowed) {
            let Some(holder) = self.may_hold(senders, ahead.delivery, &ahead.key) else {
                continue;
            };
            let before = account
                .known_lease(&ahead.before, &holder.instance)
                .unwrap_or(ahead.lease_before);
            let fetched = account.change(&ahead.key, &holder.instance, |cell, lease| {
                book::prefetch(cell, lease, &before, &holder)
            });
            if fetched == Some(true) {
                granted.insert((ahead.delivery, ahead.key));
            }
        }
        granted
    }

    /// The holder, if more may be granted to it there.
    fn may_hold(&self, senders: &Senders<'_>, delivery: usize, key: &CellKey) -> Option<Holder> {
        let wanted = !senders.is_draining(delivery)
            && self.terms.is_live(key.application)
            && self.terms.limit(key).is_some();
        senders.holder(delivery).filter(|_| wanted)
    }
}
