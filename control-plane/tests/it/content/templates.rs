//! Pages, layouts and partials of the portal.

use crate::support::{Test, both_databases};
use serde_json::json;

const PATH: &str = "/admin/api/cms/templates.json";

both_databases! {
    async fn a_page_is_drafted_and_published(t: &Test) {
        let layout = [("type", "layout"), ("system_name", "main_layout"), ("title", "Main"), ("draft", "<html>{{ content }}")];
        let layout = t.post(PATH, &layout).await.expect(201);
        assert!(layout.value().get("path").is_none(), "{}", layout.text);
        let form = [("type", "page"), ("title", "Our prices"), ("path", "prices/"), ("layout_name", "main_layout"), ("draft", "  <h1>Prices</h1>")];
        let page = t.post(PATH, &form).await.expect(201);
        assert_eq!(page.at("/path"), "/prices");
        assert_eq!(page.at("/system_name"), "our_prices");
        assert_eq!(page.at("/layout_id"), layout.at("/id"));
        assert_eq!(page.at("/hidden"), true);
        assert_eq!(page.at("/draft"), "  <h1>Prices</h1>");
        assert_eq!(page.at("/published"), json!(null));
        let own = format!("/admin/api/cms/templates/{}", page.id("/id"));
        let published = t.put(&format!("{own}/publish.json"), &[]).await.expect(200);
        assert_eq!(published.at("/published"), "  <h1>Prices</h1>");
        assert_eq!(published.at("/draft"), json!(null));
        assert_eq!(published.at("/hidden"), false);
        // Once more changes nothing.
        assert_eq!(t.put(&format!("{own}/publish.json"), &[]).await.expect(200).at("/published"), "  <h1>Prices</h1>");
        let changed = t.put(&format!("{own}.json"), &[("draft", "new"), ("layout_id", ""), ("content_type", "text/plain; charset=utf-8")]).await.expect(200);
        assert_eq!(changed.at("/published"), "  <h1>Prices</h1>");
        assert_eq!(changed.at("/draft"), "new");
        assert_eq!(changed.at("/layout_id"), json!(null));
        t.delete(&format!("{own}.json")).await.expect(200);
        t.get(&format!("{own}.json")).await.expect(404);
    }

    async fn lists_are_filtered_and_short(t: &Test) {
        for n in 0..23 {
            let (title, path) = (format!("P{n}"), format!("/p{n}"));
            t.post(PATH, &[("type", "page"), ("title", &title), ("path", &path), ("draft", "x")]).await.expect(201);
        }
        t.post(PATH, &[("type", "partial"), ("system_name", "shared/menu"), ("draft", "y")]).await.expect(201);
        let list = t.get(PATH).await.expect(200);
        assert_eq!(list.at("/metadata"), json!({"per_page": 20, "total_entries": 24, "total_pages": 2, "current_page": 1}));
        assert!(list.at("/collection/0").get("draft").is_none());
        let list = t.get(&format!("{PATH}?type=partial&content=true")).await.expect(200);
        assert_eq!(list.at("/collection/0/draft"), "y");
        assert_eq!(list.at("/metadata/total_entries"), 1);
        assert_eq!(t.get(&format!("{PATH}?section_id=999")).await.expect(200).at("/metadata/total_entries"), 0);
        assert_eq!(t.get(&format!("{PATH}?per_page=1000&page=1")).await.expect(200).at("/metadata/per_page"), 100);
    }

    async fn what_is_wrong_is_named(t: &Test) {
        let layout = t.post(PATH, &[("type", "layout"), ("title", "L")]).await.expect(201).id("/id").to_string();
        let page = [("type", "page"), ("title", "P"), ("path", "/p"), ("layout_id", layout.as_str())];
        let id = t.post(PATH, &page).await.expect(201).id("/id").to_string();
        let long = "x".repeat(500_001);
        for (form, expected) in [
            (&[][..], &["type", "system_name"][..]),
            (&[("type", "builtin_page"), ("title", "x")], &["type"]),
            (&[("type", "page")], &["path", "title"]),
            (&[("type", "partial")], &["system_name"]),
            (&[("type", "partial"), ("system_name", "../x")], &["system_name"]),
            (&[("type", "partial"), ("title", "x"), ("handler", "asciidoc")], &["handler"]),
            (&[("type", "partial"), ("title", "x"), ("draft", &long)], &["draft"]),
            (&[("type", "layout"), ("system_name", "l")], &["system_name"]),
            (&[("type", "page"), ("title", "x"), ("path", "/p")], &["path"]),
            (&[("type", "page"), ("title", "x"), ("path", "/a b")], &["path"]),
            (&[("type", "page"), ("title", "x"), ("path", "/favicon.ico")], &["path"]),
            (&[("type", "page"), ("title", "x"), ("path", "/x"), ("layout_id", &id)], &["layout_id"]),
            (&[("type", "page"), ("title", "x"), ("path", "/x"), ("layout_name", "no")], &["layout_name"]),
            (&[("type", "page"), ("title", "x"), ("path", "/x"), ("section_id", "99")], &["section_id"]),
            (&[("type", "page"), ("title", "x"), ("path", "/x"), ("section_name", "no")], &["section_name"]),
            (&[("type", "page"), ("title", "x"), ("path", "/x"), ("content_type", "html")], &["content_type"]),
        ] {
            assert_eq!(t.post(PATH, form).await.expect(422).complaints(), expected, "{form:?}");
        }
        assert_eq!(t.put(&format!("/admin/api/cms/templates/{id}.json"), &[("title", ""), ("path", "/p")]).await.expect(422).complaints(), ["title"]);
        // A page would be without what it stands in.
        assert_eq!(t.delete(&format!("/admin/api/cms/templates/{layout}.json")).await.expect(422).complaints(), ["base"]);
    }

    async fn the_scope_is_cms(t: &Test) {
        let tokens = tallygate::provider::create_token(&t.app.db, "docs", "account_management", "rw").await.unwrap();
        let request = t.request(reqwest::Method::GET, PATH).basic_auth("", Some(tokens.reveal()));
        crate::support::client::send(request).await.expect(403);
        let tokens = tallygate::provider::create_token(&t.app.db, "cms", "cms", "ro").await.unwrap();
        let request = |method| t.request(method, PATH).basic_auth("", Some(tokens.reveal()));
        crate::support::client::send(request(reqwest::Method::GET)).await.expect(200);
        crate::support::client::send(request(reqwest::Method::POST).form(&[("type", "layout"), ("title", "x")])).await.expect(403);
    }
}
