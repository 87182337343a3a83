//! Requests as tests write them down: what they use, which limits they meet, and when.

use tallygate_core::credit::Moment;
use tallygate_core::id::MetricId;
use tallygate_core::period::Period;
use tallygate_core::slot::{Charge, LimitCharge};
use tallygate_core::wire::{CreditV1, LeaseTotalsV1};

/// Metric, period and value.
pub(crate) type Limit = (i64, Period, u64);

/// The revision of all limits, unless a test changes one.
pub(crate) const REVISION: i64 = 5;

/// The charge of a request that uses so much of each metric under these limits.
pub(crate) fn charge(usage: &[(i64, u64)], limits: &[Limit], now_secs: u64) -> Charge {
    let limits = limits.iter().filter_map(|&(metric, period, value)| {
        let (_, delta) = usage.iter().find(|(used, _)| *used == metric)?;
        let window = period.window(now_secs);
        Some(LimitCharge {
            metric: MetricId(metric),
            period,
            value,
            delta: *delta,
            window: u32::try_from(window.start).expect("before 2106"),
            window_end: window.end,
            left: 0,
            elsewhere: false,
        })
    });
    Charge {
        usage: usage
            .iter()
            .map(|&(metric, delta)| (MetricId(metric), delta))
            .collect(),
        limits: limits.collect(),
        limits_rev: REVISION,
    }
}

/// A moment at which the control plane has just been heard of.
pub(crate) fn moment(now_secs: u64) -> Moment {
    Moment {
        now_ms: now_secs * 1_000,
        credit_is_valid: true,
        may_overdraw: false,
    }
}

/// An answer that grants all of the limits that a request meets: nothing is left for anybody else.
pub(crate) fn all_of(charge: &Charge) -> Vec<CreditV1> {
    let all = |limit: &LimitCharge| CreditV1 {
        totals: LeaseTotalsV1 {
            metric: limit.metric,
            period: limit.period,
            window: u64::from(limit.window),
            granted: limit.value,
            spent: 0,
            returned: 0,
        },
        version: 1,
        free: 0,
        elsewhere: false,
        limits_rev: charge.limits_rev,
    };
    charge.limits.iter().map(all).collect()
}
