//! XML and JSON of the router's own refusals.

use crate::support::{Test, both_databases};
use reqwest::Method;

both_databases! {
    async fn unknown_paths_and_methods_answer_in_the_asked_form(t: &Test) {
        let reply = t.get("/admin/api/nothing.json").await.expect(404);
        assert_eq!(reply.text, r#"{"status":"Not found"}"#);
        let reply = t.get("/admin/api/nothing.xml").await.expect(404);
        assert!(reply.text.ends_with("<error>Not found</error>"), "{}", reply.text);
        assert_eq!(reply.headers["content-type"], "application/xml; charset=utf-8");
        let reply = t.get("/nothing").await.expect(404);
        assert_eq!(reply.headers["content-type"], "application/problem+json");
        let reply = crate::support::client::send(t.request(Method::PATCH, "/healthz")).await.expect(405);
        assert!(reply.headers.contains_key("allow"));
    }
}
