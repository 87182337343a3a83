//! The index against a model that reads the specification naively: every rule, every way to match it.

use super::matching;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::collections::BTreeSet;
use tallygate_core::id::MetricId;
use tallygate_core::mapping::{Rule, RuleSet};
use tallygate_core::wire::RuleV1;

#[derive(Clone, Debug)]
enum Piece {
    Literal(&'static str),
    Placeholder,
}

#[derive(Clone, Debug)]
struct ModelRule {
    methods: Vec<&'static str>,
    /// Begins with a literal slash; slashes may repeat.
    path: Vec<Piece>,
    anchored: bool,
    /// Name, and the value unless any will do.
    query: Vec<(&'static str, Option<&'static str>)>,
    last: bool,
}

#[derive(Clone, Debug)]
struct ModelRequest {
    method: &'static str,
    path: String,
    query: Option<Vec<(&'static str, &'static str)>>,
    form: Option<Vec<(&'static str, &'static str)>>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn index_finds_what_a_scan_finds((rules, requests) in rules_and_requests()) {
        let compiled = rules.iter().map(|rule| Rule::try_from(&rule.wire()).unwrap());
        let compiled = RuleSet::compile(compiled.collect());
        for request in &requests {
            let target = format!("{}{}", request.path, query_text("?", &request.query));
            let form = request.form.as_ref().map(|_| query_text("", &request.form));
            let found = matching(&compiled, request.method, &target, form.as_deref());
            prop_assert_eq!(found, scan(&rules, request), "{:?}", request);
        }
    }
}

/// What the specification says, word by word.
fn scan(rules: &[ModelRule], request: &ModelRequest) -> Vec<usize> {
    let mut found = Vec::new();
    for (position, rule) in rules.iter().enumerate() {
        if rule.matches(request) {
            found.push(position);
            if rule.last {
                break;
            }
        }
    }
    found
}

impl ModelRule {
    fn matches(&self, request: &ModelRequest) -> bool {
        let method = self
            .methods
            .iter()
            .any(|method| ["ANY", request.method].contains(method));
        method && self.matches_path(&request.path) && self.matches_query(request)
    }

    /// Follows all ways through the path at once, as the set of places they have got to.
    fn matches_path(&self, path: &str) -> bool {
        let mut places = BTreeSet::from([0]);
        let mut slash_before = false;
        for piece in &self.path {
            places = match piece {
                Piece::Literal("/") if slash_before => continue,
                Piece::Literal(text) => {
                    let reach = places
                        .iter()
                        .filter(|place| path[**place..].starts_with(text));
                    reach.map(|place| place + text.len()).collect()
                }
                Piece::Placeholder => {
                    let reach = places.iter().flat_map(|place| {
                        let segment = path[*place..].split('/').next().unwrap().len();
                        (1..=segment).map(move |len| place + len)
                    });
                    reach.collect()
                }
            };
            slash_before = matches!(piece, Piece::Literal("/"));
        }
        if self.anchored {
            places.contains(&path.len())
        } else {
            !places.is_empty()
        }
    }

    fn matches_query(&self, request: &ModelRequest) -> bool {
        self.query.iter().all(|(name, wanted)| {
            let last = |pairs: &Option<Vec<(&'static str, &'static str)>>| {
                let pairs = pairs.iter().flatten();
                pairs
                    .filter(|(given, _)| given == name)
                    .map(|(_, value)| *value)
                    .next_back()
            };
            match (last(&request.form).or(last(&request.query)), wanted) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(given), Some(wanted)) => given == *wanted,
            }
        })
    }

    fn wire(&self) -> RuleV1 {
        let mut pattern = String::new();
        for (place, piece) in self.path.iter().enumerate() {
            match piece {
                Piece::Literal(text) => pattern.push_str(text),
                Piece::Placeholder => pattern.push_str(&format!("{{p{place}}}")),
            }
        }
        if self.anchored {
            pattern.push('$');
        }
        for (place, (name, value)) in self.query.iter().enumerate() {
            let separator = if place == 0 { '?' } else { '&' };
            let value = value.map_or("{any}".to_owned(), encode);
            pattern.push_str(&format!("{separator}{name}={value}"));
        }
        RuleV1 {
            methods: self.methods.iter().map(ToString::to_string).collect(),
            pattern,
            usages: vec![(MetricId(1), 1)],
            last: self.last,
        }
    }
}

fn query_text(before: &str, pairs: &Option<Vec<(&'static str, &'static str)>>) -> String {
    let Some(pairs) = pairs else {
        return String::new();
    };
    let pairs = pairs.iter().enumerate().map(|(place, (name, value))| {
        // Every other name is spelled in another way.
        let name = if place % 2 == 1 {
            name.replace('x', "%78")
        } else {
            (*name).to_owned()
        };
        format!("{name}={}", encode(value))
    });
    format!("{before}{}", pairs.collect::<Vec<_>>().join("&"))
}

fn encode(value: &str) -> String {
    value.replace('%', "%25").replace(' ', "+")
}

// --- generators: few letters, so that patterns overlap ---

fn rules_and_requests() -> impl Strategy<Value = (Vec<ModelRule>, Vec<ModelRequest>)> {
    prop::collection::vec(rule(), 1..24).prop_flat_map(|rules| {
        let requests = prop::collection::vec(request(rules.clone()), 1..8);
        (Just(rules), requests)
    })
}

fn rule() -> impl Strategy<Value = ModelRule> {
    let methods = select(vec![
        vec!["GET"],
        vec!["POST"],
        vec!["GET", "POST"],
        vec!["ANY"],
        vec!["ANY"],
    ]);
    let pieces = prop::collection::vec(piece(), 0..8);
    let query = prop_oneof![3 => Just(vec![]), 1 => query_parts()];
    (
        methods,
        pieces,
        prop::bool::weighted(0.25),
        query,
        prop::bool::weighted(0.1),
    )
        .prop_map(|(methods, mut path, anchored, query, last)| {
            path.insert(0, Piece::Literal("/"));
            ModelRule {
                methods,
                path,
                anchored,
                query,
                last,
            }
        })
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        4 => select(vec!["a", "b", "ab", "aa", "aab", "-", ".j", "%25"]).prop_map(Piece::Literal),
        3 => Just(Piece::Literal("/")),
        2 => Just(Piece::Placeholder),
    ]
}

fn query_parts() -> impl Strategy<Value = Vec<(&'static str, Option<&'static str>)>> {
    let value = || prop_oneof![Just(None), values().prop_map(Some)];
    (value(), value(), 1..4).prop_map(|(x, y, which)| {
        let parts = [("x", x), ("y", y)].into_iter().enumerate();
        parts
            .filter(|(place, _)| which & (1 << place) != 0)
            .map(|(_, part)| part)
            .collect()
    })
}

fn values() -> impl Strategy<Value = &'static str> {
    select(vec!["1", "2", "", "1 2", "1%2"])
}

/// A path of the same letters, or one made to fit one of the rules and then perhaps a little longer or shorter.
fn request(rules: Vec<ModelRule>) -> impl Strategy<Value = ModelRequest> {
    let pairs = || {
        let name = select(vec!["x", "y", "z"]);
        prop::option::of(prop::collection::vec((name, values()), 0..4))
    };
    let fitting =
        (any::<Index>(), "[ab.-]{1,3}", "[ab/]{0,2}").prop_map(move |(rule, filling, more)| {
            let pieces = rule.get(&rules).path.iter().map(|piece| match piece {
                Piece::Literal(text) => text,
                Piece::Placeholder => filling.as_str(),
            });
            pieces.collect::<String>() + &more
        });
    let path = prop_oneof![2 => fitting, 1 => "/[ab/.-]{0,10}"].prop_map(as_canonical);
    (select(vec!["GET", "POST", "PURGE"]), path, pairs(), pairs()).prop_map(
        |(method, path, query, form)| ModelRequest {
            method,
            path,
            query,
            form,
        },
    )
}

/// The model knows nothing of canonical form, so it is only asked about such paths: no `//`, no dot segments.
fn as_canonical(path: String) -> String {
    let mut segments: Vec<&str> = path.split('/').collect();
    let last = segments.pop().unwrap_or_default();
    segments.retain(|segment| !["", ".", ".."].contains(segment));
    segments.push(if [".", ".."].contains(&last) {
        "a"
    } else {
        last
    });
    format!("/{}", segments.join("/"))
}
