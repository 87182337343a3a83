//! What no operation does, whichever the description has: for whom it is not meant, beyond its bounds, twice.

use crate::support::client::{Reply, send, with_query};
use crate::support::contract::{Declared, declared};
use crate::support::{Test, both_databases};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tallygate::admin_api::auth::SCOPES;
use tallygate::{provider, run};

/// Operations that access tokens may call.
fn for_tokens() -> Vec<(Declared, String)> {
    let scoped = |one: Declared| one.scope.clone().map(|scope| (one, scope));
    declared().into_iter().filter_map(scoped).collect()
}

async fn token(t: &Test, scopes: &str, permission: &str) -> String {
    let token = provider::create_token(&t.app.db, "test", scopes, permission)
        .await
        .unwrap();
    token.reveal().to_owned()
}

/// The path with ids of what [`crate::products::product_with_everything`] made, where it made such.
async fn resolved(t: &Test, path: &str) -> String {
    let plan = t
        .get("/admin/api/application_plans.json")
        .await
        .id("/plans/0/application_plan/id");
    let account = t
        .get("/admin/api/accounts.json")
        .await
        .id("/accounts/0/account/id");
    let path = path
        .replace("{plan_id}", &plan.to_string())
        .replace("{account_id}", &account.to_string())
        .replace("{environment}", "sandbox");
    with_ones(&path)
}

/// The path with 1 for every parameter.
fn with_ones(path: &str) -> String {
    let parts = path.split(['{', '}']).enumerate();
    parts
        .map(|(n, part)| if n % 2 == 0 { part } else { "1" })
        .collect()
}

fn with(t: &Test, one: &Declared, path: &str, token: &str) -> RequestBuilder {
    t.request(one.method.clone(), path)
        .basic_auth("", Some(token))
}

#[track_caller]
fn refused(one: &Declared, reply: &Reply, status: u16) {
    assert_eq!(
        reply.status.as_u16(),
        status,
        "{} {}: {}",
        one.method,
        one.path,
        reply.text
    );
}

both_databases! {
    async fn tokens_do_what_they_are_for_and_no_more(t: &Test) {
        crate::products::product_with_everything(t).await;
        let revision = t.app.db.revision().await.unwrap();
        let all = SCOPES.join(",");
        let read_only = token(t, &all, "ro").await;
        let expired = token(t, &all, "rw").await;
        let mut tx = t.app.db.begin().await.unwrap();
        run!(tx, |c| sqlx::query("update access_token set expires_at = 1 where digest = $1")
            .bind(tallygate::secrets::token_digest(&expired))
            .execute(c)).unwrap();
        tx.commit().await.unwrap();
        let operations = for_tokens();
        assert!(operations.len() > 80, "{}", operations.len());
        for (one, scope) in operations {
            let path = resolved(t, &one.path).await;
            refused(&one, &send(with(t, &one, &path, &expired)).await, 403);
            let others: Vec<_> = SCOPES.iter().filter(|other| **other != scope).copied().collect();
            let others = token(t, &others.join(","), "rw").await;
            refused(&one, &send(with(t, &one, &path, &others)).await, 403);
            if one.method != Method::GET {
                refused(&one, &send(with(t, &one, &path, &read_only)).await, 403);
            }
        }
        assert_eq!(t.app.db.revision().await.unwrap(), revision);
    }

    async fn pages_have_bounds(t: &Test) {
        crate::products::product_with_everything(t).await;
        let mut seen = 0;
        for one in declared() {
            if one.method != Method::GET || !one.parameters.iter().any(|name| name == "per_page") {
                continue;
            }
            let path = resolved(t, &one.path).await;
            if t.get(&path).await.status == 404 {
                continue;
            }
            seen += 1;
            for (name, value) in [("page", "-1"), ("page", "0"), ("page", "x"), ("per_page", "0"), ("per_page", "-1")] {
                let reply = t.get(&with_query(&path, &[(name, value)])).await;
                refused(&one, &reply, 422);
                assert_eq!(reply.complaints(), [name], "{path}");
            }
            for pair in [("per_page", "1000000000"), ("page", "4294967295")] {
                refused(&one, &t.get(&with_query(&path, &[pair])).await, 200);
            }
            let reply = t.request(Method::GET, &format!("{path}?page=%ff")).basic_auth("", Some(&t.token));
            refused(&one, &send(reply).await, 422);
        }
        assert!(seen > 4, "{seen}");
    }

    async fn ten_megabytes_are_too_many(t: &Test) {
        let body = vec![b'x'; 10 * 1024 * 1024];
        for (one, _) in for_tokens().into_iter().filter(|(one, _)| one.method != Method::GET) {
            let path = with_ones(&one.path);
            let reply = send(with(t, &one, &path, &t.token).body(body.clone())).await;
            refused(&one, &reply, 413);
        }
    }

    async fn names_are_given_once(t: &Test) {
        crate::products::product_with_everything(t).await;
        let mut seen = 0;
        for one in declared() {
            if one.method != Method::POST || !one.parameters.iter().any(|name| name == "system_name") {
                continue;
            }
            let path = resolved(t, &one.path).await;
            let mut body = one.body.clone();
            // Whatever else names something that is there.
            let names_another = |name: &str| (name.ends_with("_id") && name != "client_id") || name == "layout_name";
            body.as_object_mut().unwrap().retain(|name, _| !names_another(name));
            body["system_name"] = Value::from(format!("given_once_{seen}"));
            let first = t.json(Method::POST, &path, &body).await;
            if first.status == 404 {
                continue;
            }
            refused(&one, &first, 201);
            seen += 1;
            let second = t.json(Method::POST, &path, &body).await;
            refused(&one, &second, 422);
            assert!(second.complaints().iter().any(|field| field == "system_name"), "{path}: {}", second.text);
        }
        assert!(seen > 2, "{seen}");
    }
}
