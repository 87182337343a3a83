//! Specifications are validated when they are uploaded, and problems point into the file.

use crate::support::{Test, both_databases};
use reqwest::Method;
use serde_json::json;

const PATH: &str = "/admin/api/active_docs.json";
const SOUND: &str = r#"{"openapi": "3.0.3", "info": {"title": "Mail", "version": "3", "description": "é"}, "paths": {}}"#;

both_databases! {
    async fn specifications_are_made_changed_and_deleted(t: &Test) {
        let reply = t.post(PATH, &[("name", "Mail API"), ("body", SOUND), ("description", "All of it")]).await.expect(201);
        assert_eq!(reply.at("/api_doc/system_name"), "mail_api");
        assert_eq!(reply.at("/api_doc/published"), false);
        assert_eq!(reply.at("/api_doc/body"), SOUND);
        let own = format!("/admin/api/active_docs/{}.json", reply.id("/api_doc/id"));
        let reply = t.put(&own, &[("published", "true"), ("name", "Mail"), ("system_name", "other")]).await.expect(200);
        assert_eq!(reply.at("/api_doc/published"), true);
        assert_eq!(reply.at("/api_doc/name"), "Mail");
        assert_eq!(reply.at("/api_doc/system_name"), "mail_api");
        assert_eq!(t.get(PATH).await.expect(200).at("/api_docs/0/api_doc/description"), "All of it");
        let xml = t.get(&own.replace(".json", ".xml")).await.expect(200).text;
        assert!(xml.contains("<api_doc><id>") && xml.contains("&quot;openapi&quot;"), "{xml}");
        t.delete(&own).await.expect(200);
        t.get(&own).await.expect(404);
        assert_eq!(t.get(PATH).await.expect(200).text, r#"{"api_docs":[]}"#);
    }

    async fn json_need_not_be_quoted_in_json(t: &Test) {
        // `description` is the resource's, not the specification's.
        let spec = json!({"swagger": "2.0", "info": {"title": "x", "version": "1"}, "paths": {}, "description": "x-no"});
        let reply = t.json(Method::POST, PATH, &json!({"name": "Mail", "body": spec})).await.expect(201);
        assert_eq!(reply.at("/api_doc/description"), "");
        assert_eq!(reply.at("/api_doc/body"), spec.to_string());
    }

    async fn problems_point_into_the_file(t: &Test) {
        for (body, expected) in [
            ("", "can't be blank"),
            ("{", "is not JSON: EOF while parsing an object at line 1 column 1"),
            ("[]", "must be a JSON object"),
            (r#"{"openapi":"4.0.0"}"#, "/openapi is \"4.0.0\": only 3.0 and 3.1 are supported"),
            (r#"{"openapi":"3.0.0","info":{"title":"x"},"paths":{}}"#, "/info must have version"),
            (r#"{"openapi":"3.0.0","info":{"title":"x","version":"1"},"paths":{"/a":{"get":{}}}}"#, "/paths/~1a/get must have responses"),
        ] {
            let reply = t.post(PATH, &[("name", "Mail"), ("body", body)]).await.expect(422);
            assert_eq!(reply.at("/errors/body/0"), expected, "{body}");
        }
        assert_eq!(t.post(PATH, &[]).await.expect(422).complaints(), ["name", "body"]);
    }

    async fn validation_can_be_skipped_and_taken_up_again(t: &Test) {
        let odd = r#"{"openapi":"3.9.0"}"#;
        let reply = t.post(PATH, &[("name", "Odd"), ("body", odd), ("skip_swagger_validations", "1")]).await.expect(201);
        let own = format!("/admin/api/active_docs/{}.json", reply.id("/api_doc/id"));
        t.put(&own, &[("name", "Still odd")]).await.expect(200);
        let reply = t.put(&own, &[("skip_swagger_validations", "false")]).await.expect(422);
        assert_eq!(reply.complaints(), ["body"]);
        t.put(&own, &[("skip_swagger_validations", "false"), ("body", SOUND)]).await.expect(200);
        // Nothing could show what is no JSON.
        t.post(PATH, &[("name", "No"), ("body", "<x/>"), ("skip_swagger_validations", "1")]).await.expect(422);
    }

    async fn a_specification_may_name_its_product(t: &Test) {
        let product = t.post("/admin/api/services.json", &[("name", "Mail")]).await.expect(201).id("/service/id");
        let reply = t.post(PATH, &[("name", "Mail"), ("body", SOUND), ("service_id", &product.to_string())]).await.expect(201);
        assert_eq!(reply.at("/api_doc/service_id"), product);
        let own = format!("/admin/api/active_docs/{}.json", reply.id("/api_doc/id"));
        assert_eq!(t.put(&own, &[("service_id", "999")]).await.expect(422).complaints(), ["service_id"]);
        assert_eq!(t.put(&own, &[("service_id", "")]).await.expect(200).at("/api_doc/service_id"), json!(null));
        let again = t.post(PATH, &[("name", "Mail"), ("body", SOUND), ("system_name", "mail")]).await.expect(422);
        assert_eq!(again.complaints(), ["system_name"]);
    }

    async fn big_specifications_are_taken(t: &Test) {
        let description = "x".repeat(2_000_000);
        let spec = json!({"openapi": "3.1.0", "info": {"title": "x", "version": "1", "description": description}, "paths": {}});
        t.post(PATH, &[("name", "Big"), ("body", &spec.to_string())]).await.expect(201);
    }

    async fn deleted_objects_are_gone(t: &Test) {
        let product = t.post("/admin/api/services.json", &[("name", "Mail")]).await.expect(201).id("/service/id");
        let status = |kind: &str| format!("/admin/api/objects/status.json?object_type={kind}&object_id={product}");
        for kind in ["service", "proxy"] {
            t.get(&status(kind)).await.expect(200);
        }
        t.delete(&format!("/admin/api/services/{product}.json")).await.expect(200);
        for kind in ["service", "proxy", "account"] {
            t.get(&status(kind)).await.expect(404);
        }
        assert_eq!(t.get("/admin/api/objects/status.json?object_type=user&object_id=x").await.expect(422).complaints(), ["object_type", "object_id"]);
        assert_eq!(t.get("/admin/api/objects/status.json").await.expect(422).complaints(), ["object_type", "object_id"]);
    }
}
