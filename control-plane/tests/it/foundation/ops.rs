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
        assert!(page.contains("<title>Acme developers</title>"), "{page}");
    }

    async fn the_calls_for_providers_are_documented(t: &Test) {
        let page = t.http.get(format!("{}/docs", t.admin)).send().await.unwrap();
        assert_eq!(page.status(), 200);
        let page = page.text().await.unwrap();
        assert!(page.contains("/admin/api/services/{service_id}/proxy/deploy"), "{page}");
    }
}
