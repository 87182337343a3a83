//! Whatever is sent: 4xx that names the field, never 500, and nothing half written.

use super::{APP_ID, USER_KEY, count, product, signed_up};
use crate::support::client::send;
use crate::support::{Test, both_databases};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tallygate::admin_api::format::{Node, Object};
use tallygate::secrets::Secret;

/// Every endpoint that takes parameters, with the parameters it takes.
const ENDPOINTS: &[(Method, &str, &[&str])] = &[
    (
        Method::POST,
        "/admin/api/signup",
        &[
            "org_name",
            "username",
            "email",
            "password",
            "account_plan_id",
            "service_plan_id",
            "application_plan_id",
        ],
    ),
    (
        Method::GET,
        "/admin/api/accounts",
        &["state", "page", "per_page"],
    ),
    (
        Method::GET,
        "/admin/api/accounts/find",
        &["username", "email", "user_id"],
    ),
    (Method::PUT, "/admin/api/accounts/1", &["org_name"]),
    (
        Method::PUT,
        "/admin/api/accounts/1/change_plan",
        &["plan_id"],
    ),
    (
        Method::GET,
        "/admin/api/accounts/1/users",
        &["state", "role"],
    ),
    (
        Method::POST,
        "/admin/api/accounts/1/users",
        &["username", "email", "password"],
    ),
    (
        Method::PUT,
        "/admin/api/accounts/1/users/1",
        &["username", "email", "password"],
    ),
    (
        Method::POST,
        "/admin/api/accounts/1/applications",
        &[
            "plan_id",
            "name",
            "description",
            "application_id",
            "application_key",
            "user_key",
        ],
    ),
    (
        Method::PUT,
        "/admin/api/accounts/1/applications/1",
        &["name", "description"],
    ),
    (
        Method::PUT,
        "/admin/api/accounts/1/applications/2",
        &["user_key"],
    ),
    (
        Method::PUT,
        "/admin/api/accounts/1/applications/1/change_plan",
        &["plan_id"],
    ),
    (
        Method::GET,
        "/admin/api/accounts/1/applications/find",
        &["app_id", "user_key", "application_id", "service_id"],
    ),
    (
        Method::GET,
        "/admin/api/applications",
        &[
            "service_id",
            "plan_id",
            "account_id",
            "plan_type",
            "active_since",
            "inactive_since",
            "page",
            "per_page",
        ],
    ),
    (
        Method::POST,
        "/admin/api/accounts/1/applications/1/keys",
        &["key"],
    ),
    (
        Method::POST,
        "/admin/api/gateways",
        &["name", "environment"],
    ),
    (
        Method::PUT,
        "/admin/api/settings",
        &[
            "credentials_retrievable",
            "signups_enabled",
            "account_approval_required",
        ],
    ),
];

/// Values that no parameter can be (as JSON).
fn impossible() -> Vec<Value> {
    vec![
        json!("nul \0 byte"),
        json!("\u{1b}[31m"),
        json!("\u{ffff}"),
        json!({"a": {"b": {"c": []}}}),
        json!([[["deep"]]]),
        json!([1, {"a": 2}]),
        json!("x".repeat(100_000)),
    ]
}

/// Values that some parameter may be, but which must never break anything.
fn odd() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e308),
        json!(u64::MAX),
        json!(""),
        json!("   "),
        json!("-9223372036854775809"),
        json!("0x10"),
        json!("NaN"),
        json!("１２"),
        json!("' or 1=1 --"),
        json!("$1"),
        json!("%00"),
        json!("<![CDATA[x]]>"),
        json!("🦀".repeat(50)),
        json!("\u{202e}abc\u{feff}"),
        json!([]),
        json!({}),
        json!("a\r\nSet-Cookie: x=1"),
    ]
}

/// Methods whose parameters are read from the body; others are asked in the query.
async fn call(t: &Test, method: &Method, path: &str, params: &Value) -> (StatusCode, String) {
    let request = t
        .request(method.clone(), &format!("{path}.json"))
        .basic_auth("", Some(&t.token))
        .json(params);
    let reply = send(request).await;
    (reply.status, reply.text)
}

async fn rows(t: &Test) -> Vec<i64> {
    let mut rows = Vec::new();
    for table in [
        "account",
        "account_user",
        "application",
        "application_key",
        "gateway",
        "retired_ident",
    ] {
        rows.push(count(t, table).await);
    }
    rows
}

async fn prepared(t: &Test) {
    product(t, "mail", APP_ID).await;
    product(t, "maps", USER_KEY).await;
    signed_up(t, "bob").await;
}

both_databases! {
    async fn impossible_values_are_refused_by_name(t: &Test) {
        prepared(t).await;
        let before = rows(t).await;
        for (method, path, fields) in ENDPOINTS {
            for field in *fields {
                for value in impossible() {
                    let (status, text) = call(t, method, path, &json!({*field: &value})).await;
                    let shown: String = text.chars().take(200).collect();
                    assert_eq!(status, 422, "{method} {path} {field}={:.60}: {shown}", value.to_string());
                    assert!(text.contains(field), "{method} {path} {field}: {shown}");
                }
            }
        }
        assert_eq!(rows(t).await, before);
    }

    async fn odd_values_break_nothing(t: &Test) {
        prepared(t).await;
        for (method, path, fields) in ENDPOINTS {
            for field in *fields {
                for value in odd() {
                    let (status, text) = call(t, method, path, &json!({*field: &value})).await;
                    assert!(!status.is_server_error(), "{method} {path} {field}={value}: {status} {text}");
                }
            }
        }
        // Still well.
        signed_up(t, "ann").await;
        t.get("/admin/api/accounts.xml").await.expect(200);
        t.get("/admin/api/applications.xml").await.expect(200);
    }

    async fn bytes_that_are_no_text_are_refused(t: &Test) {
        prepared(t).await;
        let before = rows(t).await;
        for (method, path, fields) in ENDPOINTS {
            for field in *fields {
                for bytes in [&b"%ff%fe"[..], b"\xff", b"%00", b"a%00b", b"%ed%a0%80"] {
                    let body = [field.as_bytes(), b"=", bytes].concat();
                    let request = t.request(method.clone(), &format!("{path}.json")).basic_auth("", Some(&t.token))
                        .header("content-type", "application/x-www-form-urlencoded").body(body);
                    let reply = send(request).await.expect(422);
                    assert!(reply.text.contains(field), "{method} {path}: {}", reply.text);
                }
            }
        }
        for (path, status) in [
            ("/admin/api/accounts/%00.json", 404),
            ("/admin/api/accounts/%ff.json", 404),
            ("/admin/api/accounts/99999999999999999999.json", 404),
            ("/admin/api/accounts/-1.json", 404),
            ("/admin/api/accounts/1/users/1e3.json", 404),
            ("/admin/api/accounts/1/applications/1%27.json", 404),
        ] {
            t.get(path).await.expect(status);
        }
        t.delete("/admin/api/accounts/1/applications/1/keys/%00.json").await.expect(404);
        t.delete("/admin/api/accounts/1/applications/1/keys/%ff%fe.json").await.expect(404);
        assert_eq!(rows(t).await, before);
    }

    async fn bodies_that_are_no_parameters_are_refused(t: &Test) {
        prepared(t).await;
        let before = rows(t).await;
        let deep = "[".repeat(100_000);
        for (content_type, body, status) in [
            ("application/json", "{", 400),
            ("application/json", "[]", 400),
            ("application/json", "\"x\"", 400),
            ("application/json", deep.as_str(), 400),
            ("text/csv", "a,b", 415),
            ("multipart/form-data", "--x--", 400),
            ("multipart/form-data; boundary=x", "--x\r\n", 400),
            ("application/json", &format!("{{\"org_name\": \"{}\"}}", "x".repeat(2_000_000)), 413),
        ] {
            for (method, path, _) in ENDPOINTS.iter().filter(|(method, ..)| method != Method::GET) {
                let request = t.request(method.clone(), &format!("{path}.json")).basic_auth("", Some(&t.token))
                    .header("content-type", content_type).body(body.to_owned());
                send(request).await.expect(status);
            }
        }
        assert_eq!(rows(t).await, before);
    }

    async fn nobody_gets_in_without_leave(t: &Test) {
        prepared(t).await;
        let read_only = tallygate::provider::create_token(&t.app.db, "reader", "account_management", "ro").await.unwrap();
        let stats = tallygate::provider::create_token(&t.app.db, "stats", "stats", "rw").await.unwrap();
        let before = rows(t).await;
        for (method, path, _) in ENDPOINTS {
            for token in ["", "wrong", stats.reveal(), read_only.reveal()] {
                if token == read_only.reveal() && method == Method::GET {
                    continue;
                }
                let request = t.request(method.clone(), &format!("{path}.json?access_token={token}"));
                send(request).await.expect(403);
            }
        }
        assert_eq!(rows(t).await, before);
    }
}

#[test]
fn what_is_shown_to_clients_is_not_shown_to_logs() {
    let answer = Object::new("application").with("user_key", Secret::new("hunter2"));
    assert!(!format!("{answer:?} {:?}", Node::from(Secret::new("hunter2"))).contains("hunter2"));
}
