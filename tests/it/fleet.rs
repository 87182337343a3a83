//! Limits across a fleet of gateways: never more than the limit, and as good as all of it.

mod month;
mod several_limits;
mod window;

/// What has to be admitted of a limit when three times as much is asked for: 99.9 %, or all but one.
pub(crate) fn enough(limit: u64) -> u64 {
    (limit * 999)
        .div_ceil(1_000)
        .min(limit.saturating_sub(1))
        .max(1)
}
