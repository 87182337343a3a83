//! Backends: which one a request is for, what reaches it, and whose rules count.

use crate::decide::{credentials, rule};
use proptest::prelude::*;
use std::sync::Arc;
use tallygate_core::backend::{Backend, Backends, backend_path};
use tallygate_core::compiled::{Catalogue, Product};
use tallygate_core::decide::{Decision, Directory, Lookup, decide};
use tallygate_core::directory::Application;
use tallygate_core::id::{ApplicationId, BackendId, MetricId, PlanId, ProductId};
use tallygate_core::mapping::{Rule, RuleSet, Subject};
use tallygate_core::metric::Usage;
use tallygate_core::path::canonical_path;
use tallygate_core::period::Period;
use tallygate_core::request::{FormBody, Headers, RequestView};
use tallygate_core::wire::*;

/// 2026-11-24 10:00:30 UTC.
const NOW_SECS: u64 = 1_795_514_430;

fn upstream(host: &str, path_prefix: &str) -> UpstreamV1 {
    UpstreamV1 {
        tls: false,
        authority: host.into(),
        path_prefix: path_prefix.into(),
        host_rewrite: None,
    }
}

fn backend(id: i64, path: &str, rules: Vec<RuleV1>) -> BackendV1 {
    BackendV1 {
        id: BackendId(id),
        path: path.into(),
        upstream: upstream(&format!("b{id}"), ""),
        cluster: None,
        rules,
    }
}

fn routes(paths: &[&str]) -> Backends {
    let backends = (0..).zip(paths).map(|(id, path)| {
        Backend::new(
            BackendId(id),
            backend_path(path).unwrap(),
            upstream("b", ""),
            None,
            RuleSet::compile(Vec::new()),
        )
    });
    Backends::new(backends.collect())
}

#[test]
fn paths_of_backends() {
    for (text, path) in [
        ("/", ""),
        ("/mail", "/mail"),
        ("/mail/", "/mail"),
        ("/v2/mail;x=1,(y)!*'&@:+~", "/v2/mail;x=1,(y)!*'&@:+~"),
    ] {
        assert_eq!(&*backend_path(text).unwrap(), path.as_bytes(), "{text}");
    }
    for text in [
        "", "mail", "//", "/a//b", "/a//", "/.", "/a/../b", "/a b", "/a%20b", "/{a}", "/a?b",
        "/a#b", "/a$", "/é", "/a\n", " /a", "/\"",
    ] {
        assert!(backend_path(text).is_err(), "{text}");
    }
}

#[test]
fn the_longest_path_takes_the_request() {
    let check = |paths: &[&str], path: &str, expected: Option<(i64, &str)>| {
        let backends = routes(paths);
        let found = backends.route(path.as_bytes());
        let found = found.map(|it| (it.id.0, it.below(path.as_bytes())));
        assert_eq!(
            found,
            expected.map(|(id, below)| (id, below.as_bytes())),
            "{path} of {paths:?}"
        );
    };
    let mail = ["/mail", "/mail/v2", "/maps"];
    check(&mail, "/mail", Some((0, "")));
    check(&mail, "/mail/", Some((0, "/")));
    check(&mail, "/mail/send", Some((0, "/send")));
    check(&mail, "/mail/v2", Some((1, "")));
    check(&mail, "/mail/v2/send/it", Some((1, "/send/it")));
    check(&mail, "/mail/v20", Some((0, "/v20")));
    check(&mail, "/maps/mail/v2", Some((2, "/mail/v2")));
    // Whole segments, and case counts.
    check(&mail, "/mailbox", None);
    check(&mail, "/MAIL", None);
    check(&mail, "/mai", None);
    check(&mail, "/", None);
    check(&mail, "/x/mail", None);
    check(&mail, "/a/much/longer/path/than/any/of/them", None);
    let with_root = ["/", "/mail"];
    check(&with_root, "/", Some((0, "/")));
    check(&with_root, "/mailbox", Some((0, "/mailbox")));
    check(&with_root, "/mail/x", Some((1, "/x")));
    check(&["/"], "/any/thing", Some((0, "/any/thing")));
    check(&[], "/", None);
}

/// A product with metrics `hits` 1, of its own `calls` 2, and of backends 7 and 8: `hits` 70 and 80 below 1, `sent` 71
/// below 70.
fn product(rules: Vec<RuleV1>, backends: Vec<BackendV1>) -> Arc<Product> {
    let metrics = [
        (1, None, "hits"),
        (2, None, "calls"),
        (70, Some(1), "hits.7"),
        (71, Some(70), "sent.7"),
        (80, Some(1), "hits.8"),
    ];
    let limit = |(metric, period, value)| LimitV1 {
        metric: MetricId(metric),
        period,
        value,
    };
    let wire = ProductV1 {
        id: ProductId(1),
        revision: 1,
        system_name: "post".into(),
        metrics: metrics
            .iter()
            .map(|&(id, parent, name)| MetricV1 {
                id: MetricId(id),
                parent: parent.map(MetricId),
                system_name: name.into(),
            })
            .collect(),
        plans: vec![
            PlanV1 {
                id: PlanId(1),
                limits: [(1, Period::Hour, 100), (71, Period::Minute, 5)]
                    .map(limit)
                    .into(),
            },
            PlanV1 {
                id: PlanId(2),
                limits: [(80, Period::Eternity, 0)].map(limit).into(),
            },
        ],
        referrers_required: false,
        config: Some(ConfigV1 {
            version: 1,
            public_urls: vec![PublicUrlV1 {
                host: "*.post.example".into(),
                base_path: "/api".into(),
            }],
            rules,
            credentials: credentials(CredentialKindV1::UserKey, &[SourceV1::Query]),
            errors: ErrorsV1::Problem,
            upstream: Some(upstream("own", "")),
            secret_token: String::new(),
            debug_secret: None,
            rate_limit_headers: true,
            form_in_rules: false,
            on_disconnect: OnDisconnectV1::default(),
            backends,
        }),
    };
    let (product, problems) = Product::compile(&wire);
    assert!(problems.is_empty(), "{problems:?}");
    Arc::new(product.unwrap())
}

struct Everybody(PlanId);

impl Directory for Everybody {
    fn find(&self, _: &Digest) -> Lookup {
        Lookup::Found(Arc::new(Application {
            id: ApplicationId(5),
            plan: self.0,
            revision: 1,
            live: true,
            keys: Vec::new(),
            referrers: Vec::new(),
            ending: Vec::new(),
        }))
    }
}

struct NoHeaders;

impl Headers for NoHeaders {
    fn each(&self, _: &str, _: &mut dyn FnMut(&[u8])) {}

    fn claim(&self, _: &[String]) -> Option<Vec<u8>> {
        None
    }
}

/// Where a request goes, and what it costs; or why not.
fn told(product: &Arc<Product>, plan: i64, line: &str) -> String {
    let catalogue = Catalogue::new(vec![Arc::clone(product)]);
    let (method, path) = line.split_once(' ').unwrap();
    let target = format!("{path}?user_key=x");
    let request = RequestView {
        method: method.as_bytes(),
        authority: b"eu.post.example:8080",
        target: target.as_bytes(),
        headers: &NoHeaders,
        form_body: FormBody::Absent,
    };
    match decide(
        &catalogue,
        None,
        &request,
        &Everybody(PlanId(plan)),
        NOW_SECS,
    ) {
        Decision::NeedBody => "need body".into(),
        Decision::Refuse(refused) => refused.reason.as_str().into(),
        Decision::Charge(request) => {
            let usage = request.charge.usage.iter();
            let usage: Vec<_> = usage
                .map(|&(metric, delta)| format!("{}={delta}", product.metric_name(metric)))
                .collect();
            let limits: Vec<_> = request.limits.iter().map(|it| it.name.as_str()).collect();
            format!(
                "{}{} via {}: {} within {}",
                request.upstream().unwrap().authority,
                String::from_utf8_lossy(&request.path),
                request.cluster().unwrap_or("-"),
                usage.join(" "),
                limits.join(" "),
            )
        }
    }
}

#[test]
fn only_the_chosen_backends_rules_count() {
    let mail = backend(
        7,
        "/mail",
        vec![
            rule("GET", "/", &[(70, 1)]),
            rule("ANY", "/send", &[(71, 2)]),
            rule("GET", "/exact$", &[(71, 1)]),
        ],
    );
    let rest = BackendV1 {
        cluster: Some("operators_own".into()),
        ..backend(
            8,
            "/",
            vec![
                rule("GET", "/mail/send", &[(80, 9)]),
                rule("GET", "/", &[(80, 1)]),
            ],
        )
    };
    let product = product(
        vec![
            rule("POST", "/mail", &[(2, 1)]),
            RuleV1 {
                last: true,
                ..rule("PUT", "/", &[(2, 1)])
            },
        ],
        vec![rest, mail],
    );
    let check =
        |line: &str, expected: &str| assert_eq!(told(&product, 1, line), expected, "{line}");
    // The prefix is gone, methods of the backend add to its hits and those to the product's.
    check(
        "GET /api/mail/send",
        "b7/send via -: hits=3 hits.7=3 sent.7=2 within hits-hour sent.7-minute",
    );
    check(
        "GET /api/mail/",
        "b7/ via -: hits=1 hits.7=1 within hits-hour",
    );
    check(
        "GET /api/mail/exact",
        "b7/exact via -: hits=2 hits.7=2 sent.7=1 within hits-hour sent.7-minute",
    );
    check(
        "GET /api/mail/exactly",
        "b7/exactly via -: hits=1 hits.7=1 within hits-hour",
    );
    // A backend's pattern / is /mail/, which the bare /mail does not match; the product's own rule does.
    check("GET /api/mail", "no_match");
    check("POST /api/mail", "b7/ via -: calls=1 within ");
    check(
        "POST /api/mail/send",
        "b7/send via -: hits=2 calls=1 hits.7=2 sent.7=2 within hits-hour sent.7-minute",
    );
    check(
        "GET /api/mailbox",
        "b8/mailbox via operators_own: hits=1 hits.8=1 within hits-hour",
    );
    check(
        "GET /api",
        "b8/ via operators_own: hits=1 hits.8=1 within hits-hour",
    );
    check("DELETE /api/x", "no_match");
    // The product's rules come first: its last keeps the backend's from counting, not the request from going there.
    check("PUT /api/mail/send", "b7/send via -: calls=1 within ");
    // A spelling gets around nothing.
    check(
        "GET /api/x/../m%61il//send",
        "b7/send via -: hits=3 hits.7=3 sent.7=2 within hits-hour sent.7-minute",
    );
    assert_eq!(told(&product, 2, "GET /api/x"), "metric_disabled");
    assert_eq!(
        told(&product, 2, "GET /api/mail/"),
        "b7/ via -: hits=1 hits.7=1 within "
    );
}

#[test]
fn what_no_backend_takes_is_not_found() {
    let mail = backend(7, "/mail", vec![rule("ANY", "/", &[(70, 1)])]);
    let routed = product(vec![rule("ANY", "/", &[(1, 1)])], vec![mail]);
    assert_eq!(told(&routed, 2, "GET /api/mailbox"), "no_match");
    assert_eq!(
        told(&routed, 2, "GET /api/mail"),
        "b7/ via -: hits=1 within "
    );
    // Rolled up beside what the product's own rule counts.
    assert_eq!(
        told(&routed, 2, "GET /api/mail/x"),
        "b7/x via -: hits=2 hits.7=1 within "
    );
    let plain = product(vec![rule("ANY", "/", &[(1, 1)])], Vec::new());
    assert_eq!(
        told(&plain, 2, "GET /api/mailbox"),
        "own/mailbox via -: hits=1 within "
    );
}

#[test]
fn what_cannot_be_compiled_is_named_and_left_out() {
    let wire = |backends| ProductV1 {
        id: ProductId(1),
        revision: 1,
        system_name: "post".into(),
        metrics: vec![MetricV1 {
            id: MetricId(1),
            parent: None,
            system_name: "hits".into(),
        }],
        plans: Vec::new(),
        referrers_required: false,
        config: Some(ConfigV1 {
            version: 1,
            public_urls: Vec::new(),
            rules: Vec::new(),
            credentials: credentials(CredentialKindV1::UserKey, &[SourceV1::Query]),
            errors: ErrorsV1::Problem,
            upstream: None,
            secret_token: String::new(),
            debug_secret: None,
            rate_limit_headers: true,
            form_in_rules: false,
            on_disconnect: OnDisconnectV1::default(),
            backends,
        }),
    };
    let (product, problems) = Product::compile(&wire(vec![
        backend(
            1,
            "/a",
            vec![
                rule("GET", "/x", &[(1, 1)]),
                rule("GET", "/x", &[(9, 1)]),
                rule("GET", "x", &[(1, 1)]),
            ],
        ),
        backend(2, "a", Vec::new()),
        backend(3, "/a/", Vec::new()),
    ]));
    let pointers: Vec<_> = problems
        .iter()
        .map(|problem| problem.pointer.as_str())
        .collect();
    assert_eq!(
        pointers,
        [
            "backends[0].rules[1].usages",
            "backends[0].rules[2]",
            "backends[1].path"
        ]
    );
    let product = product.unwrap();
    let left: Vec<_> = product
        .backends
        .iter()
        .map(|it| (it.id.0, it.rules.rules().len()))
        .collect();
    assert_eq!(left, [(1, 1)]);
}

/// Paths that resemble each other.
fn path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "b", "ab", "a;b", ""]);
    prop::collection::vec(segment, 0..5).prop_map(|segments| format!("/{}", segments.join("/")))
}

fn plain_path() -> impl Strategy<Value = String> {
    path().prop_map(|path| String::from_utf8(canonical_path(path.as_bytes()).into_owned()).unwrap())
}

fn rules_of(metric: i64) -> impl Strategy<Value = Vec<RuleV1>> {
    let pattern = (plain_path(), any::<bool>(), any::<bool>());
    let one = (pattern, any::<bool>(), 1..4_u64).prop_map(
        move |((path, placeholder, anchored), last, delta)| {
            let path = if placeholder {
                path.replacen("ab", "{x}", 1)
            } else {
                path
            };
            RuleV1 {
                last,
                ..rule(
                    "GET",
                    &format!("{path}{}", if anchored { "$" } else { "" }),
                    &[(metric, delta)],
                )
            }
        },
    );
    prop::collection::vec(one, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// As 3scale says it: the backends' patterns with their paths before them, after the product's own rules; what other
    /// backends' rules would count is taken off.
    #[test]
    fn routing_is_prefixing(
        own in rules_of(2),
        backends in prop::collection::vec((plain_path(), rules_of(70)), 0..5),
        asked in path(),
    ) {
        let wires: Vec<BackendV1> = (0..).zip(&backends).map(|(id, (path, rules))| backend(id, path, rules.clone())).collect();
        let with_own = |more: Vec<RuleV1>| {
            let rules = own.iter().cloned().chain(more);
            RuleSet::compile(rules.map(|rule| Rule::try_from(&rule).unwrap()).collect())
        };
        let asked = canonical_path(asked.as_bytes()).into_owned();
        // The first of those whose path is the longest.
        let mut best: Option<(usize, i64, String)> = None;
        for (id, (path, _)) in (0..).zip(&backends) {
            let path = path.strip_suffix('/').unwrap_or(path);
            let takes = asked.strip_prefix(path.as_bytes()).is_some_and(|rest| rest.is_empty() || rest[0] == b'/');
            if takes && best.as_ref().is_none_or(|(len, ..)| *len < path.len()) {
                best = Some((path.len(), id, path.to_owned()));
            }
        }
        let subject = Subject { method: b"GET", path: &asked, query: None, form: None };
        let expected = match &best {
            None if backends.is_empty() => Some(("own".to_owned(), with_own(Vec::new()))),
            None => None,
            Some((_, id, path)) => {
                let rules = wires[usize::try_from(*id).unwrap()].rules.iter();
                let prefixed = rules.map(|rule| RuleV1 { pattern: format!("{path}{}", rule.pattern), ..rule.clone() });
                Some((format!("b{id}"), with_own(prefixed.collect())))
            }
        };
        let expected = expected.and_then(|(host, rules)| {
            let matches = rules.matching(&subject);
            (!matches.is_empty()).then(|| (host, rules.usage(&matches)))
        });

        let catalogue = Catalogue::new(vec![product(own, wires)]);
        let target = [b"/api", &asked[..], b"?user_key=x"].concat();
        let request = RequestView {
            method: b"GET",
            authority: b"a.post.example",
            target: &target,
            headers: &NoHeaders,
            form_body: FormBody::Absent,
        };
        let decided = match decide(&catalogue, None, &request, &Everybody(PlanId(2)), NOW_SECS) {
            Decision::Charge(request) => {
                let used: Usage = request.charge.usage.iter().copied().filter(|(metric, _)| matches!(metric.0, 2 | 70)).collect();
                Some((request.upstream().unwrap().authority.clone(), used))
            }
            Decision::Refuse(_) => None,
            Decision::NeedBody => unreachable!("no form is read"),
        };
        prop_assert_eq!(decided, expected);
    }
}
