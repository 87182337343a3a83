//! Limits of application plans.

use super::{hits, plan, product, revision};
use crate::support::{Test, both_databases};

both_databases! {
    async fn limits_are_made_changed_and_deleted(t: &Test) {
        let id = product(t, "Mail").await;
        let hits = hits(t, id).await;
        let plan = plan(t, id, "Bronze").await;
        let path = format!("/admin/api/application_plans/{plan}/metrics/{hits}/limits");
        let before = revision(t).await;
        let reply = t.post(&format!("{path}.json"), &[("period", "minute"), ("value", "600")]).await.expect(201);
        let made = revision(t).await;
        assert!(made > before);
        let limit = reply.id("/limit/id");
        assert_eq!(reply.at("/limit/value"), 600);
        let xml = t.get(&format!("{path}/{limit}.xml")).await.expect(200).text;
        let expected = format!("<limit><id>{limit}</id><metric_id>{hits}</metric_id><plan_id>{plan}</plan_id><period>minute</period><value>600</value></limit>");
        assert!(xml.ends_with(&expected), "{xml}");
        let reply = t.put(&format!("{path}/{limit}.json"), &[("value", "9223372036854775807")]).await.expect(200);
        assert_eq!(reply.at("/limit/value"), i64::MAX);
        assert!(revision(t).await > made);
        for period in ["hour", "day", "week", "month", "year", "eternity"] {
            t.post(&format!("{path}.json"), &[("period", period), ("value", "0")]).await.expect(201);
        }
        let all = t.get(&format!("/admin/api/application_plans/{plan}/limits.json?per_page=5&page=2")).await.expect(200);
        assert_eq!(all.at("/limits").as_array().unwrap().len(), 2);
        assert_eq!(all.at("/metadata/total_entries"), 7);
        t.delete(&format!("{path}/{limit}.json")).await.expect(200);
        t.get(&format!("{path}/{limit}.json")).await.expect(404);
    }

    async fn wrong_values_are_named(t: &Test) {
        let id = product(t, "Mail").await;
        let hits_id = hits(t, id).await;
        let plan = plan(t, id, "Bronze").await;
        let plans = format!("/admin/api/application_plans/{plan}/metrics");
        let path = format!("{plans}/{hits_id}/limits.json");
        assert_eq!(t.post(&path, &[]).await.expect(422).complaints(), ["period", "value"]);
        for (field, value) in [
            ("value", ""), ("value", "-1"), ("value", "1.5"), ("value", "9223372036854775808"), ("value", "many"),
            ("period", "minut"), ("period", ""),
        ] {
            let mut form = vec![("period", "day"), ("value", "5")];
            form.retain(|(name, _)| *name != field);
            form.push((field, value));
            assert_eq!(t.post(&path, &form).await.expect(422).complaints(), [field], "{field}={value}");
        }
        t.post(&path, &[("period", "day"), ("value", "5")]).await.expect(201);
        assert_eq!(t.post(&path, &[("period", "day"), ("value", "6")]).await.expect(422).complaints(), ["period"]);
        let foreign = hits(t, product(t, "News").await).await;
        t.post(&format!("{plans}/{foreign}/limits.json"), &[("period", "day"), ("value", "5")]).await.expect(404);
        t.get(&format!("{plans}/{foreign}/limits.json")).await.expect(404);
        t.get("/admin/api/application_plans/999/limits.json").await.expect(404);
    }
}
