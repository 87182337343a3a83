//! Pages, layouts and partials of the portal.

use crate::support::{Test, both_databases};
use serde_json::json;

const PATH: &str = "/admin/api/cms/templates.json";

both_databases! {
    async fn a_page_is_drafted_and_published(t: &Test) {
        let layout = [("type", "layout"), ("system_name", "own_layout"), ("title", "Main"), ("draft", "<html>{{ content }}")];
        let layout = t.post(PATH, &layout).await.expect(201);
        assert!(layout.value().get("path").is_none(), "{}", layout.text);
        let form = [("type", "page"), ("title", "Our prices"), ("path", "prices/"), ("layout_name", "own_layout"), ("draft", "  <h1>Prices</h1>")];
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
        let list = t.get(&format!("{PATH}?type=page")).await.expect(200);
        assert_eq!(list.at("/metadata"), json!({"per_page": 20, "total_entries": 23, "total_pages": 2, "current_page": 1}));
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

    async fn shipped_templates_are_changed_and_reset(t: &Test) {
        let list = t.get(&format!("{PATH}?type=layout&content=true")).await.expect(200);
        assert_eq!(list.at("/metadata/total_entries"), 1);
        assert_eq!(list.at("/collection/0/system_name"), "main_layout");
        assert_eq!(list.at("/collection/0/published"), json!(null));
        assert_eq!(list.at("/collection/0/hidden"), false);
        let shipped = list.at("/collection/0/shipped").as_str().unwrap().to_owned();
        let own = format!("/admin/api/cms/templates/{}", list.id("/collection/0/id"));
        let front = || async { t.http.get(format!("{}/", t.portal)).send().await.unwrap().text().await.unwrap() };
        let before = front().await;

        // A draft is nobody's business until it is published.
        let icon = shipped.replace("</head>", "<link rel=\"shortcut icon\" href=\"/images/icon.ico\"></head>");
        t.put(&format!("{own}.json"), &[("draft", &icon)]).await.expect(200);
        assert_eq!(front().await, before);
        t.put(&format!("{own}/publish.json"), &[]).await.expect(200);
        assert!(front().await.contains("href=\"/images/icon.ico\""));

        t.put(&format!("{own}.json"), &[("draft", "<p>{{ content }}")]).await.expect(200);
        t.put(&format!("{own}/publish.json"), &[]).await.expect(200);
        assert!(front().await.starts_with("<p>"));
        let versions = t.get(&format!("{own}/versions.json")).await.expect(200);
        assert_eq!(versions.at("/metadata/total_entries"), 2);
        assert_eq!(versions.at("/collection/1/content"), icon);
        let first = versions.id("/collection/1/id").to_string();
        t.put(&format!("{own}/revert.json"), &[("version_id", &first)]).await.expect(200);
        assert!(front().await.contains("href=\"/images/icon.ico\""));

        assert_eq!(t.put(&format!("{own}.json"), &[("system_name", "other")]).await.expect(422).complaints(), ["system_name"]);
        assert_eq!(t.delete(&format!("{own}.json")).await.expect(422).complaints(), ["base"]);
        assert_eq!(t.put(&format!("{own}/revert.json"), &[]).await.expect(422).complaints(), ["version_id"]);
        assert_eq!(t.put(&format!("{own}/revert.json"), &[("version_id", "99")]).await.expect(422).complaints(), ["version_id"]);
        assert_eq!(t.put(&format!("{own}/reset.json"), &[]).await.expect(200).at("/published"), json!(null));
        assert_eq!(front().await, before);
        assert_eq!(t.get(&format!("{own}/versions.json")).await.expect(200).at("/metadata/total_entries"), 3);
        let page = t.post(PATH, &[("type", "page"), ("title", "P"), ("path", "/p")]).await.expect(201).id("/id");
        assert_eq!(t.put(&format!("/admin/api/cms/templates/{page}/reset.json"), &[]).await.expect(422).complaints(), ["base"]);
    }

    async fn what_is_no_template_is_not_saved(t: &Test) {
        for (draft, line) in [
            ("a\n\n{% if %}", "line 3: "),
            ("a\n{{ x | nofilter }}", "line 2: "),
            ("{% if a %}\n{{ x | nofilter }}{% endif %}", "line 2: "),
            ("a\n{% nothing %}", "line 2: "),
            ("a\n{% if a %}\nb", "line 3: "),
            ("a\n{{ x", "line 2: "),
            ("{{ 99999999999999999999999 }}", "line 1: "),
        ] {
            let form = [("type", "partial"), ("system_name", "x"), ("draft", draft)];
            let reply = t.post(PATH, &form).await.expect(422);
            assert_eq!(reply.complaints(), ["draft"], "{draft}");
            assert!(reply.text.contains(line), "{draft}: {}", reply.text);
        }
        // Without Liquid it is only text.
        t.post(PATH, &[("type", "partial"), ("system_name", "x"), ("draft", "{{ x"), ("liquid_enabled", "false")]).await.expect(201);
    }

    async fn what_fails_is_shown_as_shipped(t: &Test) {
        let list = t.get(&format!("{PATH}?type=builtin_page&per_page=100")).await.expect(200);
        let rows = list.at("/collection");
        let home = rows.as_array().unwrap().iter().find(|row| row["system_name"] == "home").unwrap();
        let own = format!("/admin/api/cms/templates/{}", home["id"]);
        let front = || async { t.http.get(format!("{}/", t.portal)).send().await.unwrap() };
        let before = front().await.text().await.unwrap();
        // It parses, and goes beyond the bounds.
        t.put(&format!("{own}.json"), &[("draft", "x\n{% for x in (1..1000) %}{% for y in (1..1000) %}z{% endfor %}{% endfor %}")]).await.expect(200);
        t.put(&format!("{own}/publish.json"), &[]).await.expect(200);
        let after = front().await;
        assert_eq!(after.status(), 200);
        assert_eq!(after.text().await.unwrap(), before);
        let problem = t.get(&format!("{own}.json")).await.expect(200).at("/problem");
        assert!(problem.as_str().unwrap().starts_with("line 2: loops go round"), "{problem}");
        t.put(&format!("{own}.json"), &[("draft", "fine")]).await.expect(200);
        assert_eq!(t.put(&format!("{own}/publish.json"), &[]).await.expect(200).at("/problem"), json!(null));
        assert!(front().await.text().await.unwrap().contains("fine"));
    }
}
