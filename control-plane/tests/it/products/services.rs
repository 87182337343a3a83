//! Products themselves.

use super::{application, hits, plan, product, revision};
use crate::support::{Test, both_databases};
use reqwest::Method;
use serde_json::json;

both_databases! {
    async fn a_product_comes_with_what_it_needs(t: &Test) {
        let reply = t.post("/admin/api/services.json", &[("name", "Mail & News")]).await.expect(201);
        let id = reply.id("/service/id");
        assert_eq!(reply.headers["location"], format!("/admin/api/services/{id}.json"));
        assert_eq!(reply.at("/service/system_name"), "mail_news");
        assert_eq!(reply.at("/service/backend_version"), "1");
        let metrics = t.get(&format!("/admin/api/services/{id}/metrics.json")).await.expect(200);
        assert_eq!(metrics.at("/metrics").as_array().unwrap().len(), 1);
        assert_eq!(metrics.at("/metrics/0/metric/system_name"), "hits");
        let rules = t.get(&format!("/admin/api/services/{id}/proxy/mapping_rules.json")).await.expect(200);
        let rule = rules.at("/mapping_rules/0/mapping_rule");
        assert_eq!((&rule["http_method"], &rule["pattern"], &rule["delta"]), (&json!("GET"), &json!("/"), &json!(1)));
        assert_eq!(rule["metric_id"], metrics.at("/metrics/0/metric/id"));
        let token = t.get(&format!("/admin/api/services/{id}/proxy.json")).await.expect(200).at("/proxy/secret_token");
        let hex = token.as_str().unwrap().strip_prefix("Shared_secret_sent_from_proxy_to_API_backend_").unwrap();
        assert!(hex.len() == 16 && hex.bytes().all(|b| b.is_ascii_hexdigit()), "{hex}");
        let xml = t.get(&format!("/admin/api/services/{id}.xml")).await.expect(200).text;
        assert!(xml.contains("<name>Mail &amp; News</name>"), "{xml}");
        assert!(xml.contains("<metrics><metric>"), "{xml}");
    }

    async fn system_names_are_unique_and_stay(t: &Test) {
        let first = product(t, "Mail").await;
        let second = t.post("/admin/api/services.json", &[("name", "Mail")]).await.expect(201);
        assert_eq!(second.at("/service/system_name"), "mail_2");
        let taken = [("name", "Other"), ("system_name", "mail")];
        let reply = t.post("/admin/api/services.json", &taken).await.expect(422);
        assert_eq!(reply.complaints(), ["system_name"]);
        for bad in ["a b", "/", "é", "-x"] {
            let reply = t.post("/admin/api/services.json", &[("name", "X"), ("system_name", bad)]).await.expect(422);
            assert_eq!(reply.complaints(), ["system_name"], "{bad}");
        }
        let path = format!("/admin/api/services/{first}.json");
        let reply = t.put(&path, &[("system_name", "else"), ("name", "Letters")]).await.expect(200);
        assert_eq!(reply.at("/service/system_name"), "mail");
        assert_eq!(reply.at("/service/name"), "Letters");
        let nameless = t.post("/admin/api/services.json", &[("name", "日本")]).await.expect(201);
        assert_eq!(nameless.at("/service/system_name"), "api");
    }

    async fn bodies_may_be_json_flat_or_wrapped(t: &Test) {
        for body in [json!({"name": "Flat"}), json!({"service": {"name": "Wrapped", "buyers_manage_apps": false}})] {
            t.json(Method::POST, "/admin/api/services.json", &body).await.expect(201);
        }
        let list = t.get("/admin/api/services.json").await.expect(200);
        assert_eq!(list.at("/services/1/service/name"), "Wrapped");
        assert_eq!(list.at("/services/1/service/buyers_manage_apps"), false);
        let body = json!({"name": "Noted", "annotations": {"description": "not ours"}});
        let noted = t.json(Method::POST, "/admin/api/services.json", &body).await.expect(201);
        assert_eq!(noted.at("/service/description"), "");
        let railsy = t.post("/admin/api/services.json", &[("service[name]", "Rails")]).await.expect(201);
        assert_eq!(railsy.at("/service/name"), "Rails");
    }

    async fn lists_come_in_pages(t: &Test) {
        for n in 0..5 {
            product(t, &format!("P{n}")).await;
        }
        let reply = t.get("/admin/api/services.json?page=2&per_page=2").await.expect(200);
        assert_eq!(reply.at("/services").as_array().unwrap().len(), 2);
        let metadata = json!({"per_page": 2, "total_entries": 5, "total_pages": 3, "current_page": 2});
        assert_eq!(reply.at("/metadata"), metadata);
        let xml = t.get("/admin/api/services.xml?page=3&per_page=2").await.expect(200).text;
        let root = "<services per_page=\"2\" total_entries=\"5\" total_pages=\"3\" current_page=\"3\">";
        assert!(xml.contains(root), "{xml}");
        let all = t.get("/admin/api/services.json").await.expect(200);
        assert!(all.value().get("metadata").is_none());
        assert_eq!(t.get("/admin/api/services.json?page=9").await.expect(200).at("/services"), json!([]));
        for bad in ["page=0", "page=-1", "page=x", "per_page=0", "page=99999999999999999999"] {
            t.get(&format!("/admin/api/services.json?{bad}")).await.expect(422);
        }
    }

    async fn kinds_of_credentials(t: &Test) {
        for (version, shown) in [("1", "1"), ("2", "2"), ("oauth", "oauth"), ("oidc", "oauth")] {
            let form = [("name", "X"), ("backend_version", version)];
            let reply = t.post("/admin/api/services.json", &form).await.expect(201);
            assert_eq!(reply.at("/service/backend_version"), shown, "{version}");
        }
        for version in ["OAUTH", "3", ""] {
            let form = [("name", "X"), ("backend_version", version)];
            let reply = t.post("/admin/api/services.json", &form).await.expect(422);
            assert_eq!(reply.complaints(), ["backend_version"], "{version}");
        }
    }

    async fn the_kind_of_credentials_is_fixed_once_there_are_some(t: &Test) {
        let id = product(t, "Mail").await;
        let path = format!("/admin/api/services/{id}.json");
        t.put(&path, &[("backend_version", "1")]).await.expect(200);
        let plan = plan(t, id, "Bronze").await;
        application(t, plan).await;
        let reply = t.put(&path, &[("backend_version", "2")]).await.expect(422);
        assert_eq!(reply.complaints(), ["backend_version"]);
        t.put(&path, &[("backend_version", "1")]).await.expect(200);
    }

    async fn a_deleted_product_is_gone_with_its_applications(t: &Test) {
        let id = product(t, "Mail").await;
        let plan = plan(t, id, "Bronze").await;
        application(t, plan).await;
        let hits = hits(t, id).await;
        let before = revision(t).await;
        let reply = t.delete(&format!("/admin/api/services/{id}.json")).await.expect(200);
        assert_eq!(reply.text, "");
        assert!(revision(t).await > before, "gateways must hear of it");
        for path in [
            String::new(), "/metrics".into(), format!("/metrics/{hits}"), "/proxy".into(), "/proxy/mapping_rules".into(),
            "/application_plans".into(), format!("/application_plans/{plan}"), "/proxy/configs/sandbox".into(),
        ] {
            t.get(&format!("/admin/api/services/{id}{path}.json")).await.expect(404);
        }
        t.get(&format!("/admin/api/application_plans/{plan}/limits.json")).await.expect(404);
        assert_eq!(t.get("/admin/api/applications.json").await.expect(200).at("/applications"), json!([]));
        t.delete(&format!("/admin/api/services/{id}.json")).await.expect(404);
        assert_ne!(product(t, "Mail").await, id, "ids are never used again; names are");
    }
}
