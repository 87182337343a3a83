//! What a write to a record says: each must fit what the VM is at, and an admission is counted by its write.

use super::{Admitted, Admitting, Doing, VmHost};
use crate::gateway::layout::{self, Slot};
use tallygate_core::lease::TTL_MS;

impl VmHost<'_> {
    /// Looks at a slot that was written, and at what it was.
    pub(super) fn wrote(&self, before: Option<&[u8]>, after: &[u8]) {
        let Some(after) = layout::read(after) else {
            return self
                .world
                .violate("a slot that cannot be read was written".to_owned());
        };
        if self.gateway.instance() != Some(after.instance) {
            // It has not noticed yet that shared data were wiped: the write made the record anew.
            if matches!(*self.doing.borrow(), Doing::Admit(_)) {
                self.world.counts.borrow_mut().ghosts += 1;
                self.was_ghost.set(true);
            }
            return;
        }
        let before = before
            .and_then(layout::read)
            .filter(|before| before.instance == after.instance)
            .unwrap_or_default();
        if let Some(wrong) = self.changes(&before, &after) {
            self.world.violate(format!("{}: {wrong}", self.vm.name()));
        }
    }

    /// Compares a slot with what it was; says what is wrong with that.
    fn changes(&self, before: &Slot, after: &Slot) -> Option<String> {
        let doing = self.doing.borrow();
        let admitting = match &*doing {
            Doing::Admit(admitting) => Some(admitting),
            _ => None,
        };
        let mut admitted = Admitted {
            instance: after.instance,
            application: 0,
            usage: Vec::new(),
            cells: Vec::new(),
        };
        for record in &after.records {
            let known = before
                .records
                .iter()
                .find(|known| known.application == record.application);
            for &(metric, minute, sum) in &record.usages {
                let was = known
                    .and_then(|known| {
                        let mut usages = known.usages.iter();
                        usages.find(|usage| (usage.0, usage.1) == (metric, minute))
                    })
                    .map_or(0, |usage| usage.2);
                if sum > was {
                    admitted.application = record.application;
                    admitted.usage.push((metric, minute, sum - was));
                }
            }
            for cell in &record.cells {
                let was = known.and_then(|known| {
                    known.cells.iter().find(|was| {
                        (was.metric, was.period, was.window)
                            == (cell.metric, cell.period, cell.window)
                    })
                });
                let (granted, spent, returned, over) = was.map_or((0, 0, 0, 0), |was| {
                    (was.granted, was.spent, was.returned, was.over)
                });
                if cell.granted < granted
                    || cell.spent < spent
                    || cell.returned < returned
                    || cell.over < over
                {
                    return Some(format!("a total went back: {was:?} to {cell:?}"));
                }
                if cell.spent + cell.returned > cell.granted {
                    return Some(format!("more spent and returned than granted: {cell:?}"));
                }
                let key = (record.application, cell.metric, cell.period, cell.window);
                if cell.granted > granted {
                    let database = self.world.database.borrow();
                    let leased = database.lease(after.instance, key);
                    if database.epoch().0 == 1
                        && leased.is_none_or(|lease| lease.granted < cell.granted)
                    {
                        return Some(format!(
                            "holds what it was never granted: {cell:?}, {leased:?}"
                        ));
                    }
                }
                let value = admitting.and_then(|admitting| {
                    let mut limits = admitting.limits.iter();
                    limits
                        .find(|limit| (limit.0, limit.1) == (cell.metric, cell.period))
                        .map(|limit| limit.3)
                });
                if cell.over > over && value.is_some_and(|value| cell.spent + cell.over > value) {
                    return Some(format!("overdraft past the limit of {value:?}: {cell:?}"));
                }
                if admitting.is_some() && (cell.spent > spent || cell.over > over) {
                    admitted.cells.push((
                        cell.metric,
                        cell.period,
                        cell.window,
                        cell.spent - spent,
                        cell.over - over,
                    ));
                }
            }
        }
        let gone = before.records.iter().filter(|known| {
            let mut left = after.records.iter();
            left.all(|record| record.application != known.application)
        });
        self.world.counts.borrow_mut().forgotten += gone.count() as u64;
        match admitting {
            Some(admitting) => self.admitted(admitting, &admitted),
            None if !admitted.usage.is_empty() => Some(format!(
                "usage out of nothing: {admitted:?} while {doing:?}"
            )),
            None => None,
        }
    }

    /// The write is the admission, whatever becomes of the VM afterwards.
    fn admitted(&self, admitting: &Admitting, admitted: &Admitted) -> Option<String> {
        if admitted.usage.is_empty() {
            return None;
        }
        let mut usage: Vec<(i64, u64)> = admitted.usage.iter().map(|u| (u.0, u.2)).collect();
        usage.sort_unstable();
        let mut expected = admitting.usage.clone();
        expected.sort_unstable();
        if admitted.application != admitting.application || usage != expected {
            return Some(format!("charged {admitted:?} for {admitting:?}"));
        }
        for (metric, period, delta, _) in &admitting.limits {
            let taken = admitted
                .cells
                .iter()
                .find(|cell| (cell.0, cell.1) == (*metric, *period))
                .map_or(0, |cell| cell.3 + cell.4);
            if taken != *delta {
                return Some(format!(
                    "not all or nothing: {admitted:?} for {admitting:?}"
                ));
            }
        }
        let covered = admitted.cells.iter().any(|cell| cell.3 > 0);
        let good_until_ms = self.gateway.heard_ms.get() + TTL_MS;
        if covered
            && !self.gateway.clock_was_set.get()
            && self.world.scenario.checks_expiry
            && admitting.clock_ms >= good_until_ms
        {
            return Some("spent credit that had expired".to_owned());
        }
        let mut counts = self.world.counts.borrow_mut();
        counts.admitted += admitting.usage.first().map_or(0, |usage| usage.1);
        counts.overdraft += admitted.cells.iter().map(|cell| cell.4).sum::<u64>();
        drop(counts);
        self.world.trace(|| {
            format!(
                "{} ADMITS app {} {:?} {:?}",
                self.vm.name(),
                admitted.application,
                admitted.usage,
                admitted.cells
            )
        });
        self.world.checks.borrow_mut().admitted(admitted)
    }
}
