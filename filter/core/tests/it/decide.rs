//! The whole decision, on one catalogue: what comes first, what is refused and why, what is charged.

use crate::support::request::{all_of, moment};
use std::collections::HashMap;
use std::sync::Arc;
use tallygate_core::compiled::{Catalogue, Product};
use tallygate_core::decide::{Decision, Directory, Lookup, decide};
use tallygate_core::directory::Application;
use tallygate_core::id::{ApplicationId, MetricId, PlanId, ProductId};
use tallygate_core::key::{digest, ident};
use tallygate_core::mapping::Matches;
use tallygate_core::period::Period;
use tallygate_core::request::{FormBody, Headers, RequestView};
use tallygate_core::slot::Slot;
use tallygate_core::verdict::Reason;
use tallygate_core::wire::*;

use FormBody::{Absent, Read, Unread};

/// 2026-11-24 10:00:30 UTC.
const NOW_SECS: u64 = 1_795_514_430;

const MAIL: ProductId = ProductId(1);
const MAPS: ProductId = ProductId(2);

const BRONZE: PlanId = PlanId(1);
const GOLD: PlanId = PlanId(2);
const NO_HITS: PlanId = PlanId(3);
/// Made after the last change of the product that this gateway has seen.
const TOO_NEW: PlanId = PlanId(9);

/// `(metric, parent, name)`
const METRICS: [(i64, Option<i64>, &str); 6] = [
    (1, None, "hits"),
    (2, Some(1), "web"),
    (3, Some(1), "users"),
    (4, None, "bytes"),
    (5, Some(1), "search"),
    (6, Some(5), "deep"),
];

fn config(host: &str, base_path: &str, credentials: CredentialsV1, rules: Vec<RuleV1>) -> ConfigV1 {
    ConfigV1 {
        version: 1,
        public_urls: vec![PublicUrlV1 {
            host: host.into(),
            base_path: base_path.into(),
        }],
        rules,
        credentials,
        errors: ErrorsV1::Problem,
        upstream: None,
        secret_token: String::new(),
        debug_secret: None,
        rate_limit_headers: true,
        form_in_rules: false,
        on_disconnect: OnDisconnectV1::default(),
        backends: Vec::new(),
    }
}

pub(crate) fn credentials(kind: CredentialKindV1, sources: &[SourceV1]) -> CredentialsV1 {
    CredentialsV1 {
        kind,
        sources: sources.to_vec(),
        user_key: "user_key".into(),
        app_id: "api_user".into(),
        app_key: "api_key".into(),
        jwt_claim: vec!["payload".into(), "azp".into()],
        strip: false,
    }
}

pub(crate) fn rule(method: &str, pattern: &str, usages: &[(i64, u64)]) -> RuleV1 {
    RuleV1 {
        methods: vec![method.into()],
        pattern: pattern.into(),
        usages: usages
            .iter()
            .map(|&(metric, delta)| (MetricId(metric), delta))
            .collect(),
        last: false,
    }
}

fn plan(id: PlanId, limits: &[(i64, Period, u64)]) -> PlanV1 {
    let limits = limits.iter().map(|&(metric, period, value)| LimitV1 {
        metric: MetricId(metric),
        period,
        value,
    });
    PlanV1 {
        id,
        limits: limits.collect(),
    }
}

fn product(id: ProductId, system_name: &str, config: ConfigV1) -> Arc<Product> {
    let wire = ProductV1 {
        id,
        revision: 1,
        system_name: system_name.into(),
        metrics: METRICS
            .iter()
            .map(|&(id, parent, name)| MetricV1 {
                id: MetricId(id),
                parent: parent.map(MetricId),
                system_name: name.into(),
            })
            .collect(),
        plans: vec![
            plan(
                BRONZE,
                &[
                    (1, Period::Minute, 600),
                    (1, Period::Day, 10_000),
                    (3, Period::Eternity, 0),
                    (4, Period::Month, 1_000_000),
                ],
            ),
            plan(GOLD, &[]),
            plan(NO_HITS, &[(1, Period::Year, 0)]),
        ],
        referrers_required: id == MAIL,
        config: Some(config),
    };
    let (product, problems) = Product::compile(&wire);
    assert!(problems.is_empty(), "{problems:?}");
    Arc::new(product.expect("it has a configuration"))
}

fn catalogue() -> Catalogue {
    let mail = config(
        "mail.example.com",
        "/",
        credentials(
            CredentialKindV1::AppIdAndKey,
            &[
                SourceV1::Query,
                SourceV1::Basic,
                SourceV1::Form,
                SourceV1::Jwt,
            ],
        ),
        vec![
            rule("ANY", "/web/", &[(2, 1)]),
            rule("GET", "/web/{page}/bytes", &[(4, 500), (1, 2)]),
            rule("ANY", "/users", &[(3, 1)]),
            rule("ANY", "/deep", &[(6, 1)]),
            rule("POST", "/forms?kind={kind}", &[(2, 1)]),
        ],
    );
    let maps = ConfigV1 {
        form_in_rules: true,
        ..config(
            "*.example.com",
            "/maps",
            credentials(
                CredentialKindV1::UserKey,
                &[SourceV1::Query, SourceV1::Headers],
            ),
            vec![
                rule("POST", "/tiles?kind={kind}", &[(2, 1)]),
                rule("GET", "/$", &[(1, 1)]),
            ],
        )
    };
    Catalogue::new(vec![
        product(MAIL, "mail", mail),
        product(MAPS, "maps", maps),
    ])
}

/// Applications by ident; none at all before it is loaded.
struct Applications(Option<HashMap<Digest, Arc<Application>>>);

impl Directory for Applications {
    fn find(&self, ident: &Digest) -> Lookup {
        match &self.0 {
            None => Lookup::NotReady,
            Some(known) => match known.get(ident) {
                None => Lookup::Unknown,
                Some(application) => Lookup::Found(Arc::clone(application)),
            },
        }
    }
}

fn applications() -> Applications {
    let known = [
        (MAIL, "bronze", 11, BRONZE, true, &["k1", "k2"][..]),
        (MAIL, "gold", 12, GOLD, true, &["k1"]),
        (MAIL, "none", 13, NO_HITS, true, &["k1"]),
        (MAIL, "new", 14, TOO_NEW, true, &["k1"]),
        (MAIL, "suspended", 15, GOLD, false, &["k1"]),
        (MAIL, "keyless", 16, GOLD, true, &[]),
        (MAIL, "page", 17, GOLD, true, &["k1"]),
        (MAPS, "page", 24, BRONZE, true, &[]),
        (MAPS, "secret", 21, BRONZE, true, &[]),
        (MAPS, "stopped", 22, BRONZE, false, &[]),
        // Made while the product took app_ids and keys, which its configuration does not say yet.
        (MAPS, "a-name", 23, BRONZE, true, &["k1"]),
    ];
    let known = known.map(|(product, identifier, id, plan, live, keys)| {
        let application = Application {
            id: ApplicationId(id),
            plan,
            revision: 1,
            live,
            keys: keys.iter().map(|key| digest(key.as_bytes())).collect(),
            referrers: if identifier == "page" {
                vec!["*.shop.example".into()]
            } else {
                Vec::new()
            },
            ending: Vec::new(),
        };
        (ident(product, identifier.as_bytes()), Arc::new(application))
    });
    Applications(Some(known.into()))
}

struct Sent<'a> {
    headers: &'a [(&'a str, &'a str)],
    claim: Option<&'a str>,
}

impl Headers for Sent<'_> {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        for (_, value) in self.headers.iter().filter(|(known, _)| *known == name) {
            visit(value.as_bytes());
        }
    }

    fn claim(&self, _: &[String]) -> Option<Vec<u8>> {
        self.claim.map(|claim| claim.as_bytes().to_vec())
    }
}

const NOTHING: Sent<'_> = Sent {
    headers: &[],
    claim: None,
};

fn rules(matches: &Matches) -> String {
    format!("{:?}", matches.iter().collect::<Vec<_>>())
}

/// A decision in a line.
fn told(decision: &Decision<'_>) -> String {
    match decision {
        Decision::NeedBody => "need body".into(),
        Decision::Refuse(refused) => {
            let product = refused.product.map_or("", |product| &product.system_name);
            let matches = refused.matches.as_ref().map(rules).unwrap_or_default();
            format!("{product}{matches} {}", refused.reason.as_str())
        }
        Decision::Charge(request) => {
            let name = |metric| request.product.metric_name(metric);
            let usage = request.charge.usage.iter();
            let usage: Vec<_> = usage
                .map(|&(metric, delta)| format!("{}={delta}", name(metric)))
                .collect();
            let limits: Vec<_> = request
                .limits
                .iter()
                .map(|limit| limit.name.as_str())
                .collect();
            format!(
                "{}{} {} by {}: {} within {}",
                request.product.system_name,
                rules(&request.matches),
                String::from_utf8_lossy(&request.path),
                request.application,
                usage.join(" "),
                limits.join(" "),
            )
        }
    }
}

/// A request in words: `GET host/path`.
fn call(
    line: &str,
    sent: &Sent<'_>,
    form_body: FormBody<'_>,
    applications: &Applications,
) -> String {
    let (method, url) = line.split_once(' ').expect("a method and a URL");
    let (authority, target) = url.split_at(url.find('/').expect("a path"));
    let request = RequestView {
        method: method.as_bytes(),
        authority: authority.as_bytes(),
        target: target.as_bytes(),
        headers: sent,
        form_body,
    };
    told(&decide(
        &catalogue(),
        None,
        &request,
        applications,
        NOW_SECS,
    ))
}

fn check(line: &str, expected: &str) {
    assert_eq!(
        call(line, &NOTHING, Absent, &applications()),
        expected,
        "{line}"
    );
}

#[test]
fn what_is_asked_first() {
    // Each line gets one thing more right than the one before.
    check("GET elsewhere.test/nowhere", " unknown_host");
    check("GET mail.example.com/nowhere", "mail auth_missing");
    check(
        "GET mail.example.com/nowhere?api_user=x",
        "mail auth_missing",
    );
    check(
        "GET mail.example.com/nowhere?api_user=x&api_user=y&api_key=z",
        "mail auth_failed",
    );
    check(
        "GET mail.example.com/nowhere?api_user=x&api_key=z",
        "mail[] no_match",
    );
    check(
        "GET mail.example.com/users?api_user=x&api_key=z",
        "mail[2] auth_failed",
    );
    check(
        "GET mail.example.com/users?api_user=new&api_key=z",
        "mail[2] auth_failed",
    );
    check(
        "GET mail.example.com/users?api_user=new&api_key=k1",
        "mail[2] not_ready",
    );
    check(
        "GET mail.example.com/users?api_user=bronze&api_key=k1",
        "mail[2] metric_disabled",
    );
    check(
        "GET mail.example.com/web/?api_user=bronze&api_key=k1",
        "mail[0] /web/ by 11: hits=1 web=1 within hits-minute hits-day",
    );
}

#[test]
fn who_may_call() {
    let check = |user: &str, key: &str, expected: &str| {
        check(
            &format!("GET mail.example.com/web/?api_user={user}&api_key={key}"),
            expected,
        );
    };
    let gold = "mail[0] /web/ by 12: hits=1 web=1 within ";
    check("gold", "k1", gold);
    check("gold", "k2", "mail[0] auth_failed");
    check("Gold", "k1", "mail[0] auth_failed");
    check(
        "bronze",
        "k2",
        "mail[0] /web/ by 11: hits=1 web=1 within hits-minute hits-day",
    );
    check("suspended", "k1", "mail[0] auth_failed");
    check("keyless", "k1", "mail[0] auth_failed");
    check("keyless", "", "mail auth_missing");
    // Another product's identifiers are nobody's here.
    check("secret", "k1", "mail[0] auth_failed");

    let by_token = |claim| {
        let sent = Sent {
            headers: &[],
            claim: Some(claim),
        };
        call("GET mail.example.com/web/", &sent, Absent, &applications())
    };
    assert_eq!(by_token("gold"), gold);
    assert_eq!(
        by_token("keyless"),
        "mail[0] /web/ by 16: hits=1 web=1 within "
    );
    assert_eq!(by_token("suspended"), "mail[0] auth_failed");
    assert_eq!(by_token("nobody"), "mail[0] auth_failed");

    let by_header = |key| {
        let sent = Sent {
            headers: &[("user_key", key)],
            claim: None,
        };
        call("GET eu.example.com/maps", &sent, Absent, &applications())
    };
    assert_eq!(
        by_header("secret"),
        "maps[1] / by 21: hits=1 within hits-minute hits-day"
    );
    assert_eq!(by_header("stopped"), "maps[1] auth_failed");
    assert_eq!(by_header("gold"), "maps[1] auth_failed");
}

#[test]
fn where_requests_may_come_from() {
    let from = |line: &str, headers: &[(&str, &str)]| {
        let sent = Sent {
            headers,
            claim: None,
        };
        call(line, &sent, Absent, &applications())
    };
    let admitted = "mail[0] /web/ by 17: hits=1 web=1 within ";
    let page = "GET mail.example.com/web/?api_user=page&api_key=k1";
    for (headers, expected) in [
        (&[("origin", "https://www.shop.example")][..], admitted),
        (&[("referer", "https://www.SHOP.example/cart")], admitted),
        (
            &[("referer", "https://evil.example/www.shop.example")],
            "mail[0] auth_failed",
        ),
        (
            &[
                ("origin", "https://evil.example"),
                ("referer", "https://www.shop.example"),
            ],
            "mail[0] auth_failed",
        ),
        (&[("referer", "*")], "mail[0] auth_failed"),
        (&[], "mail[0] auth_failed"),
    ] {
        assert_eq!(from(page, headers), expected, "{headers:?}");
    }
    // Wrong credentials stay wrong, whoever names none may come from anywhere, and the other product does not ask.
    let known = [("origin", "https://www.shop.example")];
    let wrong = from("GET mail.example.com/web/?api_user=page&api_key=k2", &known);
    assert_eq!(wrong, "mail[0] auth_failed");
    let elsewhere = [("origin", "https://evil.example")];
    let gold = from(
        "GET mail.example.com/web/?api_user=gold&api_key=k1",
        &elsewhere,
    );
    assert_eq!(gold, "mail[0] /web/ by 12: hits=1 web=1 within ");
    let maps = from("GET eu.example.com/maps?user_key=page", &elsewhere);
    assert_eq!(maps, "maps[1] / by 24: hits=1 within hits-minute hits-day");
}

#[test]
fn what_is_charged() {
    let check = |path: &str, user: &str, expected: &str| {
        check(
            &format!("GET mail.example.com{path}?api_user={user}&api_key=k1"),
            expected,
        );
    };
    // All rules that match count, methods into their parents, to the top.
    check(
        "/web/7/bytes",
        "bronze",
        "mail[0, 1] /web/7/bytes by 11: hits=3 web=1 bytes=500 within hits-minute hits-day bytes-month",
    );
    check(
        "/deep",
        "gold",
        "mail[3] /deep by 12: hits=1 search=1 deep=1 within ",
    );
    // A method that the plan leaves out is refused; its siblings and its parent are not.
    check("/users", "bronze", "mail[2] metric_disabled");
    check(
        "/users",
        "gold",
        "mail[2] /users by 12: hits=1 users=1 within ",
    );
    // A parent that the plan leaves out takes all its methods with it, however deep.
    check("/web/", "none", "mail[0] metric_disabled");
    check("/deep", "none", "mail[3] metric_disabled");
    // The path is compared in its canonical form, and so handed on.
    check(
        "//web/%37/./bytes",
        "gold",
        "mail[0, 1] /web/7/bytes by 12: hits=3 web=1 bytes=500 within ",
    );
}

#[test]
fn a_name_does_not_pass_for_a_user_key() {
    check(
        "GET eu.example.com/maps?user_key=secret",
        "maps[1] / by 21: hits=1 within hits-minute hits-day",
    );
    check(
        "GET eu.example.com/maps?user_key=a-name",
        "maps[1] auth_failed",
    );
}

#[test]
fn limits_name_their_windows() {
    let request = RequestView {
        method: b"GET",
        authority: b"mail.example.com",
        target: b"/web/1/bytes?api_user=bronze&api_key=k1",
        headers: &NOTHING,
        form_body: Absent,
    };
    let catalogue = catalogue();
    let Decision::Charge(mut admissible) =
        decide(&catalogue, None, &request, &applications(), NOW_SECS)
    else {
        unreachable!("a good request");
    };
    let charged: Vec<_> = admissible
        .charge
        .limits
        .iter()
        .map(|limit| {
            (
                limit.value,
                limit.delta,
                NOW_SECS - u64::from(limit.window),
                limit.window_end,
            )
        })
        .collect();
    let minute_end = NOW_SECS + 30;
    let day_end = NOW_SECS + 14 * 3_600 - 30;
    let december = day_end + 6 * 86_400;
    assert_eq!(
        charged,
        [
            (600, 3, 30, Some(minute_end)),
            (10_000, 3, 36_030, Some(day_end)),
            (1_000_000, 500, 23 * 86_400 + 36_030, Some(december)),
        ]
    );

    let mut slot = Slot::read(None, &[1; 16]);
    let (application, moment) = (admissible.application, moment(NOW_SECS));
    slot.apply(application, &all_of(&admissible.charge), moment.now_ms);
    let admitted = slot.admit(application, &mut admissible.charge, &moment);
    assert_eq!(admitted, Ok(0));
    let states: Vec<_> = admissible
        .limit_states(NOW_SECS)
        .iter()
        .map(|state| {
            (
                state.name.to_owned(),
                state.remaining,
                state.reset_secs,
                state.window_secs,
            )
        })
        .collect();
    assert_eq!(
        states,
        [
            ("hits-minute".into(), 597, Some(30), Some(60)),
            (
                "hits-day".into(),
                9_997,
                Some(14 * 3_600 - 30),
                Some(86_400)
            ),
            (
                "bytes-month".into(),
                999_500,
                Some(december - NOW_SECS),
                Some(30 * 86_400)
            ),
        ]
    );
}

#[test]
fn products_are_found_by_host_and_base_path() {
    let nobody = applications();
    let check = |line: &str, default: Option<&str>, expected: &str| {
        let (authority, target) = line.split_at(line.find('/').expect("a path"));
        let request = RequestView {
            method: b"GET",
            authority: authority.as_bytes(),
            target: target.as_bytes(),
            headers: &NOTHING,
            form_body: Absent,
        };
        let decision = told(&decide(&catalogue(), default, &request, &nobody, NOW_SECS));
        assert_eq!(decision, expected, "{line}, {default:?}");
    };
    let home = "maps[1] / by 21: hits=1 within hits-minute hits-day";
    check("eu.example.com/maps?user_key=secret", None, home);
    check("EU.example.com:8080/maps/?user_key=secret", None, home);
    check(
        "eu.example.com/mapsx?user_key=secret",
        None,
        " unknown_host",
    );
    check(
        "eu.example.com/maps/x?user_key=secret",
        None,
        "maps[] no_match",
    );
    check("eu.example.com/?user_key=secret", None, " unknown_host");
    // Hosts that nobody claims are the default product's; the base path is not theirs to have.
    check("10.0.0.1/?user_key=secret", Some("maps"), home);
    check(
        "10.0.0.1/maps?user_key=secret",
        Some("maps"),
        "maps[] no_match",
    );
    check("10.0.0.1/", Some("nobody"), " unknown_host");
    check("mail.example.com/", Some("maps"), "mail auth_missing");
}

#[test]
fn when_a_body_is_needed() {
    let known = applications();
    let check = |line: &str, form_body, expected: &str| {
        assert_eq!(
            call(line, &NOTHING, form_body, &known),
            expected,
            "{line}, {form_body:?}"
        );
    };
    let gold = "mail[0] /web/ by 12: hits=1 web=1 within ";
    // For credentials: only when no other source has them.
    check("POST mail.example.com/web/", Unread, "need body");
    check(
        "POST mail.example.com/web/?api_user=gold",
        Unread,
        "need body",
    );
    check(
        "POST mail.example.com/web/?api_user=gold&api_key=k1",
        Unread,
        gold,
    );
    check("POST mail.example.com/web/", Absent, "mail auth_missing");
    check(
        "POST mail.example.com/web/",
        Read(b"api_user=gold&api_key=k1"),
        gold,
    );
    check(
        "POST mail.example.com/web/",
        Read(b"api_user=gold&api_key=k3"),
        "mail[0] auth_failed",
    );
    check(
        "POST mail.example.com/web/",
        Read(b"\xff\0%%%"),
        "mail auth_missing",
    );
    check("POST elsewhere.test/", Unread, " unknown_host");
    // For rules: whenever the product lets form fields count.
    let tiles = "maps[0] /tiles by 21: hits=1 web=1 within hits-minute hits-day";
    let line = "POST eu.example.com/maps/tiles?user_key=secret";
    check(line, Unread, "need body");
    check(line, Read(b"kind=road"), tiles);
    check(line, Read(b"kinds=road"), "maps[] no_match");
    check(line, Absent, "maps[] no_match");
    check(
        "POST eu.example.com/maps/tiles?user_key=secret&kind=road",
        Absent,
        tiles,
    );
    // What the product does not read there does not count.
    let line = "POST mail.example.com/forms?api_user=gold&api_key=k1";
    check(line, Read(b"kind=road"), "mail[] no_match");
    check(
        "POST eu.example.com/maps/tiles",
        Read(b"user_key=secret&kind=road"),
        "maps auth_missing",
    );
}

#[test]
fn nobody_is_refused_for_what_the_gateway_does_not_know_yet() {
    let loading = Applications(None);
    let told = call(
        "GET mail.example.com/web/?api_user=gold&api_key=k1",
        &NOTHING,
        Absent,
        &loading,
    );
    assert_eq!(told, "mail[0] not_ready");
    let empty = Catalogue::default();
    let request = RequestView {
        method: b"GET",
        authority: b"mail.example.com",
        target: b"/",
        headers: &NOTHING,
        form_body: Absent,
    };
    let decision = decide(&empty, Some("mail"), &request, &loading, NOW_SECS);
    assert!(
        matches!(&decision, Decision::Refuse(refused) if refused.reason == Reason::UnknownHost)
    );
}

#[test]
fn hostile_requests_are_decided() {
    let (catalogue, known) = (catalogue(), applications());
    let pieces: [&[u8]; 9] = [
        b"",
        b"/",
        b"\xff",
        b"%",
        b"%00",
        b"?",
        b"&=&",
        b"\0",
        b"api_user=gold&api_key=k1",
    ];
    for authority in pieces
        .iter()
        .chain(&[&b"mail.example.com"[..], b"eu.example.com"])
    {
        for path in pieces {
            for query in pieces {
                let target = [path, b"?", query].concat();
                for form_body in [Absent, Unread, Read(query)] {
                    let request = RequestView {
                        method: query,
                        authority,
                        target: &target,
                        headers: &NOTHING,
                        form_body,
                    };
                    let _ = decide(&catalogue, Some("mail"), &request, &known, NOW_SECS);
                }
            }
        }
    }
}
