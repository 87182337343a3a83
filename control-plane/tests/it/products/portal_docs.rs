//! What the portal tells developers of a product.

use super::{hits, plan, product};
use crate::support::{Test, both_databases};

const HOSTILE: &str = "\"><script>alert(1)</script>";

async fn page(t: &Test) -> String {
    let page = t
        .http
        .get(format!("{}/docs", t.portal))
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    page.text().await.unwrap()
}

both_databases! {
    async fn the_portal_documents_what_production_serves(t: &Test) {
        assert!(page(t).await.contains("No API is served yet"));
        let id = product(t, HOSTILE).await;
        let service = format!("/admin/api/services/{id}");
        t.put(&format!("{service}.json"), &[("description", HOSTILE)]).await.expect(200);
        let bronze = plan(t, id, "Bronze").await;
        let hits = hits(t, id).await;
        t.post(
            &format!("/admin/api/application_plans/{bronze}/metrics/{hits}/limits.json"),
            &[("period", "day"), ("value", "12000")],
        )
        .await
        .expect(201);
        t.patch(
            &format!("{service}/proxy.json"),
            &[("endpoint", "https://api.acme.example"), ("api_backend", "https://private.acme.example")],
        )
        .await
        .expect(200);
        t.post(&format!("{service}/proxy/deploy.json"), &[]).await.expect(201);
        assert!(page(t).await.contains("No API is served yet"), "staging is not for developers");
        t.post(&format!("{service}/proxy/configs/sandbox/1/promote.json"), &[("to", "production")]).await.expect(201);
        let hidden = page(t).await;
        assert!(hidden.contains("https://api.acme.example"), "{hidden}");
        assert!(hidden.contains("<code>app_id</code> and <code>app_key</code>"), "{hidden}");
        assert!(!hidden.contains("Bronze"), "a hidden plan is not offered: {hidden}");
        assert!(!hidden.contains("<script>"), "{hidden}");
        t.put(&format!("{service}/application_plans/{bronze}.json"), &[("state_event", "publish")]).await.expect(200);
        let offered = page(t).await;
        assert!(offered.contains("Bronze") && offered.contains("Hits: 12\u{202f}000 a day"), "{offered}");
    }
}
