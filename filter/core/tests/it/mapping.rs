//! Mapping rules: the conformance cases, the grammar, the query parts, and the index against a naive scan.

mod grammar;
mod hostile;
mod model;

use serde_json::Value;
use std::collections::BTreeMap;
use tallygate_core::id::MetricId;
use tallygate_core::mapping::{MOST_DELTA, Methods, Rule, RuleError, RuleSet, Subject};
use tallygate_core::path::{canonical_path, split_target};
use tallygate_core::wire::RuleV1;

fn rule(
    methods: &[&str],
    pattern: &str,
    usages: &[(i64, u64)],
    last: bool,
) -> Result<Rule, RuleError> {
    Rule::try_from(&RuleV1 {
        methods: methods.iter().map(ToString::to_string).collect(),
        pattern: pattern.to_owned(),
        usages: usages
            .iter()
            .map(|(metric, delta)| (MetricId(*metric), *delta))
            .collect(),
        last,
    })
}

const NONE: [usize; 0] = [];

/// Positions of the rules that a request matches.
fn matching(rules: &RuleSet, method: &str, target: &str, form: Option<&str>) -> Vec<usize> {
    let (path, query) = split_target(target.as_bytes());
    let subject = Subject {
        method: method.as_bytes(),
        path: &canonical_path(path),
        query,
        form: form.map(str::as_bytes),
    };
    rules.matching(&subject).iter().collect()
}

/// Whether a pattern alone matches a GET.
fn matches(pattern: &str, target: &str, form: Option<&str>) -> bool {
    let rules = RuleSet::compile(vec![rule(&["GET"], pattern, &[(1, 1)], false).unwrap()]);
    !matching(&rules, "GET", target, form).is_empty()
}

// --- the conformance cases ---

#[test]
fn conformance_cases() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("mapping-cases.json")).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let expected = expected(case);
        let actual = actual(case);
        if actual != expected {
            wrong.push(format!(
                "case {}: expected {expected:?}, got {actual:?}",
                case["n"]
            ));
        }
    }
    assert!(cases.len() > 50, "the file holds all cases");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a case uses, by the metric's name; none when one of its rules must be refused.
type Outcome = Option<BTreeMap<String, u64>>;

fn expected(case: &Value) -> Outcome {
    if case["refused"] == true {
        return None;
    }
    let usage = case["expected"].as_object().unwrap();
    Some(
        usage
            .iter()
            .map(|(metric, delta)| (metric.clone(), delta.as_u64().unwrap()))
            .collect(),
    )
}

fn actual(case: &Value) -> Outcome {
    let mut names = Vec::new();
    let rules: Result<Vec<Rule>, RuleError> = case["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| Rule::try_from(&case_rule(rule, &mut names)))
        .collect();
    let rules = RuleSet::compile(rules.ok()?);

    let target = case["target"].as_str().unwrap();
    let (path, query) = split_target(target.as_bytes());
    let matches = rules.matching(&Subject {
        method: case["method"].as_str().unwrap().as_bytes(),
        path: &canonical_path(path),
        query,
        form: case["form_body"].as_str().map(str::as_bytes),
    });
    let usage = rules.usage(&matches);
    Some(
        usage
            .iter()
            .map(|(metric, delta)| (names[metric.0 as usize].clone(), delta))
            .collect(),
    )
}

/// One rule of a case; a metric's id is the place of its name in `names`.
fn case_rule(rule: &Value, names: &mut Vec<String>) -> RuleV1 {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let methods = match rule["methods"].as_array() {
        Some(methods) => methods.iter().map(text).collect(),
        None => vec![text(&rule["method"])],
    };
    let usages = match rule["usages"].as_array() {
        Some(usages) => usages.clone(),
        None => vec![rule.clone()],
    };
    let usages = usages.iter().map(|usage| {
        let name = text(&usage["metric"]);
        let at = names
            .iter()
            .position(|known| *known == name)
            .unwrap_or(names.len());
        if at == names.len() {
            names.push(name);
        }
        (MetricId(at as i64), usage["delta"].as_u64().unwrap())
    });
    RuleV1 {
        methods,
        usages: usages.collect(),
        pattern: text(&rule["pattern"]),
        last: rule["last"].as_bool().unwrap(),
    }
}

// --- rules ---

#[test]
fn rules_that_cannot_be_used_are_refused() {
    let check = |methods: &[&str], usages: &[(i64, u64)], says: &str| {
        let error = rule(methods, "/x", usages, false).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    check(&[], &[(1, 1)], "methods: name at least one");
    check(&["get"], &[(1, 1)], "methods: \"get\" is not one of GET");
    check(&["GET", "PURGE"], &[(1, 1)], "methods: \"PURGE\"");
    check(&["any"], &[(1, 1)], "in capitals");
    check(&["GET"], &[], "usages: name at least one metric");
    check(&["GET"], &[(1, 1), (7, 0)], "the delta of metric 7");
    check(
        &["GET"],
        &[(1, 1_000_000_000), (7, 1_000_000_001)],
        "the delta of metric 7 must be at most 1000000000",
    );

    let error = rule(&["GET"], "x", &[(1, 1)], false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "pattern: begin it with /; host and scheme are not part of a pattern"
    );
}

#[test]
fn methods_are_case_sensitive_and_any_is_all_of_them() {
    let check = |methods: &[&str], request: &str, contained: bool| {
        let methods = Methods::parse(methods.iter().copied()).unwrap();
        assert_eq!(
            methods.contain(request.as_bytes()),
            contained,
            "{methods:?} {request}"
        );
    };
    check(&["GET"], "GET", true);
    check(&["GET"], "get", false);
    check(&["GET"], "HEAD", false);
    check(&["GET"], "PURGE", false);
    check(&["GET"], "", false);
    check(&["GET", "HEAD"], "HEAD", true);
    check(&["ANY"], "PURGE", true);
    check(&["ANY"], "any", true);
    check(&["GET", "ANY"], "DELETE", true);
    let all = ["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"];
    for method in all {
        check(&all, method, true);
    }
    check(&all, "TRACE", false);
}

#[test]
fn usages_of_one_metric_add_up() {
    let rules = RuleSet::compile(vec![
        rule(&["ANY"], "/", &[(1, 1), (2, 3), (1, 1)], false).unwrap(),
        rule(&["ANY"], "/a", &[(2, MOST_DELTA)], false).unwrap(),
    ]);
    let subject = Subject {
        method: b"GET",
        path: b"/a",
        query: None,
        form: None,
    };
    let usage = rules.usage(&rules.matching(&subject));
    assert_eq!(
        usage.as_slice(),
        [(MetricId(1), 2), (MetricId(2), 3 + MOST_DELTA)]
    );
}

#[test]
fn matches_come_by_position_and_end_at_a_matched_last() {
    let rules = RuleSet::compile(vec![
        rule(&["GET"], "/a/b/c", &[(1, 1)], false).unwrap(),
        rule(&["POST"], "/", &[(1, 1)], true).unwrap(),
        rule(&["GET"], "/a?x=1", &[(1, 1)], true).unwrap(),
        rule(&["GET"], "/", &[(1, 1)], false).unwrap(),
        rule(&["GET"], "/{any}/b", &[(1, 1)], true).unwrap(),
        rule(&["GET"], "/a", &[(1, 1)], false).unwrap(),
    ]);
    assert_eq!(matching(&rules, "GET", "/a/b/c", None), [0, 3, 4]);
    assert_eq!(matching(&rules, "GET", "/a/b/c?x=1", None), [0, 2]);
    assert_eq!(matching(&rules, "GET", "/a/c", None), [3, 5]);
    assert_eq!(matching(&rules, "POST", "/a/b/c", None), [1]);
    assert_eq!(matching(&rules, "PUT", "/a/b/c", None), NONE);
    assert_eq!(matching(&RuleSet::compile(vec![]), "GET", "/", None), NONE);
}

// --- paths ---

#[test]
fn placeholders_within_a_segment() {
    let check = |pattern: &str, target: &str, matched: bool| {
        assert_eq!(
            matches(pattern, target, None),
            matched,
            "{pattern} {target}"
        );
    };
    check("/word/{w}.json", "/word/a.json", true);
    check("/word/{w}.json", "/word/a.json.json", true);
    check("/word/{w}.json", "/word/.json", false);
    check("/word/{w}.json", "/word/.json.json", true);
    check("/word/{w}.json", "/word/a/b.json", false);
    check("/word/{w}.json$", "/word/a.json.json", true);
    check("/word/{w}.json$", "/word/a.json.jso", false);
    check("/word/{w}.json/x", "/word/a.json.json/x", true);
    check("/word/{w}.json/x", "/word/a.jsonx/x", false);
    check("/foo{x}/", "/foo/", false);
    check("/foo{x}/", "/foobar", false);
    check("/T;{a};{b},{c}", "/T;1;2,3", true);
    check("/T;{a};{b},{c}", "/T;1;2;3,4,5", true);
    check("/T;{a};{b},{c}", "/T;;1;,2", false);
    check("/T;{a};{b},{c}", "/T;1;2,", false);
    check("/{a}{b}", "/x", false);
    check("/{a}{b}", "/xy", true);
    check("/{a}{b}$", "/xyz", true);
    check("/{a}aa{b}aab$", "/aaaaaaaaaaab", true);
    check("/{a}aa{b}aab$", "/aaaaab", false);
    check("/{a}aa{b}aab$", "/aaaaaab", true);
    check("/{a}/{b}", "/x/", false);
    check("/{a}/{b}", "/x/y/z", true);
}

#[test]
fn a_prefix_may_end_anywhere() {
    let check = |pattern: &str, target: &str, matched: bool| {
        assert_eq!(
            matches(pattern, target, None),
            matched,
            "{pattern} {target}"
        );
    };
    check("/foo/{x}", "/foo/", false);
    check("/foo/{x}", "/foo/a", true);
    check("/foo/{x}", "/foo/a/b", true);
    check("/foo/{x}a", "/foo/aab", true);
    check("/foo/{x}a", "/foo/bbb", false);
    check("/ABC", "/abc", false);
    check("/{x}", "/", false);
    check("/$", "/a", false);
}

#[test]
fn every_spelling_of_a_path_meets_the_same_rule() {
    for pattern in ["/a:b/c", "/a%3Ab/c", "/a%3ab//c", "/%61:b/c"] {
        for target in [
            "/a:b/c",
            "/a%3Ab/c",
            "/a%3ab/c",
            "//a:b//c",
            "/x/../a:b/./c",
            "/%61%3ab/%63",
        ] {
            assert!(matches(pattern, target, None), "{pattern} {target}");
        }
    }
    for target in ["/caf%C3%A9", "/caf%c3%a9", "/café"] {
        assert!(matches("/caf%c3%A9$", target, None), "{target}");
    }
    assert!(matches("/100%25", "/100%", None));
    assert!(!matches("/a/b", "/a%2Fb", None));
    assert!(matches("/a%2fb", "/a%2Fb", None));
}

// --- query parts ---

#[test]
fn query_parts() {
    let check = |pattern: &str, target: &str, form: Option<&str>, matched: bool| {
        assert_eq!(
            matches(pattern, target, form),
            matched,
            "{pattern} {target} {form:?}"
        );
    };
    // present, whatever its value
    check("/?a={v}", "/?a", None, true);
    check("/?a={v}", "/?a=", None, true);
    check("/?a={v}", "/?b=1", None, false);
    check("/?a={v}", "/?A=1", None, false);
    check("/?a={v}", "/?xa=1&ax=1", None, false);
    check("/?a={v}", "/?=1&&&", None, false);
    // the last one counts
    check("/?a=1", "/?a=2&a=1", None, true);
    check("/?a=1", "/?a=1&a=2", None, false);
    check("/?a=1", "/?a=1&a", None, false);
    check("/?a=", "/?a", None, true);
    check("/?a=", "/?a=1", None, false);
    check("/?a=1", "/?a=11", None, false);
    check("/?a=11", "/?a=1", None, false);
    // all of them, in any order
    check("/?a=1&b={v}&c=3", "/?c=3&b=&x=9&a=1", None, true);
    check("/?a=1&b={v}&c=3", "/?c=3&a=1", None, false);
    // both sides decoded once
    check("/?a=x%20y", "/?a=x+y", None, true);
    check("/?a=x+y", "/?a=x%20y", None, true);
    check("/?a=x%2By", "/?a=x+y", None, false);
    check("/?a=x%2By", "/?a=x%2by", None, true);
    check("/?a=%2541", "/?a=%2541", None, true);
    check("/?a=%41", "/?a=%2541", None, false);
    check("/?a=b=c", "/?a=b%3Dc", None, true);
    check("/?a%5B%5D=1", "/?a[]=1", None, true);
    check("/?filter[x]=1", "/?filter%5bx%5d=1", None, true);
    check("/?a=100%25", "/?a=100%", None, true);
    // the form wins over the query
    check("/?a=1", "/", Some("a=1"), true);
    check("/?a=1", "/?a=2", Some("a=1"), true);
    check("/?a=1", "/?a=1", Some("a=2"), false);
    check("/?a=1", "/?a=1", Some("b=2"), true);
    check("/?a=1&b=2", "/?a=1", Some("b=2"), true);
    check("/?a=1", "/?a=1#a=2", None, true);
}

#[test]
fn query_parts_of_many_rules_at_one_path() {
    let patterns = (0..100).map(|n| format!("/x?p{}={}&all={{v}}", n % 10, n / 10));
    let rules = patterns.map(|pattern| rule(&["GET"], &pattern, &[(1, 1)], false).unwrap());
    let rules = RuleSet::compile(rules.collect());
    assert_eq!(matching(&rules, "GET", "/x?p3=4&p7=0&all", None), [7, 43]);
    assert_eq!(matching(&rules, "GET", "/x?p3=4&p7=0", None), NONE);
    assert_eq!(matching(&rules, "GET", "/y?p3=4&p7=0&all", None), NONE);
}
