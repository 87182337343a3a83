//! Which backends a product uses, and what keeps a backend from being deleted.

use super::{backend, deploy, each, hits, method, promote, rule, usage};
use crate::products::{plan, product};
use crate::support::{Test, both_databases};

both_databases! {
    async fn backends_are_used_below_paths(t: &Test) {
        let product = product(t, "Post").await;
        let path = format!("/admin/api/services/{product}/backend_usages");
        let (mail, maps) = (backend(t, "Mail").await, backend(t, "Maps").await);
        assert_eq!(t.get(&format!("{path}.json")).await.expect(200).text, "[]");
        let form = [("backend_api_id", &*mail.to_string())];
        let reply = t.post(&format!("{path}.json"), &form).await.expect(201);
        assert_eq!(reply.at("/backend_usage/path"), "/");
        assert_eq!(reply.at("/backend_usage/service_id"), product);
        assert_eq!(reply.at("/backend_usage/backend_id"), mail);
        let of_mail = format!("{path}/{}.json", reply.id("/backend_usage/id"));
        let of_maps = format!("{path}/{}.json", usage(t, product, maps, "maps/v2/").await);
        let shown = async || t.get(&of_maps).await.expect(200).at("/backend_usage/path");
        assert_eq!(shown().await, "/maps/v2");
        // The last two are the other's.
        for (given, status, kept) in [("/maps", 200, "/maps"), ("MAPS", 200, "/MAPS"), ("/", 422, "/MAPS"), ("", 422, "/MAPS")] {
            t.put(&of_maps, &[("path", given)]).await.expect(status);
            assert_eq!(shown().await, kept);
        }
        let listed = t.get(&format!("{path}.json")).await.expect(200);
        assert_eq!(each(&listed.value(), "/backend_usage/backend_id"), [mail, maps]);
        let xml = t.get(&format!("{path}.xml")).await.expect(200).text;
        assert!(xml.contains("<backend_usages><backend_usage><id>"), "{xml}");
        t.delete(&of_mail).await.expect(200);
        t.get(&of_mail).await.expect(404);
        let listed = t.get(&format!("{path}.json")).await.expect(200);
        assert_eq!(each(&listed.value(), "/backend_usage/backend_id"), [maps]);
        // Backend and path are free again.
        t.put(&of_maps, &[("path", "/")]).await.expect(200);
        usage(t, product, mail, "/maps").await;
    }

    async fn what_is_missing_or_taken_is_named(t: &Test) {
        let product = product(t, "Post").await;
        let path = format!("/admin/api/services/{product}/backend_usages.json");
        let (mail, maps) = (backend(t, "Mail").await, backend(t, "Maps").await);
        usage(t, product, mail, "/mail").await;
        let (mail, maps) = (mail.to_string(), maps.to_string());
        let long = format!("/{}", "x".repeat(255));
        for (backend, below, complaints) in [
            ("", "/x", vec!["backend_api_id"]),
            ("999", "/x", vec!["backend_api_id"]),
            ("x", "/x", vec!["backend_api_id"]),
            (&mail, "/x", vec!["backend_api_id"]),
            (&maps, "/mail", vec!["path"]),
            (&maps, "/MAIL/", vec!["path"]),
            (&maps, "/a b", vec!["path"]),
            (&maps, "/{a}", vec!["path"]),
            (&maps, "/a?b", vec!["path"]),
            (&maps, "//", vec!["path"]),
            (&maps, "/../x", vec!["path"]),
            (&maps, "/a%20b", vec!["path"]),
            (&maps, &long, vec!["path"]),
            ("999", "/a b", vec!["path", "backend_api_id"]),
        ] {
            let reply = t.post(&path, &[("backend_api_id", backend), ("path", below)]).await.expect(422);
            assert_eq!(reply.complaints(), complaints, "{backend} {below}");
        }
        t.post("/admin/api/services/999/backend_usages.json", &[("backend_api_id", &maps)]).await.expect(404);
        assert_eq!(t.get(&path).await.expect(200).value().as_array().unwrap().len(), 1);
    }

    async fn a_backend_in_use_is_not_deleted(t: &Test) {
        let product = product(t, "Post").await;
        let mail = backend(t, "Mail").await;
        let hits = hits(t, mail).await;
        rule(t, mail, "/", hits).await;
        let own = format!("/admin/api/backend_apis/{mail}.json");
        let used = usage(t, product, mail, "/mail").await;
        let refused = async |why: &str| {
            let reply = t.delete(&own).await.expect(422);
            assert!(reply.text.contains(why), "{}", reply.text);
        };
        refused("uses it").await;
        deploy(t, product).await;
        promote(t, product, 1).await;
        t.delete(&format!("/admin/api/services/{product}/backend_usages/{used}.json")).await.expect(200);
        refused("deployed").await;
        deploy(t, product).await;
        refused("deployed").await;
        promote(t, product, 2).await;
        t.delete(&own).await.expect(200);
        t.get(&format!("/admin/api/backend_apis/{mail}/metrics/{hits}.json")).await.expect(404);
        // What counted on it cannot come back.
        let path = format!("/admin/api/services/{product}/proxy/configs/sandbox/1/promote.json");
        assert_eq!(t.post(&path, &[("to", "production")]).await.expect(422).complaints(), ["version"]);
    }

    async fn a_metric_that_any_product_counts_is_not_deleted(t: &Test) {
        let mail = backend(t, "Mail").await;
        let sent = method(t, mail, "Sent").await;
        let counted = rule(t, mail, "/send", sent).await;
        let product = product(t, "Post").await;
        usage(t, product, mail, "/mail").await;
        deploy(t, product).await;
        let metric = format!("/admin/api/backend_apis/{mail}/metrics/{sent}.json");
        let reply = t.delete(&metric).await.expect(422);
        assert!(reply.text.contains("sent"), "{}", reply.text);
        t.delete(&format!("/admin/api/backend_apis/{mail}/mapping_rules/{counted}.json")).await.expect(200);
        deploy(t, product).await;
        // Only drafts count on it again: they forget it.
        rule(t, mail, "/send", sent).await;
        let plan = plan(t, product, "Bronze").await;
        let limits = format!("/admin/api/application_plans/{plan}");
        let form = [("period", "day"), ("value", "1")];
        t.post(&format!("{limits}/metrics/{sent}/limits.json"), &form).await.expect(201);
        t.delete(&metric).await.expect(200);
        assert_eq!(t.get(&format!("{limits}/limits.json")).await.expect(200).text, r#"{"limits":[]}"#);
        let rules = t.get(&format!("/admin/api/backend_apis/{mail}/mapping_rules.json")).await.expect(200);
        assert_eq!(rules.text, r#"{"mapping_rules":[]}"#);
    }

    async fn limits_of_a_backend_go_when_no_gateway_needs_them(t: &Test) {
        let product = product(t, "Post").await;
        let mail = backend(t, "Mail").await;
        let plan = plan(t, product, "Bronze").await;
        let path = format!("/admin/api/application_plans/{plan}");
        let of_hits = format!("{path}/metrics/{}/limits", hits(t, mail).await);
        let form = [("period", "day"), ("value", "1")];
        // Not the product's until it uses the backend.
        t.post(&format!("{of_hits}.json"), &form).await.expect(404);
        let used = usage(t, product, mail, "/mail").await;
        let limit = t.post(&format!("{of_hits}.json"), &form).await.expect(201).id("/limit/id");
        t.put(&format!("{of_hits}/{limit}.json"), &[("value", "2")]).await.expect(200);
        assert_eq!(t.get(&format!("{of_hits}.json")).await.expect(200).at("/limits/0/limit/value"), 2);
        deploy(t, product).await;
        promote(t, product, 1).await;
        let left = async || t.get(&format!("{path}/limits.json")).await.expect(200).at("/limits").as_array().unwrap().len();
        t.delete(&format!("/admin/api/services/{product}/backend_usages/{used}.json")).await.expect(200);
        assert_eq!(left().await, 1);
        deploy(t, product).await;
        assert_eq!(left().await, 1);
        promote(t, product, 2).await;
        assert_eq!(left().await, 0);
        // Nor does anything come back without its limits.
        for environment in ["sandbox", "production"] {
            let back = format!("/admin/api/services/{product}/proxy/configs/{environment}/rollback.json");
            let refused = t.post(&back, &[("version", "1")]).await.expect(422);
            assert_eq!(refused.complaints(), ["version"]);
            assert!(refused.text.contains("its limits"), "{}", refused.text);
        }
        // Where none was deployed they go at once.
        let used = usage(t, product, mail, "/mail").await;
        t.post(&format!("{of_hits}.json"), &form).await.expect(201);
        t.delete(&format!("/admin/api/services/{product}/backend_usages/{used}.json")).await.expect(200);
        assert_eq!(left().await, 0);
    }
}
