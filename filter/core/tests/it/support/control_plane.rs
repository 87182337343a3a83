//! A control plane with one gateway process, and without a database: it answers who finds a cell dry.

use super::request::{Limit, REVISION};
use std::collections::BTreeMap;
use tallygate_core::admission::{Admission, admit, asked};
use tallygate_core::book::{Asked, Cell, Holder, Lease, ask};
use tallygate_core::credit::Moment;
use tallygate_core::flush::Flush;
use tallygate_core::id::ApplicationId;
use tallygate_core::lease::is_grantable;
use tallygate_core::shared::SharedData;
use tallygate_core::slot::Charge;
use tallygate_core::wire::{AskedCellV1, CreditV1, Instance, LeaseTotalsV1};

/// Cells and leases of one gateway process.
pub(crate) struct ControlPlane {
    instance: Instance,
    limits: Vec<Limit>,
    /// By application, metric, period and window.
    cells: BTreeMap<(i64, i64, u8, u64), (Cell, Lease)>,
}

impl ControlPlane {
    pub(crate) fn new(instance: Instance, limits: &[Limit]) -> Self {
        Self {
            instance,
            limits: limits.to_vec(),
            cells: BTreeMap::new(),
        }
    }

    /// Grants what is asked for, or not; of windows that are not open nobody is told anything.
    pub(crate) fn ask(
        &mut self,
        application: ApplicationId,
        asked: &[AskedCellV1],
        now_ms: u64,
    ) -> Vec<CreditV1> {
        let open = |asked: &AskedCellV1| {
            let LeaseTotalsV1 { period, window, .. } = asked.totals;
            is_grantable(period, window, now_ms / 1_000)
        };
        if !asked.iter().all(open) {
            return Vec::new();
        }
        let key = |totals: &LeaseTotalsV1| {
            let period = totals.period as u8;
            (application.0, totals.metric.0, period, totals.window)
        };
        let mut rows: Vec<_> = asked
            .iter()
            .map(|asked| {
                self.cells.remove(&key(&asked.totals)).unwrap_or_else(|| {
                    let new = Cell {
                        limit: self.limit(&asked.totals),
                        ..Cell::default()
                    };
                    (new, Lease::default())
                })
            })
            .collect();
        let holder = Holder {
            instance: self.instance,
            live: 1,
            now_ms,
        };
        let mut together: Vec<_> = rows
            .iter_mut()
            .zip(asked)
            .map(|((cell, lease), &asked)| Asked {
                cell,
                lease,
                asked,
                silent: 0,
            })
            .collect();
        ask(&mut together, &holder);
        let mut told = Vec::new();
        for ((cell, lease), asked) in rows.into_iter().zip(asked) {
            told.push(CreditV1 {
                totals: LeaseTotalsV1 {
                    granted: lease.granted,
                    spent: lease.spent,
                    returned: lease.returned,
                    ..asked.totals
                },
                version: cell.version,
                free: cell.free_for(&holder),
                elsewhere: cell.is_held_elsewhere(&lease),
                limits_rev: REVISION,
            });
            self.cells.insert(key(&asked.totals), (cell, lease));
        }
        told
    }

    fn limit(&self, cell: &LeaseTotalsV1) -> Option<u64> {
        self.limits
            .iter()
            .find(|(metric, period, _)| (*metric, *period) == (cell.metric.0, cell.period))
            .map(|(.., value)| *value)
    }
}

/// Decides on a request as the filter does: who finds a cell dry asks, takes the answer in, and decides again.
pub(crate) fn admit_or_ask(
    process: &Flush<'_, impl SharedData>,
    application: ApplicationId,
    charge: &mut Charge,
    moment: &Moment,
    ask_and_apply: impl Fn(&[AskedCellV1]),
) -> Admission {
    for _ in 0..10 {
        let admission = admit(process, application, charge, moment);
        if admission != Admission::Dry {
            return admission;
        }
        ask_and_apply(&asked(process, application, charge, 1));
    }
    Admission::Dry
}
