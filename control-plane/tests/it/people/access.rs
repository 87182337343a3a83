//! What members may reach with their tokens.

use super::{call, member, token_of};
use crate::support::{Test, both_databases};
use reqwest::Method;
use serde_json::Value;

#[test]
fn somebody_decided_whom_every_route_is_for() {
    for route in crate::every_route::api_routes() {
        // What agents call has credentials of its own.
        if route.path.starts_with("/transactions") {
            continue;
        }
        assert!(
            tallygate::admin_api::access::is_decided(&route.path),
            "{route:?}: say in admin_api/access.rs whom it is for"
        );
    }
}

/// Two products, each with a plan and an application of account 1.
async fn catalogue(t: &Test) {
    for name in ["Mail", "Maps"] {
        let service = t
            .post("/admin/api/services.json", &[("name", name)])
            .await
            .expect(201)
            .id("/service/id");
        let path = format!("/admin/api/services/{service}/application_plans");
        let plan = t
            .post(&format!("{path}.json"), &[("name", "Basic")])
            .await
            .expect(201)
            .id("/application_plan/id");
        t.put(&format!("{path}/{plan}/default.json"), &[])
            .await
            .expect(200);
    }
    let form = [
        ("org_name", "Bob"),
        ("username", "bob"),
        ("email", "bob@example.com"),
        ("password", "correct horse"),
    ];
    t.post("/admin/api/signup.json", &form).await.expect(201);
}

async fn permit(t: &Test, user: i64, form: &[(&str, &str)]) {
    t.put(&format!("/admin/api/users/{user}/permissions.json"), form)
        .await
        .expect(200);
}

fn ids(value: &Value, list: &str, item: &str) -> Vec<i64> {
    value[list]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one[item]["id"].as_i64().unwrap())
        .collect()
}

both_databases! {
    async fn sections(t: &Test) {
        catalogue(t).await;
        let ann = member(t, "ann").await;
        let token = token_of(t, ann, "rw").await;
        const CALLS: &[(Method, &str, &[&str])] = &[
            (Method::GET, "/admin/api/services/1.json", &["plans", "partners", "monitoring"]),
            (Method::PUT, "/admin/api/services/1.json", &["plans"]),
            (Method::GET, "/admin/api/services/1/proxy.json", &["plans"]),
            (Method::GET, "/admin/api/accounts/1.json", &["partners"]),
            (Method::PUT, "/admin/api/accounts/1.json", &["partners"]),
            (Method::GET, "/admin/api/accounts/1/applications.json", &["partners"]),
            (Method::GET, "/stats/services/1/usage.json?metric_name=hits&period=day", &["monitoring"]),
            (Method::GET, "/admin/api/settings.json", &["settings"]),
            (Method::PUT, "/admin/api/provider.json", &["settings"]),
            (Method::GET, "/admin/api/gateways.json", &["plans", "monitoring"]),
            (Method::POST, "/admin/api/gateways.json", &["plans"]),
            (Method::GET, "/admin/api/personal/access_tokens.json", tallygate::admin_api::access::SECTIONS),
            (Method::GET, "/admin/api/users.json", &[]),
        ];
        for given in tallygate::admin_api::access::SECTIONS {
            permit(t, ann, &[("allowed_sections[]", given)]).await;
            for (method, path, sections) in CALLS {
                let status = call(t, &token, method.clone(), path, &[]).await.status.as_u16();
                assert_eq!(status != 403, sections.contains(given), "{given}: {method} {path} {status}");
            }
        }
        permit(t, ann, &[("allowed_sections[]", "")]).await;
        call(t, &token, Method::GET, "/admin/api/services.json", &[]).await.expect(403);
        t.put(&format!("/admin/api/users/{ann}/admin.json"), &[]).await.expect(200);
        call(t, &token, Method::GET, "/admin/api/settings.json", &[]).await.expect(200);
    }

    async fn products(t: &Test) {
        catalogue(t).await;
        let ann = member(t, "ann").await;
        let token = token_of(t, ann, "rw").await;
        permit(t, ann, &[("allowed_sections[]", "plans"), ("allowed_sections[]", "partners"), ("allowed_sections[]", "monitoring"), ("allowed_service_ids[]", "2")]).await;
        let get = |path: &'static str| { let token = token.clone(); async move { call(t, &token, Method::GET, path, &[]).await } };
        let applications = t.get("/admin/api/applications.json").await.value();
        let applications = ids(&applications, "applications", "application");
        let plans = ids(&t.get("/admin/api/application_plans.json").await.value(), "plans", "application_plan");
        assert_eq!((applications.len(), plans.len()), (2, 2));

        assert_eq!(ids(&get("/admin/api/services.json").await.value(), "services", "service"), [2]);
        assert_eq!(ids(&get("/admin/api/application_plans.json").await.value(), "plans", "application_plan"), plans[1..]);
        for path in ["/admin/api/applications.json", "/admin/api/accounts/1/applications.json"] {
            let reply = get(path).await.expect(200);
            assert_eq!(ids(&reply.value(), "applications", "application"), applications[1..], "{path}");
        }
        let hidden = |path: &str| path.replace("{p}", "1").replace("{plan}", &plans[0].to_string()).replace("{a}", &applications[0].to_string());
        let visible = |path: &str| path.replace("{p}", "2").replace("{plan}", &plans[1].to_string()).replace("{a}", &applications[1].to_string());
        for (method, path, form) in [
            (Method::GET, "/admin/api/services/{p}.json", &[][..]),
            (Method::PUT, "/admin/api/services/{p}.json", &[]),
            (Method::GET, "/admin/api/services/{p}/metrics.json", &[]),
            (Method::GET, "/admin/api/services/{p}/application_plans/{plan}.json", &[]),
            (Method::GET, "/admin/api/application_plans/{plan}/limits.json", &[]),
            (Method::GET, "/admin/api/accounts/1/applications/{a}.json", &[]),
            (Method::PUT, "/admin/api/accounts/1/applications/{a}/suspend.json", &[]),
            (Method::GET, "/admin/api/applications/find.json?application_id={a}", &[]),
            (Method::GET, "/admin/api/applications.json?service_id={p}", &[]),
            (Method::POST, "/admin/api/accounts/1/applications.json", &[("name", "x"), ("plan_id", "{plan}")]),
            (Method::GET, "/stats/services/{p}/usage.json?metric_name=hits&period=day", &[]),
            (Method::GET, "/stats/applications/{a}/usage.json?metric_name=hits&period=day", &[]),
        ] {
            let filled = |fill: &dyn Fn(&str) -> String| (fill(path), form.iter().map(|(name, value)| (*name, fill(value))).collect::<Vec<_>>());
            for (fill, found) in [(&hidden as &dyn Fn(&str) -> String, false), (&visible, true)] {
                let (path, form) = filled(fill);
                let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let reply = call(t, &token, method.clone(), &path, &form).await;
                assert_eq!(reply.status != 404, found, "{method} {path}: {} {}", reply.status, reply.text);
                assert_eq!(reply.status.is_success(), found, "{method} {path}: {} {}", reply.status, reply.text);
            }
        }
        call(t, &token, Method::POST, "/admin/api/services.json", &[("name", "Mine")]).await.expect(403);
        permit(t, ann, &[("allowed_service_ids", "")]).await;
        call(t, &token, Method::POST, "/admin/api/services.json", &[("name", "Mine")]).await.expect(201);
        assert_eq!(ids(&get("/admin/api/services.json").await.value(), "services", "service"), [1, 2, 3]);
        permit(t, ann, &[("allowed_service_ids[]", "")]).await;
        assert_eq!(ids(&get("/admin/api/services.json").await.value(), "services", "service"), [0; 0]);
    }

    async fn specifications_come_with_their_products(t: &Test) {
        catalogue(t).await;
        let list = "/admin/api/active_docs.json";
        let body = r#"{"openapi": "3.0.3", "info": {"title": "x", "version": "1"}, "paths": {}}"#;
        let mut docs = Vec::new();
        for service in ["1", "2", ""] {
            let form = [("name", "x"), ("system_name", &format!("of{service}")), ("service_id", service), ("body", body)];
            docs.push(t.post(list, &form).await.expect(201).id("/api_doc/id"));
        }
        let ann = member(t, "ann").await;
        let token = token_of(t, ann, "rw").await;
        permit(t, ann, &[("allowed_sections[]", "plans"), ("allowed_service_ids[]", "2")]).await;
        let own = |index: usize| format!("/admin/api/active_docs/{}.json", docs[index]);

        let seen = |reply: Value| ids(&reply, "api_docs", "api_doc");
        assert_eq!(seen(call(t, &token, Method::GET, list, &[]).await.value()), docs[1..]);
        let paged = call(t, &token, Method::GET, &format!("{list}?per_page=1"), &[]).await;
        assert_eq!(seen(paged.value()), docs[1..2]);
        assert_eq!(paged.at("/metadata/total_entries"), 2, "{}", paged.text);
        assert_eq!(seen(t.get(list).await.value()), docs);

        for method in [Method::GET, Method::PUT, Method::DELETE] {
            call(t, &token, method, &own(0), &[]).await.expect(404);
        }
        call(t, &token, Method::PUT, &own(0), &[("service_id", "2")]).await.expect(404);
        for index in [1, 2] {
            call(t, &token, Method::GET, &own(index), &[]).await.expect(200);
            call(t, &token, Method::PUT, &own(index), &[("name", "y")]).await.expect(200);
            call(t, &token, Method::PUT, &own(index), &[("service_id", "1")]).await.expect(404);
        }
        call(t, &token, Method::POST, list, &[("name", "z"), ("service_id", "1"), ("body", body)]).await.expect(404);
        assert_eq!(t.get(&own(0)).await.expect(200).at("/api_doc/service_id"), 1);
        assert_eq!(t.get(&own(1)).await.expect(200).at("/api_doc/service_id"), 2);
        for index in [1, 2] {
            call(t, &token, Method::DELETE, &own(index), &[]).await.expect(200);
        }
    }

    async fn backends_come_with_the_products_that_use_them(t: &Test) {
        catalogue(t).await;
        for (name, product) in [("Old", 1), ("New", 2)] {
            let form = [("name", name), ("private_endpoint", "https://origin.example.com")];
            let id = t.post("/admin/api/backend_apis.json", &form).await.expect(201).id("/backend_api/id").to_string();
            let form = [("backend_api_id", id.as_str()), ("path", "/x")];
            t.post(&format!("/admin/api/services/{product}/backend_usages.json"), &form).await.expect(201);
        }
        let ann = member(t, "ann").await;
        let token = token_of(t, ann, "rw").await;
        permit(t, ann, &[("allowed_sections[]", "plans"), ("allowed_service_ids[]", "2")]).await;
        let listed = call(t, &token, Method::GET, "/admin/api/backend_apis.json", &[]).await.expect(200);
        assert_eq!(ids(&listed.value(), "backend_apis", "backend_api"), [2]);
        for (id, status) in [(1, 404), (2, 200), (9, 404)] {
            let path = format!("/admin/api/backend_apis/{id}");
            call(t, &token, Method::GET, &format!("{path}.json"), &[]).await.expect(status);
            call(t, &token, Method::GET, &format!("{path}/metrics.json"), &[]).await.expect(status);
        }
        let form = [("backend_api_id", "1"), ("path", "/y")];
        call(t, &token, Method::POST, "/admin/api/services/2/backend_usages.json", &form).await.expect(404);
        let form = [("name", "Mine"), ("private_endpoint", "https://origin.example.com")];
        call(t, &token, Method::POST, "/admin/api/backend_apis.json", &form).await.expect(403);
    }
}
