//! Account plans and service plans: made, changed, made the default and deleted as application plans are.

use super::{application, plan, product};
use crate::support::{Test, both_databases};

async fn defaults(t: &Test, path: &str, kind: &str) -> Vec<i64> {
    let listed = t
        .get(&format!("{path}.json"))
        .await
        .expect(200)
        .at("/plans");
    listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|plan| plan[kind]["default"] == true)
        .map(|plan| plan[kind]["id"].as_i64().unwrap())
        .collect()
}

both_databases! {
    async fn all_kinds_live_alike(t: &Test) {
        let id = product(t, "Mail").await;
        for (path, kind, service_id) in [
            ("/admin/api/account_plans".to_owned(), "account_plan", None),
            (format!("/admin/api/services/{id}/service_plans"), "service_plan", Some(id)),
        ] {
            let first = defaults(t, &path, kind).await;
            assert_eq!(first.len(), 1, "{kind}: one comes with the provider or the product");
            let form = [("name", "Partners"), ("approval_required", "true"), ("state_event", "publish")];
            let reply = t.post(&format!("{path}.json"), &form).await.expect(201);
            let made = reply.id(&format!("/{kind}/id"));
            assert_eq!(reply.headers["location"], format!("{path}/{made}.json"));
            let shown = reply.at(&format!("/{kind}"));
            assert_eq!((&shown["state"], &shown["approval_required"], &shown["default"], &shown["custom"]),
                (&"published".into(), &true.into(), &false.into(), &false.into()), "{kind}");
            assert_eq!((&shown["system_name"], shown.get("service_id").and_then(serde_json::Value::as_i64)), (&"partners".into(), service_id));
            assert_eq!(t.get(&format!("{path}/{made}.json")).await.expect(200).at(&format!("/{kind}")), shown);
            let reply = t.put(&format!("{path}/{made}.json"), &[("name", "Friends"), ("state_event", "hide")]).await.expect(200);
            assert_eq!((reply.at(&format!("/{kind}/name")), reply.at(&format!("/{kind}/state"))), ("Friends".into(), "hidden".into()));
            let xml = t.get(&format!("{path}/{made}.xml")).await.expect(200).text;
            assert!(xml.contains(&format!("<plan custom=\"false\" default=\"false\"><id>{made}</id><name>Friends</name><type>{kind}</type><state>hidden</state>")), "{xml}");

            t.put(&format!("{path}/{made}/default.json"), &[]).await.expect(200);
            assert_eq!(defaults(t, &path, kind).await, [made]);
            for (field, value) in [("name", ""), ("approval_required", "perhaps"), ("state_event", "explode"), ("system_name", "partners"), ("system_name", "a b")] {
                let mut form = vec![("name", "Other")];
                form.retain(|(name, _)| *name != field);
                form.push((field, value));
                assert_eq!(t.post(&format!("{path}.json"), &form).await.expect(422).complaints(), [field], "{kind} {field}={value}");
            }
            t.delete(&format!("{path}/{made}.json")).await.expect(200);
            for missing in [made, 999] {
                t.get(&format!("{path}/{missing}.json")).await.expect(404);
                t.put(&format!("{path}/{missing}.json"), &[("name", "x")]).await.expect(404);
                t.put(&format!("{path}/{missing}/default.json"), &[]).await.expect(404);
                t.delete(&format!("{path}/{missing}.json")).await.expect(404);
            }
            assert_eq!(defaults(t, &path, kind).await, Vec::<i64>::new());
        }
    }

    async fn kinds_and_products_do_not_mix(t: &Test) {
        let mail = product(t, "Mail").await;
        let news = product(t, "News").await;
        let bronze = plan(t, mail, "Bronze").await;
        let service = defaults(t, &format!("/admin/api/services/{mail}/service_plans"), "service_plan").await[0];
        for path in [
            format!("/admin/api/services/{news}/service_plans/{service}.json"),
            format!("/admin/api/services/{mail}/service_plans/{bronze}.json"),
            format!("/admin/api/services/{mail}/application_plans/{service}.json"),
            format!("/admin/api/account_plans/{service}.json"),
            "/admin/api/services/999/service_plans.json".to_owned(),
        ] {
            t.get(&path).await.expect(404);
        }
        let all = t.get("/admin/api/service_plans.json?per_page=1&page=2").await.expect(200);
        assert_eq!((all.at("/plans/0/service_plan/service_id"), all.at("/metadata/total_entries")), (news.into(), 2.into()));
        // Names are free among other plans.
        t.post(&format!("/admin/api/services/{news}/service_plans.json"), &[("name", "x"), ("system_name", "bronze")]).await.expect(201);
    }

    async fn plans_that_somebody_is_on_stay(t: &Test) {
        let id = product(t, "Mail").await;
        let bronze = plan(t, id, "Bronze").await;
        application(t, bronze).await;
        let services = format!("/admin/api/services/{id}/service_plans");
        for (path, kind) in [("/admin/api/account_plans", "account_plan"), (services.as_str(), "service_plan")] {
            let used = defaults(t, path, kind).await[0];
            let reply = t.delete(&format!("{path}/{used}.json")).await.expect(422);
            assert_eq!(reply.complaints(), ["base"]);
            t.get(&format!("{path}/{used}.json")).await.expect(200);
        }
        t.delete("/admin/api/accounts/1.json").await.expect(200);
        for (path, kind) in [("/admin/api/account_plans", "account_plan"), (services.as_str(), "service_plan")] {
            let unused = defaults(t, path, kind).await[0];
            t.delete(&format!("{path}/{unused}.json")).await.expect(200);
        }
    }

    async fn an_account_changes_its_plan(t: &Test) {
        let id = product(t, "Mail").await;
        let bronze = plan(t, id, "Bronze").await;
        application(t, bronze).await;
        let gold = t.post("/admin/api/account_plans.json", &[("name", "Gold")]).await.expect(201).id("/account_plan/id");
        assert_eq!(t.get("/admin/api/accounts/1/plan.json").await.expect(200).at("/account_plan/name"), "Default account plan");
        let reply = t.put("/admin/api/accounts/1/change_plan.json", &[("plan_id", &gold.to_string())]).await.expect(200);
        assert_eq!(reply.at("/account_plan/id"), gold);
        let xml = t.get("/admin/api/accounts/1/plan.xml").await.expect(200).text;
        assert!(xml.contains(&format!("<id>{gold}</id><name>Gold</name><type>account_plan</type>")), "{xml}");
        t.get("/admin/api/accounts/9/plan.json").await.expect(404);
        for bad in [bronze.to_string(), "999".into(), String::new(), "x".into()] {
            let reply = t.put("/admin/api/accounts/1/change_plan.json", &[("plan_id", &bad)]).await.expect(422);
            assert_eq!(reply.complaints(), ["plan_id"]);
        }
        t.put("/admin/api/accounts/9/change_plan.json", &[("plan_id", &gold.to_string())]).await.expect(404);
    }
}
