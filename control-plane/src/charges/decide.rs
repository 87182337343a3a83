//! What comes of a charge on locked cells: all that it needs, spent at once, or nothing.

use super::AGENTS;
use super::work::Open;
use crate::leases::account::Account;
use crate::leases::elsewhere::{recall, with_the_silent};
use crate::store::leases::instances::Process;
use std::collections::HashMap;
use tallygate_core::book::{self, Asked, Cell, Holder, Lease};
use tallygate_core::wire::{AskedCellV1, Instance, OutcomeV1};

/// How a charge was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It was granted all that it needs.
    Granted,
    /// It was not.
    Short {
        /// Gateways hold what is missing, and return it.
        soon: bool,
    },
}

/// Decides one charge. What it is granted counts as used from there; if it only asks, nothing is taken.
pub(super) fn decide(
    account: &mut Account,
    processes: &HashMap<Instance, Process>,
    open: &Open,
    now_ms: u64,
) -> Decision {
    let holder = Holder {
        instance: AGENTS,
        // Nothing is granted beyond the need, so it matters not how many there are.
        live: 1,
        now_ms,
    };
    let cells: Vec<_> = open
        .limited
        .iter()
        .zip(&open.need)
        .filter_map(|((key, _), need)| Some((*key, *need, account.cell(key)?)))
        .collect();
    // Who needs nothing of a cell is refused only where more was used than allowed: nobody can give that back.
    let is_exceeded =
        |need: u64, cell: &Cell| need == 0 && cell.limit.is_some_and(|limit| cell.used > limit);
    if cells.iter().any(|(_, need, cell)| is_exceeded(*need, cell)) {
        return Decision::Short { soon: false };
    }
    // From one transaction to the next agents hold nothing: the lease begins blank, and ends spent.
    let mut rows: Vec<(Cell, Lease)> = cells
        .iter()
        .map(|(_, _, cell)| (cell.clone(), Lease::default()))
        .collect();
    let mut asked: Vec<Asked<'_>> = rows
        .iter_mut()
        .zip(&cells)
        .map(|((cell, lease), (key, need, _))| Asked {
            cell,
            lease,
            asked: AskedCellV1 {
                totals: key.blank_totals(),
                need: *need,
                want: *need,
            },
            silent: with_the_silent(account, key, processes, &holder),
        })
        .collect();
    let outcome = book::ask(&mut asked, &holder);
    let soon = asked.iter().all(Asked::is_possible);
    match outcome {
        OutcomeV1::Granted => {
            if open.entries.is_some() {
                for ((key, need, _), (mut cell, mut lease)) in cells.iter().zip(rows) {
                    let spent = lease.granted;
                    book::settle(&mut cell, &mut lease, spent, 0, now_ms);
                    cell.used = cell.used.saturating_add(*need);
                    account.set_cell(key, cell);
                }
            }
            Decision::Granted
        }
        OutcomeV1::Short | OutcomeV1::Later => {
            for ((key, _, _), (mut cell, _)) in cells.iter().zip(rows) {
                cell.version = cell.version.saturating_add(1);
                account.set_cell(key, cell);
                if soon {
                    recall(account, key, &holder);
                }
            }
            Decision::Short { soon }
        }
    }
}
