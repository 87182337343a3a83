//! What a decision costs, in nanoseconds on this machine: `cargo bench -p tallygate-core`.
//!
//! A small timing loop of its own: the best of several rounds, since whatever disturbs a round only makes it slower.

#![expect(clippy::disallowed_methods, reason = "here the clock is the point")]
#![expect(clippy::print_stdout, reason = "the report")]
#![expect(
    clippy::expect_used,
    reason = "a benchmark stops where an assumption fails"
)]

#[path = "decide/whole.rs"]
mod whole;

use std::hint::black_box;
use std::time::Instant;
use tallygate_core::id::MetricId;
use tallygate_core::mapping::{Rule, RuleSet, Subject};
use tallygate_core::path::{canonical_path, split_target};
use tallygate_core::wire::RuleV1;

const ROUNDS: u32 = 30;
const ROUND_NS: u128 = 5_000_000;

fn main() {
    for count in [10, 1_000, 10_000] {
        let rules = rules(count);
        for (kind, target) in targets(count) {
            let matched = matching(&rules, &target);
            let ns = best_ns(|| matching(&rules, black_box(&target)));
            let title = format!("match {kind}");
            println!("{title:<34} {count:>6} rules {matched:>3} matches {ns:>8.0} ns");
        }
    }
    let plain = "/v3/customers/1234567/orders/42";
    let hard = "/v3//customers/%31234567/./orders/%7e42";
    println!(
        "canonical path, already so {:>33.0} ns",
        best_ns(|| canonical(plain))
    );
    println!(
        "canonical path, rewritten {:>34.0} ns",
        best_ns(|| canonical(hard))
    );
    whole::report();
}

/// What the filter does with a target: split, canonical form, match.
fn matching(rules: &RuleSet, target: &str) -> usize {
    let (path, query) = split_target(target.as_bytes());
    let path = canonical_path(path);
    let subject = Subject {
        method: b"GET",
        path: &path,
        query,
        form: None,
    };
    rules.matching(&subject).iter().len()
}

fn canonical(path: &str) -> usize {
    canonical_path(black_box(path.as_bytes())).len()
}

/// Rules as a large API has them: shared prefixes, placeholders, some with query parts, one for every path.
fn rules(count: usize) -> RuleSet {
    let rules = patterns(count).map(|pattern| {
        Rule::try_from(&RuleV1 {
            methods: vec!["ANY".to_owned()],
            pattern,
            usages: vec![(MetricId(1), 1)],
            last: false,
        })
    });
    RuleSet::compile(
        rules
            .collect::<Result<_, _>>()
            .expect("all patterns are valid"),
    )
}

fn patterns(count: usize) -> impl Iterator<Item = String> {
    let patterns = (0..count - 1).map(|n| match n % 5 {
        0 => format!("/v3/resource{n}"),
        1 => format!("/v3/customers/{{id}}/item{n}"),
        2 => format!("/v3/resource{n}/{{id}}$"),
        3 => format!("/{{tenant}}/reports/kind{n}/{{file}}.json"),
        _ => format!("/v3/search?kind={n}&q={{text}}"),
    });
    patterns.chain(["/".to_owned()])
}

fn targets(count: usize) -> [(&'static str, String); 6] {
    let middle = count / 2 / 5 * 5;
    [
        (
            "literal",
            format!("/v3/resource{middle}/?page=2&api_user=u&api_key=k"),
        ),
        (
            "whole-segment placeholder",
            format!("/v3/customers/1234567/item{}/lines/4", middle + 1),
        ),
        (
            "two placeholders, one partial",
            format!("/acme-corp/reports/kind{}/a.b.json", middle + 3),
        ),
        (
            "placeholder and literal both open",
            format!("/v3/reports/kind{}/a.b.json", middle + 3),
        ),
        (
            "only the rule for every path",
            "/v4/nothing/like/the/others".to_owned(),
        ),
        (
            "query parts of a fifth of the rules",
            format!("/v3/search?q=a+b&kind={}&x=1", middle - 1),
        ),
    ]
}

/// Nanoseconds of one call.
fn best_ns<T>(mut call: impl FnMut() -> T) -> f64 {
    let mut calls = 1_u32;
    while time_ns(calls, &mut call) < ROUND_NS {
        calls = calls.saturating_mul(2);
    }
    let rounds = (0..ROUNDS).map(|_| time_ns(calls, &mut call));
    rounds.min().unwrap_or_default() as f64 / f64::from(calls)
}

fn time_ns<T>(calls: u32, call: &mut impl FnMut() -> T) -> u128 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(call());
    }
    start.elapsed().as_nanos()
}
