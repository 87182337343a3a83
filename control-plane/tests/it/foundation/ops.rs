//! Health, readiness, metrics, and the end.

use crate::support::{Test, both_databases};

both_databases! {
    async fn readiness_ends_with_the_stop(t: &Test) {
        t.get("/healthz").await.expect(200);
        t.get("/livez").await.expect(200);
        t.get("/readyz").await.expect(200);
        t.app.stop();
        t.get("/readyz").await.expect(503);
        t.get("/healthz").await.expect(200);
        t.app.stopped().await;
    }

    async fn metrics_name_routes_and_never_what_was_sent(t: &Test) {
        t.get("/admin/api/private-word.json?access_token=another").await;
        t.get("/healthz").await.expect(200);
        let metrics = t.get("/metrics").await.expect(200).text;
        assert!(metrics.contains(r#"route="/healthz",status="200""#), "{metrics}");
        assert!(!metrics.contains("private-word"), "{metrics}");
    }

    async fn the_front_page_names_the_provider(t: &Test) {
        let page = t.http.get(&t.portal).send().await.unwrap();
        assert_eq!(page.status(), 200);
        assert!(page.headers().contains_key("content-security-policy"));
        let page = page.text().await.unwrap();
        assert!(page.contains("<title>Developers – Acme</title>"), "{page}");
    }

    async fn the_calls_for_providers_are_documented_from_here_alone(t: &Test) {
        let get = async |path: &str| t.http.get(format!("{}{path}", t.admin)).send().await.unwrap();
        let page = get("/docs").await;
        assert_eq!(page.status(), 200);
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'; script-src 'self'") && !policy.contains("http"), "{policy}");
        let page = page.text().await.unwrap();
        assert!(!page.contains("//"), "{page}");
        let mut files: Vec<&str> = page.split("=\"docs/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        files.sort_unstable();
        assert_eq!(files, ["favicon.png", "openapi.json", "start.js", "swagger-ui.css", "swagger-ui.js"]);
        for file in files {
            let reply = get(&format!("/docs/{file}")).await;
            assert_eq!(reply.status(), 200, "{file}");
            assert!(reply.bytes().await.unwrap().len() > 100, "{file}");
        }
        assert_eq!(get("/docs/other.js").await.status(), 404);
        let document: serde_json::Value = get("/docs/openapi.json").await.json().await.unwrap();
        assert_eq!(document, tallygate::openapi::document());
    }
}
