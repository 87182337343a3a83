//! Lines, interrupted where nothing is known: a path for each series.

use super::Chart;
use super::frame::{BUCKET, Frame};
use std::fmt::Write as _;

/// The highest point.
pub(super) fn highest(chart: &Chart) -> u64 {
    let values = chart.series.iter().flat_map(|series| &series.values);
    values.flatten().copied().max().unwrap_or(0)
}

pub(super) fn paths(chart: &Chart, frame: &Frame<'_>) -> String {
    let mut out = String::new();
    for series in &chart.series {
        let mut path = String::new();
        let mut is_drawing = false;
        for (bucket, value) in series.values.iter().enumerate() {
            let Some(value) = value else {
                is_drawing = false;
                continue;
            };
            let x = bucket * BUCKET + BUCKET / 2;
            let y = frame.y(frame.tenths(*value));
            if is_drawing {
                let _ = write!(path, "L{x} {y}");
            } else {
                // A line of no length: with round ends, a point that has no neighbour is seen.
                let _ = write!(path, "M{x} {y}h0");
            }
            is_drawing = true;
        }
        if !path.is_empty() {
            let _ = write!(out, "<path class=\"line-{}\" d=\"{path}\"/>", series.colour);
        }
    }
    out
}
