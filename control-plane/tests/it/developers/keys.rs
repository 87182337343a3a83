//! `…/applications/{application}/keys`

use super::{
    APP_ID, USER_KEY, at_gateways, count, first_application, product, redacted, revision, signed_up,
};
use crate::support::client::{Reply, send};
use crate::support::{Test, both_databases};
use insta::assert_snapshot;
use reqwest::Method;
use serde_json::json;
use tallygate::applications::sweep_keys;
use tallygate::on;

/// An application with one key: its path, its id.
async fn prepared(t: &Test) -> (String, i64) {
    product(t, "mail", APP_ID).await;
    first_application(&signed_up(t, "bob").await)
}

fn values(reply: &Reply) -> Vec<String> {
    let keys = reply.at("/keys");
    keys.as_array()
        .unwrap()
        .iter()
        .map(|item| item["key"]["value"].as_str().unwrap().to_owned())
        .collect()
}

both_databases! {
    async fn rotation(t: &Test) {
        let (path, id) = prepared(t).await;
        let old = values(&t.get(&format!("{path}/keys.json")).await.expect(200)).remove(0);
        let before = revision(t).await;
        let reply = t.post(&format!("{path}/keys.json"), &[]).await.expect(201);
        assert_eq!(reply.headers["location"], "/admin/api/accounts/1/applications/1.json");
        let new = reply.at("/application/keys/1").as_str().unwrap().to_owned();
        assert_eq!(new.len(), 32);
        assert_eq!(at_gateways(t, id).await, (before + 1, true));
        assert_eq!(t.delete(&format!("{path}/keys/{old}.json")).await.expect(200).text, "");
        assert_eq!(at_gateways(t, id).await, (before + 2, true));
        assert_eq!(values(&t.get(&format!("{path}/keys.json")).await), [new]);
        t.delete(&format!("{path}/keys/{old}.json")).await.expect(404);
        let reply = t.get(&format!("{path}/keys.xml")).await.expect(200);
        assert_snapshot!(redacted(t, &reply), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <keys>
        <key>
        <value>[32 hex]</value>
        <label>
        </label>
        <expires_at>
        </expires_at>
        <last_used_at>
        </last_used_at>
        <created_at>[time]</created_at>
        <updated_at>[time]</updated_at>
        </key>
        </keys>
        "#);
    }

    async fn every_printable_key_can_be_chosen_and_removed(t: &Test) {
        let (path, _) = prepared(t).await;
        for key in ["plain", "a/b+c=", "50%2F&x?", "dots.and.json", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"] {
            let reply = t.post(&format!("{path}/keys.json"), &[("key", key)]).await.expect(201);
            assert_eq!(reply.at("/application/keys/1"), key);
            let encoded: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
            t.delete(&format!("{path}/keys/{encoded}.xml")).await.expect(200);
        }
        assert_eq!(count(t, "application_key").await, 1);
    }

    async fn five_at_most_and_no_two_alike(t: &Test) {
        let (path, _) = prepared(t).await;
        let keys = format!("{path}/keys.json");
        for bad in ["", "1234", "with space", " lead", "ünicode", "masked:0011223344556677", &"k".repeat(256)] {
            let reply = t.post(&keys, &[("key", bad)]).await.expect(422);
            assert_eq!(reply.complaints(), ["key"], "{bad}");
        }
        let reply = t.json(Method::POST, &keys, &json!({"key": ["list-key"]})).await.expect(422);
        assert_eq!(reply.complaints(), ["key"]);
        t.post(&keys, &[("key", &"k".repeat(255))]).await.expect(201);
        for n in 3..=5 {
            t.post(&keys, &[("key", &format!("key-{n}"))]).await.expect(201);
        }
        let before = revision(t).await;
        assert_eq!(t.post(&keys, &[("key", "key-3")]).await.expect(422).complaints(), ["key"]);
        let reply = t.post(&keys, &[]).await.expect(422);
        assert!(reply.at("/errors/key/0").as_str().unwrap().contains("at most 5"), "{}", reply.text);
        assert_eq!(revision(t).await, before);
        assert_eq!(count(t, "application_key").await, 5);
        t.delete(&format!("{path}/keys/key-3.json")).await.expect(200);
        t.post(&keys, &[("key", "key-3")]).await.expect(201);
    }

    async fn five_at_most_even_at_once(t: &Test) {
        let (path, _) = prepared(t).await;
        let calls: Vec<_> = (0..12).map(|_| tokio::spawn(send(t.request(Method::POST, &format!("{path}/keys.json")).basic_auth("", Some(&t.token))))).collect();
        let mut made = 0;
        for call in calls {
            made += i64::from(call.await.unwrap().status == 201);
        }
        assert_eq!((made, count(t, "application_key").await), (4, 5));
    }

    async fn applications_with_a_user_key_have_none(t: &Test) {
        product(t, "maps", USER_KEY).await;
        let (path, _) = first_application(&signed_up(t, "bob").await);
        let reply = t.post(&format!("{path}/keys.json"), &[]).await.expect(422);
        assert_eq!(reply.complaints(), ["key"]);
        assert_eq!(t.get(&format!("{path}/keys.json")).await.expect(200).text, r#"{"keys":[]}"#);
    }

    async fn masked_keys_can_be_told_apart_and_removed(t: &Test) {
        t.put("/admin/api/settings.json", &[("credentials_retrievable", "false")]).await.expect(200);
        let (path, _) = prepared(t).await;
        let made = t.post(&format!("{path}/keys.json"), &[("key", "shown-once")]).await.expect(201);
        assert_eq!(made.at("/application/keys/1"), "shown-once");
        let masked = made.at("/application/keys/0").as_str().unwrap().to_owned();
        let listed = values(&t.get(&format!("{path}/keys.json")).await);
        assert_eq!(listed[0], masked);
        assert!(listed.iter().all(|value| value.starts_with("masked:")) && listed[0] != listed[1], "{listed:?}");
        t.delete(&format!("{path}/keys/{masked}.json")).await.expect(200);
        t.delete(&format!("{path}/keys/shown-once.json")).await.expect(200);
        assert_eq!(count(t, "application_key").await, 0);
    }
}

/// Label, expiry and value of each.
fn shown(reply: &Reply) -> Vec<(String, bool, String)> {
    let keys = reply.at("/keys");
    keys.as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let key = &item["key"];
            (
                key["label"].as_str().unwrap().to_owned(),
                key["expires_at"].is_string(),
                key["value"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

fn labelled(label: &str, expires: bool, value: &str) -> (String, bool, String) {
    (label.into(), expires, value.into())
}

/// When the only key that does expires, milliseconds since 1970.
async fn expiry(t: &Test) -> i64 {
    let mut tx = t.app.db.read().await.unwrap();
    on!(tx, |c| sqlx::query_scalar(
        "select expires_at from application_key where expires_at is not null"
    )
    .fetch_one(c))
    .unwrap()
}

both_databases! {
    async fn rotated_with_an_overlap(t: &Test) {
        let (path, id) = prepared(t).await;
        let keys = format!("{path}/keys.json");
        t.post(&keys, &[("key", "old-key"), ("label", " Billing server ")]).await.expect(201);
        let before = revision(t).await;
        let now_ms = t.app.db.now_ms().await.unwrap();
        let reply = t.post(&format!("{path}/keys/old-key/rotate.json"), &[("overlap", "3600"), ("new_key", "new-key")]).await.expect(201);
        assert_eq!(reply.at("/application/keys/2"), "new-key");
        assert_eq!(at_gateways(t, id).await, (before + 1, true));
        let listed = shown(&t.get(&keys).await.expect(200));
        assert_eq!(listed[1..], [labelled("Billing server", true, "old-key"), labelled("Billing server", false, "new-key")]);
        let end = expiry(t).await;
        assert!((now_ms + 3_600_000..now_ms + 3_620_000).contains(&end) && end % 1_000 == 0, "{end}");

        t.app.db.pass_time(3_590_000);
        assert_eq!(shown(&t.get(&keys).await).len(), 3);
        t.app.db.pass_time(30_000);
        assert_eq!(shown(&t.get(&keys).await)[1..], [labelled("Billing server", false, "new-key")]);
        for call in [
            t.delete(&format!("{path}/keys/old-key.json")).await,
            t.put(&format!("{path}/keys/old-key.json"), &[("label", "x")]).await,
            t.post(&format!("{path}/keys/old-key/rotate.json"), &[]).await,
        ] {
            call.expect(404);
        }
        // Its row goes by itself, and may come again before.
        assert_eq!(count(t, "application_key").await, 3);
        assert_eq!(sweep_keys(&t.app.db).await.unwrap(), 1);
        assert_eq!(sweep_keys(&t.app.db).await.unwrap(), 0);
        assert_eq!(count(t, "application_key").await, 2);
    }

    async fn revoked_at_once_without_an_overlap(t: &Test) {
        let (path, _) = prepared(t).await;
        let keys = format!("{path}/keys.json");
        let old = values(&t.get(&keys).await).remove(0);
        let reply = t.post(&format!("{path}/keys/{old}/rotate.json"), &[("label", "Two")]).await.expect(201);
        let new = reply.at("/application/keys/0").as_str().unwrap().to_owned();
        assert_eq!(shown(&t.get(&keys).await), [labelled("Two", false, &new)]);
        assert_ne!(old, new);
        // What is shown of a key names it, too.
        let mask = tallygate::credentials::masked(&tallygate::credentials::key_digest(&tallygate::secrets::Secret::new(new)));
        let reply = t.post(&format!("{path}/keys/{mask}/rotate.json"), &[("overlap", "0"), ("new_key", "third")]).await.expect(201);
        assert_eq!(reply.at("/application/keys"), json!(["third"]));
    }

    async fn a_rotation_that_cannot_be(t: &Test) {
        let (path, _) = prepared(t).await;
        let keys = format!("{path}/keys.json");
        t.post(&keys, &[("key", "first")]).await.expect(201);
        let rotate = format!("{path}/keys/first/rotate.json");
        for (overlap, new_key, label, field) in [
            ("-1", "fine-key", "", "overlap"),
            ("31622401", "fine-key", "", "overlap"),
            ("9223372036854775807", "fine-key", "", "overlap"),
            ("soon", "fine-key", "", "overlap"),
            ("60", "four", "", "new_key"),
            ("60", "first", "", "new_key"),
            ("60", "fine-key", &"l".repeat(256), "label"),
        ] {
            let reply = t.post(&rotate, &[("overlap", overlap), ("new_key", new_key), ("label", label)]).await.expect(422);
            assert_eq!(reply.complaints(), [field], "{overlap} {new_key}");
        }
        t.post(&format!("{path}/keys/nobody-has-it/rotate.json"), &[]).await.expect(404);
        assert_eq!(count(t, "application_key").await, 2);
        // Not without end.
        for n in 0..8 {
            let old = if n == 0 { "first".to_owned() } else { format!("new-{}", n - 1) };
            t.post(&format!("{path}/keys/{old}/rotate.json"), &[("overlap", "60"), ("new_key", &format!("new-{n}"))]).await.expect(201);
        }
        let reply = t.post(&format!("{path}/keys/new-7/rotate.json"), &[("overlap", "60")]).await.expect(422);
        assert_eq!(reply.complaints(), ["overlap"]);
        // Once they have expired, they count no more.
        t.app.db.pass_time(62_000);
        assert_eq!(shown(&t.get(&keys).await).len(), 2);
        t.post(&keys, &[("key", "first")]).await.expect(201);
    }

    async fn labels_and_ends(t: &Test) {
        let (path, id) = prepared(t).await;
        let keys = format!("{path}/keys.json");
        t.post(&keys, &[("key", "named"), ("expires_at", "2999-01-31T12:00:00.5Z")]).await.expect(201);
        let before = revision(t).await;
        let reply = t.put(&format!("{path}/keys/named.json"), &[("label", "\"><script>")]).await.expect(200);
        assert_eq!(reply.at("/key/label"), "\"><script>");
        assert_eq!(reply.at("/key/expires_at"), "2999-01-31T12:00:01Z");
        assert_eq!(revision(t).await, before);
        let reply = t.put(&format!("{path}/keys/named.json"), &[("expires_at", "")]).await.expect(200);
        assert_eq!((reply.at("/key/label"), reply.at("/key/expires_at")), (json!("\"><script>"), json!(null)));
        assert_eq!(at_gateways(t, id).await, (before + 1, true));
        for (name, value) in [("expires_at", "2001-01-01"), ("expires_at", "never"), ("expires_at", "+262142-01-01T00:00:00Z"), ("label", &"l".repeat(256))] {
            for reply in [
                t.put(&format!("{path}/keys/named.json"), &[(name, value)]).await,
                t.post(&keys, &[("key", "another"), (name, value)]).await,
            ] {
                assert_eq!(reply.expect(422).complaints(), [name], "{value}");
            }
        }
        assert_eq!(count(t, "application_key").await, 2);
    }
}
