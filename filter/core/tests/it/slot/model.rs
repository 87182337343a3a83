//! A naive map in place of a slot: it forgets nothing unless it is told to.

use super::*;
use crate::support::request::REVISION;
use std::collections::BTreeSet;
use tallygate_core::credit::{Credit, Standing};
use tallygate_core::wire::UsageRowV1;

/// How long after its end a window is remembered.
const GRACE_SECS: u64 = 60;

/// Application, metric, period and window.
pub(super) type Key = (i64, i64, Period, u64);

/// What a slot should hold.
#[derive(Default)]
pub(super) struct Model {
    pub(super) cells: BTreeMap<Key, Credit>,
    pub(super) usage: BTreeMap<(i64, i64, u32), u64>,
    /// Who has to tell that credit was returned.
    pub(super) returning: BTreeSet<i64>,
}

impl Model {
    fn credit(&self, key: &Key) -> Credit {
        self.cells.get(key).copied().unwrap_or_default()
    }

    pub(super) fn admit(
        &mut self,
        id: i64,
        charge: &Charge,
        moment: &Moment,
    ) -> Result<Vec<u64>, (Short, Vec<u64>)> {
        let (mut short, mut left) = (None, Vec::new());
        for limit in &charge.limits {
            let key = (id, limit.metric.0, limit.period, u64::from(limit.window));
            let credit = self.credit(&key);
            let standing = credit.standing(limit.delta, limit.value, REVISION, moment);
            left.push(match standing {
                Standing::Dry => limit.value - credit.spent - credit.over,
                _ => credit.known_left(limit.value, moment),
            });
            short = match (standing, short) {
                (Standing::Exhausted, _) => Some(Short::Exhausted),
                (Standing::Dry, None) if !moment.may_overdraw => Some(Short::Dry),
                (_, short) => short,
            };
        }
        if let Some(short) = short {
            return Err((short, left));
        }
        for (limit, left) in charge.limits.iter().zip(&mut left) {
            let key = (id, limit.metric.0, limit.period, u64::from(limit.window));
            let credit = self.cells.entry(key).or_default();
            credit.spend(limit.delta, moment);
            *left -= limit.delta;
        }
        let minute = u32::try_from(moment.now_ms / 60_000).expect("before 2106");
        for (metric, delta) in &charge.usage {
            *self.usage.entry((id, metric.0, minute)).or_default() += delta;
        }
        Ok(left)
    }

    /// Changes a cell, unless its window is over.
    pub(super) fn change(
        &mut self,
        key: Key,
        now_secs: u64,
        change: impl FnOnce(&mut Credit) -> bool,
    ) {
        let mut credit = self.credit(&key);
        if !is_over(&key, now_secs) && change(&mut credit) {
            self.cells.insert(key, credit);
        }
    }

    pub(super) fn debit(&mut self, rows: &[UsageRowV1], now_secs: u64) {
        for row in rows {
            let id = row.application.0;
            for usage in &row.usage {
                let key = (id, usage.metric.0, usage.minute);
                let sum = self.usage.get_mut(&key).expect("it was read");
                *sum -= usage.delta;
                if *sum == 0 {
                    self.usage.remove(&key);
                }
            }
            // Told of all that was returned, in windows that are still remembered.
            let told = |key: &Key| {
                let cell = row.cells.iter().find(|cell| {
                    (cell.metric.0, cell.period, cell.window) == (key.1, key.2, key.3)
                });
                cell.map_or(0, |cell| cell.returned)
            };
            let all_told = self
                .cells
                .iter()
                .filter(|(key, credit)| {
                    key.0 == id && credit.granted > 0 && !is_over(key, now_secs)
                })
                .all(|(key, credit)| credit.returned == told(key));
            if all_told {
                self.returning.remove(&id);
            }
        }
    }

    /// Drops what a slot may forget: records of which nothing is left that is not in `rows`.
    pub(super) fn forget(&mut self, rows: &[UsageRowV1], now_ms: u64) {
        let holds = |(key, credit): (&Key, &Credit)| {
            let mark = credit.mark;
            let used_up = mark.until_ms > 0 && mark.free == 0 && !mark.elsewhere;
            let told_lately = mark.until_ms > now_ms;
            let held = credit.left() > 0 || credit.over > 0 || used_up || told_lately;
            (held && !is_over(key, now_ms / 1_000)).then_some(key.0)
        };
        let mut kept: BTreeSet<i64> = self.cells.iter().filter_map(holds).collect();
        kept.extend(rows.iter().map(|row| row.application.0));
        self.cells.retain(|key, _| kept.contains(&key.0));
    }

    /// What is held in windows that are not over.
    pub(super) fn leases(&self, now_secs: u64) -> BTreeMap<Key, [u64; 3]> {
        let open = self
            .cells
            .iter()
            .filter(|(key, credit)| credit.granted > 0 && !is_over(key, now_secs));
        open.map(|(key, credit)| (*key, [credit.granted, credit.spent, credit.returned]))
            .collect()
    }
}

pub(super) fn is_over((.., period, window): &Key, now_secs: u64) -> bool {
    let end = period.window(*window).end;
    end.is_some_and(|end| end + GRACE_SECS <= now_secs)
}
