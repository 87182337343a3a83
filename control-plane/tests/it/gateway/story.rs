//! One story through the real API: what a provider configures is what a gateway reads, can compile, and
//! what it counts is what the provider sees.

use super::world::{Gateway, after, cells, delivery, now_minute, usage};
use crate::support::{Test, both_databases};
use reqwest::Method;
use serde_json::json;
use tallygate_core::compiled;
use tallygate_core::key;
use tallygate_core::wire::SnapshotV1;

both_databases! {
    async fn from_a_plan_to_its_statistics(test: &Test) {
        let service = test.post("/admin/api/services.json", &[("name", "Mail"), ("backend_version", "2")]).await.expect(201).id("/service/id");
        let path = format!("/admin/api/services/{service}");
        let hits = test.get(&format!("{path}/metrics.json")).await.expect(200).id("/metrics/0/metric/id");
        let method = test.post(&format!("{path}/metrics/{hits}/methods.json"), &[("friendly_name", "Web API")]).await.expect(201).id("/method/id");
        let plan = test.post(&format!("{path}/application_plans.json"), &[("name", "Bronze")]).await.expect(201).id("/application_plan/id");
        test.post(&format!("/admin/api/application_plans/{plan}/metrics/{hits}/limits.json"), &[("period", "hour"), ("value", "600")]).await.expect(201);
        test.patch(&format!("{path}/proxy.json"), &[("endpoint", "https://api.example.com"), ("api_backend", "https://origin.example.com")]).await.expect(200);
        let rule = [("http_method", "ANY"), ("pattern", "/api/mail"), ("delta", "1"), ("metric_id", &method.to_string())];
        test.post(&format!("{path}/proxy/mapping_rules.json"), &rule).await.expect(201);

        let edge = edge(test, "production").await;
        let page = edge.page(test, "after=0").await.unwrap();
        assert_eq!(page.products[0].config, None, "nothing is promoted yet");
        test.post(&format!("{path}/proxy/deploy.json"), &[]).await.expect(201);
        test.post(&format!("{path}/proxy/configs/sandbox/1/promote.json"), &[("to", "production")]).await.expect(201);
        let page = edge.page(test, &after(&page)).await.unwrap();
        let (compiled, problems) = compiled::Product::compile(&page.products[0]);
        assert!(compiled.is_some() && problems.is_empty(), "{problems:?}");
        assert_eq!(page.products[0].plans[0].limits.len(), 1);

        // The guide's call; the gateway is waiting.
        let query = format!("{}&wait=20", after(&page));
        let body = json!({"org_name": "Bob's", "username": "bob", "email": "bob@example.com", "password": "correct horse", "application_plan_id": plan});
        let (page, reply) = tokio::join!(edge.page(test, &query), test.json(Method::POST, "/admin/api/signup.json", &body));
        let (page, account) = (page.unwrap(), reply.expect(201).at("/account"));
        let application = account.pointer("/applications/0/application").unwrap();
        let app = application["id"].as_i64().unwrap();
        let app_path = format!("/admin/api/accounts/{}/applications/{app}", account["id"]);
        let secret = test.get(&format!("{app_path}/keys.json")).await.expect(200).at("/keys/0/key/value");
        let told = only(&page);
        assert_eq!((told.0, told.1), (app, true));
        assert_eq!(told.2, [key::digest(secret.as_str().unwrap().as_bytes())]);

        // Its usage: methods come rolled up to hits.
        let minute = now_minute(&test.app.db).await;
        edge.deliver(test, delivery(1, page.epoch, 1, &[usage(app, &[(method, minute, 7), (hits, minute, 7)])])).await;
        for (about, metric) in [(format!("services/{service}"), "hits"), (format!("applications/{app}"), "web_api")] {
            let reply = test.get(&format!("/stats/{about}/usage.json?metric_name={metric}&period=day")).await.expect(200);
            assert_eq!(reply.at("/total"), 7, "{about}");
        }
        assert_eq!(cells(&test.app.db).await.into_values().collect::<Vec<_>>(), [7]);
        let shown = test.get(&format!("{app_path}.json")).await.expect(200);
        assert!(shown.at("/application/first_traffic_at").is_string(), "{}", shown.text);

        // And each way to stop it is news.
        let mut cursor = after(&page);
        let mut change = async |verb: Method, path: String| {
            let (query, nothing) = (format!("{cursor}&wait=20"), json!({}));
            let (page, reply) = tokio::join!(edge.page(test, &query), test.json(verb, &path, &nothing));
            reply.expect(200);
            let page = page.unwrap();
            cursor = after(&page);
            let (_, live, keys) = only(&page);
            (live, keys.len())
        };
        assert_eq!(change(Method::PUT, format!("{app_path}/suspend.json")).await, (false, 0));
        assert_eq!(change(Method::PUT, format!("{app_path}/resume.json")).await, (true, 1));
        assert_eq!(change(Method::PUT, format!("/admin/api/accounts/{}/reject.json", account["id"])).await, (false, 0));
        assert_eq!(change(Method::PUT, format!("/admin/api/accounts/{}/approve.json", account["id"])).await, (true, 1));
        assert_eq!(change(Method::DELETE, format!("{app_path}/keys/{}.json", secret.as_str().unwrap())).await, (true, 0));
        assert_eq!(change(Method::DELETE, format!("{app_path}.json")).await, (false, 0));
    }
}

/// A gateway made by the API.
async fn edge(test: &Test, environment: &str) -> Gateway {
    let made = test
        .post(
            "/admin/api/gateways.json",
            &[("name", "edge"), ("environment", environment)],
        )
        .await
        .expect(201);
    Gateway {
        id: made.id("/gateway/id"),
        token: made.at("/gateway/token").as_str().unwrap().into(),
    }
}

/// The one application that a page tells of.
#[track_caller]
fn only(page: &SnapshotV1) -> (i64, bool, Vec<[u8; 16]>) {
    let [application] = page.applications.as_slice() else {
        panic!("{:?}", page.applications);
    };
    (application.id.0, application.live, application.keys.clone())
}
