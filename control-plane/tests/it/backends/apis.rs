//! Backends, their metrics, methods and mapping rules.

use super::{backend, each, hits, method, rule};
use crate::products::product;
use crate::support::{Test, both_databases};
use reqwest::Method;
use serde_json::json;

const PATH: &str = "/admin/api/backend_apis";

both_databases! {
    async fn backends_are_made_changed_and_deleted(t: &Test) {
        let form = [("name", "Mail API"), ("private_endpoint", "https://mail.internal:8443/v3/"), ("description", "Sends")];
        let reply = t.post(&format!("{PATH}.json"), &form).await.expect(201);
        let id = reply.id("/backend_api/id");
        assert_eq!(reply.at("/backend_api/system_name"), "mail_api");
        assert_eq!(reply.at("/backend_api/private_endpoint"), "https://mail.internal:8443/v3/");
        assert_eq!(reply.at("/backend_api/cluster"), json!(null));
        let own = format!("{PATH}/{id}.json");
        let reply = t.put(&own, &[("name", "Mails"), ("cluster", "mail_servers"), ("system_name", "other")]).await.expect(200);
        assert_eq!(reply.at("/backend_api/name"), "Mails");
        assert_eq!(reply.at("/backend_api/system_name"), "mail_api");
        assert_eq!(reply.at("/backend_api/cluster"), "mail_servers");
        let body = json!({"backend_api": {"private_endpoint": "http://b", "cluster": ""}});
        let reply = t.json(Method::PUT, &own, &body).await.expect(200);
        assert_eq!(reply.at("/backend_api/private_endpoint"), "http://b");
        assert_eq!(reply.at("/backend_api/cluster"), json!(null));
        let xml = t.get(&format!("{PATH}/{id}.xml")).await.expect(200).text;
        assert!(xml.contains("<backend_api><id>"), "{xml}");
        t.delete(&own).await.expect(200);
        t.get(&own).await.expect(404);
        t.delete(&own).await.expect(404);
        // Its name is free again, its id is not.
        let again = t.post(&format!("{PATH}.json"), &form).await.expect(201);
        assert_eq!(again.at("/backend_api/system_name"), "mail_api");
        assert_ne!(again.id("/backend_api/id"), id);
    }

    async fn what_is_missing_or_wrong_is_named(t: &Test) {
        let path = format!("{PATH}.json");
        let complaints = async |form: &[(&str, &str)]| t.post(&path, form).await.expect(422).complaints();
        assert_eq!(complaints(&[]).await, ["name", "private_endpoint"]);
        fn with<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
            let mut form = vec![("name", "A"), ("private_endpoint", "https://a.example")];
            form.retain(|(known, _)| *known != name);
            form.push((name, value));
            form
        }
        for url in ["a.example", "ftp://a.example", "https://", "https://*.example.com", "https://a?b", "https://u:p@a", "https://a:0"] {
            assert_eq!(complaints(&with("private_endpoint", url)).await, ["private_endpoint"], "{url}");
        }
        for cluster in ["tallygate_control_plane", "tallygate", "a b", "é"] {
            assert_eq!(complaints(&with("cluster", cluster)).await, ["cluster"], "{cluster}");
        }
        assert_eq!(complaints(&with("system_name", "a b")).await, ["system_name"]);
        assert_eq!(complaints(&with("name", &"x".repeat(256))).await, ["name"]);
        backend(t, "Mail").await;
        assert_eq!(complaints(&with("system_name", "mail")).await, ["system_name"]);
        let again = t.post(&path, &[("name", "Mail"), ("private_endpoint", "http://x")]).await.expect(201);
        assert_eq!(again.at("/backend_api/system_name"), "mail_2");
        let own = format!("{PATH}/{}.json", again.id("/backend_api/id"));
        for url in ["nowhere", ""] {
            assert_eq!(t.put(&own, &[("private_endpoint", url)]).await.expect(422).complaints(), ["private_endpoint"]);
        }
        assert_eq!(t.get(&own).await.expect(200).at("/backend_api/private_endpoint"), "http://x");
        t.get(&format!("{PATH}/999.json")).await.expect(404);
    }

    async fn lists_come_in_pages(t: &Test) {
        for name in ["A", "B", "C"] {
            backend(t, name).await;
        }
        let all = t.get(&format!("{PATH}.json")).await.expect(200);
        assert_eq!(each(&all.at("/backend_apis"), "/backend_api/name"), ["A", "B", "C"]);
        assert!(all.value().get("metadata").is_none());
        let page = t.get(&format!("{PATH}.json?per_page=2&page=2")).await.expect(200);
        assert_eq!(each(&page.at("/backend_apis"), "/backend_api/name"), ["C"]);
        assert_eq!(page.at("/metadata/total_entries"), 3);
        t.get(&format!("{PATH}.json?page=-1")).await.expect(422);
        let own = format!("{PATH}/{}", all.id("/backend_apis/0/backend_api/id"));
        for name in ["one", "two"] {
            t.post(&format!("{own}/metrics.json"), &[("friendly_name", name), ("unit", "call")]).await.expect(201);
        }
        let page = t.get(&format!("{own}/metrics.json?per_page=1&page=3")).await.expect(200);
        assert_eq!(each(&page.at("/metrics"), "/metric/friendly_name"), ["two"]);
        assert_eq!(page.at("/metadata/total_pages"), 3);
        t.get(&format!("{own}/metrics.json?page=0")).await.expect(422);
        t.get(&format!("{own}/mapping_rules.json?per_page=1000000000")).await.expect(200);
        // A product's come whole, as in 3scale, unless a page is asked for.
        let metrics = format!("/admin/api/services/{}/metrics.json", product(t, "Post").await);
        assert_eq!(t.get(&metrics).await.expect(200).at("/metrics").as_array().unwrap().len(), 1);
        let page = t.get(&format!("{metrics}?per_page=1&page=2")).await.expect(200);
        assert_eq!(page.at("/metrics"), json!([]));
    }

    async fn metrics_carry_the_backends_id(t: &Test) {
        let id = backend(t, "Mail").await;
        let path = format!("{PATH}/{id}/metrics");
        let hits = hits(t, id).await;
        let reply = t.get(&format!("{path}/{hits}.json")).await.expect(200);
        assert_eq!(reply.at("/metric/system_name"), format!("hits.{id}"));
        assert_eq!(reply.at("/metric/links/0/rel"), "backend_api");
        // What was answered may be sent back.
        let form = [("friendly_name", "Bytes"), ("unit", "byte"), ("system_name", &*format!("bytes.{id}"))];
        let reply = t.post(&format!("{path}.json"), &form).await.expect(201);
        assert_eq!(reply.at("/metric/system_name"), format!("bytes.{id}"));
        let bytes = reply.id("/metric/id");
        let form = [("friendly_name", "Bytes"), ("unit", "byte"), ("system_name", "bytes")];
        assert_eq!(t.post(&format!("{path}.json"), &form).await.expect(422).complaints(), ["system_name"]);
        let sent = method(t, id, "Mails sent").await;
        let own = format!("{path}/{hits}/methods/{sent}");
        let reply = t.put(&format!("{own}.json"), &[("friendly_name", "Letters")]).await.expect(200);
        assert_eq!(reply.at("/method/friendly_name"), "Letters");
        assert_eq!(reply.at("/method/system_name"), format!("mails_sent.{id}"));
        let xml = t.get(&format!("{own}.xml")).await.expect(200).text;
        assert!(xml.contains(&format!("<metric_id>{hits}</metric_id>")), "{xml}");
        let methods = t.get(&format!("{path}/{hits}/methods.json")).await.expect(200);
        assert_eq!(each(&methods.at("/methods"), "/method/id"), [sent]);
        t.post(&format!("{path}/{bytes}/methods.json"), &[("friendly_name", "Deep")]).await.expect(422);
        t.delete(&format!("{path}/{hits}.json")).await.expect(422);
        // Nobody else's.
        let other = backend(t, "Maps").await;
        t.get(&format!("{PATH}/{other}/metrics/{bytes}.json")).await.expect(404);
        let product = product(t, "Post").await;
        t.get(&format!("/admin/api/services/{product}/metrics/{bytes}.json")).await.expect(404);
        let own = crate::products::hits(t, product).await;
        t.get(&format!("{path}/{own}.json")).await.expect(404);
        t.delete(&format!("{path}/{bytes}.json")).await.expect(200);
        t.get(&format!("{path}/{bytes}.json")).await.expect(404);
    }

    async fn rules_are_ordered_and_count_the_backends_metrics(t: &Test) {
        let id = backend(t, "Mail").await;
        let path = format!("{PATH}/{id}/mapping_rules");
        let hits = hits(t, id).await;
        assert_eq!(t.get(&format!("{path}.json")).await.expect(200).text, r#"{"mapping_rules":[]}"#);
        let first = rule(t, id, "/a", hits).await;
        let second = rule(t, id, "/b", hits).await;
        let own = format!("{path}/{second}.json");
        let reply = t.put(&own, &[("position", "1"), ("last", "true"), ("delta", "3")]).await.expect(200);
        assert_eq!(reply.at("/mapping_rule/position"), 1);
        assert_eq!(reply.at("/mapping_rule/links/1/rel"), "backend_api");
        let listed = t.get(&format!("{path}.json")).await.expect(200);
        assert_eq!(each(&listed.at("/mapping_rules"), "/mapping_rule/id"), [second, first]);
        let product = product(t, "Post").await;
        let foreign = crate::products::hits(t, product).await.to_string();
        let form = [("http_method", "GET"), ("pattern", "/c"), ("metric_id", &*foreign)];
        let reply = t.post(&format!("{path}.json"), &form).await.expect(422);
        assert_eq!(reply.complaints(), ["metric_id"]);
        assert!(reply.text.contains("of this backend"), "{}", reply.text);
        let form = [("http_method", "GET"), ("pattern", "c"), ("metric_id", &*hits.to_string())];
        assert_eq!(t.post(&format!("{path}.json"), &form).await.expect(422).complaints(), ["pattern"]);
        // Positions are the owner's own.
        let rules = t.get(&format!("/admin/api/services/{product}/proxy/mapping_rules.json")).await.expect(200);
        assert_eq!(each(&rules.at("/mapping_rules"), "/mapping_rule/position"), [1]);
        t.get(&format!("/admin/api/services/{product}/proxy/mapping_rules/{first}.json")).await.expect(404);
        t.delete(&own).await.expect(200);
        assert_eq!(t.get(&format!("{path}/{first}.json")).await.expect(200).at("/mapping_rule/position"), 1);
    }
}
