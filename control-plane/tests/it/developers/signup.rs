//! `POST /admin/api/signup`: the guide's call.

use super::{APP_ID, Kind, Product, USER_KEY, count, product, redacted, signed_up};
use crate::support::client::send;
use crate::support::{Test, both_databases};
use insta::assert_snapshot;
use reqwest::Method;
use serde_json::json;
use tallygate::on;

async fn plan_names(t: &Test, account: i64) -> Vec<String> {
    on!(t.app.db, |c| sqlx::query_scalar(
        "select plan.name || ' of ' || product.name from application
         join plan on plan.id = application.plan_id join product on product.id = application.product_id
         where account_id = $1 order by application.id"
    )
    .bind(account)
    .fetch_all(c))
    .unwrap()
}

both_databases! {
    async fn the_guides_call_in_xml(t: &Test) {
        let Product { gold, .. } = product(t, "mail", APP_ID).await;
        let reply = send(t.request(Method::POST, "/admin/api/signup.xml").form(&[
            ("provider_key", t.provider_key.as_str()),
            ("org_name", "Bob & Sons"),
            ("username", "bob"),
            ("email", "bob@example.com"),
            ("password", "correct horse"),
            ("application_plan_id", &gold.to_string()),
        ]))
        .await
        .expect(201);
        assert_eq!(reply.headers["location"], "/admin/api/accounts/1.xml");
        assert_eq!(reply.headers["cache-control"], "no-store");
        assert_snapshot!(redacted(t, &reply), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <account>
        <id>1</id>
        <created_at>[time]</created_at>
        <updated_at>[time]</updated_at>
        <state>approved</state>
        <org_name>Bob &amp; Sons</org_name>
        <extra_fields>
        </extra_fields>
        <monthly_billing_enabled>true</monthly_billing_enabled>
        <monthly_charging_enabled>true</monthly_charging_enabled>
        <credit_card_stored>false</credit_card_stored>
        <plans type="array">
        <plan default="true">
        <id>1</id>
        <name>Default account plan</name>
        <type>account_plan</type>
        <state>published</state>
        <approval_required>false</approval_required>
        <setup_fee>0.0</setup_fee>
        <cost_per_month>0.0</cost_per_month>
        <trial_period_days>0</trial_period_days>
        <cancellation_period>0</cancellation_period>
        </plan>
        <plan default="true">
        <id>4</id>
        <name>Default</name>
        <type>service_plan</type>
        <state>published</state>
        <approval_required>false</approval_required>
        <setup_fee>0.0</setup_fee>
        <cost_per_month>0.0</cost_per_month>
        <trial_period_days>0</trial_period_days>
        <cancellation_period>0</cancellation_period>
        </plan>
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
        </plans>
        <users type="array">
        <user>
        <id>1</id>
        <created_at>[time]</created_at>
        <updated_at>[time]</updated_at>
        <account_id>1</account_id>
        <state>active</state>
        <role>admin</role>
        <username>bob</username>
        <email>bob@example.com</email>
        <extra_fields>
        </extra_fields>
        </user>
        </users>
        <applications>
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
        <application_id>[8 hex]</application_id>
        <keys>
        <key>[32 hex]</key>
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
        <name>API signup</name>
        <description>API signup</description>
        <extra_fields>
        </extra_fields>
        </application>
        </applications>
        </account>
        "#);
    }

    async fn the_guides_call_in_json(t: &Test) {
        product(t, "mail", APP_ID).await;
        product(t, "maps", USER_KEY).await;
        let reply = t
            .json(Method::POST, "/admin/api/signup.json", &json!({"account": {
                "org_name": "Bob & Sons",
                "username": "bob",
                "email": "bob@example.com",
                "password": "correct horse",
            }}))
            .await
            .expect(201);
        assert_snapshot!(redacted(t, &reply), @r#"
        {
          "account": {
            "id": 1,
            "created_at": "[time]",
            "updated_at": "[time]",
            "state": "approved",
            "org_name": "Bob & Sons",
            "monthly_billing_enabled": true,
            "monthly_charging_enabled": true,
            "credit_card_stored": false,
            "plans": [
              {
                "plan": {
                  "id": 1,
                  "name": "Default account plan",
                  "type": "account_plan",
                  "state": "published",
                  "approval_required": false,
                  "setup_fee": 0.0,
                  "cost_per_month": 0.0,
                  "trial_period_days": 0,
                  "cancellation_period": 0,
                  "default": true
                }
              },
              {
                "plan": {
                  "id": 4,
                  "name": "Default",
                  "type": "service_plan",
                  "state": "published",
                  "approval_required": false,
                  "setup_fee": 0.0,
                  "cost_per_month": 0.0,
                  "trial_period_days": 0,
                  "cancellation_period": 0,
                  "default": true
                }
              },
              {
                "plan": {
                  "id": 7,
                  "name": "Default",
                  "type": "service_plan",
                  "state": "published",
                  "approval_required": false,
                  "setup_fee": 0.0,
                  "cost_per_month": 0.0,
                  "trial_period_days": 0,
                  "cancellation_period": 0,
                  "default": true
                }
              },
              {
                "plan": {
                  "id": 2,
                  "name": "Bronze",
                  "type": "application_plan",
                  "state": "published",
                  "approval_required": false,
                  "setup_fee": 0.0,
                  "cost_per_month": 0.0,
                  "trial_period_days": 0,
                  "cancellation_period": 0,
                  "default": true
                }
              },
              {
                "plan": {
                  "id": 5,
                  "name": "Bronze",
                  "type": "application_plan",
                  "state": "published",
                  "approval_required": false,
                  "setup_fee": 0.0,
                  "cost_per_month": 0.0,
                  "trial_period_days": 0,
                  "cancellation_period": 0,
                  "default": true
                }
              }
            ],
            "users": [
              {
                "user": {
                  "id": 1,
                  "created_at": "[time]",
                  "updated_at": "[time]",
                  "account_id": 1,
                  "state": "active",
                  "role": "admin",
                  "username": "bob",
                  "email": "bob@example.com",
                  "links": [
                    {
                      "rel": "self",
                      "href": "http://admin/admin/api/accounts/1/users/1"
                    },
                    {
                      "rel": "account",
                      "href": "http://admin/admin/api/accounts/1"
                    }
                  ]
                }
              }
            ],
            "applications": [
              {
                "application": {
                  "id": 1,
                  "created_at": "[time]",
                  "updated_at": "[time]",
                  "state": "live",
                  "enabled": true,
                  "account_id": 1,
                  "org_name": "Bob & Sons",
                  "first_traffic_at": null,
                  "first_daily_traffic_at": null,
                  "service_id": 1,
                  "service_name": "mail",
                  "plan_id": 2,
                  "plan_name": "Bronze",
                  "application_id": "[8 hex]",
                  "keys": [
                    "[32 hex]"
                  ],
                  "name": "API signup",
                  "description": "API signup",
                  "links": [
                    {
                      "rel": "self",
                      "href": "http://admin/admin/api/accounts/1/applications/1"
                    },
                    {
                      "rel": "account",
                      "href": "http://admin/admin/api/accounts/1"
                    },
                    {
                      "rel": "keys",
                      "href": "http://admin/admin/api/accounts/1/applications/1/keys"
                    },
                    {
                      "rel": "service",
                      "href": "http://admin/admin/api/services/1"
                    }
                  ]
                }
              },
              {
                "application": {
                  "id": 2,
                  "created_at": "[time]",
                  "updated_at": "[time]",
                  "state": "live",
                  "enabled": true,
                  "account_id": 1,
                  "org_name": "Bob & Sons",
                  "first_traffic_at": null,
                  "first_daily_traffic_at": null,
                  "service_id": 2,
                  "service_name": "maps",
                  "plan_id": 5,
                  "plan_name": "Bronze",
                  "user_key": "[32 hex]",
                  "name": "API signup",
                  "description": "API signup",
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
            ],
            "links": [
              {
                "rel": "self",
                "href": "http://admin/admin/api/accounts/1"
              },
              {
                "rel": "users",
                "href": "http://admin/admin/api/accounts/1/users"
              },
              {
                "rel": "applications",
                "href": "http://admin/admin/api/accounts/1/applications"
              }
            ]
          }
        }
        "#);
    }

    async fn what_is_shown_is_what_authenticates(t: &Test) {
        product(t, "mail", APP_ID).await;
        product(t, "maps", USER_KEY).await;
        let account = signed_up(t, "bob").await;
        let text = |pointer: &str| account.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let stored: Vec<(Vec<u8>, Option<Vec<u8>>)> = on!(t.app.db, |c| sqlx::query_as(
            "select application.ident, application_key.digest from application
             left join application_key on application_key.application_id = application.id order by application.id"
        )
        .fetch_all(c))
        .unwrap();
        let ident = |product, identifier: &str| tallygate_core::key::ident(tallygate_core::id::ProductId(product), identifier.as_bytes()).to_vec();
        let app_id = text("/applications/0/application/application_id");
        let key = text("/applications/0/application/keys/0");
        let user_key = text("/applications/1/application/user_key");
        assert_eq!(stored[0], (ident(1, &app_id), Some(tallygate_core::key::digest(key.as_bytes()).to_vec())));
        assert_eq!(stored[1], (ident(2, &user_key), None));
        let found = t.get(&format!("/admin/api/applications/find.json?user_key={user_key}")).await.expect(200);
        assert_eq!(found.at("/application/user_key"), user_key);
        let found = t.get(&format!("/admin/api/applications/find.json?app_id={app_id}")).await.expect(200);
        assert_eq!(found.at("/application/keys/0"), key);
    }

    async fn a_given_plan_stands_in_for_its_products_default_only(t: &Test) {
        let mail = product(t, "mail", APP_ID).await;
        product(t, "maps", USER_KEY).await;
        let rare = product(t, "rare", Kind { default_plan: false, ..USER_KEY }).await;
        let body = json!({"org_name": "Bob", "username": "bob", "application_plan_id": [mail.gold, rare.bronze.to_string()]});
        let reply = t.json(Method::POST, "/admin/api/signup.json", &body).await.expect(201);
        assert_eq!(plan_names(t, reply.id("/account/id")).await, ["Gold of mail", "Bronze of rare", "Bronze of maps"]);
        let reply = t.post("/admin/api/signup.json", &[("org_name", "Ann"), ("username", "ann")]).await.expect(201);
        assert_eq!(plan_names(t, reply.id("/account/id")).await, ["Bronze of mail", "Bronze of maps"]);
    }

    async fn the_way_from_nothing_to_credentials(t: &Test) {
        let service = t.post("/admin/api/services.json", &[("name", "Mail")]).await.expect(201).id("/service/id");
        let plans = format!("/admin/api/services/{service}/application_plans");
        let plan = t.post(&format!("{plans}.json"), &[("name", "Bronze")]).await.expect(201).id("/application_plan/id");
        t.put(&format!("{plans}/{plan}/default.json"), &[]).await.expect(200);
        let account = signed_up(t, "bob").await;
        let kinds: Vec<&str> = account["plans"].as_array().unwrap().iter().map(|item| item["plan"]["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["account_plan", "service_plan", "application_plan"]);
        assert_eq!(account.pointer("/applications/0/application/service_id").unwrap(), service);
        assert_eq!(account.pointer("/applications/0/application/user_key").unwrap().as_str().unwrap().len(), 32);
    }

    async fn plans_decide_what_waits_for_approval(t: &Test) {
        product(t, "mail", Kind { approval_required: true, ..APP_ID }).await;
        let account = signed_up(t, "bob").await;
        assert_eq!(account["state"], "approved");
        assert_eq!(account.pointer("/users/0/user/state").unwrap(), "active");
        assert_eq!(account.pointer("/applications/0/application/state").unwrap(), "pending");
        assert_eq!(account.pointer("/applications/0/application/enabled").unwrap(), false);

        t.put("/admin/api/settings.json", &[("account_approval_required", "true")]).await.expect(200);
        let account = signed_up(t, "ann").await;
        assert_eq!(account["state"], "pending");
        assert_eq!(account.pointer("/users/0/user/state").unwrap(), "pending");

        // Without a password nobody can log in: the account is merely created.
        let reply = t.post("/admin/api/signup.json", &[("org_name", "Cy"), ("username", "cyd")]).await.expect(201);
        assert_eq!(reply.at("/account/state"), "created");
        assert_eq!(reply.at("/account/users/0/user/state"), "pending");
    }

    async fn an_app_key_is_made_only_where_one_is_mandatory(t: &Test) {
        product(t, "mail", Kind { mandatory_app_key: false, ..APP_ID }).await;
        let account = signed_up(t, "bob").await;
        assert_eq!(account.pointer("/applications/0/application/keys").unwrap(), &json!([]));
    }

    async fn everything_wrong_is_said_at_once_and_nothing_is_written(t: &Test) {
        product(t, "mail", APP_ID).await;
        signed_up(t, "bob").await;
        let before = (count(t, "account").await, count(t, "account_user").await, count(t, "application").await);
        for (body, fields) in [
            (json!({}), &["org_name", "username"][..]),
            (json!({"org_name": " ", "username": "x", "email": "no", "password": "short"}), &["org_name", "username", "email", "password"]),
            (json!({"org_name": "X", "username": "BOB", "email": "Bob@Example.com"}), &["username", "email"]),
            (json!({"org_name": "X", "username": "ann", "email": "BOB@example.com"}), &["email"]),
            (json!({"org_name": "X", "username": "ann", "application_plan_id": 99}), &["application_plan_id"]),
            (json!({"org_name": "X", "username": "ann", "application_plan_id": 1}), &["application_plan_id"]),
            (json!({"org_name": "X", "username": "ann", "application_plan_id": ["x"]}), &["application_plan_id"]),
            (json!({"org_name": "X", "username": "ann", "account_plan_id": 2}), &["account_plan_id"]),
            (json!({"org_name": "X", "username": "ann", "service_plan_id": 1}), &["service_plan_id"]),
            (json!({"org_name": {"a": 1}, "username": ["b"]}), &["org_name", "username"]),
        ] {
            let reply = t.json(Method::POST, "/admin/api/signup.json", &body).await.expect(422);
            assert_eq!(reply.complaints(), fields, "{body}");
        }
        let reply = t.post("/admin/api/signup", &[("org_name", "X"), ("username", "x")]).await.expect(422);
        assert!(reply.text.ends_with("<errors><error>Username is too short (minimum is 3 characters)</error></errors>"), "{}", reply.text);
        let after = (count(t, "account").await, count(t, "account_user").await, count(t, "application").await);
        assert_eq!(before, after);
    }

    async fn the_provider_may_sign_people_up_while_the_portal_may_not(t: &Test) {
        t.put("/admin/api/settings.json", &[("signups_enabled", "false")]).await.expect(200);
        signed_up(t, "bob").await;
    }

    async fn the_password_is_kept_as_argon2id_alone(t: &Test) {
        signed_up(t, "bob").await;
        let hash: String = on!(t.app.db, |c| sqlx::query_scalar("select password_hash from account_user").fetch_one(c)).unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        let secret = tallygate::secrets::Secret::new("correct horse");
        assert!(t.app.secrets.verify_password(secret, hash).await.unwrap());
    }

    async fn twenty_at_once_all_get_in_or_are_told(t: &Test) {
        product(t, "mail", APP_ID).await;
        let calls = (0..20).map(|n| {
            let username = format!("user{}", n % 10);
            let body = json!({"org_name": "X", "username": username, "email": format!("{username}@example.com")});
            send(t.request(Method::POST, "/admin/api/signup.json").basic_auth("", Some(&t.token)).json(&body))
        });
        let mut statuses: Vec<u16> = futures(calls).await.iter().map(|reply| reply.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [[201; 10], [422; 10]].concat());
        assert_eq!(count(t, "application").await, 10);
    }
}

/// All of them, at the same time.
async fn futures<T: Send + 'static>(
    calls: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}
