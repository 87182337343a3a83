//! The audit log: every write, with who, what, before and after, and without secrets.

use super::{entries, product};
use crate::support::client::send;
use crate::support::{Test, both_databases};
use reqwest::Method;
use serde_json::{Value, json};
use tallygate::run;

/// An account with an application of a new product: the application's path and the account's.
async fn application(t: &Test) -> (String, String) {
    let product = product(t, "Mail").await;
    let plan = t
        .post(
            &format!("{product}/application_plans.json"),
            &[("name", "Bronze")],
        )
        .await
        .expect(201)
        .id("/application_plan/id")
        .to_string();
    let account = t
        .post(
            "/admin/api/signup.json",
            &[
                ("org_name", "Dev"),
                ("username", "dev"),
                ("email", "dev@example.com"),
                ("password", "correct horse"),
                ("application_plan_id", &plan),
            ],
        )
        .await
        .expect(201);
    let account_path = format!("/admin/api/accounts/{}", account.id("/account/id"));
    let id = account.id("/account/applications/0/application/id");
    (format!("{account_path}/applications/{id}"), account_path)
}

fn whole_log(log: &[Value]) -> String {
    serde_json::to_string(log).unwrap()
}

both_databases! {
    async fn every_write_is_noted_with_what_was_before_and_after(t: &Test) {
        let path = product(t, "Mail").await;
        t.put(&format!("{path}.json"), &[("name", "Letters")]).await.expect(200);
        // Refused: nothing was written.
        t.put(&format!("{path}.json"), &[("name", "")]).await.expect(422);
        t.patch(&format!("{path}/proxy.xml"), &[("api_backend", "https://mail.example")]).await.expect(200);
        t.delete(&format!("{path}.json")).await.expect(200);

        let log = entries(t, &path).await;
        let seen: Vec<_> = log
            .iter()
            .map(|entry| {
                (
                    entry["method"].as_str().unwrap(), entry["path"].as_str().unwrap(), entry["status"].as_i64().unwrap(),
                    entry["before"].pointer("/service/name").cloned(), entry["after"].pointer("/service/name").cloned(),
                )
            })
            .collect();
        let proxy = format!("{path}/proxy");
        assert_eq!(seen, [
            ("PUT", path.as_str(), 200, Some(json!("Mail")), Some(json!("Letters"))),
            ("PATCH", proxy.as_str(), 200, None, None),
            ("DELETE", path.as_str(), 200, Some(json!("Letters")), None),
        ]);
        assert_eq!(log[1]["before"]["proxy"]["api_backend"], "");
        assert_eq!(log[1]["after"]["proxy"]["api_backend"], "https://mail.example");
        assert_eq!(log[0]["route"], "/admin/api/services/{service_id}");
        assert_eq!(log[0]["caller"]["type"], "access_token");
        assert!(log[0]["caller"]["token_name"].as_str().is_some_and(|name| !name.is_empty()), "{}", log[0]);

        let made = entries(t, "/admin/api/services").await;
        assert_eq!(made.len(), 4);
        assert_eq!(made[0]["method"], "POST");
        assert_eq!(made[0]["before"], Value::Null, "what was added was not there before");
        assert_eq!(made[0]["after"]["service"]["name"], "Mail");
    }

    async fn actions_are_noted_with_what_they_act_on(t: &Test) {
        let (application, account) = application(t).await;
        t.put(&format!("{application}/suspend.json"), &[]).await.expect(200);
        let log = entries(t, &application).await;
        assert_eq!(log.len(), 1);
        assert_eq!(log[0]["before"]["application"]["state"], "live");
        assert_eq!(log[0]["after"]["application"]["state"], "suspended");
        t.put(&format!("{account}/suspend.json"), &[]).await.expect(200);
        let log = entries(t, &account).await;
        assert_eq!(log[1]["before"]["account"]["state"], "approved");
        assert_eq!(log[1]["after"]["account"]["state"], "suspended");
    }

    async fn the_log_holds_no_secrets(t: &Test) {
        let (application, _) = application(t).await;
        let key = "a-key-that-nobody-may-read";
        t.post(&format!("{application}/keys.json"), &[("key", key)]).await.expect(201);
        t.delete(&format!("{application}/keys/{key}.json")).await.expect(200);
        let gateway = t.post("/admin/api/gateways.json", &[("name", "edge"), ("environment", "staging")]).await.expect(201);
        let token = gateway.at("/gateway/token").as_str().unwrap().to_owned();
        let service = product(t, "Secrets").await;
        t.patch(&format!("{service}/proxy.json"), &[("secret_token", "nobody-may-read-this"), ("debug_secret", "or-this-other-secret")])
            .await.expect(200);
        t.post(&format!("{service}/proxy/deploy.json"), &[]).await;
        let form = [("name", "deploys"), ("permission", "rw"), ("scopes[]", "account_management")];
        let made = t.post("/admin/api/personal/access_tokens.json", &form).await.expect(201);
        let access_token = made.at("/access_token/value").as_str().unwrap().to_owned();
        t.put("/admin/api/webhooks.json", &[("secret", "a-secret-that-receivers-know")]).await.expect(200);

        let log = entries(t, "/admin/api").await;
        assert!(log.len() >= 8, "{}", log.len());
        let text = whole_log(&log);
        for secret in [key, &token, &access_token, "a-secret-that-receivers-know", "nobody-may-read-this", "or-this-other-secret", "correct horse", &t.token, &t.provider_key] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        let paths: Vec<_> = log.iter().map(|entry| entry["path"].as_str().unwrap()).collect();
        assert!(paths.contains(&format!("{application}/keys/[hidden]").as_str()), "{paths:?}");
    }

    async fn entries_are_found_by_who_and_what_and_when(t: &Test) {
        let path = product(t, "Mail").await;
        let with_key = [("provider_key", t.provider_key.as_str()), ("name", "Letters")];
        send(t.request(Method::PUT, &format!("{path}.json")).form(&with_key)).await.expect(200);
        product(t, "Calls").await;
        let count = async |query: &str| {
            let reply = t.get(&format!("/admin/api/audit_log.json?{query}")).await.expect(200);
            reply.at("/audit_log").as_array().unwrap().len()
        };
        assert_eq!(count("").await, 3);
        assert_eq!(count("caller=provider_key").await, 1);
        assert_eq!(count("caller=access_token&method=POST").await, 2);
        assert_eq!(count("method=PUT&token_id=1").await, 0);
        assert_eq!(count("token_id=1").await, 2);
        assert_eq!(count("user_id=1").await, 2);
        assert_eq!(count("user_id=2").await, 0);
        assert_eq!(count("since=2026-01-01").await, 3);
        assert_eq!(count("until=2026-01-01T00:00:00Z").await, 0);
        assert_eq!(count(&format!("path={path}.json")).await, 1);
        assert_eq!(count("path=/admin/api/service").await, 0, "only whole names");
        assert_eq!(count("path=/admin/api/service_").await, 0, "no patterns");
        let page = t.get("/admin/api/audit_log.json?per_page=1&page=2").await.expect(200);
        assert_eq!(page.at("/metadata/total_entries"), 3);
        assert_eq!(page.at("/audit_log/0/entry/method"), "PUT", "the newest first");
        let xml = t.get("/admin/api/audit_log.xml?method=PUT").await.expect(200);
        assert!(xml.text.contains("<audit_log><entry><id>"), "{}", xml.text);
        for (query, field) in [
            ("method=GET", "method"), ("caller=me", "caller"), ("since=yesterday", "since"), ("until=x", "until"),
            ("token_id=-1", "token_id"), ("path=", "path"), ("page=-1", "page"), ("per_page=0", "per_page"),
        ] {
            let reply = t.get(&format!("/admin/api/audit_log.json?{query}")).await.expect(422);
            assert_eq!(reply.complaints(), [field], "{query}");
        }
    }

    async fn what_cannot_be_noted_is_not_done(t: &Test) {
        let path = product(t, "Mail").await;
        let mut tx = t.app.db.begin().await.unwrap();
        run!(tx, |c| sqlx::query("drop table audit_entry").execute(c)).unwrap();
        tx.commit().await.unwrap();
        let revision = t.app.db.revision().await.unwrap();
        t.put(&format!("{path}.json"), &[("name", "Letters")]).await.expect(500);
        t.delete(&format!("{path}.json")).await.expect(500);
        t.post("/admin/api/services.json", &[("name", "Calls")]).await.expect(500);
        let services = t.get("/admin/api/services.json").await.expect(200);
        assert_eq!(services.at("/services").as_array().unwrap().len(), 1);
        assert_eq!(services.at("/services/0/service/name"), "Mail");
        assert_eq!(t.app.db.revision().await.unwrap(), revision);
    }

    async fn reads_are_not_noted(t: &Test) {
        t.get("/admin/api/services.json").await.expect(200);
        t.get("/admin/api/settings.xml").await.expect(200);
        assert!(entries(t, "/admin/api").await.is_empty());
    }
}
