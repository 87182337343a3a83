//! Service tokens: made with the product, shown where agents look for them, and gone when they are deleted.

use super::world::world;
use crate::support::{Test, both_databases};

both_databases! {
    async fn tokens_come_and_go(t: &Test) {
        let w = world(t, "2", &[]).await;
        let path = format!("/admin/api/services/{}/service_tokens", w.service);
        let made = t.post(&format!("{path}.json"), &[("name", "Batch <jobs>")]).await.expect(201);
        let id = made.id("/service_token/id");
        let value = made.at("/service_token/value");
        assert_eq!(value.as_str().unwrap().len(), 64);
        assert_eq!(t.get(&format!("{path}/{id}.json")).await.expect(200).value(), made.value());
        let xml = t.get(&format!("{path}.xml")).await.expect(200).text;
        assert!(xml.contains("<name>default</name>") && xml.contains("<name>Batch &lt;jobs&gt;</name>"), "{xml}");
        assert_eq!(t.post(&format!("{path}.json"), &[("name", " ")]).await.expect(422).complaints(), ["name"]);
        t.post("/admin/api/services/99999/service_tokens.json", &[("name", "x")]).await.expect(404);

        let mut second = w.clone();
        second.token = value.as_str().unwrap().to_owned();
        second.call(t, "authorize", &[], "").await.expect(200);
        t.delete(&format!("{path}/{id}.json")).await.expect(200);
        t.delete(&format!("{path}/{id}.json")).await.expect(404);
        second.call(t, "authorize", &[], "").await.expect(403);
        w.call(t, "authorize", &[], "").await.expect(200);
        let elsewhere = world(t, "2", &[]).await;
        let first = t.get(&format!("{path}.json")).await.expect(200).id("/service_tokens/0/service_token/id");
        t.get(&format!("/admin/api/services/{}/service_tokens/{first}.json", elsewhere.service)).await.expect(404);
        t.delete(&format!("/admin/api/services/{}/service_tokens/{first}.json", elsewhere.service)).await.expect(404);
    }

    async fn configurations_say_what_to_call_with(t: &Test) {
        let w = world(t, "2", &[]).await;
        let path = format!("/admin/api/services/{}", w.service);
        let form = [("endpoint", "https://api.example.com"), ("sandbox_endpoint", "https://staging.example.com"), ("api_backend", "https://private.example.com")];
        t.patch(&format!("{path}/proxy.json"), &form).await.expect(200);
        t.post(&format!("{path}/proxy/deploy.json"), &[]).await.expect(201);
        let shown = t.get(&format!("{path}/proxy/configs/sandbox/latest.json")).await.expect(200);
        assert_eq!(shown.at("/proxy_config/content/backend_authentication_type"), "service_token");
        assert_eq!(shown.at("/proxy_config/content/backend_authentication_value"), w.token);
    }
}
