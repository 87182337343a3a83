//! What differs between draft, staging and production, and the way back.

use super::promotion::followed;
use super::{hits, product, revision};
use crate::support::client::{Reply, with_query};
use crate::support::{Test, both_databases};
use serde_json::json;
use tallygate::publish::Environment;

/// The texts of what differs.
fn texts(reply: &Reply) -> Vec<String> {
    let changes = reply.at("/diff/changes");
    let changes = changes.as_array().unwrap().iter();
    changes
        .map(|change| change["change"]["text"].as_str().unwrap().to_owned())
        .collect()
}

async fn diff(t: &Test, proxy: &str, from: &str, to: &str) -> Reply {
    let path = with_query(&format!("{proxy}/diff.json"), &[("from", from), ("to", to)]);
    t.get(&path).await.expect(200)
}

both_databases! {
    async fn differences_are_told_in_words(t: &Test) {
        let id = product(t, "Mail").await;
        let proxy = format!("/admin/api/services/{id}/proxy");
        let hits = hits(t, id).await.to_string();
        let pending = async || t.get(&format!("{proxy}.json")).await.expect(200).at("/proxy/pending_affecting_changes");
        t.patch(&format!("{proxy}.json"), &[("endpoint", "https://a.example")]).await.expect(200);
        assert_eq!(pending().await, true, "nothing was deployed yet");
        let first = t.get(&format!("{proxy}/diff.json")).await.expect(200);
        assert_eq!(first.at("/diff/from"), json!({"name": "sandbox", "version": null}));
        assert_eq!(first.at("/diff/to"), json!({"name": "draft", "version": null}));
        assert!(texts(&first).contains(&"endpoint: \"https://a.example\" is new".to_owned()), "{}", first.text);

        let deployed = t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(201);
        assert_eq!(deployed.at("/proxy/pending_affecting_changes"), false);
        let same = t.get(&format!("{proxy}/diff.json")).await.expect(200);
        assert_eq!((same.at("/diff/same"), same.at("/diff/from/version")), (true.into(), 1.into()));
        assert_eq!(texts(&same), [""; 0]);

        let form = [("endpoint", "https://b.example"), ("secret_token", "another-token"), ("debug_secret", "a-long-enough-secret"), ("strip_credentials", "1")];
        t.patch(&format!("{proxy}.json"), &form).await.expect(200);
        assert_eq!(pending().await, true);
        let rule = [("http_method", "POST"), ("pattern", "/v2"), ("metric_id", hits.as_str()), ("delta", "3")];
        t.post(&format!("{proxy}/mapping_rules.json"), &rule).await.expect(201);
        let expected = [
            "endpoint: \"https://a.example\" → \"https://b.example\"",
            "hosts: [\"a.example\"] → [\"b.example\"]",
            "proxy_rules: POST /v2 (hits +3) is new",
            "strip_credentials: false → true",
            "secret_token is another one",
            "debug_secret is new",
        ];
        let draft = diff(t, &proxy, "sandbox", "draft").await;
        let mut told = texts(&draft);
        told.sort_unstable();
        let mut sorted = expected.map(str::to_owned);
        sorted.sort_unstable();
        assert_eq!(told, sorted);
        assert!(!draft.text.contains("another-token") && !draft.text.contains("a-long-enough"), "{}", draft.text);
        t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(201);
        // The same between versions, whether named by number or by who follows them.
        for (from, to) in [("1", "2"), ("1", "sandbox"), ("1", "draft")] {
            let mut told = texts(&diff(t, &proxy, from, to).await);
            told.sort_unstable();
            assert_eq!(told, sorted, "{from} {to}");
        }
        let back = texts(&diff(t, &proxy, "2", "1").await);
        assert!(back.contains(&"proxy_rules: POST /v2 (hits +3) is gone".to_owned()), "{back:?}");
        assert_eq!(diff(t, &proxy, "production", "production").await.at("/diff/same"), true);
        let xml = t.get(&format!("{proxy}/diff.xml?from=1&to=2")).await.expect(200).text;
        assert!(xml.contains("<kind>added</kind>") && xml.contains("<version>2</version>"), "{xml}");

        for (from, to, field) in [("3", "draft", "from"), ("sandbox", "9", "to"), ("staging", "draft", "from"), ("draft", "0", "to"), ("-1", "1", "from")] {
            let path = with_query(&format!("{proxy}/diff.json"), &[("from", from), ("to", to)]);
            let reply = t.get(&path).await.expect(422);
            assert_eq!(reply.complaints(), [field], "{from} {to}");
        }
        t.get("/admin/api/services/999/proxy/diff.json").await.expect(404);
    }

    async fn a_draft_that_would_not_load_is_compared_all_the_same(t: &Test) {
        let made = t.post("/admin/api/services.json", &[("name", "Mail"), ("backend_version", "2")]).await.expect(201);
        let service = format!("/admin/api/services/{}", made.id("/service/id"));
        t.post(&format!("{service}/proxy/deploy.json"), &[]).await.expect(201);
        t.put(&format!("{service}.json"), &[("backend_version", "oidc")]).await.expect(200);
        let reply = t.get(&format!("{service}/proxy.json")).await.expect(200);
        assert_eq!(reply.at("/proxy/pending_affecting_changes"), true);
        let told = texts(&t.get(&format!("{service}/proxy/diff.json")).await.expect(200));
        assert!(told.contains(&"backend_version: \"2\" → \"oauth\"".to_owned()), "{told:?}");
    }

    async fn one_call_goes_back(t: &Test) {
        let id = product(t, "Mail").await;
        let proxy = format!("/admin/api/services/{id}/proxy");
        let rollback = format!("{proxy}/configs/production/rollback.json");
        assert_eq!(t.post(&rollback, &[]).await.expect(422).complaints(), ["base"], "nothing was ever promoted");
        for endpoint in ["https://a.example", "https://b.example", "https://c.example"] {
            t.patch(&format!("{proxy}.json"), &[("endpoint", endpoint)]).await.expect(200);
            t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(201);
        }
        for version in [1, 3] {
            let promote = format!("{proxy}/configs/sandbox/{version}/promote.json");
            t.post(&promote, &[("to", "production")]).await.expect(201);
        }
        let host = async || followed(t, id, Environment::Production).await.unwrap().public_urls[0].host.clone();
        assert_eq!(host().await, "c.example");
        let before = revision(t).await;
        let reply = t.post(&rollback, &[]).await.expect(201);
        // Production never followed 2.
        assert_eq!((reply.at("/proxy_config/version"), reply.at("/proxy_config/environment")), (1.into(), "production".into()));
        assert_eq!(host().await, "a.example");
        assert!(revision(t).await > before, "gateways learn of it");
        assert_eq!(t.post(&rollback, &[]).await.expect(422).complaints(), ["base"], "there is nothing older");
        t.post(&rollback, &[("version", "3")]).await.expect(201);
        t.post(&rollback, &[("version", "3")]).await.expect(200);
        assert_eq!(host().await, "c.example");
        for bad in ["2", "9", "0", "x"] {
            assert_eq!(t.post(&rollback, &[("version", bad)]).await.expect(422).complaints(), ["version"], "{bad}");
        }
        // Staging has a history of its own.
        let staging = t.post(&format!("{proxy}/configs/sandbox/rollback.json"), &[]).await.expect(201);
        assert_eq!(staging.at("/proxy_config/version"), 2);
        assert_eq!(host().await, "c.example");
        t.post(&format!("{proxy}/configs/nowhere/rollback.json"), &[]).await.expect(404);
        t.post("/admin/api/services/999/proxy/configs/production/rollback.json", &[]).await.expect(404);

        let page = t.get(&format!("{proxy}/configs/sandbox.json?per_page=2&page=2")).await.expect(200);
        assert_eq!(page.at("/proxy_configs/0/proxy_config/version"), 3);
        assert_eq!(page.at("/metadata/total_entries"), 3);
    }

    async fn what_stands_in_the_way_of_a_promotion_stands_in_the_way_back(t: &Test) {
        let id = product(t, "Mail").await;
        let other = format!("/admin/api/services/{}/proxy", product(t, "News").await);
        let proxy = format!("/admin/api/services/{id}/proxy");
        for (version, endpoint) in [(1, "https://a.example"), (2, "https://b.example")] {
            t.patch(&format!("{proxy}.json"), &[("endpoint", endpoint)]).await.expect(200);
            t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(201);
            let promote = format!("{proxy}/configs/sandbox/{version}/promote.json");
            t.post(&promote, &[("to", "production")]).await.expect(201);
        }
        t.patch(&format!("{other}.json"), &[("endpoint", "https://a.example")]).await.expect(200);
        t.post(&format!("{other}/deploy.json"), &[]).await.expect(201);
        t.post(&format!("{other}/configs/sandbox/1/promote.json"), &[("to", "production")]).await.expect(201);
        let reply = t.post(&format!("{proxy}/configs/production/rollback.json"), &[]).await.expect(422);
        assert_eq!(reply.complaints(), ["endpoint"]);
        assert_eq!(followed(t, id, Environment::Production).await.unwrap().version, 2);
    }
}
