//! Sections of the portal.

use crate::support::{Test, both_databases};
use serde_json::json;

const PATH: &str = "/admin/api/cms/sections.json";

/// Makes a section below another.
async fn section(t: &Test, title: &str, parent: i64) -> i64 {
    t.post(
        PATH,
        &[("title", title), ("parent_id", &parent.to_string())],
    )
    .await
    .expect(201)
    .id("/id")
}

both_databases! {
    async fn sections_are_a_tree_with_a_root(t: &Test) {
        let root = t.get("/admin/api/cms/sections/root.json").await.expect(200);
        assert_eq!(root.at("/parent_id"), json!(null));
        let root = root.id("/id");
        let reply = t.post(PATH, &[("title", "How to")]).await.expect(201);
        assert_eq!(reply.at("/system_name"), "how_to");
        assert_eq!(reply.at("/partial_path"), "/how_to");
        assert_eq!(reply.at("/public"), true);
        assert_eq!(reply.at("/parent_id"), root);
        let own = format!("/admin/api/cms/sections/{}.json", reply.id("/id"));
        let reply = t.put(&own, &[("public", "false"), ("partial_path", "docs//how/")]).await.expect(200);
        assert_eq!(reply.at("/public"), false);
        assert_eq!(reply.at("/partial_path"), "/docs/how");
        let list = t.get(PATH).await.expect(200);
        assert_eq!(list.at("/collection/1/title"), "How to");
        assert_eq!(list.at("/metadata"), json!({"per_page": 20, "total_entries": 2, "total_pages": 1, "current_page": 1}));
        let xml = t.get("/admin/api/cms/sections.xml").await.expect(200).text;
        assert!(xml.contains("<sections><section><id>"), "{xml}");
        t.delete(&own).await.expect(200);
        t.get(&own).await.expect(404);
    }

    async fn no_section_is_below_itself(t: &Test) {
        let root = t.get("/admin/api/cms/sections/root.json").await.expect(200).id("/id");
        let upper = section(t, "Upper", root).await;
        let lower = section(t, "Lower", upper).await;
        let put = async |id: i64, name: &str, value: String| {
            t.put(&format!("/admin/api/cms/sections/{id}.json"), &[(name, value.as_str())]).await.expect(422).complaints()
        };
        assert_eq!(put(upper, "parent_id", lower.to_string()).await, ["parent_id"]);
        assert_eq!(put(upper, "parent_id", upper.to_string()).await, ["parent_id"]);
        assert_eq!(put(upper, "parent_id", "999".into()).await, ["parent_id"]);
        assert_eq!(put(root, "parent_id", upper.to_string()).await, ["parent_id"]);
        assert_eq!(put(root, "system_name", "other".into()).await, ["system_name"]);
        assert_eq!(put(lower, "system_name", "upper".into()).await, ["system_name"]);
        assert_eq!(put(lower, "partial_path", "/../x".into()).await, ["partial_path"]);
        let taken = t.post(PATH, &[("title", "Upper")]).await.expect(422);
        assert_eq!(taken.complaints(), ["title"]);
        assert_eq!(t.post(PATH, &[]).await.expect(422).complaints(), ["title"]);
        t.delete("/admin/api/cms/sections/root.json").await.expect(422);
    }

    async fn what_was_in_a_section_goes_to_its_parent(t: &Test) {
        let root = t.get("/admin/api/cms/sections/root.json").await.expect(200).id("/id");
        let upper = section(t, "Upper", root).await;
        let lower = section(t, "Lower", upper).await;
        let page = [("type", "page"), ("title", "P"), ("path", "/p"), ("section_id", &upper.to_string())];
        let page = t.post("/admin/api/cms/templates.json", &page).await.expect(201).id("/id");
        let file = [("path", "/f.txt"), ("attachment", "eA=="), ("section_name", "upper")];
        let file = t.post("/admin/api/cms/files.json", &file).await.expect(201).id("/id");
        t.delete(&format!("/admin/api/cms/sections/{upper}.json")).await.expect(200);
        assert_eq!(t.get(&format!("/admin/api/cms/sections/{lower}.json")).await.at("/parent_id"), root);
        assert_eq!(t.get(&format!("/admin/api/cms/templates/{page}.json")).await.at("/section_id"), root);
        assert_eq!(t.get(&format!("/admin/api/cms/files/{file}.json")).await.at("/section_id"), root);
    }

    async fn titles_that_would_meet_keep_a_section(t: &Test) {
        let root = t.get("/admin/api/cms/sections/root.json").await.expect(200).id("/id");
        let upper = section(t, "Upper", root).await;
        section(t, "Twin", upper).await;
        section(t, "Twin", root).await;
        let own = format!("/admin/api/cms/sections/{upper}.json");
        assert_eq!(t.delete(&own).await.expect(422).complaints(), ["base"]);
        t.get(&own).await.expect(200);
    }
}
