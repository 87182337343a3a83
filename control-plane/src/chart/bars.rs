//! Bars, one on top of the other: a path for each series.

use super::Chart;
use super::frame::{BUCKET, Frame};
use std::fmt::Write as _;

/// Bars stand farther apart, with rounded corners, when there are not more.
const FEW: usize = 40;

/// The highest stack.
pub(super) fn highest(chart: &Chart) -> u64 {
    (0..chart.buckets())
        .map(|bucket| {
            let values = chart
                .series
                .iter()
                .map(|series| value(&series.values, bucket));
            values.fold(0, u64::saturating_add)
        })
        .max()
        .unwrap_or(0)
}

pub(super) fn paths(chart: &Chart, frame: &Frame<'_>) -> String {
    let is_few = chart.buckets() <= FEW;
    let (left, width) = if is_few { (2, 6) } else { (1, 8) };
    let soft = if is_few && chart.series.len() == 1 {
        " soft"
    } else {
        ""
    };
    let mut below: Vec<u64> = vec![0; chart.buckets()];
    let mut out = String::new();
    for series in &chart.series {
        let mut path = String::new();
        for (bucket, ground) in below.iter_mut().enumerate() {
            let height = frame.tenths(value(&series.values, bucket));
            if height == 0 {
                continue;
            }
            let x = bucket * BUCKET + left;
            let (bottom, top) = (frame.y(*ground), frame.y(*ground + height));
            let _ = write!(path, "M{x} {bottom}V{top}h{width}V{bottom}z");
            *ground += height;
        }
        if !path.is_empty() {
            let _ = write!(
                out,
                "<path class=\"series-{}{soft}\" d=\"{path}\"/>",
                series.colour
            );
        }
    }
    out
}

fn value(values: &[Option<u64>], bucket: usize) -> u64 {
    values.get(bucket).copied().flatten().unwrap_or(0)
}
