//! Plans made for one application: copied with everything, listed nowhere, and gone when they serve nobody.

use super::{application, hits, plan, product, revision};
use crate::support::{Test, both_databases};
use tallygate::on;

/// An application on a plan, and its path.
async fn subscriber(t: &Test, plan: i64) -> (i64, String) {
    let id = application(t, plan).await;
    let found = t
        .get(&format!(
            "/admin/api/applications/find.json?application_id={id}"
        ))
        .await
        .expect(200);
    let account = found.id("/application/account_id");
    (
        id,
        format!("/admin/api/accounts/{account}/applications/{id}"),
    )
}

/// Plans that are not deleted and were made for one application.
async fn custom_plans(t: &Test) -> i64 {
    on!(t.app.db, |c| sqlx::query_scalar(
        "select count(*) from plan where original_id is not null and deleted_at is null"
    )
    .fetch_one(c))
    .unwrap()
}

both_databases! {
    async fn a_copy_has_all_that_the_plan_has(t: &Test) {
        let id = product(t, "Mail").await;
        let hits = hits(t, id).await;
        let bronze = plan(t, id, "Bronze").await;
        let of_plan = |plan: i64| format!("/admin/api/application_plans/{plan}");
        let own = format!("/admin/api/services/{id}/application_plans/{bronze}");
        t.put(&format!("{own}.json"), &[("cost_per_month", "9.5"), ("trial_period_days", "30"), ("state_event", "publish")]).await.expect(200);
        t.put(&format!("{own}/default.json"), &[]).await.expect(200);
        let limits = format!("{}/metrics/{hits}/limits.json", of_plan(bronze));
        t.post(&limits, &[("period", "minute"), ("value", "600")]).await.expect(201);
        t.post(&limits, &[("period", "day"), ("value", "9000")]).await.expect(201);
        let prices = format!("{}/metrics/{hits}/pricing_rules.json", of_plan(bronze));
        t.post(&prices, &[("min", "1"), ("max", "1000"), ("cost_per_unit", "0.0025")]).await.expect(201);
        let feature = t.post(&format!("/admin/api/services/{id}/features.json"), &[("name", "Support")]).await.expect(201).id("/feature/id");
        t.post(&format!("{}/features.json", of_plan(bronze)), &[("feature_id", &feature.to_string())]).await.expect(201);
        let (app, path) = subscriber(t, bronze).await;

        let before = revision(t).await;
        let custom = t.put(&format!("{path}/customize_plan.json"), &[]).await.expect(200).at("/application_plan");
        assert!(revision(t).await > before, "gateways learn of it");
        assert_eq!((&custom["name"], &custom["state"], &custom["custom"], &custom["default"]),
            (&"Bronze (custom)".into(), &"hidden".into(), &true.into(), &false.into()));
        assert_eq!((&custom["cost_per_month"], &custom["trial_period_days"]), (&9.5.into(), &30.into()));
        let custom = custom["id"].as_i64().unwrap();
        assert_eq!(t.get(&format!("{path}.json")).await.expect(200).id("/application/plan_id"), custom);
        let told = t.get(&format!("{}/limits.json", of_plan(custom))).await.expect(200).at("/limits");
        let told: Vec<_> = told.as_array().unwrap().iter().map(|limit| (limit["limit"]["period"].clone(), limit["limit"]["value"].clone())).collect();
        assert_eq!(told, [("minute".into(), 600.into()), ("day".into(), 9000.into())]);
        let told = t.get(&format!("{}/pricing_rules.json", of_plan(custom))).await.expect(200);
        assert_eq!((told.at("/pricing_rules/0/pricing_rule/max"), told.at("/pricing_rules/0/pricing_rule/cost_per_unit")), (1000.into(), "0.0025".into()));
        let told = t.get(&format!("{}/features.json", of_plan(custom))).await.expect(200);
        assert_eq!(told.id("/features/0/feature/id"), feature);

        // Once more changes nothing.
        assert_eq!(t.put(&format!("{path}/customize_plan.json"), &[]).await.expect(200).id("/application_plan/id"), custom);
        assert_eq!(custom_plans(t).await, 1);
        // What it is changed to is its own.
        let limit = t.get(&format!("{}/limits.json", of_plan(custom))).await.expect(200).id("/limits/0/limit/id");
        t.put(&format!("{}/metrics/{hits}/limits/{limit}.json", of_plan(custom)), &[("value", "6000")]).await.expect(200);
        assert_eq!(t.get(&format!("{}/limits.json", of_plan(bronze))).await.expect(200).at("/limits/0/limit/value"), 600);

        let before = revision(t).await;
        let back = t.put(&format!("{path}/decustomize_plan.json"), &[]).await.expect(200);
        assert_eq!((back.id("/application_plan/id"), back.at("/application_plan/custom")), (bronze, false.into()));
        assert!(revision(t).await > before, "gateways learn of it");
        assert_eq!(t.get(&format!("{path}.json")).await.expect(200).id("/application/plan_id"), bronze);
        t.get(&format!("{}/limits.json", of_plan(custom))).await.expect(404);
        assert_eq!(custom_plans(t).await, 0);
        assert_eq!(t.put(&format!("{path}/decustomize_plan.json"), &[]).await.expect(200).id("/application_plan/id"), bronze);
        let again = t.put(&format!("{path}/customize_plan.xml"), &[]).await.expect(200).text;
        assert!(again.contains("<plan custom=\"true\" default=\"false\">"), "{again}");
        for (verb, wrong) in [("customize_plan", 9), ("decustomize_plan", 9)] {
            t.put(&format!("/admin/api/accounts/{wrong}/applications/{app}/{verb}.json"), &[]).await.expect(404);
            t.put(&format!("/admin/api/accounts/1/applications/{wrong}/{verb}.json"), &[]).await.expect(404);
        }
    }

    async fn nobody_else_gets_it(t: &Test) {
        let id = product(t, "Mail").await;
        let bronze = plan(t, id, "Bronze").await;
        let (_, path) = subscriber(t, bronze).await;
        let custom = t.put(&format!("{path}/customize_plan.json"), &[]).await.expect(200).id("/application_plan/id");
        let plans = format!("/admin/api/services/{id}/application_plans");
        for list in [format!("{plans}.json"), "/admin/api/application_plans.json".into()] {
            let listed = t.get(&list).await.expect(200).at("/plans");
            let ids: Vec<_> = listed.as_array().unwrap().iter().map(|plan| plan["application_plan"]["id"].as_i64().unwrap()).collect();
            assert_eq!(ids, [bronze]);
        }
        assert_eq!(t.put(&format!("{plans}/{custom}.json"), &[("state_event", "publish")]).await.expect(422).complaints(), ["state_event"]);
        assert_eq!(t.put(&format!("{plans}/{custom}/default.json"), &[]).await.expect(422).complaints(), ["base"]);
        let body = [("plan_id", custom.to_string()), ("name", "B".to_owned())].map(|(name, value)| (name, value));
        let form: Vec<_> = body.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(t.post("/admin/api/accounts/1/applications.json", &form).await.expect(422).complaints(), ["plan_id"]);
        // Neither goes while the application is on it.
        for plan in [bronze, custom] {
            assert_eq!(t.delete(&format!("{plans}/{plan}.json")).await.expect(422).complaints(), ["base"]);
        }
        t.put(&format!("{plans}/{custom}.json"), &[("name", "For Bob")]).await.expect(200);
        assert_eq!(t.put(&format!("{path}/change_plan.json"), &[("plan_id", &custom.to_string())]).await.expect(200).at("/application_plan/name"), "For Bob");
    }

    async fn it_goes_with_whatever_it_served(t: &Test) {
        let id = product(t, "Mail").await;
        let bronze = plan(t, id, "Bronze").await;
        let gold = plan(t, id, "Gold").await;
        let (_, path) = subscriber(t, bronze).await;
        t.put(&format!("{path}/customize_plan.json"), &[]).await.expect(200);
        let reply = t.put(&format!("{path}/change_plan.json"), &[("plan_id", &gold.to_string())]).await.expect(200);
        assert_eq!(reply.id("/application_plan/id"), gold);
        assert_eq!(custom_plans(t).await, 0);
        t.put(&format!("{path}/customize_plan.json"), &[]).await.expect(200);
        t.delete(&format!("{path}.json")).await.expect(200);
        assert_eq!(custom_plans(t).await, 0);
        let (_, path) = subscriber(t, gold).await;
        t.put(&format!("{path}/customize_plan.json"), &[]).await.expect(200);
        let account = path.split('/').nth(4).unwrap();
        t.delete(&format!("/admin/api/accounts/{account}.json")).await.expect(200);
        assert_eq!(custom_plans(t).await, 0);
        for plan in [bronze, gold] {
            t.delete(&format!("/admin/api/services/{id}/application_plans/{plan}.json")).await.expect(200);
        }
    }
}
