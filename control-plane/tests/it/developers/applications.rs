//! `/admin/api/accounts/{account}/applications` and `/admin/api/applications`

use super::{
    APP_ID, Kind, USER_KEY, at_gateways, count, execute, first_application, product, redacted,
    revision, signed_up,
};
use crate::support::client::Reply;
use crate::support::{Test, both_databases};
use insta::assert_snapshot;
use reqwest::Method;
use serde_json::{Value, json};
use tallygate::on;

const APPLICATIONS: &str = "/admin/api/accounts/1/applications";

async fn create(t: &Test, body: &Value) -> Reply {
    t.json(Method::POST, &format!("{APPLICATIONS}.json"), body)
        .await
}

/// An account without applications, and a product of each kind.
async fn prepared(t: &Test) -> (super::Product, super::Product) {
    signed_up(t, "bob").await;
    (
        product(t, "mail", APP_ID).await,
        product(t, "maps", USER_KEY).await,
    )
}

fn ids(reply: &Reply) -> Vec<i64> {
    let list = reply.at("/applications");
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item["application"]["id"].as_i64().unwrap())
        .collect()
}

both_databases! {
    async fn both_kinds_look_as_3scales(t: &Test) {
        let (mail, maps) = prepared(t).await;
        let reply = t.post(&format!("{APPLICATIONS}.xml"), &[("plan_id", &mail.gold.to_string()), ("name", "Bob's"), ("description", "<b>"),
            ("application_id", "bobs-app"), ("application_key[]", "first,key"), ("application_key[]", "second-key")]).await.expect(201);
        assert_eq!(reply.headers["location"], "/admin/api/accounts/1/applications/1.xml");
        assert_snapshot!(redacted(t, &reply), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <application>
        <id>1</id>
        <created_at>[time]</created_at>
        <updated_at>[time]</updated_at>
        <state>live</state>
        <user_account_id>1</user_account_id>
        <first_traffic_at>
        </first_traffic_at>
        <first_daily_traffic_at>
        </first_daily_traffic_at>
        <service_id>1</service_id>
        <application_id>bobs-app</application_id>
        <keys>
        <key>first,key</key>
        <key>second-key</key>
        </keys>
        <plan default="false">
        <id>3</id>
        <name>Gold</name>
        <type>application_plan</type>
        <state>published</state>
        <approval_required>false</approval_required>
        <setup_fee>0.0</setup_fee>
        <cost_per_month>0.0</cost_per_month>
        <trial_period_days>0</trial_period_days>
        <cancellation_period>0</cancellation_period>
        </plan>
        <name>Bob&apos;s</name>
        <description>&lt;b&gt;</description>
        <extra_fields>
        </extra_fields>
        </application>
        "#);
        let reply = create(t, &json!({"plan_id": maps.bronze, "name": "Maps", "user_key": "bobs.key"})).await.expect(201);
        assert_snapshot!(redacted(t, &reply), @r#"
        {
          "application": {
            "id": 2,
            "created_at": "[time]",
            "updated_at": "[time]",
            "state": "live",
            "enabled": true,
            "account_id": 1,
            "org_name": "bob's",
            "first_traffic_at": null,
            "first_daily_traffic_at": null,
            "service_id": 2,
            "service_name": "maps",
            "plan_id": 5,
            "plan_name": "Bronze",
            "user_key": "bobs.key",
            "name": "Maps",
            "description": "",
            "links": [
              {
                "rel": "self",
                "href": "http://admin/admin/api/accounts/1/applications/2"
              },
              {
                "rel": "account",
                "href": "http://admin/admin/api/accounts/1"
              },
              {
                "rel": "keys",
                "href": "http://admin/admin/api/accounts/1/applications/2/keys"
              },
              {
                "rel": "service",
                "href": "http://admin/admin/api/services/2"
              }
            ]
          }
        }
        "#);
        let list = t.get(&format!("{APPLICATIONS}.xml")).await.expect(200);
        assert!(list.text.contains("<key>first,key</key>") && list.text.contains("<user_key>bobs.key</user_key>"), "{}", list.text);
    }

    async fn chosen_credentials_have_rules(t: &Test) {
        let (mail, maps) = prepared(t).await;
        create(t, &json!({"plan_id": mail.bronze, "name": "A", "application_id": "taken"})).await.expect(201);
        create(t, &json!({"plan_id": maps.bronze, "name": "A", "user_key": "taken"})).await.expect(201);
        let long = "k".repeat(257);
        for (plan, credentials, field) in [
            (mail.bronze, json!({"application_id": "taken"}), "application_id"),
            (mail.bronze, json!({"application_id": "abc"}), "application_id"),
            (mail.bronze, json!({"application_id": "with space"}), "application_id"),
            (mail.bronze, json!({"application_id": "ünicode"}), "application_id"),
            (mail.bronze, json!({"application_id": &long}), "application_id"),
            (mail.bronze, json!({"application_id": {"a": "b"}}), "application_id"),
            (mail.bronze, json!({"application_key": "1234"}), "application_key"),
            (mail.bronze, json!({"application_key": "tab\tbed"}), "application_key"),
            (mail.bronze, json!({"application_key": &long}), "application_key"),
            (mail.bronze, json!({"application_key": {"a": "b"}}), "application_key"),
            (mail.bronze, json!({"application_key": [1, 2]}), "application_key"),
            (mail.bronze, json!({"application_key": ["twice", "twice"]}), "application_key"),
            (mail.bronze, json!({"application_key": ["key-1", "key-2", "key-3", "key-4", "key-5", "key-6"]}), "application_key"),
            (mail.bronze, json!({"user_key": "given"}), "user_key"),
            (maps.bronze, json!({"user_key": "taken"}), "user_key"),
            (maps.bronze, json!({"user_key": "a/b"}), "user_key"),
            (maps.bronze, json!({"user_key": "a b"}), "user_key"),
            (maps.bronze, json!({"user_key": &long}), "user_key"),
            (maps.bronze, json!({"user_key": ["a"]}), "user_key"),
            (maps.bronze, json!({"application_id": "given"}), "application_id"),
            (maps.bronze, json!({"application_key": "given"}), "application_key"),
        ] {
            let mut body = json!({"plan_id": plan, "name": "B"});
            body.as_object_mut().unwrap().extend(credentials.as_object().unwrap().clone());
            let reply = create(t, &body).await.expect(422);
            assert_eq!(reply.complaints(), [field], "{body}");
        }
        assert_eq!(count(t, "application").await, 2);
        assert_eq!(count(t, "application_key").await, 1);
        // The same identifier in another product is another application's.
        let other = product(t, "other", APP_ID).await;
        create(t, &json!({"plan_id": other.bronze, "name": "C", "application_id": "taken"})).await.expect(201);
        // Base64 is a user_key too, a number a name.
        create(t, &json!({"plan_id": maps.bronze, "name": 5, "user_key": "c2VjcmV0IQ=="})).await.expect(201);
    }

    async fn needed_fields_are_named(t: &Test) {
        let (mail, _) = prepared(t).await;
        let reply = create(t, &json!({})).await.expect(422);
        assert_eq!(reply.complaints(), ["plan_id", "name"]);
        let reply = create(t, &json!({"plan_id": 99, "name": "A"})).await.expect(422);
        assert_eq!(reply.complaints(), ["plan_id"]);
        // An account plan is no application plan.
        let reply = create(t, &json!({"plan_id": 1, "name": "A"})).await.expect(422);
        assert_eq!(reply.complaints(), ["plan_id"]);
        t.json(Method::POST, "/admin/api/accounts/9/applications.json", &json!({"plan_id": mail.bronze, "name": "A"})).await.expect(404);
    }

    async fn states_change_in_their_order_and_reach_gateways(t: &Test) {
        signed_up(t, "bob").await;
        let slow = product(t, "slow", Kind { approval_required: true, ..APP_ID }).await;
        let id = create(t, &json!({"plan_id": slow.bronze, "name": "A"})).await.expect(201).id("/application/id");
        for (event, status, state, live) in [
            ("suspend", 422, "pending", false),
            ("resume", 422, "pending", false),
            ("accept", 200, "live", true),
            ("accept", 422, "live", true),
            ("suspend", 200, "suspended", false),
            ("accept", 422, "suspended", false),
            ("resume", 200, "live", true),
        ] {
            let before = revision(t).await;
            let reply = t.put(&format!("{APPLICATIONS}/{id}/{event}.json"), &[]).await.expect(status);
            if status == 422 {
                assert_eq!(reply.complaints(), ["state"]);
                assert_eq!(revision(t).await, before);
            } else {
                assert_eq!(reply.at("/application/state"), state);
                assert_eq!(at_gateways(t, id).await, (before + 1, live), "{event}");
            }
        }
        t.put(&format!("{APPLICATIONS}/9/suspend.json"), &[]).await.expect(404);
        t.put(&format!("/admin/api/accounts/9/applications/{id}/suspend.json"), &[]).await.expect(404);
    }

    async fn plans_change_within_the_product(t: &Test) {
        let (mail, maps) = prepared(t).await;
        let id = create(t, &json!({"plan_id": mail.bronze, "name": "A"})).await.expect(201).id("/application/id");
        let path = format!("{APPLICATIONS}/{id}/change_plan.json");
        let reply = t.put(&path, &[("plan_id", &mail.gold.to_string())]).await.expect(200);
        assert_eq!(reply.at("/application_plan/name"), "Gold");
        assert_eq!(at_gateways(t, id).await, (revision(t).await, true));
        for plan in [maps.gold.to_string(), "1".into(), "99".into(), String::new(), "x".into()] {
            let reply = t.put(&path, &[("plan_id", &plan)]).await.expect(422);
            assert_eq!(reply.complaints(), ["plan_id"]);
        }
        assert_eq!(t.get(&format!("{APPLICATIONS}/{id}.json")).await.id("/application/plan_id"), mail.gold);
    }

    async fn names_change_without_gateways_and_user_keys_with_them(t: &Test) {
        let (mail, maps) = prepared(t).await;
        let id = create(t, &json!({"plan_id": maps.bronze, "name": "A", "user_key": "old-key"})).await.expect(201).id("/application/id");
        let before = revision(t).await;
        let path = format!("{APPLICATIONS}/{id}.json");
        let reply = t.put(&path, &[("name", "B"), ("description", "for maps")]).await.expect(200);
        assert_eq!((reply.at("/application/name"), reply.at("/application/description")), (json!("B"), json!("for maps")));
        assert_eq!(reply.at("/application/user_key"), "old-key");
        assert_eq!(revision(t).await, before);
        t.put(&path, &[("name", "")]).await.expect(422);

        let reply = t.put(&path, &[("user_key", "new-key")]).await.expect(200);
        assert_eq!(reply.at("/application/user_key"), "new-key");
        assert_eq!(at_gateways(t, id).await, (before + 1, true));
        let retired: Vec<(i64, Vec<u8>, i64)> = on!(t.app.db, |c| sqlx::query_as("select application_id, ident, revision from retired_ident").fetch_all(c)).unwrap();
        assert_eq!(retired, [(id, tallygate::credentials::ident(maps.id, "old-key"), before + 1)]);
        t.get("/admin/api/applications/find.json?user_key=old-key").await.expect(404);
        t.get("/admin/api/applications/find.json?user_key=new-key").await.expect(200);
        // The same key again retires nothing.
        t.put(&path, &[("user_key", "new-key")]).await.expect(200);
        assert_eq!(count(t, "retired_ident").await, 1);

        create(t, &json!({"plan_id": maps.bronze, "name": "C", "user_key": "other"})).await.expect(201);
        for bad in ["other", "", "a/b"] {
            let reply = t.put(&path, &[("user_key", bad), ("name", "Z")]).await.expect(422);
            assert_eq!(reply.complaints(), ["user_key"]);
        }
        assert_eq!(t.get(&path).await.at("/application/name"), "B");
        let id = create(t, &json!({"plan_id": mail.bronze, "name": "D"})).await.expect(201).id("/application/id");
        t.put(&format!("{APPLICATIONS}/{id}.json"), &[("user_key", "nope")]).await.expect(422);
    }

    async fn found_by_what_identifies_them(t: &Test) {
        let (mail, maps) = prepared(t).await;
        let a = create(t, &json!({"plan_id": mail.bronze, "name": "A", "application_id": "same"})).await.expect(201).id("/application/id");
        let b = create(t, &json!({"plan_id": maps.bronze, "name": "B", "user_key": "same"})).await.expect(201).id("/application/id");
        for (query, found) in [
            (format!("application_id={a}"), Some(a)),
            ("app_id=same".into(), Some(a)),
            (format!("app_id=same&service_id={}", mail.id), Some(a)),
            (format!("user_key=same&service_id={}", maps.id), Some(b)),
            (format!("user_key=same&service_id={}", mail.id), None),
            ("user_key=nobody".into(), None),
            ("application_id=99".into(), None),
            (format!("application_id={a}&service_id={}", maps.id), None),
        ] {
            for path in ["/admin/api/applications".to_owned(), APPLICATIONS.to_owned()] {
                let reply = t.get(&format!("{path}/find.json?{query}")).await;
                match found {
                    Some(id) => assert_eq!(reply.expect(200).id("/application/id"), id, "{query}"),
                    None => assert_eq!(reply.status, 404, "{query}"),
                }
            }
        }
        signed_up(t, "ann").await;
        t.get("/admin/api/accounts/2/applications/find.json?app_id=same").await.expect(404);
        t.get("/admin/api/applications/find.json").await.expect(422);
        t.get("/admin/api/applications/find.json?application_id=x").await.expect(422);
    }

    async fn listed_and_narrowed(t: &Test) {
        let (mail, maps) = prepared(t).await;
        signed_up(t, "ann").await; // with one of each
        for plan in [mail.gold, maps.gold] {
            create(t, &json!({"plan_id": plan, "name": "A"})).await.expect(201);
        }
        execute(t, "update plan set cost_per_month = 10 where name = 'Gold'").await;
        execute(t, "update application set first_daily_traffic_at = 1769817600000 where id = 1").await; // 2026-01-31
        for (query, expected) in [
            ("", &[1, 2, 3, 4][..]),
            ("?account_id=1", &[3, 4]),
            ("?service_id=1", &[1, 3]),
            (&format!("?plan_id={}", maps.gold), &[4]),
            ("?service_id=2&account_id=2", &[2]),
            ("?plan_type=paid", &[3, 4]),
            ("?plan_type=free", &[1, 2]),
            ("?active_since=2026-01-31", &[1]),
            ("?active_since=2026-01-31T00:00:01Z", &[]),
            ("?inactive_since=2026-01-31", &[2, 3, 4]),
            ("?inactive_since=2026-02-01", &[1, 2, 3, 4]),
            ("?per_page=3&page=2", &[4]),
            ("?service_id=99", &[]),
        ] {
            let reply = t.get(&format!("/admin/api/applications.json{query}")).await.expect(200);
            assert_eq!(ids(&reply), expected, "{query}");
        }
        assert_eq!(ids(&t.get(&format!("{APPLICATIONS}.json")).await), [3, 4]);
        for query in ["service_id=x", "plan_id=-1", "active_since=yesterday", "plan_type=odd", "page=0", "account_id=99999999999999999999"] {
            let reply = t.get(&format!("/admin/api/applications.json?{query}")).await.expect(422);
            assert_eq!(reply.complaints(), [query.split('=').next().unwrap()]);
        }
    }

    async fn a_deleted_one_is_gone_and_its_identifier_free(t: &Test) {
        let (mail, _) = prepared(t).await;
        let body = json!({"plan_id": mail.bronze, "name": "A", "application_id": "again", "application_key": "secret-key"});
        let first = create(t, &body).await.expect(201).id("/application/id");
        let path = format!("{APPLICATIONS}/{first}.json");
        let before = revision(t).await;
        assert_eq!(t.delete(&path).await.expect(200).text, "");
        assert_eq!(at_gateways(t, first).await, (before + 1, false));
        t.get(&path).await.expect(404);
        t.delete(&path).await.expect(404);
        t.put(&path, &[("name", "B")]).await.expect(404);
        t.get("/admin/api/applications/find.json?app_id=again").await.expect(404);
        create(t, &body).await.expect(201);
        // What happens to the account later no longer concerns it: its identifier is another's.
        t.put("/admin/api/accounts/1/suspend.json", &[]).await.expect(200);
        assert_eq!(at_gateways(t, first).await.0, before + 1);
    }

    async fn an_account_only_reaches_its_own(t: &Test) {
        product(t, "mail", APP_ID).await;
        signed_up(t, "bob").await;
        let (_, anns) = first_application(&signed_up(t, "ann").await);
        let path = format!("{APPLICATIONS}/{anns}");
        t.get(&format!("{path}.json")).await.expect(404);
        t.put(&format!("{path}.json"), &[("name", "B")]).await.expect(404);
        t.delete(&format!("{path}.json")).await.expect(404);
        t.get(&format!("{path}/keys.json")).await.expect(404);
        t.post(&format!("{path}/keys.json"), &[]).await.expect(404);
        t.put(&format!("{path}/suspend.json"), &[]).await.expect(404);
    }
}
