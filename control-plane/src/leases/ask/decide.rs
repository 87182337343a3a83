//! What comes of an ask on locked cells.

use crate::leases::account::Account;
use crate::leases::elsewhere::{is_with_the_living, recall, with_the_silent};
use crate::leases::key::CellKey;
use crate::leases::terms::Terms;
use crate::leases::wire::credit;
use crate::store::leases::instances::Process;
use std::collections::HashMap;
use tallygate_core::book::{self, Asked, Cell, Holder, Lease};
use tallygate_core::wire::{AskV1, CreditV1, Instance, OutcomeV1};

/// Decides one ask on locked cells, and recalls credit from others if it is short.
pub(super) fn decide(
    account: &mut Account,
    terms: &Terms,
    processes: &HashMap<Instance, Process>,
    ask: &AskV1,
    keys: &[CellKey],
    holder: &Holder,
) -> (OutcomeV1, Vec<CreditV1>) {
    let mut rows: Vec<(Cell, Lease)> = keys
        .iter()
        .map(|key| {
            let cell = account.cell(key).unwrap_or_default();
            (cell, account.lease(key, &ask.instance))
        })
        .collect();
    let mut asked: Vec<Asked<'_>> = rows
        .iter_mut()
        .zip(&ask.cells)
        .zip(keys)
        .map(|(((cell, lease), asked), key)| Asked {
            cell,
            lease,
            asked: *asked,
            silent: with_the_silent(account, key, processes, holder),
        })
        .collect();
    let outcome = book::ask(&mut asked, holder);
    let short = outcome == OutcomeV1::Short;
    let fits: Vec<bool> = asked.iter().map(Asked::is_possible).collect();
    let possible = fits.iter().all(|&fits| fits);
    let mut cells = Vec::with_capacity(keys.len());
    for ((key, (mut cell, lease)), fits) in keys.iter().zip(rows).zip(fits) {
        let elsewhere = if short {
            // So that of two refusals the later one counts.
            cell.version = cell.version.saturating_add(1);
            if possible {
                recall(account, key, holder);
            }
            fits && (cell.is_kept_from(holder)
                || is_with_the_living(account, key, processes, holder))
        } else {
            cell.is_held_elsewhere(&lease)
        };
        let limits_rev = terms.limits_rev(key.application);
        cells.push(credit(key, &cell, &lease, holder, elsewhere, limits_rev));
        account.set_cell(key, cell);
        account.set_lease(key, &ask.instance, lease);
    }
    (outcome, cells)
}
