//! Charts as they are drawn.

use super::scale::Scale;
use super::time::{names, ticks};
use super::{Chart, Series, Tick, Unit};
use crate::stats::range::Granularity;
use insta::assert_snapshot;

const HOUR: i64 = 3_600;
/// Saturday, 31 January 2026, 21:00 UTC.
const EVENING: i64 = 1_769_893_200;

fn chart(values: &[&[Option<u64>]]) -> Chart {
    let tick = Tick {
        text: "21:00".into(),
        is_minor: false,
    };
    let minor = Tick {
        text: "a & b".into(),
        is_minor: true,
    };
    Chart {
        label: "Calls of \"><script>".into(),
        unit: Unit::Count,
        ticks: vec![Some(tick), None, Some(minor)],
        series: (1..)
            .zip(values)
            .map(|(colour, values)| Series {
                name: format!("series {colour}"),
                colour,
                values: values.to_vec(),
            })
            .collect(),
    }
}

/// One element a line.
fn shown(svg: &str) -> String {
    svg.replace("><", ">\n<")
}

#[test]
fn bars_stand_on_each_other() {
    let chart = chart(&[&[Some(10), None, Some(1)], &[Some(30), Some(20), Some(0)]]);
    assert_snapshot!(shown(&chart.bars()), @r##"
    <div class="chart">
    <svg class="chart-axis" width="24" height="220" aria-hidden="true">
    <text x="16" y="198">0</text>
    <text x="16" y="152">10</text>
    <text x="16" y="106">20</text>
    <text x="16" y="60">30</text>
    <text x="16" y="14">40</text>
    </svg>
    <svg class="chart-plot" width="100%" height="220" role="img" aria-label="Calls of &quot;&gt;&lt;script&gt;">
    <line class="ground" x1="0" x2="100%" y1="194.5" y2="194.5"/>
    <line class="line" x1="0" x2="100%" y1="148.5" y2="148.5"/>
    <line class="line" x1="0" x2="100%" y1="102.5" y2="102.5"/>
    <line class="line" x1="0" x2="100%" y1="56.5" y2="56.5"/>
    <line class="line" x1="0" x2="100%" y1="10.5" y2="10.5"/>
    <svg y="10" width="100%" height="184" viewBox="0 0 30 184" preserveAspectRatio="none">
    <path class="series-1" d="M2 184V138h6V184zM22 184V179.4h6V184z"/>
    <path class="series-2" d="M2 138V0h6V138zM12 184V92h6V184z"/>
    </svg>
    <text x="16.66%" y="214">21:00</text>
    <text class="minor" x="83.33%" y="214">a &amp; b</text>
    </svg>
    </div>
    "##);
}

#[test]
fn lines_are_interrupted_where_nothing_is_known() {
    let mut chart = chart(&[&[Some(1_500), Some(250), None], &[None, None, Some(2_000)]]);
    chart.unit = Unit::Milliseconds;
    assert_snapshot!(shown(&chart.lines()), @r##"
    <div class="chart">
    <svg class="chart-axis" width="52" height="220" aria-hidden="true">
    <text x="44" y="198">0 ms</text>
    <text x="44" y="152">500 ms</text>
    <text x="44" y="106">1 s</text>
    <text x="44" y="60">1.5 s</text>
    <text x="44" y="14">2 s</text>
    </svg>
    <svg class="chart-plot" width="100%" height="220" role="img" aria-label="Calls of &quot;&gt;&lt;script&gt;">
    <line class="ground" x1="0" x2="100%" y1="194.5" y2="194.5"/>
    <line class="line" x1="0" x2="100%" y1="148.5" y2="148.5"/>
    <line class="line" x1="0" x2="100%" y1="102.5" y2="102.5"/>
    <line class="line" x1="0" x2="100%" y1="56.5" y2="56.5"/>
    <line class="line" x1="0" x2="100%" y1="10.5" y2="10.5"/>
    <svg y="10" width="100%" height="184" viewBox="0 0 30 184" preserveAspectRatio="none">
    <path class="line-1" d="M5 46h0L15 161"/>
    <path class="line-2" d="M25 0h0"/>
    </svg>
    <text x="16.66%" y="214">21:00</text>
    <text class="minor" x="83.33%" y="214">a &amp; b</text>
    </svg>
    </div>
    "##);
}

#[test]
fn one_series_has_rounded_bars_unless_they_are_many() {
    let mut chart = chart(&[&[Some(1), Some(2), Some(3)]]);
    assert!(chart.bars().contains("class=\"series-1 soft\""));
    chart.ticks = vec![None; 41];
    assert!(chart.bars().contains("class=\"series-1\""));
}

#[test]
fn nothing_at_all_is_drawn_too() {
    let empty = Chart::default();
    assert!(!empty.bars().contains("<path"));
    assert!(!empty.lines().contains("<path"));
    let zeros = chart(&[&[Some(0), Some(0), Some(0)]]);
    assert!(!zeros.bars().contains("<path"));
}

#[test]
fn scales_have_few_round_steps_that_reach_every_value() {
    for (highest, step, top) in [
        (0, 1, 1),
        (1, 1, 1),
        (4, 1, 4),
        (5, 2, 6),
        (21, 10, 30),
        (81, 25, 100),
        (100, 25, 100),
        (101, 50, 150),
        (1_234, 500, 1_500),
        (9_999_999, 2_500_000, 10_000_000),
    ] {
        assert_eq!(Scale::up_to(highest), Scale { step, top }, "{highest}");
    }
    for highest in [u64::MAX, u64::MAX / 2, i64::MAX.unsigned_abs()] {
        let scale = Scale::up_to(highest);
        assert!(
            scale.top >= highest && scale.lines().count() <= 6,
            "{scale:?}"
        );
        assert_eq!(scale.tenths(1, 100), 10);
        assert!(scale.tenths(highest, 100) <= 1_000);
    }
}

#[test]
fn values_are_told_briefly() {
    let told: Vec<String> = [0, 1, 999, 1_000, 2_500, 12_500, 1_000_000, 7_500_000_000]
        .map(|value| Unit::Count.short(value))
        .into();
    assert_eq!(told, ["0", "1", "999", "1k", "2.5k", "12.5k", "1M", "7.5B"]);
    let told: Vec<String> = [0, 250, 1_000, 1_250, 10_000]
        .map(|value| Unit::Milliseconds.short(value))
        .into();
    assert_eq!(told, ["0 ms", "250 ms", "1 s", "1.25 s", "10 s"]);
}

#[test]
fn buckets_of_time_have_names_and_some_have_ticks() {
    let hours: Vec<i64> = (0..=9).map(|n| EVENING + n * HOUR).collect();
    assert_eq!(names(&hours, Granularity::Hour)[0], "Sat 31 Jan, 21:00");
    assert_eq!(
        text(&ticks(&hours, Granularity::Hour)),
        "21:00? 1 Feb 03:00?"
    );
    let quarters: Vec<i64> = (0..=8).map(|n| EVENING - 3 * HOUR + n * 6 * HOUR).collect();
    assert_eq!(
        names(&quarters, Granularity::SixHours)[0],
        "Sat 31 Jan, 18:00–00:00"
    );
    assert_eq!(
        text(&ticks(&quarters, Granularity::SixHours)),
        "Sun 1 Mon 2?"
    );
    let days: Vec<i64> = (0..=8).map(|n| EVENING + (3 + n * 24) * HOUR).collect();
    assert_eq!(names(&days, Granularity::Day)[0], "Sun 1 Feb 2026");
    assert_eq!(text(&ticks(&days, Granularity::Day)), "2 Feb 5 Feb?");
    let months = [1_764_547_200, 1_767_225_600, 1_769_904_000, 1_772_323_200];
    assert_eq!(
        names(&months, Granularity::Month),
        ["December 2025", "January 2026", "February 2026"]
    );
    assert_eq!(text(&ticks(&months, Granularity::Month)), "Dec? 2026 Feb?");
}

/// The ticks there are; what narrow screens go without with a question mark.
fn text(ticks: &[Option<Tick>]) -> String {
    let texts = ticks.iter().flatten().map(|tick| {
        let mark = if tick.is_minor { "?" } else { "" };
        format!("{}{mark}", tick.text)
    });
    texts.collect::<Vec<_>>().join(" ")
}
