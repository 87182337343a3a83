//! Charts, drawn as SVG: pure, from numbers to text.
//!
//! A chart has an axis of its own width on the left, and a plot as wide as there is room. Across, everything in the plot is
//! in percent or stretched with it; up and down, in pixels: lettering keeps its size on every screen. Colours are
//! classes of the portal's stylesheet. The numbers themselves belong in a table beside the chart, which is where scripts
//! and screen readers find them.

mod bars;
mod frame;
mod lines;
mod scale;
pub mod time;

pub use frame::Frame;

/// What a chart shows: several series over the same buckets.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// What it is, for whoever cannot see it.
    pub label: String,
    /// What the values are.
    pub unit: Unit,
    /// Lettering below the buckets, one for each.
    pub ticks: Vec<Option<Tick>>,
    /// The series, the lowest first.
    pub series: Vec<Series>,
}

/// Values of one colour.
#[derive(Clone, Debug)]
pub struct Series {
    /// What they are of.
    pub name: String,
    /// Which of the stylesheet's colours, 1 to 6.
    pub colour: u8,
    /// One for each bucket; none where nothing is known.
    pub values: Vec<Option<u64>>,
}

/// Lettering below a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// What it says.
    pub text: String,
    /// Whether narrow screens go without it.
    pub is_minor: bool,
}

/// What values are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    #[default]
    Count,
    /// Milliseconds.
    Milliseconds,
}

// === impl Chart ===

impl Chart {
    /// Bars, the series one on top of the other.
    #[must_use]
    pub fn bars(&self) -> String {
        let frame = Frame::new(self, bars::highest(self));
        frame.draw(&bars::paths(self, &frame))
    }

    /// Lines, each from the ground.
    #[must_use]
    pub fn lines(&self) -> String {
        let frame = Frame::new(self, lines::highest(self));
        frame.draw(&lines::paths(self, &frame))
    }

    /// How many buckets there are.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.ticks.len()
    }
}

// === impl Unit ===

impl Unit {
    /// A value as an axis has it: `2.5k`, `250 ms`.
    #[must_use]
    pub fn short(self, value: u64) -> String {
        let (value, units): (u64, &[(u64, &str)]) = match self {
            Self::Count => (value, COUNTS),
            Self::Milliseconds => (value, TIMES),
        };
        let (size, name) = units
            .iter()
            .find(|(size, _)| value >= *size)
            .copied()
            .unwrap_or((1, if self == Self::Count { "" } else { " ms" }));
        // To two decimals, which is all that steps of scales have.
        let hundredths = u128::from(value) * 100 / u128::from(size);
        let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        format!("{text}{name}")
    }
}

const COUNTS: &[(u64, &str)] = &[
    (1_000_000_000_000, "T"),
    (1_000_000_000, "B"),
    (1_000_000, "M"),
    (1_000, "k"),
];
const TIMES: &[(u64, &str)] = &[(1_000, " s")];

#[cfg(test)]
mod tests;
