//! `Idempotency-Key` on signup: however often it is sent, it happens once.

use super::{APP_ID, count, execute, product};
use crate::support::client::{Reply, send};
use crate::support::{Test, both_databases};
use reqwest::Method;
use tallygate::on;

async fn sign_up(t: &Test, format: &str, key: &str, username: &str) -> Reply {
    send(
        t.request(Method::POST, &format!("/admin/api/signup.{format}"))
            .basic_auth("", Some(&t.token))
            .header("Idempotency-Key", key)
            .form(&[
                ("org_name", "Bob"),
                ("username", username),
                ("password", "correct horse"),
            ]),
    )
    .await
}

both_databases! {
    async fn the_same_call_has_the_same_answer(t: &Test) {
        product(t, "mail", APP_ID).await;
        let first = sign_up(t, "xml", "k-1", "bob").await.expect(201);
        let again = sign_up(t, "xml", "k-1", "bob").await.expect(201);
        assert_eq!(first.text, again.text);
        for header in ["content-type", "location", "cache-control"] {
            assert_eq!(first.headers[header], again.headers[header]);
        }
        assert_eq!(count(t, "account").await, 1);
        // Another key is another call, and another caller's key is another key.
        sign_up(t, "xml", "k-2", "bob").await.expect(422);
        let other = send(t.request(Method::POST, "/admin/api/signup.xml").header("Idempotency-Key", "k-1").form(&[
            ("provider_key", t.provider_key.as_str()), ("org_name", "Ann"), ("username", "ann"),
        ])).await.expect(201);
        assert!(other.text.contains("<username>ann</username>"));
    }

    async fn the_same_key_for_another_call_is_refused(t: &Test) {
        sign_up(t, "json", "k-1", "bob").await.expect(201);
        let reply = sign_up(t, "json", "k-1", "ann").await.expect(422);
        assert_eq!(reply.complaints(), ["Idempotency-Key"]);
        assert_eq!(count(t, "account").await, 1);
    }

    async fn a_call_that_failed_may_be_put_right_under_its_key(t: &Test) {
        sign_up(t, "json", "k-1", "x").await.expect(422);
        sign_up(t, "json", "k-1", "bob").await.expect(201);
    }

    async fn a_call_in_flight_is_not_done_twice(t: &Test) {
        sign_up(t, "json", "k-1", "bob").await.expect(201);
        execute(t, "update idempotency set status = null, body = null").await;
        sign_up(t, "json", "k-1", "bob").await.expect(409);
        // The one that began it is dead: somebody may take its place (and finds the name taken).
        execute(t, "update idempotency set created_at = created_at - 100000").await;
        sign_up(t, "json", "k-1", "bob").await.expect(422);
        assert_eq!(count(t, "idempotency").await, 0);
    }

    async fn answers_are_forgotten_after_a_day(t: &Test) {
        sign_up(t, "json", "k-1", "bob").await.expect(201);
        execute(t, "update idempotency set created_at = created_at - 86400001").await;
        sign_up(t, "json", "k-2", "ann").await.expect(201);
        assert_eq!(count(t, "idempotency").await, 1);
    }

    async fn what_is_kept_shows_no_secret(t: &Test) {
        product(t, "mail", APP_ID).await;
        let reply = sign_up(t, "json", "k-1", "bob").await.expect(201);
        let key = reply.at("/account/applications/0/application/keys/0");
        let body: Vec<u8> = on!(t.app.db, |c| sqlx::query_scalar("select body from idempotency").fetch_one(c)).unwrap();
        let text = String::from_utf8_lossy(&body);
        assert!(!text.contains(key.as_str().unwrap()) && !text.contains("bob"), "{text}");
    }

    async fn a_key_must_be_a_key(t: &Test) {
        for key in ["", &"k".repeat(256)] {
            let reply = sign_up(t, "json", key, "bob").await.expect(422);
            assert_eq!(reply.complaints(), ["Idempotency-Key"]);
        }
    }

    async fn ten_at_once_make_one(t: &Test) {
        let calls: Vec<_> = (0..10).map(|_| {
            let request = t.request(Method::POST, "/admin/api/signup.json")
                .basic_auth("", Some(&t.token))
                .header("Idempotency-Key", "k-1")
                .form(&[("org_name", "Bob"), ("username", "bob")]);
            tokio::spawn(send(request))
        }).collect();
        for call in calls {
            let status = call.await.unwrap().status.as_u16();
            assert!(status == 201 || status == 409, "{status}");
        }
        assert_eq!(count(t, "account").await, 1);
        sign_up(t, "json", "k-2", "ann").await.expect(201);
    }
}
