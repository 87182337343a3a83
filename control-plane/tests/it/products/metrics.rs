//! Metrics and methods.

use super::{hits, method, plan, product, revision};
use crate::support::{Test, both_databases};

both_databases! {
    async fn metrics_are_made_changed_and_deleted(t: &Test) {
        let id = product(t, "Mail").await;
        let path = format!("/admin/api/services/{id}/metrics");
        let before = revision(t).await;
        let form = [("friendly_name", "Mails sent"), ("unit", "mail"), ("description", "All of them")];
        let reply = t.post(&format!("{path}.json"), &form).await.expect(201);
        assert!(revision(t).await > before);
        assert_eq!(reply.at("/metric/system_name"), "mails_sent");
        assert_eq!(reply.at("/metric/name"), "mails_sent");
        let metric = reply.id("/metric/id");
        let own = format!("{path}/{metric}.json");
        let reply = t.put(&own, &[("friendly_name", "Letters"), ("system_name", "other")]).await.expect(200);
        assert_eq!(reply.at("/metric/friendly_name"), "Letters");
        assert_eq!(reply.at("/metric/system_name"), "mails_sent");
        assert_eq!(reply.at("/metric/unit"), "mail");
        let xml = t.get(&format!("{path}/{metric}.xml")).await.expect(200).text;
        assert!(xml.contains(&format!("<service_id>{id}</service_id>")), "{xml}");
        t.delete(&own).await.expect(200);
        t.get(&own).await.expect(404);
        let again = t.post(&format!("{path}.json"), &form).await.expect(201);
        assert_ne!(again.id("/metric/id"), metric);
    }

    async fn what_is_missing_or_taken_is_named(t: &Test) {
        let id = product(t, "Mail").await;
        let path = format!("/admin/api/services/{id}/metrics.json");
        assert_eq!(t.post(&path, &[]).await.expect(422).complaints(), ["unit", "friendly_name"]);
        let form = [("friendly_name", "Hits"), ("system_name", "hits"), ("unit", "hit")];
        assert_eq!(t.post(&path, &form).await.expect(422).complaints(), ["system_name"]);
        // 3scale's older name of the parameter.
        let form = [("friendly_name", "X"), ("name", "older"), ("unit", "hit")];
        assert_eq!(t.post(&path, &form).await.expect(201).at("/metric/system_name"), "older");
        t.post("/admin/api/services/999/metrics.json", &form).await.expect(404);
    }

    async fn only_hits_has_methods(t: &Test) {
        let id = product(t, "Mail").await;
        let web_api = method(t, id, "Web API").await;
        let hits = hits(t, id).await;
        let path = format!("/admin/api/services/{id}/metrics");
        let xml = t.get(&format!("{path}/{hits}/methods/{web_api}.xml")).await.expect(200).text;
        assert!(xml.contains(&format!("<metric_id>{hits}</metric_id>")), "{xml}");
        let listed = t.get(&format!("{path}.json")).await.expect(200);
        assert_eq!(listed.at("/metrics/1/metric/parent_id"), hits);
        let reply = t.post(&format!("{path}/{web_api}/methods.json"), &[("friendly_name", "Deep")]).await.expect(422);
        assert_eq!(reply.complaints(), ["metric_id"]);
        t.get(&format!("{path}/{web_api}/methods/{web_api}.json")).await.expect(404);
        let own = format!("{path}/{hits}/methods/{web_api}.json");
        let reply = t.put(&own, &[("friendly_name", "Web"), ("unit", "mail")]).await.expect(200);
        assert_eq!(reply.at("/method/friendly_name"), "Web");
        assert_eq!(t.get(&format!("{path}/{web_api}.json")).await.expect(200).at("/metric/unit"), "hit");
        t.delete(&own).await.expect(200);
        assert_eq!(t.get(&format!("{path}/{hits}/methods.json")).await.expect(200).text, r#"{"methods":[]}"#);
    }

    async fn what_counts_is_not_deleted(t: &Test) {
        let id = product(t, "Mail").await;
        let service = format!("/admin/api/services/{id}");
        let hits = hits(t, id).await;
        t.delete(&format!("{service}/metrics/{hits}.json")).await.expect(422);
        let web_api = method(t, id, "Web API").await;
        let metric = format!("{service}/metrics/{web_api}.json");
        let rules = format!("{service}/proxy/mapping_rules");
        let pairs = format!("[{{\"metric_id\":{web_api},\"delta\":2}},{{\"metric_id\":{hits},\"delta\":1}}]");
        let both = t.post(&format!("{rules}.json"), &[("http_method", "ANY"), ("pattern", "/both"), ("usages", &pairs)]).await.expect(201).id("/mapping_rule/id");
        let form = [("http_method", "GET"), ("pattern", "/mail"), ("metric_id", &web_api.to_string())];
        let only = t.post(&format!("{rules}.json"), &form).await.expect(201).id("/mapping_rule/id");
        t.post(&format!("{service}/proxy/deploy.json"), &[]).await.expect(201);
        let reply = t.delete(&metric).await.expect(422);
        assert!(reply.text.contains("web_api"), "{}", reply.text);
        // Gone from what gateways follow, still in a draft: the draft forgets it.
        for rule in [both, only] {
            t.patch(&format!("{rules}/{rule}.json"), &[("metric_id", &hits.to_string())]).await.expect(200);
        }
        t.post(&format!("{service}/proxy/deploy.json"), &[]).await.expect(201);
        t.patch(&format!("{rules}/{both}.json"), &[("usages", &pairs)]).await.expect(200);
        t.patch(&format!("{rules}/{only}.json"), &[("metric_id", &web_api.to_string())]).await.expect(200);
        let plan = plan(t, id, "Bronze").await;
        let limits = format!("/admin/api/application_plans/{plan}");
        let form = [("period", "minute"), ("value", "0")];
        t.post(&format!("{limits}/metrics/{web_api}/limits.json"), &form).await.expect(201);
        t.delete(&metric).await.expect(200);
        assert_eq!(t.get(&format!("{limits}/limits.json")).await.expect(200).text, r#"{"limits":[]}"#);
        t.get(&format!("{rules}/{only}.json")).await.expect(404);
        let left = t.get(&format!("{rules}/{both}.json")).await.expect(200);
        assert_eq!(left.at("/mapping_rule/metric_id"), hits);
        assert_eq!(left.at("/mapping_rule/position"), 2);
    }
}
