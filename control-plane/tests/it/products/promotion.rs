//! From a draft to what gateways follow, and back.

use super::{hits, method, product, revision};
use crate::support::{Test, both_databases};
use serde_json::json;
use tallygate::publish::{Environment, Frozen};
use tallygate::run;
use tallygate::store::versions;
use tallygate_core::wire::{ConfigV1, CredentialKindV1, ErrorsV1, SourceV1};

/// What gateways of an environment are sent of a product.
pub(super) async fn followed(t: &Test, product: i64, environment: Environment) -> Option<ConfigV1> {
    let mut tx = t.app.db.read().await.unwrap();
    let row = versions::current(&mut tx, product, environment.of_configs())
        .await
        .unwrap()?;
    let frozen = Frozen::read(&row.content).unwrap();
    Some(
        frozen
            .config(environment, row.version, &t.app.secrets)
            .unwrap(),
    )
}

fn patterns(config: &ConfigV1) -> Vec<&str> {
    config
        .rules
        .iter()
        .map(|rule| rule.pattern.as_str())
        .collect()
}

both_databases! {
    async fn a_change_goes_out_in_two_steps_and_comes_back_in_one(t: &Test) {
        let id = product(t, "Mail").await;
        let service = format!("/admin/api/services/{id}");
        let hits = hits(t, id).await.to_string();
        let proxy = format!("{service}/proxy");
        let form = [
            ("endpoint", "http://localhost:8080"), ("sandbox_endpoint", "http://localhost:8081"),
            ("api_backend", "http://127.0.0.1:9000"), ("auth_app_id", "api_user"), ("auth_app_key", "api_key"),
            ("credentials_sources", "query,form,basic"), ("debug_secret", "a-long-enough-secret"),
        ];
        t.patch(&format!("{proxy}.json"), &form).await.expect(200);
        assert_eq!(followed(t, id, Environment::Staging).await, None);
        let start = revision(t).await;
        let reply = t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(201);
        assert_eq!(reply.at("/proxy/sandbox_version"), 1);
        let deployed = revision(t).await;
        assert!(deployed > start);
        let staging = followed(t, id, Environment::Staging).await.unwrap();
        assert_eq!(staging.version, 1);
        assert_eq!(staging.public_urls[0].host, "localhost");
        assert_eq!(staging.credentials.sources, [SourceV1::Query, SourceV1::Form, SourceV1::Basic]);
        assert_eq!(staging.upstream.as_ref().unwrap().authority, "127.0.0.1:9000");
        assert!(staging.secret_token.starts_with("Shared_secret_sent"));
        assert_eq!(staging.debug_secret, Some(tallygate_core::key::digest(b"a-long-enough-secret")));
        assert_eq!(staging.errors, ErrorsV1::Problem);
        assert_eq!(followed(t, id, Environment::Production).await, None);

        // Nothing changed: nothing is deployed.
        t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(200);
        assert_eq!(revision(t).await, deployed);

        let promote = |version: i64, to: &'static str| {
            let path = format!("{proxy}/configs/sandbox/{version}/promote.json");
            async move { t.post(&path, &[("to", to)]).await }
        };
        let reply = promote(1, "production").await.expect(201);
        assert_eq!(reply.at("/proxy_config/environment"), "production");
        assert_eq!(reply.at("/proxy_config/version"), 1);
        assert!(revision(t).await > deployed);
        promote(1, "production").await.expect(200);

        let form = [("http_method", "ANY"), ("pattern", "/v2"), ("metric_id", hits.as_str())];
        t.post(&format!("{proxy}/mapping_rules.json"), &form).await.expect(201);
        t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(201);
        assert_eq!(patterns(&followed(t, id, Environment::Staging).await.unwrap()), ["/", "/v2"]);
        assert_eq!(patterns(&followed(t, id, Environment::Production).await.unwrap()), ["/"]);
        promote(2, "production").await.expect(201);
        assert_eq!(patterns(&followed(t, id, Environment::Production).await.unwrap()), ["/", "/v2"]);
        promote(1, "production").await.expect(201);
        let production = followed(t, id, Environment::Production).await.unwrap();
        assert_eq!((production.version, patterns(&production)), (1, vec!["/"]));
        promote(1, "sandbox").await.expect(201);
        assert_eq!(followed(t, id, Environment::Staging).await.unwrap().version, 1);

        let latest = t.get(&format!("{proxy}/configs/production/latest.json")).await.expect(200);
        assert_eq!(latest.at("/proxy_config/version"), 1);
        let listed = t.get(&format!("{proxy}/configs/production.json")).await.expect(200);
        let versions: Vec<_> = listed.at("/proxy_configs").as_array().unwrap().iter().map(|row| row["proxy_config"]["version"].clone()).collect();
        assert_eq!(versions, [1, 2]);
        t.get(&format!("{proxy}/configs/production/2.json")).await.expect(200);
        for missing in ["sandbox/3", "sandbox/0", "sandbox/x", "nowhere/1", "nowhere/latest", "nowhere"] {
            t.get(&format!("{proxy}/configs/{missing}.json")).await.expect(404);
        }
        promote(9, "production").await.expect(404);
        promote(1, "nowhere").await.expect(422);
        promote(1, "").await.expect(422);
    }

    async fn contents_have_threescales_keys_and_no_sealed_ones(t: &Test) {
        let id = product(t, "Mail").await;
        let proxy = format!("/admin/api/services/{id}/proxy");
        t.patch(&format!("{proxy}.json"), &[("endpoint", "https://a.example"), ("debug_secret", "a-long-enough-secret")]).await.expect(200);
        t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(201);
        let reply = t.get(&format!("{proxy}/configs/sandbox/latest.json")).await.expect(200);
        assert_eq!(reply.at("/proxy_config/content/system_name"), "mail");
        assert_eq!(reply.at("/proxy_config/content/proxy/hosts"), json!(["a.example"]));
        assert_eq!(reply.at("/proxy_config/content/proxy/proxy_rules/0/metric_system_name"), "hits");
        let token = t.get(&format!("{proxy}.json")).await.expect(200).at("/proxy/secret_token");
        assert_eq!(reply.at("/proxy_config/content/proxy/secret_token"), token);
        assert!(!reply.text.contains("a-long-enough-secret"));
        let ours = reply.at("/proxy_config/content/tallygate");
        assert!(ours.get("secret_token").is_none() && ours.get("debug_secret").is_none(), "{ours}");
        let mut tx = t.app.db.read().await.unwrap();
        let stored = versions::current(&mut tx, id, "sandbox").await.unwrap().unwrap().content;
        assert!(!stored.contains(token.as_str().unwrap()), "{stored}");
        drop(tx);
        t.get(&format!("{proxy}/configs/sandbox/latest.xml")).await.expect(200);
    }

    async fn gateways_of_old_find_configurations_by_host(t: &Test) {
        for (name, host) in [("Mail", "https://mail.example"), ("News", "https://news.example")] {
            let proxy = format!("/admin/api/services/{}/proxy", product(t, name).await);
            t.patch(&format!("{proxy}.json"), &[("endpoint", host)]).await.expect(200);
            t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(201);
            t.patch(&format!("{proxy}.json"), &[("strip_credentials", "true")]).await.expect(200);
            t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(201);
        }
        let count = |reply: crate::support::client::Reply| reply.at("/proxy_configs").as_array().unwrap().len();
        let path = "/admin/api/account/proxy_configs/sandbox.json";
        assert_eq!(count(t.get(path).await.expect(200)), 4);
        assert_eq!(count(t.get(&format!("{path}?version=latest")).await.expect(200)), 2);
        let one = t.get(&format!("{path}?version=latest&host=NEWS.example")).await.expect(200);
        assert_eq!(one.at("/proxy_configs/0/proxy_config/content/name"), "News");
        assert_eq!(one.at("/proxy_configs/0/proxy_config/version"), 2);
        assert_eq!(count(t.get(&format!("{path}?version=latest&per_page=1&page=2")).await.expect(200)), 1);
        assert_eq!(count(t.get("/admin/api/account/proxy_configs/production.json").await.expect(200)), 0);
        t.get(&format!("{path}?version=7")).await.expect(422);
        t.get("/admin/api/account/proxy_configs/elsewhere.json").await.expect(404);
    }

    async fn an_address_in_use_is_not_taken_by_a_promotion(t: &Test) {
        let mail = format!("/admin/api/services/{}/proxy", product(t, "Mail").await);
        let news = format!("/admin/api/services/{}/proxy", product(t, "News").await);
        t.patch(&format!("{mail}.json"), &[("endpoint", "https://api.example.com")]).await.expect(200);
        t.post(&format!("{mail}/deploy.json"), &[]).await.expect(201);
        t.post(&format!("{mail}/configs/sandbox/1/promote.json"), &[("to", "production")]).await.expect(201);
        // The draft lets go of the address; production does not yet.
        t.patch(&format!("{mail}.json"), &[("endpoint", "https://mail.example.com")]).await.expect(200);
        t.patch(&format!("{news}.json"), &[("endpoint", "https://api.example.com")]).await.expect(200);
        t.post(&format!("{news}/deploy.json"), &[]).await.expect(201);
        let promote = format!("{news}/configs/sandbox/1/promote.json");
        let reply = t.post(&promote, &[("to", "production")]).await.expect(422);
        assert_eq!(reply.complaints(), ["endpoint"]);
        t.post(&format!("{mail}/deploy.json"), &[]).await.expect(201);
        t.post(&format!("{mail}/configs/sandbox/2/promote.json"), &[("to", "production")]).await.expect(201);
        t.post(&promote, &[("to", "production")]).await.expect(201);
    }

    async fn a_version_that_counts_on_a_deleted_metric_stays_where_it_is(t: &Test) {
        let id = product(t, "Mail").await;
        let service = format!("/admin/api/services/{id}");
        let metric = method(t, id, "Web API").await;
        let form = [("http_method", "ANY"), ("pattern", "/v2"), ("metric_id", &metric.to_string())];
        let rule = t.post(&format!("{service}/proxy/mapping_rules.json"), &form).await.expect(201).id("/mapping_rule/id");
        t.post(&format!("{service}/proxy/deploy.json"), &[]).await.expect(201);
        t.delete(&format!("{service}/proxy/mapping_rules/{rule}.json")).await.expect(200);
        t.post(&format!("{service}/proxy/deploy.json"), &[]).await.expect(201);
        t.delete(&format!("{service}/metrics/{metric}.json")).await.expect(200);
        let reply = t.post(&format!("{service}/proxy/configs/sandbox/1/promote.json"), &[("to", "production")]).await.expect(422);
        assert_eq!(reply.complaints(), ["version"]);
    }

    async fn no_environment_follows_the_other_kind_of_credentials(t: &Test) {
        let id = product(t, "Mail").await;
        let service = format!("/admin/api/services/{id}");
        let path = format!("{service}.json");
        let deploy = format!("{service}/proxy/deploy.json");
        // Nothing follows anything yet: free to choose.
        t.put(&path, &[("backend_version", "1")]).await.expect(200);
        t.post(&deploy, &[]).await.expect(201);
        let reply = t.put(&path, &[("backend_version", "2")]).await.expect(422);
        assert_eq!(reply.complaints(), ["backend_version"]);
        assert!(reply.text.contains("sandbox"), "{}", reply.text);
        t.put(&path, &[("backend_version", "1")]).await.expect(200);

        // As a database from before this was refused may be.
        let mut tx = t.app.db.begin().await.unwrap();
        run!(&mut tx, |c| sqlx::query("update product set backend_version = '2' where id = $1").bind(id).execute(c)).unwrap();
        tx.commit().await.unwrap();
        let promote = |version: i64| {
            let path = format!("{service}/proxy/configs/sandbox/{version}/promote.json");
            async move { t.post(&path, &[("to", "production")]).await }
        };
        let reply = promote(1).await.expect(422);
        assert_eq!(reply.complaints(), ["version"]);
        assert!(reply.text.contains("user_key"), "{}", reply.text);
        assert_eq!(followed(t, id, Environment::Production).await, None);
        t.post(&deploy, &[]).await.expect(201);
        promote(2).await.expect(201);
        promote(1).await.expect(422);
        let production = followed(t, id, Environment::Production).await.unwrap();
        assert_eq!((production.version, production.credentials.kind), (2, CredentialKindV1::AppIdAndKey));
    }
}
