//! Mapping rules of the draft.

use super::{hits, method, product, revision};
use crate::support::client::send;
use crate::support::{Test, both_databases};
use reqwest::Method;
use serde_json::{Value, json};

async fn order(t: &Test, path: &str) -> Vec<(String, i64)> {
    let rules = t
        .get(&format!("{path}.json"))
        .await
        .expect(200)
        .at("/mapping_rules");
    let rule = |item: &Value| {
        let rule = &item["mapping_rule"];
        (
            rule["pattern"].as_str().unwrap().to_owned(),
            rule["position"].as_i64().unwrap(),
        )
    };
    rules.as_array().unwrap().iter().map(rule).collect()
}

fn positions(patterns: &[&str]) -> Vec<(String, i64)> {
    patterns
        .iter()
        .map(|pattern| (*pattern).to_owned())
        .zip(1..)
        .collect()
}

both_databases! {
    async fn positions_have_no_gaps(t: &Test) {
        let id = product(t, "Mail").await;
        let hits = hits(t, id).await.to_string();
        let path = format!("/admin/api/services/{id}/proxy/mapping_rules");
        let before = revision(t).await;
        let mut rule = Vec::new();
        for pattern in ["/a", "/b", "/c"] {
            let form = [("http_method", "GET"), ("pattern", pattern), ("metric_id", &hits), ("delta", "1")];
            rule.push(t.post(&format!("{path}.json"), &form).await.expect(201).id("/mapping_rule/id"));
        }
        assert_eq!(order(t, &path).await, positions(&["/", "/a", "/b", "/c"]));
        let form = [("http_method", "GET"), ("pattern", "/top"), ("metric_id", &hits), ("position", "1")];
        let top = t.post(&format!("{path}.json"), &form).await.expect(201).id("/mapping_rule/id");
        assert_eq!(order(t, &path).await, positions(&["/top", "/", "/a", "/b", "/c"]));
        for (id, to, expected) in [
            (rule[2], "2", ["/top", "/c", "/", "/a", "/b"]),
            (rule[2], "4", ["/top", "/", "/a", "/c", "/b"]),
            (top, "900", ["/", "/a", "/c", "/b", "/top"]),
            (top, "0", ["/top", "/", "/a", "/c", "/b"]),
        ] {
            t.patch(&format!("{path}/{id}.json"), &[("position", to)]).await.expect(200);
            assert_eq!(order(t, &path).await, positions(&expected), "{id} to {to}");
        }
        t.delete(&format!("{path}/{}.json", rule[0])).await.expect(200);
        assert_eq!(order(t, &path).await, positions(&["/top", "/", "/c", "/b"]));
        assert_eq!(revision(t).await, before, "gateways see drafts only once they are deployed");
    }

    async fn rules_have_lists_of_methods_and_of_usages(t: &Test) {
        let id = product(t, "Mail").await;
        let hits = hits(t, id).await;
        let web_api = method(t, id, "Web API").await;
        let path = format!("/admin/api/services/{id}/proxy/mapping_rules");
        let usages = json!([{"metric_id": web_api, "delta": 2}, {"metric_id": hits, "delta": 1}]);
        let body = json!({"mapping_rule": {"methods": ["GET", "POST"], "pattern": "/x$", "usages": usages, "last": true}});
        let reply = t.json(Method::POST, &format!("{path}.json"), &body).await.expect(201);
        assert_eq!(reply.at("/mapping_rule/http_method"), "GET");
        assert_eq!(reply.at("/mapping_rule/methods"), json!(["GET", "POST"]));
        assert_eq!(reply.at("/mapping_rule/metric_id"), web_api);
        assert_eq!(reply.at("/mapping_rule/delta"), 2);
        assert_eq!(reply.at("/mapping_rule/usages"), usages);
        assert_eq!(reply.at("/mapping_rule/last"), true);
        let own = format!("{path}/{}.json", reply.id("/mapping_rule/id"));
        // A 3scale client that sends its own fields back.
        let form = [("http_method", "DELETE"), ("pattern", "/y"), ("metric_id", &hits.to_string()), ("delta", "7")];
        let reply = t.patch(&own, &form).await.expect(200);
        assert_eq!(reply.at("/mapping_rule/methods"), json!(["DELETE"]));
        assert_eq!(reply.at("/mapping_rule/usages"), json!([{"metric_id": hits, "delta": 7}]));
        assert_eq!(reply.at("/mapping_rule/last"), true);
        // Rails' way of writing lists.
        let form = [
            ("methods[]", "GET"), ("methods[]", "PUT"),
            ("usages[][metric_id]", &web_api.to_string()), ("usages[][delta]", "3"),
            ("usages[][metric_id]", &hits.to_string()), ("usages[][delta]", "4"),
        ];
        let reply = t.patch(&own, &form).await.expect(200);
        assert_eq!(reply.at("/mapping_rule/methods"), json!(["GET", "PUT"]));
        let usages = json!([{"metric_id": web_api, "delta": 3}, {"metric_id": hits, "delta": 4}]);
        assert_eq!(reply.at("/mapping_rule/usages"), usages);
    }

    async fn what_gateways_could_not_load_is_refused(t: &Test) {
        let id = product(t, "Mail").await;
        let other = product(t, "Other").await;
        let hits_id = hits(t, id).await.to_string();
        let foreign = hits(t, other).await.to_string();
        let path = format!("/admin/api/services/{id}/proxy/mapping_rules");
        let good = [("http_method", "GET"), ("pattern", "/x"), ("metric_id", hits_id.as_str()), ("delta", "1")];
        let existing = t.post(&format!("{path}.json"), &good).await.expect(201).id("/mapping_rule/id");
        for (field, value) in [
            ("http_method", "get"), ("http_method", "BREW"), ("http_method", ""),
            ("pattern", "x"), ("pattern", ""), ("pattern", "/a b"), ("pattern", "/{"), ("pattern", "/{a}/{a}"),
            ("pattern", "/$$"), ("pattern", "/%zz"), ("pattern", &"/x".repeat(200)),
            ("metric_id", foreign.as_str()), ("metric_id", "0"), ("metric_id", "hits"), ("metric_id", "99999999999999999999"),
            ("delta", "0"), ("delta", "-1"), ("delta", "1.5"), ("delta", "9223372036854775808"), ("delta", "1000000001"),
            ("position", "x"), ("position", "-2"), ("last", "perhaps"),
            ("methods", "GET,BREW"), ("methods", ","),
            ("usages", "[]"), ("usages", "x"), ("usages", "[{}]"), ("usages", "[{\"metric_id\":1,\"delta\":0}]"),
            ("usages", &format!("[{{\"metric_id\":{hits_id},\"delta\":1000000001}}]")),
        ] {
            let mut form: Vec<_> = good.iter().copied().filter(|(name, _)| *name != field).collect();
            form.push((field, value));
            let reply = t.post(&format!("{path}.json"), &form).await.expect(422);
            assert_eq!(reply.complaints(), [field], "{field}={value}");
            let reply = t.patch(&format!("{path}/{existing}.json"), &[(field, value)]).await.expect(422);
            assert_eq!(reply.complaints(), [field], "{field}={value}");
        }
        t.patch(&format!("{path}/{existing}.json"), &[("delta", "1000000000")]).await.expect(200);
        let twice = format!("[{{\"metric_id\":{hits_id},\"delta\":1}},{{\"metric_id\":{hits_id},\"delta\":2}}]");
        t.patch(&format!("{path}/{existing}.json"), &[("usages", &twice)]).await.expect(422);
        assert_eq!(order(t, &path).await, positions(&["/", "/x"]));
    }

    async fn rules_made_at_once_do_not_share_a_position(t: &Test) {
        let id = product(t, "Mail").await;
        let hits = hits(t, id).await.to_string();
        let path = format!("/admin/api/services/{id}/proxy/mapping_rules");
        let create = |n: usize| {
            let request = t
                .request(Method::POST, &format!("{path}.json"))
                .basic_auth("", Some(&t.token))
                .form(&[("http_method", "GET"), ("pattern", &format!("/r{n}")), ("metric_id", &hits), ("position", "1")]);
            tokio::spawn(send(request))
        };
        let created: Vec<_> = (0..12).map(create).collect();
        for reply in created {
            reply.await.unwrap().expect(201);
        }
        let positions: Vec<i64> = order(t, &path).await.into_iter().map(|(_, position)| position).collect();
        assert_eq!(positions, (1..=13).collect::<Vec<_>>());
    }
}
