//! Who may call.

use crate::support::client::{send, with_query};
use crate::support::{Test, both_databases};
use reqwest::{Method, RequestBuilder};
use tallygate::{on, provider, run};

const PATH: &str = "/admin/api/services.json";

fn get(t: &Test) -> RequestBuilder {
    t.request(Method::GET, PATH)
}

fn query(t: &Test, name: &str, value: &str) -> RequestBuilder {
    t.request(Method::GET, &with_query(PATH, &[(name, value)]))
}

async fn token(t: &Test, scopes: &str, permission: &str) -> String {
    let token = provider::create_token(&t.app.db, "test", scopes, permission)
        .await
        .unwrap();
    token.reveal().to_owned()
}

both_databases! {
    async fn tokens_and_keys_work_wherever_threescale_takes_them(t: &Test) {
        let (token, key) = (t.token.as_str(), t.provider_key.as_str());
        for request in [
            query(t, "access_token", token),
            query(t, "provider_key", key),
            get(t).basic_auth(token, None::<&str>),
            get(t).basic_auth("", Some(token)),
            get(t).basic_auth(key, Some("")),
            get(t).basic_auth("", Some(key)),
            t.request(Method::POST, PATH).form(&[("access_token", token), ("name", "A")]),
            t.request(Method::POST, PATH).form(&[("provider_key", key), ("name", "B")]),
            t.request(Method::POST, PATH).json(&serde_json::json!({"access_token": token, "name": "C"})),
        ] {
            let reply = send(request).await;
            assert!(reply.status.is_success(), "{}", reply.text);
        }
    }

    async fn whoever_may_not_is_told_403(t: &Test) {
        let read_only = token(t, "account_management,stats", "ro").await;
        let stats = token(t, "stats", "rw").await;
        let expired = token(t, "account_management", "rw").await;
        let mut tx = t.app.db.begin().await.unwrap();
        run!(tx, |c| sqlx::query("update access_token set expires_at = 1 where digest = $1")
            .bind(tallygate::secrets::token_digest(&expired))
            .execute(c)).unwrap();
        tx.commit().await.unwrap();
        let permissions = r#"{"error":"Your access token does not have the correct permissions"}"#;
        let denied = r#"{"error":"Access denied"}"#;
        let post = |token: &str| t.request(Method::POST, PATH).form(&[("access_token", token), ("name", "A")]);
        for (request, expected) in [
            (get(t), denied),
            (query(t, "access_token", ""), denied),
            (query(t, "access_token", "wrong"), denied),
            (query(t, "provider_key", "wrong"), denied),
            (query(t, "provider_key", t.token.as_str()), denied),
            (query(t, "access_token", t.provider_key.as_str()), denied),
            (get(t).basic_auth("wrong", Some(&t.token)), denied),
            (get(t).header("authorization", "Basic %%%"), denied),
            (get(t).bearer_auth(&t.token), denied),
            (query(t, "access_token", expired.as_str()), denied),
            (query(t, "access_token", stats.as_str()), permissions),
            (post(&read_only), permissions),
        ] {
            let reply = send(request).await.expect(403);
            assert_eq!(reply.text, expected);
        }
        send(query(t, "access_token", read_only.as_str())).await.expect(200);
        let xml = send(t.request(Method::GET, "/admin/api/services.xml")).await.expect(403);
        assert!(xml.text.ends_with("<error>Access denied</error>"), "{}", xml.text);
    }

    async fn who_may_read_may_also_when_the_use_of_a_token_cannot_be_noted(t: &Test) {
        send(query(t, "access_token", t.token.as_str())).await.expect(200);
        let fresh = token(t, "account_management", "ro").await;
        let mut tx = t.app.db.begin().await.unwrap();
        // One token was used: the database refuses to have a second.
        run!(tx, |c| sqlx::query("create unique index no_more_uses on access_token ((last_used_at is null))").execute(c)).unwrap();
        tx.commit().await.unwrap();
        send(query(t, "access_token", fresh.as_str())).await.expect(200);
        let mut tx = t.app.db.read().await.unwrap();
        let unused: i64 = on!(tx, |c| sqlx::query_scalar("select count(*) from access_token where last_used_at is null").fetch_one(c)).unwrap();
        assert_eq!(unused, 1);
    }

    async fn there_is_one_provider(t: &Test) {
        let error = provider::create(&t.app.db, &t.app.secrets, "Second", "b@b.example").await.unwrap_err();
        assert_eq!(error.status(), 409);
        t.get(PATH).await.expect(200);
    }
}
