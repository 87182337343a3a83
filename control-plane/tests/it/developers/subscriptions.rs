//! Subscriptions of accounts to products, by service plans.

use super::{APP_ID, first_application, product, signed_up};
use crate::support::{Test, both_databases};
use reqwest::Method;
use serde_json::{Value, json};

const SUBSCRIPTIONS: &str = "/admin/api/accounts/1/service_subscriptions";

/// Makes a service plan.
async fn service_plan(t: &Test, product: i64, form: &[(&str, &str)]) -> String {
    t.post(
        &format!("/admin/api/services/{product}/service_plans.json"),
        form,
    )
    .await
    .expect(201)
    .id("/service_plan/id")
    .to_string()
}

/// Products that an account is subscribed to, with the state.
async fn subscribed(t: &Test, account: i64) -> Vec<(i64, String)> {
    let path = format!("/admin/api/accounts/{account}/service_subscriptions.json");
    let listed = t.get(&path).await.expect(200).at("/service_subscriptions");
    listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let row = &row["service_subscription"];
            (
                row["service_id"].as_i64().unwrap(),
                row["state"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

both_databases! {
    async fn signup_subscribes_to_what_has_a_default(t: &Test) {
        let mail = product(t, "mail", APP_ID).await;
        let maps = product(t, "maps", APP_ID).await;
        let vip = service_plan(t, maps.id, &[("name", "VIP"), ("approval_required", "true"), ("trial_period_days", "30"), ("setup_fee", "5")]).await;
        // Nobody can subscribe to this one: it has no default service plan.
        let news = product(t, "news", APP_ID).await;
        let default = t.get(&format!("/admin/api/services/{}/service_plans.json", news.id)).await.id("/plans/0/service_plan/id");
        t.delete(&format!("/admin/api/services/{}/service_plans/{default}.json", news.id)).await.expect(200);
        let sign_up = |name: &'static str, more: Value| async move {
            let mut body = json!({"org_name": name, "username": name, "email": format!("{name}@example.com"), "password": "correct horse"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            t.json(Method::POST, "/admin/api/signup.json", &body).await
        };

        let reply = sign_up("ann", json!({})).await.expect(201);
        assert_eq!(subscribed(t, 1).await, [(mail.id, "live".into()), (maps.id, "live".into())]);
        let applications = reply.at("/account/applications");
        let products: Vec<_> = applications.as_array().unwrap().iter().map(|row| row["application"]["service_id"].as_i64().unwrap()).collect();
        assert_eq!(products, [mail.id, maps.id], "no application of what nobody can subscribe to");
        let types: Vec<_> = reply.at("/account/plans").as_array().unwrap().iter().map(|row| row["plan"]["type"].as_str().unwrap().to_owned()).collect();
        assert_eq!(types, ["account_plan", "service_plan", "service_plan", "application_plan", "application_plan"]);

        sign_up("bob", json!({"service_plan_id": vip})).await.expect(201);
        assert_eq!(subscribed(t, 2).await, [(maps.id, "pending".into()), (mail.id, "live".into())]);
        let listed = t.get("/admin/api/accounts/2/service_subscriptions.json").await.at("/service_subscriptions/0/service_subscription");
        assert_eq!((&listed["plan_id"], &listed["setup_fee"], &listed["accepted_at"]), (&vip.parse::<i64>().unwrap().into(), &5.0.into(), &Value::Null));
        assert!(listed["trial_period_expires_at"].is_string(), "{listed}");

        let other_vip = service_plan(t, maps.id, &[("name", "VVIP")]).await;
        for (name, more, field) in [
            ("cyd", json!({"service_plan_id": "999"}), "service_plan_id"),
            ("cyd", json!({"service_plan_id": mail.bronze}), "service_plan_id"),
            ("cyd", json!({"service_plan_id": [vip, other_vip]}), "service_plan_id"),
            ("cyd", json!({"service_plan_id": "x"}), "service_plan_id"),
            ("cyd", json!({"application_plan_id": news.gold}), "application_plan_id"),
            ("cyd", json!({"account_plan_id": mail.gold}), "account_plan_id"),
        ] {
            let reply = sign_up(name, more.clone()).await.expect(422);
            assert_eq!(reply.complaints(), [field], "{more}");
        }
        sign_up("cyd", json!({"service_plan_id": [other_vip], "application_plan_id": maps.gold})).await.expect(201);
        t.put("/admin/api/accounts/1/change_plan.json", &[("plan_id", "1")]).await.expect(200);
    }

    async fn without_a_default_account_plan_one_must_be_named(t: &Test) {
        let gold = t.post("/admin/api/account_plans.json", &[("name", "Gold"), ("approval_required", "true")]).await.expect(201).id("/account_plan/id");
        t.delete("/admin/api/account_plans/1.json").await.expect(200);
        let mut body = json!({"org_name": "Bob", "username": "bob", "password": "correct horse"});
        let reply = t.json(Method::POST, "/admin/api/signup.json", &body).await.expect(422);
        assert_eq!(reply.complaints(), ["account_plan_id"]);
        body["account_plan_id"] = gold.into();
        let reply = t.json(Method::POST, "/admin/api/signup.json", &body).await.expect(201);
        assert_eq!((reply.at("/account/state"), reply.at("/account/users/0/user/state")), ("pending".into(), "pending".into()));
    }

    async fn an_account_subscribes_moves_and_leaves(t: &Test) {
        signed_up(t, "bob").await;
        let mail = product(t, "mail", APP_ID).await;
        let maps = product(t, "maps", APP_ID).await;
        let vip = service_plan(t, mail.id, &[("name", "VIP"), ("approval_required", "true")]).await;
        let plain = service_plan(t, mail.id, &[("name", "Plain")]).await;
        let of_maps = service_plan(t, maps.id, &[("name", "Plain")]).await;
        assert_eq!(t.get(&format!("{SUBSCRIPTIONS}.json")).await.expect(200).text, r#"{"service_subscriptions":[]}"#);
        for plan in ["", "x", "999", "1", &mail.gold.to_string()] {
            assert_eq!(t.post(&format!("{SUBSCRIPTIONS}.json"), &[("plan_id", plan)]).await.expect(422).complaints(), ["plan_id"], "{plan}");
        }
        let reply = t.json(Method::POST, &format!("{SUBSCRIPTIONS}.json"), &json!({"service_subscription": {"plan_id": vip}})).await.expect(201);
        let id = reply.id("/service_subscription/id");
        assert_eq!(reply.headers["location"], format!("{SUBSCRIPTIONS}/{id}.json"));
        assert_eq!((reply.at("/service_subscription/state"), reply.at("/service_subscription/type"), reply.at("/service_subscription/user_account_id")),
            ("pending".into(), "ServiceContract".into(), 1.into()));
        // A product is subscribed to once.
        assert_eq!(t.post(&format!("{SUBSCRIPTIONS}.json"), &[("plan_id", &plain)]).await.expect(422).complaints(), ["plan_id"]);

        let own = format!("{SUBSCRIPTIONS}/{id}");
        let approved = t.put(&format!("{own}/approve.json"), &[]).await.expect(200).at("/service_subscription");
        assert_eq!(approved["state"], "live");
        assert!(approved["accepted_at"].is_string(), "{approved}");
        assert_eq!(t.get(&format!("{own}.json")).await.expect(200).at("/service_subscription"), approved);
        assert_eq!(t.put(&format!("{own}/approve.json"), &[]).await.expect(422).complaints(), ["state"]);
        for plan in ["", "999", of_maps.as_str()] {
            assert_eq!(t.put(&format!("{own}/change_plan.json"), &[("plan_id", plan)]).await.expect(422).complaints(), ["plan_id"], "{plan}");
        }
        let reply = t.put(&format!("{own}/change_plan.json"), &[("plan_id", &plain)]).await.expect(200);
        assert_eq!(reply.id("/service_plan/id").to_string(), plain);
        assert_eq!(t.get(&format!("{own}.json")).await.expect(200).id("/service_subscription/plan_id").to_string(), plain);
        let in_use = format!("/admin/api/services/{}/service_plans/{plain}.json", mail.id);
        assert_eq!(t.delete(&in_use).await.expect(422).complaints(), ["base"]);

        // The older spelling.
        let listed = t.get("/admin/api/accounts/1/service_contracts.json").await.expect(200);
        assert_eq!(listed.id("/service_contracts/0/service_contract/id"), id);
        let xml = t.get("/admin/api/accounts/1/service_contracts.xml").await.expect(200).text;
        assert!(xml.contains(&format!("<service_contracts><service_contract><id>{id}</id><plan_id>{plain}</plan_id><user_account_id>1</user_account_id>")), "{xml}");
        for missing in ["/admin/api/accounts/9/service_subscriptions.json", "/admin/api/accounts/9/service_contracts.json", &format!("{SUBSCRIPTIONS}/99.json")] {
            t.get(missing).await.expect(404);
        }
        t.delete(&format!("/admin/api/accounts/1/service_contracts/{id}.json")).await.expect(200);
        t.delete(&format!("{own}.json")).await.expect(404);
        t.delete(&in_use).await.expect(200);
    }

    async fn applications_keep_their_subscription(t: &Test) {
        let mail = product(t, "mail", APP_ID).await;
        let account = signed_up(t, "bob").await;
        let (application, id) = first_application(&account);
        let subscription = t.get(&format!("{SUBSCRIPTIONS}.json")).await.id("/service_subscriptions/0/service_subscription/id");
        let path = format!("{SUBSCRIPTIONS}/{subscription}.json");
        assert_eq!(t.delete(&path).await.expect(422).complaints(), ["base"]);
        t.put(&format!("{application}/suspend.json"), &[]).await.expect(200);
        t.delete(&path).await.expect(200);
        t.get(&format!("{application}.json")).await.expect(404);
        // An application that is made brings its subscription.
        let form = [("plan_id", mail.bronze.to_string()), ("name", "A".to_owned())];
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let made = t.post("/admin/api/accounts/1/applications.json", &form).await.expect(201).id("/application/id");
        assert!(made > id);
        assert_eq!(subscribed(t, 1).await, [(mail.id, "live".into())]);
        // Unless nobody can subscribe.
        let news = product(t, "news", APP_ID).await;
        let default = t.get(&format!("/admin/api/services/{}/service_plans.json", news.id)).await.id("/plans/0/service_plan/id");
        t.delete(&format!("/admin/api/services/{}/service_plans/{default}.json", news.id)).await.expect(200);
        let bronze = news.bronze.to_string();
        let reply = t.post("/admin/api/accounts/1/applications.json", &[("plan_id", &bronze), ("name", "A")]).await.expect(422);
        assert_eq!(reply.complaints(), ["plan_id"]);
        t.delete(&format!("/admin/api/services/{}.json", mail.id)).await.expect(200);
        assert_eq!(subscribed(t, 1).await, []);
    }
}
