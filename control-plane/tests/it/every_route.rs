//! All routes that the router has, taken from its one page: each wants credentials, and whatever is sent to it is
//! answered with 4xx, never 5xx, and leaves nothing behind.

use crate::support::client::{Reply, send, with_query};
use crate::support::{Test, both_databases, contract};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use tallygate::on;

/// A method and a path, parameters as `{name}`.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: String,
}

/// From `.route("/path", get(a).put(b))` on the router's page.
fn routes() -> Vec<Route> {
    routes_in(ROUTER)
}

/// The router's page.
pub(crate) const ROUTER: &str = include_str!("../../src/router.rs");

pub(crate) fn routes_in(page: &str) -> Vec<Route> {
    let mut routes = Vec::new();
    for line in page
        .lines()
        .filter_map(|line| line.trim().strip_prefix(".route(\""))
    {
        let (path, handlers) = line.split_once('"').unwrap();
        for (name, method) in [
            ("get(", Method::GET),
            ("post(", Method::POST),
            ("put(", Method::PUT),
            ("patch(", Method::PATCH),
            ("delete(", Method::DELETE),
        ] {
            if handlers.contains(&format!(" {name}")) || handlers.contains(&format!(").{name}")) {
                routes.push(Route {
                    method: method.clone(),
                    path: path.to_owned(),
                });
            }
        }
    }
    routes
}

pub(crate) fn api_routes() -> Vec<Route> {
    let mut routes = routes();
    routes
        .retain(|route| route.path.starts_with("/admin/api") || route.path.starts_with("/stats/"));
    routes
}

/// The path with every parameter replaced.
pub(crate) fn filled(path: &str, mut value: impl FnMut() -> String) -> String {
    let parts: Vec<String> = path
        .split('/')
        .map(|part| match part.starts_with('{') {
            true => value(),
            false => part.to_owned(),
        })
        .collect();
    parts.join("/")
}

/// Names that some route knows, whichever.
const NAMES: &[&str] = &[
    "referrer_filter",
    "referrer_filters_required",
    "name",
    "system_name",
    "friendly_name",
    "unit",
    "description",
    "backend_version",
    "endpoint",
    "oidc_issuer_endpoint",
    "oidc_audiences",
    "oidc_jwks_uri",
    "jwt_claim_with_client_id",
    "jwt_claim_with_client_id_type",
    "standard_flow_enabled",
    "api_backend",
    "sandbox_endpoint",
    "credentials_sources",
    "credentials_location",
    "auth_app_id",
    "error_status_no_match",
    "error_auth_failed",
    "secret_token",
    "debug_secret",
    "http_method",
    "methods",
    "pattern",
    "delta",
    "metric_id",
    "usages",
    "position",
    "last",
    "to",
    "from",
    "method",
    "path",
    "app_key",
    "bearer_token",
    "version",
    "host",
    "page",
    "per_page",
    "period",
    "value",
    "state_event",
    "approval_required",
    "setup_fee",
    "cost_per_month",
    "trial_period_days",
    "support_email",
    "org_name",
    "username",
    "email",
    "password",
    "plan_id",
    "account_plan_id",
    "application_plan_id",
    "service_plan_id",
    "application_id",
    "application_key",
    "user_key",
    "key",
    "state",
    "role",
    "environment",
    "metric_name",
    "url",
    "active",
    "provider_actions",
    "account_created_on",
    "alert_raised_on",
    "secret",
    "time",
    "level",
    "account_id",
    "since",
    "caller",
    "token_id",
    "method",
    "path",
    "until",
    "granularity",
    "timezone",
    "credentials_retrievable",
    "account_approval_required",
    "user_id",
    "app_id",
    "service_id",
    "active_since",
    "inactive_since",
    "skip_change",
    "allowed_sections",
    "allowed_service_ids",
    "permission",
    "scopes",
    "expires_at",
    "private_endpoint",
    "cluster",
    "backend_api_id",
    "path",
    "target",
    "label",
    "choices",
    "required",
    "kind",
    "client_id",
    "client_secret",
    "site",
    "branding_state_event",
    "identifier_key",
    "published",
    "expires_in",
    "redirect_url",
    "protocol",
    "enforce_sso",
    "change_account_plan_permission",
    "weekly_report",
    "site_access_code",
    "finance_support_email",
    "body",
    "skip_swagger_validations",
    "type",
    "title",
    "draft",
    "section_id",
    "section_name",
    "layout_id",
    "layout_name",
    "liquid_enabled",
    "handler",
    "content_type",
    "content",
    "public",
    "parent_id",
    "partial_path",
    "attachment",
    "downloadable",
    "object_type",
    "object_id",
    "feature_id",
    "scope",
    "visible",
    "min",
    "max",
    "cost_per_unit",
    "cancellation_period",
    "subject",
    "body",
];

/// Values that break something somewhere.
pub(crate) const VALUES: &[&str] = &[
    "",
    " ",
    "0",
    "-1",
    "1",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999999",
    "1e308",
    "1e400",
    "NaN",
    "inf",
    "1.5",
    "true",
    "null",
    "\0",
    "a\0b",
    "\u{1}",
    "\u{7f}",
    "\u{feff}",
    "\u{fffe}",
    "日本",
    "'; drop table product; --",
    "%",
    "_",
    "\\",
    "\"",
    "<x>&amp;",
    "{{7*7}}",
    "../..",
    "[]",
    "{}",
    "[{}]",
    "[[[[]]]]",
    "{\"a\":",
    "https://",
    "https://a.example",
    "*",
    "/",
    "/{",
    "/{a}/{a}",
    "/%zz",
    "ANY",
    "GET,",
    "minute",
    "publish",
    "latest",
    "2026-13-45",
    "2026-01-01",
    "Mars/Phobos",
    "a@b",
    "a@b@c",
];

/// A request that looks at one route in a bad way.
fn hostile(t: &Test, random: &mut StdRng, route: &Route) -> reqwest::RequestBuilder {
    let id = |random: &mut StdRng| {
        let ids = [
            "1",
            "2",
            "0",
            "-1",
            "x",
            "9223372036854775807",
            "9223372036854775808",
            "%00",
            "%ff",
            "%2F",
            "1.json",
            "é",
            "sandbox",
            "%F0%9F%92%A5",
        ];
        ids[random.random_range(0..ids.len())].to_owned()
    };
    let path = filled(&route.path, || id(random));
    let extension = ["", ".json", ".xml", ".csv", ".json.xml"][random.random_range(0..5)];
    let mut pairs = Vec::new();
    for _ in 0..random.random_range(0..8) {
        let name = NAMES[random.random_range(0..NAMES.len())];
        let value = match random.random_range(0..10) {
            0 => "x".repeat(random.random_range(1..100_000)),
            _ => VALUES[random.random_range(0..VALUES.len())].to_owned(),
        };
        let name = match random.random_range(0..8) {
            0 => format!("{name}[]"),
            1 => format!("wrapper[{name}]"),
            2 => format!("{name}[][x]"),
            _ => name.to_owned(),
        };
        pairs.push((name, value));
    }
    let mut target = format!("{path}{extension}");
    if random.random_range(0..3) == 0 {
        let short: Vec<_> = pairs
            .iter()
            .filter(|(_, value)| value.len() < 9000)
            .take(3)
            .cloned()
            .collect();
        target = with_query(&target, &short);
    }
    let request = t.request(route.method.clone(), &target);
    let request = match random.random_range(0..10) {
        0 => request,
        1 => request.basic_auth("wrong", Some("wrong")),
        _ => request.basic_auth("", Some(&t.token)),
    };
    match random.random_range(0..10) {
        0..=4 => request.form(&pairs),
        5 => {
            let object: serde_json::Map<String, serde_json::Value> = pairs
                .into_iter()
                .map(|(name, value)| {
                    let typed = serde_json::from_str(&value).unwrap_or_else(|_| value.into());
                    (name, typed)
                })
                .collect();
            request.json(&object)
        }
        6 => request
            .header("content-type", "application/json")
            .body("[".repeat(100_000)),
        7 => request.header("content-type", "text/plain").body("name=x"),
        8 => request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(&b"name=%ff&%fe=1&\xff=\xfe&unit=%00&a[=1&b]=2&[]=3&c[][]=4"[..]),
        _ => request
            .header("content-type", "application/json")
            .body(&b"\xff\xfe{\"name\": 1}"[..]),
    }
}

/// Rows of every table whose rows only the API makes.
async fn rows(t: &Test) -> Vec<(&'static str, i64)> {
    let mut counts = Vec::new();
    for (table, sql) in [
        ("product", "select count(*) from product"),
        ("proxy", "select count(*) from proxy"),
        ("metric", "select count(*) from metric"),
        ("mapping_rule", "select count(*) from mapping_rule"),
        ("plan", "select count(*) from plan"),
        ("account", "select count(*) from account"),
        ("account_user", "select count(*) from account_user"),
        ("application", "select count(*) from application"),
    ] {
        let count: i64 = on!(t.app.db, |c| sqlx::query_scalar(sql).fetch_one(c)).unwrap();
        counts.push((table, count));
    }
    counts
}

/// Every product has what a product needs, and every application its account: nothing was half written.
async fn assert_whole(t: &Test) {
    for sql in [
        "select count(*) from product where not exists (select 1 from proxy where product_id = product.id)",
        "select count(*) from product where not exists (select 1 from metric where product_id = product.id and system_name = 'hits')",
        "select count(*) from account where deleted_at is null and not exists (select 1 from account_user where account_id = account.id)",
        "select count(*) from application where not exists (select 1 from account where id = application.account_id)",
    ] {
        let broken: i64 = on!(t.app.db, |c| sqlx::query_scalar(sql).fetch_one(c)).unwrap();
        assert_eq!(broken, 0, "{sql}");
    }
}

#[track_caller]
pub(crate) fn assert_not_our_fault(route: &Route, reply: &Reply) {
    assert!(
        !reply.status.is_server_error(),
        "{} {}: {} {}",
        route.method,
        route.path,
        reply.status,
        reply.text
    );
}

#[test]
fn the_routers_page_is_read_in_full() {
    let routes = routes();
    assert!(routes.len() > 80, "{}", routes.len());
    for path in [
        "/admin/api/services/{service_id}/proxy/deploy",
        "/gateway/v1/sync",
        "/gateway/v1/leases",
        "/metrics",
    ] {
        assert!(routes.iter().any(|route| route.path == path), "{path}");
    }
}

#[test]
fn every_call_is_documented_and_nothing_else() {
    let agents = routes()
        .into_iter()
        .filter(|route| route.path.starts_with("/transactions"));
    let mut routed: Vec<_> = api_routes()
        .into_iter()
        .chain(agents)
        .map(|route| {
            (
                route.method.to_string(),
                contract::route(&route.path).to_owned(),
            )
        })
        .collect();
    let mut documented = contract::operations();
    routed.sort();
    documented.sort();
    let missing: Vec<_> = routed.iter().filter(|c| !documented.contains(c)).collect();
    assert!(missing.is_empty(), "not declared: {missing:?}");
    let unknown: Vec<_> = documented.iter().filter(|c| !routed.contains(c)).collect();
    assert!(unknown.is_empty(), "declared, and no route: {unknown:?}");
    assert_eq!(documented, routed, "declared twice");
}

both_databases! {
    async fn every_call_of_the_api_needs_credentials(t: &Test) {
        for route in api_routes() {
            let path = filled(&route.path, || "1".into());
            for path in [format!("{path}.json"), format!("{path}.xml")] {
                let reply = send(t.request(route.method.clone(), &path)).await;
                assert_eq!(reply.status, 403, "{} {path}: {}", route.method, reply.text);
                let reply = send(t.request(route.method.clone(), &path).basic_auth("wrong", Some("wrong"))).await;
                assert_eq!(reply.status, 403, "{} {path}: {}", route.method, reply.text);
            }
        }
    }

    async fn what_is_not_there_is_not_found(t: &Test) {
        for route in api_routes().into_iter().filter(|route| route.path.contains('{')) {
            for id in ["999999", "0", "x", "%00", "%ff", "9223372036854775808"] {
                let path = filled(&route.path, || id.to_owned());
                let request = t.request(route.method.clone(), &format!("{path}.json"));
                let reply = send(request.basic_auth("", Some(&t.token))).await;
                let expected = matches!(reply.status.as_u16(), 404 | 422);
                assert!(expected, "{} {path}: {} {}", route.method, reply.status, reply.text);
            }
        }
        assert!(rows(t).await.iter().all(|(table, count)| *count == 0 || *table == "plan"), "{:?}", rows(t).await);
    }

    async fn nothing_a_client_types_breaks_the_api(t: &Test) {
        let product = crate::products::product_with_everything(t).await;
        assert_eq!(product, 1, "so that hostile paths meet rows");
        let seed = rand::random();
        let mut random = StdRng::seed_from_u64(seed);
        let routes = routes();
        for round in 0..12 {
            for route in &routes {
                // A long poll would be waited for.
                if route.path.starts_with("/gateway/v1/snapshot") {
                    continue;
                }
                // It would take the token that all others are sent with.
                if route.method == Method::DELETE && route.path.contains("/personal/access_tokens/") {
                    continue;
                }
                let request = hostile(t, &mut random, route);
                let sent = format!("seed {seed} round {round}: {request:?}");
                let reply = send(request).await;
                assert!(!reply.status.is_server_error(), "{sent}: {} {}", reply.status, reply.text);
                assert_not_our_fault(route, &reply);
            }
        }
        assert_whole(t).await;
        // Still there, still well.
        t.get("/admin/api/services.json").await.expect(200);
    }

    async fn refused_writes_leave_nothing(t: &Test) {
        crate::products::product_with_everything(t).await;
        let before = rows(t).await;
        let revision = t.app.db.revision().await.unwrap();
        for route in api_routes().into_iter().filter(|route| route.method != Method::GET) {
            let path = filled(&route.path, || "1".into());
            for body in [
                "name=a%00b&friendly_name=a%00b&unit=%00", "name=%ff", "a=%01", "org_name=%ef%bf%be&username=x",
            ] {
                let request = t
                    .request(route.method.clone(), &format!("{path}.json"))
                    .basic_auth("", Some(&t.token))
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(body);
                let reply = send(request).await;
                // Parameters are read before rows are looked for.
                assert_eq!(reply.status, 422, "{} {path} {body}: {}", route.method, reply.text);
                assert_eq!(reply.complaints().len(), 1, "{}", reply.text);
            }
            for (content_type, body, status) in [
                ("application/json", "{\"name\":", 400), ("application/json", "[1]", 400), ("text/xml", "<a/>", 415),
                ("application/json", "{\"name\":\"\\u0000\"}", 422),
            ] {
                let request = t
                    .request(route.method.clone(), &format!("{path}.json"))
                    .basic_auth("", Some(&t.token))
                    .header("content-type", content_type)
                    .body(body);
                let reply = send(request).await;
                assert_eq!(reply.status.as_u16(), status, "{} {path} {body}: {}", route.method, reply.text);
            }
        }
        assert_eq!(rows(t).await, before);
        assert_eq!(t.app.db.revision().await.unwrap(), revision);
    }

    async fn bodies_too_large_are_refused_when_they_have_been_sent(t: &Test) {
        for route in api_routes().into_iter().filter(|route| route.method != Method::GET) {
            let path = filled(&route.path, || "1".into());
            let request = t
                .request(route.method.clone(), &format!("{path}.json"))
                .body(vec![b'x'; tallygate::body_limit::limit(&path) + 1]);
            let reply = send(request).await;
            assert_eq!(reply.status, 413, "{} {path}: {}", route.method, reply.text);
            assert!(reply.at("/error").as_str().unwrap().contains("too large"), "{}", reply.text);
        }
    }

    async fn other_methods_are_refused_with_those_that_are_allowed(t: &Test) {
        let reply = send(t.request(Method::DELETE, "/admin/api/services.json")).await.expect(405);
        assert_eq!(reply.text, r#"{"error":"Method not allowed"}"#);
        let allow = reply.headers["allow"].to_str().unwrap().to_owned();
        assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    }
}
