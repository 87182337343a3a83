//! `/admin/api/personal/access_tokens` and `/admin/api/users/{user}/access_tokens`.

use super::{call, member, token_of};
use crate::support::client::send;
use crate::support::{Test, both_databases};
use reqwest::Method;
use serde_json::{Value, json};

const TOKENS: &str = "/admin/api/personal/access_tokens";

both_databases! {
    async fn made_shown_once_found_and_deleted(t: &Test) {
        let form = [("name", "CI deploys"), ("permission", "ro"), ("scopes[]", "stats"), ("scopes[]", "account_management"), ("expires_at", "2099-01-01T12:00:00+02:00")];
        let reply = t.post(&format!("{TOKENS}.json"), &form).await.expect(201);
        let id = reply.id("/access_token/id");
        assert_eq!(reply.headers["location"], format!("{TOKENS}/{id}.json"));
        let value = reply.at("/access_token/value").as_str().unwrap().to_owned();
        assert_eq!(value.len(), 96);
        let shown = json!({"id": id, "name": "CI deploys", "scopes": ["account_management", "stats"], "permission": "ro", "expires_at": "2099-01-01T10:00:00Z"});
        for path in [id.to_string(), value.clone()] {
            assert_eq!(t.get(&format!("{TOKENS}/{path}.json")).await.expect(200).value(), json!({"access_token": shown}));
        }
        let xml = t.get(&format!("{TOKENS}.xml")).await.expect(200).text;
        assert!(xml.contains("<name>CI deploys</name><scopes><scope>account_management</scope><scope>stats</scope></scopes><permission>ro</permission>"), "{xml}");
        assert!(!xml.contains(&value));
        let names = |query: &'static str| async move {
            let reply = t.get(&format!("{TOKENS}.json{query}")).await.expect(200).value();
            reply["access_tokens"].as_array().unwrap().iter().map(|item| item["access_token"]["name"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(names("").await, ["Provider", "CI deploys"]);
        assert_eq!(names("?name=ci").await, ["CI deploys"]);
        assert_eq!(names("?name=%25").await, [Value::Null; 0]);
        let second = t.get(&format!("{TOKENS}.json?per_page=1&page=2")).await.expect(200);
        assert_eq!(second.at("/access_tokens/0/access_token/name"), "CI deploys");
        assert_eq!(second.at("/metadata"), json!({"per_page": 1, "total_entries": 2, "total_pages": 2, "current_page": 2}));

        call(t, &value, Method::GET, "/admin/api/services.json", &[]).await.expect(200);
        call(t, &value, Method::POST, "/admin/api/services.json", &[("name", "x")]).await.expect(403);
        t.delete(&format!("{TOKENS}/{id}.json")).await.expect(200);
        call(t, &value, Method::GET, "/admin/api/services.json", &[]).await.expect(403);
        t.get(&format!("{TOKENS}/{id}.json")).await.expect(404);
        t.delete(&format!("{TOKENS}/{value}.json")).await.expect(404);
    }

    async fn what_they_take_and_refuse(t: &Test) {
        let good = json!({"token": {"name": "x", "permission": "rw", "scopes": ["cms"]}});
        t.json(Method::POST, &format!("{TOKENS}.json"), &good).await.expect(201);
        for (change, complaints) in [
            (json!({"name": null, "permission": "", "scopes": []}), &["name", "permission", "scopes"][..]),
            (json!({"permission": "rwx"}), &["permission"]),
            (json!({"scopes": ["cms", "kitchen"]}), &["scopes"]),
            (json!({"scopes": {"a": 1}}), &["scopes"]),
            (json!({"expires_at": "2001-01-01T00:00:00Z"}), &["expires_at"]),
            (json!({"expires_at": "tomorrow"}), &["expires_at"]),
            (json!({"name": "x".repeat(256)}), &["name"]),
        ] {
            let mut body = good["token"].clone();
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let reply = t.json(Method::POST, &format!("{TOKENS}.json"), &body).await.expect(422);
            assert_eq!(reply.complaints(), complaints, "{change}");
        }
    }

    async fn they_are_their_owners(t: &Test) {
        let (ann, bob) = (member(t, "ann").await, member(t, "bob").await);
        let (anns, bobs) = (token_of(t, ann, "rw").await, token_of(t, bob, "rw").await);
        let of = |token: String| async move {
            let reply = call(t, &token, Method::GET, &format!("{TOKENS}.json"), &[]).await.expect(200).value();
            reply["access_tokens"].as_array().unwrap().iter().map(|item| item["access_token"]["id"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!((of(anns.clone()).await, of(bobs.clone()).await), (vec![2], vec![3]));
        call(t, &anns, Method::GET, &format!("{TOKENS}/3.json"), &[]).await.expect(404);
        call(t, &anns, Method::DELETE, &format!("{TOKENS}/{bobs}.json"), &[]).await.expect(404);
        // The provider key is nobody's.
        for method in [Method::GET, Method::POST] {
            let request = t.request(method, &format!("{TOKENS}.json?provider_key={}", t.provider_key));
            send(request).await.expect(403);
        }
        t.post("/admin/api/users/9/access_tokens.json", &[("name", "x"), ("permission", "ro"), ("scopes[]", "cms")]).await.expect(404);

        let works = |token: String| async move { call(t, &token, Method::GET, &format!("{TOKENS}.json"), &[]).await.status.as_u16() };
        t.put(&format!("/admin/api/users/{ann}/suspend.json"), &[]).await.expect(200);
        assert_eq!((works(anns.clone()).await, works(bobs.clone()).await), (403, 200));
        t.put(&format!("/admin/api/users/{ann}/unsuspend.json"), &[]).await.expect(200);
        assert_eq!(works(anns.clone()).await, 200);
        t.delete(&format!("/admin/api/users/{ann}.json")).await.expect(200);
        assert_eq!((works(anns).await, works(bobs).await), (403, 200));
    }
}
