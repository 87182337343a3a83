//! `…/applications/{application}/keys`

use super::{
    APP_ID, USER_KEY, at_gateways, count, first_application, product, redacted, revision, signed_up,
};
use crate::support::client::{Reply, send};
use crate::support::{Test, both_databases};
use insta::assert_snapshot;
use reqwest::Method;
use serde_json::json;

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
