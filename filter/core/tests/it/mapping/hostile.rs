//! Requests and patterns made to hurt. What would take exponential or quadratic time here would not end.

use super::{NONE, matching, rule};
use proptest::prelude::*;
use tallygate_core::mapping::{Pattern, PatternError, RuleSet, Subject};
use tallygate_core::path::canonical_path;

fn compile(patterns: impl IntoIterator<Item = String>) -> RuleSet {
    let rules = patterns
        .into_iter()
        .map(|pattern| rule(&["ANY"], &pattern, &[(1, 1)], false).unwrap());
    RuleSet::compile(rules.collect())
}

#[test]
fn many_placeholders_in_one_segment() {
    let placeholders = |count: usize| (0..count).map(|n| format!("{{p{n}}}a")).collect::<String>();
    let rules = compile([
        format!("/{}b$", placeholders(30)),
        format!("/{}b", placeholders(30)),
        format!("/{}$", placeholders(30)),
    ]);
    let long = "a".repeat(10_000);
    assert_eq!(matching(&rules, "GET", &format!("/{long}"), None), [2]);
    assert_eq!(matching(&rules, "GET", &format!("/{long}b"), None), [0, 1]);
    assert_eq!(matching(&rules, "GET", &format!("/{long}bb"), None), [1]);
    assert_eq!(matching(&rules, "GET", &format!("/{long}/b"), None), NONE);
}

#[test]
fn a_literal_or_a_placeholder_at_each_of_many_segments() {
    // 2^10 patterns; a search that tried each path through them for itself would try 2^10 times 2^10 of them.
    let patterns = (0..1024_u32).map(|bits| {
        let segment = |n: u32| {
            if bits & (1 << n) == 0 {
                "/a".to_owned()
            } else {
                format!("/{{p{n}}}")
            }
        };
        (0..10_u32).map(segment).collect::<String>()
    });
    let rules = compile(patterns);
    let found = matching(&rules, "GET", &"/a".repeat(10), None);
    assert_eq!(found, (0..1024).collect::<Vec<_>>());
    assert_eq!(
        matching(&rules, "GET", &format!("/b{}", "/a".repeat(9)), None).len(),
        512
    );
    assert_eq!(matching(&rules, "GET", &"/a".repeat(9), None), NONE);
}

#[test]
fn huge_queries_at_a_path_of_many_rules() {
    let rules = compile((0..1000).map(|n| format!("/x?name{n}={n}&other={{v}}")));
    let ampersands = "&".repeat(100_000);
    let names = (0..50_000)
        .map(|n| format!("&name{n}=7"))
        .collect::<String>();
    let value = "7".repeat(100_000);
    let target = format!("/x?{ampersands}{names}&name3={value}&other&name7=7");
    assert_eq!(matching(&rules, "GET", &target, None), [7]);
}

#[test]
fn very_long_paths() {
    let rules = compile(["/a/{b}/c".to_owned(), "/".to_owned(), "/{x}z$".to_owned()]);
    for part in ["/", "a", "/..", "/.", "/a", "%", "%2e%2e/", "%2F"] {
        let path = format!("/{}", part.repeat(50_000));
        assert_eq!(matching(&rules, "GET", &path, None), [1], "{part}");
    }
}

fn some_rules() -> RuleSet {
    let patterns = [
        "/",
        "/a?x=1&y={v}",
        "/{a}.{b}",
        "/a{b}/c$",
        "/{a}/{b}?z=",
        "/%00{x}%FF",
    ];
    compile(patterns.map(str::to_owned))
}

proptest! {
    #[test]
    fn any_bytes_are_a_request(
        method in any::<Vec<u8>>(),
        path in bytes(),
        query in prop::option::of(bytes()),
        form in prop::option::of(bytes()),
    ) {
        let rules = some_rules();
        let query = query.as_deref();
        let form = form.as_deref();
        // Raw, as no caller should, and canonical.
        let found = rules.matching(&Subject { method: &method, path: &path, query, form });
        prop_assert_eq!(found.iter().next(), path.starts_with(b"/").then_some(0));
        let path = canonical_path(&path);
        let found = rules.matching(&Subject { method: &method, path: &path, query, form });
        prop_assert_eq!(found.iter().next(), Some(0), "a rule for every path matches every path");
    }

    #[test]
    fn any_text_is_a_pattern_or_an_error(text in pattern_text()) {
        match Pattern::parse(&text) {
            Ok(pattern) => {
                prop_assert_eq!(pattern.as_str(), &text);
                let rules = compile([text, "/".to_owned()]);
                prop_assert!(matching(&rules, "GET", "/a/b?x=1", None).contains(&1));
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn a_literal_pattern_matches_its_own_text(path in "(/([a-c.!$&'()*+,;=:@~_-]|%[0-9a-fA-F]{2}){0,4}){1,4}") {
        // A dollar sign ends patterns, and dot segments are refused.
        let pattern = path.replace('$', "%24");
        match Pattern::parse(&pattern) {
            Ok(_) => prop_assert_eq!(matching(&compile([pattern]), "GET", &path, None), [0]),
            Err(error) => prop_assert_eq!(error, PatternError::DotSegment),
        }
    }
}

/// Bytes that often mean something.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => prop::sample::select(b"/.%?&=+#{}$abxyz012fF".to_vec()),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..64)
}

fn pattern_text() -> impl Strategy<Value = String> {
    prop_oneof!["/[ab/{}?&=$%0-9.;]{0,20}", any::<String>()]
}
