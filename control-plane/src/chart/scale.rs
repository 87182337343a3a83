//! From values to heights: an axis of few round steps.

/// An axis from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    /// Between two lines.
    pub(super) step: u64,
    /// The highest line; no value is above it.
    pub(super) top: u64,
}

/// Steps there are at most.
const MOST_STEPS: u64 = 4;

impl Scale {
    /// The axis for values up to this one.
    pub(super) fn up_to(highest: u64) -> Self {
        let step = steps()
            .find(|step| step.saturating_mul(MOST_STEPS) >= highest)
            .unwrap_or(LARGEST);
        Self {
            step,
            top: step.saturating_mul(highest.div_ceil(step).max(1)),
        }
    }

    /// Its lines, the lowest first.
    pub(super) fn lines(self) -> impl Iterator<Item = u64> {
        (0..=self.top / self.step).map(move |n| n * self.step)
    }

    /// How high a value is on a plot of this height, in tenths of its unit. What is not nothing can be seen.
    pub(super) fn tenths(self, value: u64, height: u64) -> u64 {
        const LEAST: u64 = 10;
        let most = height * 10;
        let exact = u128::from(value) * u128::from(most) / u128::from(self.top);
        let tenths = u64::try_from(exact).unwrap_or(most).min(most);
        if value == 0 { 0 } else { tenths.max(LEAST) }
    }
}

const LARGEST: u64 = 5_000_000_000_000_000_000;

/// 1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, …
fn steps() -> impl Iterator<Item = u64> {
    (0..19_u32).flat_map(|power| {
        let ten = 10_u64.pow(power);
        let quarter = (power > 0 && power < 19).then_some(ten / 10 * 25);
        [Some(ten), ten.checked_mul(2), quarter, ten.checked_mul(5)]
            .into_iter()
            .flatten()
    })
}
