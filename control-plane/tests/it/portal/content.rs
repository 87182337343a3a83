//! What the provider puts into the portal: pages, files, colours; and drafts of it.

use super::signed_up;
use crate::support::{Browser, Test, both_databases};
use serde_json::{Value, json};

const TEMPLATES: &str = "/admin/api/cms/templates.json";
const FILES: &str = "/admin/api/cms/files.json";

async fn published(t: &Test, form: &[(&str, &str)]) -> i64 {
    let id = t.post(TEMPLATES, form).await.expect(201).id("/id");
    t.put(&format!("/admin/api/cms/templates/{id}/publish.json"), &[])
        .await
        .expect(200);
    id
}

/// A template that comes with the program.
async fn shipped(t: &Test, kind: &str, system_name: &str) -> Value {
    let list = t
        .get(&format!(
            "{TEMPLATES}?type={kind}&per_page=100&content=true"
        ))
        .await
        .expect(200);
    let rows = list.at("/collection");
    rows.as_array()
        .unwrap()
        .iter()
        .find(|row| row["system_name"] == system_name)
        .unwrap()
        .clone()
}

both_databases! {
    async fn pages_are_found_at_their_paths(t: &Test) {
        let browser = Browser::new(t);
        browser.get("/prices").await.expect(404);
        let draft = "# Prices of {{ provider.name }}\n\n{% if current_user %}in{% else %}out{% endif %}";
        let form = [("type", "page"), ("title", "Our prices"), ("path", "/prices"), ("layout_name", "main_layout"), ("handler", "markdown"), ("draft", draft)];
        let id = t.post(TEMPLATES, &form).await.expect(201).id("/id");
        browser.get("/prices").await.expect(404);
        t.put(&format!("/admin/api/cms/templates/{id}/publish.json"), &[]).await.expect(200);
        let page = browser.get("/prices").await.expect(200);
        assert!(page.text.contains("<h1>Prices of ") && page.text.contains("out") && page.text.contains("<title>Our prices"), "{}", page.text);
        browser.get("/prices/").await.expect(200);
        // Without a layout it is whole; other types come as they are.
        published(t, &[("type", "page"), ("title", "Bare"), ("path", "/bare.txt"), ("content_type", "text/plain"), ("draft", "just {{ 1 | plus: 1 }}")]).await;
        let bare = browser.get("/bare.txt").await.expect(200);
        assert_eq!(bare.text, "just 2");
        assert_eq!(bare.headers["content-type"], "text/plain; charset=utf-8");
        // What fails has nothing beneath it.
        let broken = published(t, &[("type", "page"), ("title", "Broken"), ("path", "/broken"), ("draft", "{{ 1 | divided_by: 0 }}")]).await;
        browser.get("/broken").await.expect(500);
        let problem = t.get(&format!("/admin/api/cms/templates/{broken}.json")).await.expect(200).at("/problem");
        assert!(problem.as_str().unwrap().starts_with("line 1: "), "{problem}");
        for taken in ["/", "/docs/x", "/admin/keys", "/assets/x.css", "/stories"] {
            assert_eq!(t.post(TEMPLATES, &[("type", "page"), ("title", "x"), ("path", taken)]).await.expect(422).complaints(), ["path"], "{taken}");
        }
    }

    async fn a_section_is_for_those_who_signed_in(t: &Test) {
        signed_up(t, "ann").await;
        let section = t.post("/admin/api/cms/sections.json", &[("title", "Inside"), ("public", "false")]).await.expect(201).id("/id").to_string();
        published(t, &[("type", "page"), ("title", "Secret"), ("path", "/inside"), ("section_id", &section), ("draft", "for you")]).await;
        t.post(FILES, &[("path", "/inside.txt"), ("section_id", &section), ("attachment", "Zm9yIHlvdQ==")]).await.expect(201);
        for path in ["/inside", "/inside.txt"] {
            let reply = Browser::new(t).get(path).await.expect(303);
            assert!(reply.headers["location"].to_str().unwrap().starts_with("/login?return_to="), "{path}");
            let reply = Browser::signed_in(t, "ann").await.get(path).await.expect(200);
            assert_eq!(reply.text, "for you");
        }
    }

    async fn files_are_found_at_their_paths(t: &Test) {
        let browser = Browser::new(t);
        t.post(FILES, &[("path", "/images/icon.ico"), ("attachment", "AAABAA==")]).await.expect(201);
        let icon = browser.get("/images/icon.ico").await.expect(200);
        assert_eq!(icon.headers["x-content-type-options"], "nosniff");
        let tag = icon.headers["etag"].to_str().unwrap().to_owned();
        let again = browser.request(reqwest::Method::GET, "/images/icon.ico").header("if-none-match", tag);
        browser.send(again).await.expect(304);
        // An upload is no page of the portal: nothing in it runs.
        t.post(FILES, &[("path", "/images/logo.svg"), ("attachment", "PHN2Zy8+")]).await.expect(201);
        let logo = browser.get("/images/logo.svg").await.expect(200);
        assert!(logo.headers["content-security-policy"].to_str().unwrap().ends_with("sandbox"));
        assert!(browser.get("/login").await.expect(200).text.contains("src=\"/images/logo.svg\""));
        t.post(FILES, &[("path", "/terms.pdf"), ("downloadable", "true"), ("attachment", "AAAA")]).await.expect(201);
        let pdf = browser.get("/terms.pdf").await.expect(200);
        assert!(pdf.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
        browser.post("/images/icon.ico", &[]).await.expect(404);
    }

    async fn drafts_are_shown_in_a_preview_alone(t: &Test) {
        let home = shipped(t, "builtin_page", "home").await;
        t.put(&format!("/admin/api/cms/templates/{}.json", home["id"]), &[("draft", "a new front")]).await.expect(200);
        let preview = t.post("/admin/api/cms/previews.json", &[("path", "/")]).await.expect(201);
        let url = preview.at("/url");
        let browser = Browser::new(t);
        browser.get(url.as_str().unwrap()).await.expect(303);
        let page = browser.get("/").await.expect(200);
        assert!(page.text.contains("a new front") && page.text.contains("A preview"), "{}", page.text);
        assert!(!Browser::new(t).get("/").await.expect(200).text.contains("a new front"));
        browser.get("/preview/end").await.expect(303);
        assert!(!browser.get("/").await.expect(200).text.contains("a new front"));
        browser.get("/preview/AAAA").await.expect(403);
        for path in ["//evil.example", "https://evil.example/"] {
            assert_eq!(t.post("/admin/api/cms/previews.json", &[("path", path)]).await.expect(422).complaints(), ["path"]);
        }
    }

    async fn colours_are_the_providers(t: &Test) {
        let settings = "/admin/api/settings.json";
        assert_eq!(t.put(settings, &[("accent_color", "#ffee00")]).await.expect(422).complaints(), ["accent_color"]);
        assert_eq!(t.put(settings, &[("accent_color", "#123;}")]).await.expect(422).complaints(), ["accent_color"]);
        assert_eq!(t.put(settings, &[("accent_color", "#123456")]).await.expect(200).at("/settings/accent_color"), "#123456");
        let browser = Browser::new(t);
        let page = browser.get("/login").await.expect(200).text;
        let path = page.split("href=\"").filter_map(|part| part.split('"').next()).find(|path| path.starts_with("/assets/brand.")).unwrap().to_owned();
        let css = browser.get(&path).await.expect(200);
        assert!(css.text.contains("--accent: #123456;"), "{}", css.text);
        assert_eq!(css.headers["content-type"], "text/css; charset=utf-8");
    }

    async fn hostile_values_and_templates_are_harmless(t: &Test) {
        let hostile = "\"><script>alert(1)</script>{{ 7 | times: 6 }}";
        t.put("/admin/api/provider.json", &[("org_name", hostile)]).await.expect(200);
        let draft = "{{ provider.name }}{{ provider.name | escape }}{{ provider.name | html_safe }}{{ provider.name | upcase }}<a title=\"{{ provider.name }}\">{{ 'x' | link_to: provider.name }}</a>";
        published(t, &[("type", "page"), ("title", hostile), ("path", "/hostile"), ("layout_name", "main_layout"), ("draft", draft)]).await;
        let browser = Browser::new(t);
        for path in ["/", "/hostile", "/stories", "/terms", "/privacy", "/login", "/nowhere"] {
            let page = browser.get(path).await.text.to_lowercase();
            assert!(page.contains("&lt;script&gt;alert(1)"), "{path}: {page}");
            assert!(!page.contains("<script>alert"), "{path}: {page}");
            assert!(!page.contains("42"), "{path}: {page}");
        }
        // A page that would fill the memory is given up.
        let bomb = "{% assign x = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..1000) %}{% assign x = x | append: x %}{% endfor %}{{ x }}";
        published(t, &[("type", "page"), ("title", "Bomb"), ("path", "/bomb"), ("draft", bomb)]).await;
        browser.get("/bomb").await.expect(500);
        assert_eq!(t.get(TEMPLATES).await.expect(200).at("/metadata/current_page"), json!(1));
    }
}
