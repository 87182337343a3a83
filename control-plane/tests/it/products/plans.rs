//! Application plans.

use super::{application, plan, product, revision};
use crate::support::{Test, both_databases};

both_databases! {
    async fn plans_are_made_published_and_made_the_default(t: &Test) {
        let id = product(t, "Mail").await;
        let path = format!("/admin/api/services/{id}/application_plans");
        let before = revision(t).await;
        let form = [("name", "Bronze"), ("approval_required", "true"), ("setup_fee", "9.5"), ("cost_per_month", "20"), ("trial_period_days", "30")];
        let reply = t.post(&format!("{path}.json"), &form).await.expect(201);
        assert!(revision(t).await > before);
        let bronze = reply.id("/application_plan/id");
        assert_eq!(reply.at("/application_plan/state"), "hidden");
        assert_eq!(reply.at("/application_plan/setup_fee"), 9.5);
        assert_eq!(reply.at("/application_plan/approval_required"), true);
        let gold = plan(t, id, "Gold").await;
        let own = format!("{path}/{bronze}.json");
        assert_eq!(t.put(&own, &[("state_event", "publish")]).await.expect(200).at("/application_plan/state"), "published");
        assert_eq!(t.put(&own, &[("state_event", "hide"), ("name", "Brass")]).await.expect(200).at("/application_plan/state"), "hidden");
        assert_eq!(t.get(&own).await.expect(200).at("/application_plan/system_name"), "bronze");
        for default in [bronze, gold] {
            t.put(&format!("{path}/{default}/default.json"), &[]).await.expect(200);
            let listed = t.get(&format!("{path}.json")).await.expect(200).at("/plans");
            let defaults: Vec<_> = listed.as_array().unwrap().iter()
                .filter(|plan| plan["application_plan"]["default"] == true)
                .map(|plan| plan["application_plan"]["id"].as_i64().unwrap())
                .collect();
            assert_eq!(defaults, [default]);
        }
        let xml = t.get(&format!("{path}.xml")).await.expect(200).text;
        assert!(xml.contains("<plans><plan custom=\"false\" default=\"false\">"), "{xml}");
        assert!(xml.contains("<type>application_plan</type>"), "{xml}");
        let other = product(t, "News").await;
        t.get(&format!("/admin/api/services/{other}/application_plans/{gold}.json")).await.expect(404);
        plan(t, other, "Gold").await;
        let all = t.get("/admin/api/application_plans.json").await.expect(200);
        assert_eq!(all.at("/plans").as_array().unwrap().len(), 3);
    }

    async fn wrong_values_are_named(t: &Test) {
        let id = product(t, "Mail").await;
        let path = format!("/admin/api/services/{id}/application_plans.json");
        for (field, value) in [
            ("name", ""), ("setup_fee", "-1"), ("setup_fee", "free"), ("cost_per_month", "1e999"), ("cost_per_month", "NaN"),
            ("trial_period_days", "-1"), ("trial_period_days", "99999999999999999999"), ("state_event", "explode"),
            ("approval_required", "perhaps"), ("system_name", "a b"),
        ] {
            let mut form = vec![("name", "Bronze")];
            form.retain(|(name, _)| *name != field);
            form.push((field, value));
            assert_eq!(t.post(&path, &form).await.expect(422).complaints(), [field], "{field}={value}");
        }
        assert_eq!(t.get(&path).await.expect(200).text, r#"{"plans":[]}"#);
    }

    async fn a_plan_in_use_is_not_deleted(t: &Test) {
        let id = product(t, "Mail").await;
        let used = plan(t, id, "Used").await;
        let unused = plan(t, id, "Unused").await;
        application(t, used).await;
        let path = format!("/admin/api/services/{id}/application_plans");
        t.delete(&format!("{path}/{used}.json")).await.expect(422);
        t.get(&format!("{path}/{used}.json")).await.expect(200);
        t.delete(&format!("{path}/{unused}.json")).await.expect(200);
        t.get(&format!("{path}/{unused}.json")).await.expect(404);
    }
}
