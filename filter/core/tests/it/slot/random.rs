//! Records in their slot, against a naive map: whatever is asked of both, they hold the same.

use super::model::{Model, is_over};
use super::*;
use crate::support::request::REVISION;
use tallygate_core::wire::{CreditV1, UsageRowV1};

/// Metric and period, and of which window: the one before, the current one, or the next.
type Place = (i64, Period, i8);

#[derive(Clone, Debug)]
enum Step {
    /// A request of an application, so many seconds before the latest time there was; whether credit is valid then, and
    /// whether it may be done without.
    Admit(i64, Vec<(i64, u64)>, u64, bool, bool),
    /// An answer about a cell: its totals, version and free, whether others hold some, whether it is of the limits' revision.
    Apply(i64, Place, [u64; 3], (u64, u64), bool, bool),
    Recall(i64, Place, [u64; 3]),
    /// A plan's limit is changed, or a new one comes.
    Limit(Limit),
    /// Time passes, in seconds.
    Wait(u64),
    /// What the records hold is read for a batch, as it is or cut short.
    Read(Cut),
    /// What was read last is debited; perhaps twice.
    Debit(bool),
    Forget,
}

#[derive(Clone, Copy, Debug)]
enum Cut {
    Nothing,
    /// Every other row is left out.
    Rows,
    /// Rows come without their cells, and without their last usage.
    Short,
}

/// A slot and its model, side by side.
struct Both {
    slot: Slot,
    model: Model,
    limits: Vec<Limit>,
    now_secs: u64,
    sealed: u64,
    read: Vec<UsageRowV1>,
}

impl Both {
    fn run(&mut self, step: &Step) {
        let now_ms = self.now_secs * 1_000;
        match step {
            &Step::Admit(id, ref used, back_secs, credit_is_valid, may_overdraw) => {
                let now_secs = self.now_secs - back_secs;
                let moment = Moment {
                    credit_is_valid,
                    may_overdraw,
                    ..moment(now_secs)
                };
                let mut charge = charge(used, &self.limits, now_secs);
                let expected = self.model.admit(id, &charge, &moment);
                let found = try_admit(&mut self.slot, id, &mut charge, &moment);
                assert_eq!(found, expected, "{step:?} at {now_secs}");
            }
            &Step::Apply(id, place, numbers, (version, free), elsewhere, is_current) => {
                let told = CreditV1 {
                    totals: self.totals(place, numbers),
                    version,
                    free,
                    elsewhere,
                    limits_rev: REVISION - i64::from(!is_current),
                };
                self.slot.apply(ApplicationId(id), &[told], now_ms);
                let LeaseTotalsV1 { period, window, .. } = told.totals;
                let end = period.window(window).end;
                self.model
                    .change((id, place.0, period, window), self.now_secs, |credit| {
                        credit.apply(&told, end, now_ms);
                        true
                    });
            }
            &Step::Recall(id, place, numbers) => {
                let told = self.totals(place, numbers);
                let recalled = self.slot.recall(ApplicationId(id), &[told], now_ms);
                let key = (id, place.0, told.period, told.window);
                let mut returned = false;
                self.model.change(key, self.now_secs, |credit| {
                    returned = credit.recall(&told);
                    returned
                });
                assert_eq!(recalled, returned, "{step:?}");
                if returned {
                    self.model.returning.insert(id);
                }
            }
            Step::Limit(limit) => {
                self.limits
                    .retain(|(metric, period, _)| (*metric, *period) != (limit.0, limit.1));
                self.limits.push(*limit);
            }
            Step::Wait(secs) => self.now_secs += secs,
            Step::Read(cut) => {
                self.read = self.slot.rows();
                match cut {
                    Cut::Nothing => {}
                    Cut::Rows => self.read = self.read.iter().step_by(2).cloned().collect(),
                    Cut::Short => {
                        for row in &mut self.read {
                            row.usage.pop();
                            row.cells.clear();
                        }
                    }
                }
            }
            Step::Debit(again) => {
                let rows = std::mem::take(&mut self.read);
                self.sealed += 1;
                assert!(self.slot.debit(self.sealed, &rows));
                self.model.debit(&rows, self.now_secs);
                assert!(!again || !self.slot.debit(self.sealed, &rows));
            }
            Step::Forget => {
                let rows = self.slot.rows();
                self.slot.forget(now_ms);
                self.model.forget(&rows, now_ms);
            }
        }
        self.compare(step);
    }

    fn totals(&self, (metric, period, which): Place, numbers: [u64; 3]) -> LeaseTotalsV1 {
        let window = period.window(self.now_secs);
        let at_secs = match which {
            0 => window.start,
            1 => window.end.unwrap_or(window.start),
            _ => window.start.saturating_sub(1),
        };
        totals(metric, period, at_secs, numbers)
    }

    fn compare(&mut self, step: &Step) {
        let blank = self.slot.was_blank();
        self.slot = reread(&self.slot);
        assert!(blank || !self.slot.was_blank(), "{step:?}: unsound");
        assert_eq!(usage(&self.slot), self.model.usage, "{step:?}");
        let rows = self.slot.rows();
        assert_eq!(self.slot.is_dirty(), !rows.is_empty(), "{step:?}");
        for id in &self.model.returning {
            // A window that is over may have taken along what it had to tell.
            let told = rows.iter().any(|row| row.application.0 == *id);
            let cells = self.model.cells.iter().filter(|(key, _)| key.0 == *id);
            let mut open = cells.filter(|(key, _)| !is_over(key, self.now_secs));
            assert!(told || open.next().is_none(), "{step:?}: {id} has to tell");
        }
        let mut found = BTreeMap::new();
        for leases in self.slot.leases(self.now_secs * 1_000) {
            for cell in leases.cells {
                let key = (
                    leases.application.0,
                    cell.metric.0,
                    cell.period,
                    cell.window,
                );
                let numbers = [cell.granted, cell.spent, cell.returned];
                assert!(found.insert(key, numbers).is_none(), "{key:?} twice");
            }
        }
        assert_eq!(found, self.model.leases(self.now_secs), "{step:?}");
        for row in &rows {
            for cell in &row.cells {
                let key = (row.application.0, cell.metric.0, cell.period, cell.window);
                let of_open = found.get(&key);
                let told = of_open.is_none_or(|known| known[1..] == [cell.spent, cell.returned]);
                assert!(told, "{step:?}: {cell:?} is told of {of_open:?}");
            }
        }
    }
}

fn limit() -> impl Strategy<Value = Limit> {
    (1_i64..3, period(), 1_u64..25)
}

fn period() -> impl Strategy<Value = Period> + Clone {
    prop::sample::select(vec![
        Period::Minute,
        Period::Hour,
        Period::Month,
        Period::Eternity,
    ])
}

fn step() -> impl Strategy<Value = Step> {
    let id = 1_i64..6;
    let place = (
        1_i64..3,
        period(),
        prop_oneof![6 => Just(0), 1 => Just(1), 1 => Just(-1)],
    );
    let numbers = (0_u64..30, 0_u64..8, 0_u64..4).prop_map(|(all, spent, back)| [all, spent, back]);
    let used = prop::collection::btree_map(1_i64..4, 1_u64..4, 1..3);
    let used = used.prop_map(|used| used.into_iter().collect());
    let seldom = || prop::bool::weighted(0.1);
    prop_oneof![
        12 => (id.clone(), used, 0_u64..55, seldom(), seldom())
            .prop_map(|(id, used, back, expired, away)| Step::Admit(id, used, back, !expired, away)),
        12 => (id.clone(), place.clone(), numbers.clone(), (0_u64..5, 0_u64..4), seldom(), seldom())
            .prop_map(|(id, place, numbers, versions, elsewhere, old)| {
                Step::Apply(id, place, numbers, versions, elsewhere, !old)
            }),
        3 => (id, place, numbers).prop_map(|(id, place, numbers)| Step::Recall(id, place, numbers)),
        1 => limit().prop_map(Step::Limit),
        3 => prop_oneof![1_u64..70, 1_000_u64..100_000, 100_000_u64..40_000_000].prop_map(Step::Wait),
        3 => prop::sample::select(vec![Cut::Nothing, Cut::Nothing, Cut::Rows, Cut::Short])
            .prop_map(Step::Read),
        3 => any::<bool>().prop_map(Step::Debit),
        1 => Just(Step::Forget),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn slots_count_like_a_map(
        limits in prop::collection::vec(limit(), 0..6),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut both = Both {
            slot: blank(),
            model: Model::default(),
            limits: Vec::new(),
            now_secs: NOW_SECS,
            sealed: 0,
            read: Vec::new(),
        };
        for step in limits.into_iter().map(Step::Limit).chain(steps) {
            both.run(&step);
        }
        // Once all is read and debited nothing is left to report.
        both.run(&Step::Read(Cut::Nothing));
        both.run(&Step::Debit(false));
        prop_assert!(!both.slot.is_dirty());
    }
}
