//! Pricing rules: ranges that do not overlap, amounts that are exact.

use super::{hits, method, plan, product};
use crate::support::{Test, both_databases};

both_databases! {
    async fn ranges_are_made_listed_and_deleted(t: &Test) {
        let id = product(t, "Mail").await;
        let hits = hits(t, id).await;
        let send = method(t, id, "Send").await;
        let bronze = plan(t, id, "Bronze").await;
        let plan_path = format!("/admin/api/application_plans/{bronze}");
        let path = format!("{plan_path}/metrics/{hits}/pricing_rules");
        let reply = t.post(&format!("{path}.json"), &[("min", "1001"), ("cost_per_unit", "0.0001")]).await.expect(201);
        let rule = reply.id("/pricing_rule/id");
        assert_eq!(reply.headers["location"], format!("{path}/{rule}.json"));
        assert_eq!((reply.at("/pricing_rule/min"), reply.at("/pricing_rule/max"), reply.at("/pricing_rule/cost_per_unit")),
            (1001.into(), serde_json::Value::Null, "0.0001".into()));
        // Without anything: free, from the first unit. Ends just before the other begins.
        let reply = t.post(&format!("{path}.json"), &[("max", "1000")]).await.expect(201);
        assert_eq!((reply.at("/pricing_rule/min"), reply.at("/pricing_rule/cost_per_unit")), (1.into(), "0.0".into()));
        // Another metric's ranges are its own.
        t.post(&format!("{plan_path}/metrics/{send}/pricing_rules.json"), &[("cost_per_unit", "2")]).await.expect(201);
        let xml = t.get(&format!("{path}.xml")).await.expect(200).text;
        let expected = format!("<pricing_rule><id>{rule}</id><metric_id>{hits}</metric_id><plan_id>{bronze}</plan_id><cost_per_unit>0.0001</cost_per_unit><min>1001</min><max></max></pricing_rule></pricing_rules>");
        assert!(xml.replace("<max/>", "<max></max>").ends_with(&expected), "{xml}");
        let all = t.get(&format!("{plan_path}/pricing_rules.json?per_page=2")).await.expect(200);
        assert_eq!(all.at("/metadata/total_entries"), 3);
        let mins: Vec<_> = all.at("/pricing_rules").as_array().unwrap().iter().map(|rule| rule["pricing_rule"]["min"].clone()).collect();
        assert_eq!(mins, [1, 1001]);
        assert_eq!(t.get(&format!("{path}/{rule}.json")).await.expect(200).at("/pricing_rule/min"), 1001);
        for wrong in [format!("{plan_path}/metrics/{send}/pricing_rules/{rule}.json"), format!("{path}/999.json")] {
            t.get(&wrong).await.expect(404);
            t.delete(&wrong).await.expect(404);
        }
        t.delete(&format!("{path}/{rule}.json")).await.expect(200);
        t.get(&format!("{path}/{rule}.json")).await.expect(404);
        t.post(&format!("{path}.json"), &[("min", "1001")]).await.expect(201);
        // They go with their metric.
        t.delete(&format!("/admin/api/services/{id}/metrics/{hits}/methods/{send}.json")).await.expect(200);
        assert_eq!(t.get(&format!("{plan_path}/pricing_rules.json")).await.expect(200).at("/pricing_rules").as_array().unwrap().len(), 2);
    }

    async fn wrong_values_are_named(t: &Test) {
        let id = product(t, "Mail").await;
        let hits_id = hits(t, id).await;
        let bronze = plan(t, id, "Bronze").await;
        let plan_path = format!("/admin/api/application_plans/{bronze}");
        let path = format!("{plan_path}/metrics/{hits_id}/pricing_rules.json");
        t.post(&path, &[("min", "100"), ("max", "199"), ("cost_per_unit", "1")]).await.expect(201);
        for (min, max, field) in [
            ("1", "", "min"), ("199", "199", "min"), ("100", "100", "min"), ("150", "160", "min"), ("50", "100", "min"), ("199", "", "min"),
            ("50", "49", "max"), ("0", "9", "min"), ("-1", "9", "min"), ("x", "9", "min"), ("1.5", "9", "min"), ("1", "x", "max"),
            ("9223372036854775808", "", "min"), ("1", "0", "max"),
        ] {
            let reply = t.post(&path, &[("min", min), ("max", max)]).await.expect(422);
            assert_eq!(reply.complaints(), [field], "{min}..{max}");
        }
        for cost in ["-1", "free", "0.00001", "1e3", "NaN", "1000000000001"] {
            assert_eq!(t.post(&path, &[("max", "99"), ("cost_per_unit", cost)]).await.expect(422).complaints(), ["cost_per_unit"], "{cost}");
        }
        t.post(&path, &[("max", "99"), ("cost_per_unit", "1000000000000")]).await.expect(201);
        t.post(&path, &[("min", "200"), ("max", "9223372036854775807")]).await.expect(201);
        let foreign = hits(t, product(t, "News").await).await;
        for wrong in [format!("{plan_path}/metrics/{foreign}/pricing_rules.json"), format!("/admin/api/application_plans/999/metrics/{hits_id}/pricing_rules.json")] {
            t.post(&wrong, &[]).await.expect(404);
            t.get(&wrong).await.expect(404);
        }
        t.get("/admin/api/application_plans/999/pricing_rules.json").await.expect(404);
    }
}
