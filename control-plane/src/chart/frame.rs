//! What all charts have: the axis, lines across, lettering below, and a plot that stretches.

use super::scale::Scale;
use super::{Chart, Tick};
use quick_xml::escape::escape;
use std::fmt::Write as _;

/// Height of the plot in pixels.
const PLOT: u64 = 184;
/// Room above it, for half a letter of the axis.
const ABOVE: u64 = 10;
/// Room below it, for ticks.
const BELOW: u64 = 26;
/// About how wide a letter of the axis is, in pixels.
const LETTER: usize = 7;
/// Units of a bucket across the stretched plot.
pub(super) const BUCKET: usize = 10;

/// A chart without its values.
#[derive(Debug)]
pub struct Frame<'a> {
    chart: &'a Chart,
    scale: Scale,
}

impl<'a> Frame<'a> {
    pub(super) fn new(chart: &'a Chart, highest: u64) -> Self {
        let scale = Scale::up_to(highest);
        Self { chart, scale }
    }

    /// How high a value is, in tenths of a pixel.
    pub(super) fn tenths(&self, value: u64) -> u64 {
        self.scale.tenths(value, PLOT)
    }

    /// What is so many tenths of a pixel above the ground, as a coordinate.
    pub(super) fn y(&self, tenths: u64) -> String {
        decimal((PLOT * 10).saturating_sub(tenths))
    }

    /// The chart, with paths on its plot.
    pub(super) fn draw(&self, paths: &str) -> String {
        let mut out = String::from("<div class=\"chart\">");
        self.draw_axis(&mut out);
        let height = ABOVE + PLOT + BELOW;
        let _ = write!(
            out,
            "<svg class=\"chart-plot\" width=\"100%\" height=\"{height}\" role=\"img\" aria-label=\"{}\">",
            escape(&self.chart.label),
        );
        for line in self.scale.lines() {
            let class = if line == 0 { "ground" } else { "line" };
            let y = self.y_of_line(line);
            let _ = write!(
                out,
                "<line class=\"{class}\" x1=\"0\" x2=\"100%\" y1=\"{y}.5\" y2=\"{y}.5\"/>"
            );
        }
        let width = self.chart.buckets() * BUCKET;
        let _ = write!(
            out,
            "<svg y=\"{ABOVE}\" width=\"100%\" height=\"{PLOT}\" viewBox=\"0 0 {width} {PLOT}\" \
             preserveAspectRatio=\"none\">{paths}</svg>"
        );
        for (n, tick) in self.chart.ticks.iter().enumerate() {
            if let Some(tick) = tick {
                self.draw_tick(&mut out, n, tick);
            }
        }
        out.push_str("</svg></div>");
        out
    }

    fn draw_axis(&self, out: &mut String) {
        let labels: Vec<(u64, String)> = self
            .scale
            .lines()
            .map(|line| (line, self.chart.unit.short(line)))
            .collect();
        let letters = labels.iter().map(|(_, text)| text.chars().count()).max();
        let width = letters.unwrap_or(0) * LETTER + 10;
        let height = ABOVE + PLOT + BELOW;
        let _ = write!(
            out,
            "<svg class=\"chart-axis\" width=\"{width}\" height=\"{height}\" aria-hidden=\"true\">"
        );
        for (line, text) in labels {
            let _ = write!(
                out,
                "<text x=\"{}\" y=\"{}\">{text}</text>",
                width.saturating_sub(8),
                self.y_of_line(line) + 4,
            );
        }
        out.push_str("</svg>");
    }

    fn draw_tick(&self, out: &mut String, bucket: usize, tick: &Tick) {
        let buckets = self.chart.buckets().max(1);
        // The middle of the bucket, in hundredths of a percent.
        let middle = (bucket * 2 + 1) * 5_000 / buckets;
        let class = if tick.is_minor {
            " class=\"minor\""
        } else {
            ""
        };
        let _ = write!(
            out,
            "<text{class} x=\"{}.{:02}%\" y=\"{}\">{}</text>",
            middle / 100,
            middle % 100,
            ABOVE + PLOT + 20,
            escape(&tick.text),
        );
    }

    /// In whole pixels, so that lines are crisp.
    fn y_of_line(&self, value: u64) -> u64 {
        let tenths = self.scale.tenths(value, PLOT);
        ABOVE + PLOT - tenths / 10
    }
}

/// Tenths as a decimal number.
fn decimal(tenths: u64) -> String {
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        tenth => format!("{}.{tenth}", tenths / 10),
    }
}
