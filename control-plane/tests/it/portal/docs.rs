//! Specifications that developers read, and calls that they try.

use super::signed_up;
use crate::products::{plan, product};
use crate::support::{Browser, Test, both_databases};
use axum::body::Bytes;
use axum::http::Uri;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::IntoResponse;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tallygate::app::App;
use tallygate::config::Config;
use tallygate::router;
use tokio::net::TcpListener;

const HOSTILE: &str = "\"><script>alert(1)</script>";

fn spec() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Mail", "version": "1"},
        "servers": [{"url": "https://origin.local/v1"}],
        "paths": {"/mails": {"get": {"summary": HOSTILE, "responses": {"200": {"description": "Mails"}}}}},
    })
}

async fn upload(t: &Test, name: &str, service: Option<i64>, published: bool) {
    let mut body = json!({
        "name": name, "system_name": name, "description": HOSTILE, "body": spec().to_string(), "published": published,
    });
    if let Some(id) = service {
        body["service_id"] = id.into();
    }
    t.json(Method::POST, "/admin/api/active_docs.json", &body)
        .await
        .expect(201);
}

/// A product that takes `app_id` and `app_key`, in production at `https://api.acme.example`; its id, and its plan's.
async fn served(t: &Test) -> (i64, i64) {
    let id = product(t, "Mail").await;
    let plan = plan(t, id, "Free").await;
    let service = format!("/admin/api/services/{id}");
    let urls = [
        ("endpoint", "https://api.acme.example"),
        ("api_backend", "https://private.acme.example"),
    ];
    t.patch(&format!("{service}/proxy.json"), &urls)
        .await
        .expect(200);
    t.post(&format!("{service}/proxy/deploy.json"), &[])
        .await
        .expect(201);
    let to = [("to", "production")];
    t.post(
        &format!("{service}/proxy/configs/sandbox/1/promote.json"),
        &to,
    )
    .await
    .expect(201);
    (id, plan)
}

/// Tells what it was asked, with headers that mean something to browsers.
async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    if uri.path() == "/binary" {
        return (StatusCode::OK, [("x-kind", "binary")], vec![0xff, 0x00]).into_response();
    }
    if uri.path() == "/long" {
        return "x".repeat(2_000_000).into_response();
    }
    let headers: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let told = format!(
        "{method} {uri}\n{}\n\n{}",
        headers.join("\n"),
        String::from_utf8_lossy(&body)
    );
    let odd = [
        ("set-cookie", "tallygate_session=stolen"),
        ("location", "https://evil.example/"),
    ];
    (StatusCode::FOUND, odd, told).into_response()
}

/// The portal of a control plane that reaches production gateways at the echo.
async fn portal_with_gateway(t: &Test) -> String {
    let gateway = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = Config {
        production_gateway: Some(format!("http://{}", gateway.local_addr().unwrap())),
        ..Config::clone(&t.app.config)
    };
    tokio::spawn(async move { axum::serve(gateway, axum::Router::new().fallback(echo)).await });
    let app = App::new(t.app.db.clone(), config, t.app.secrets.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let portal = router::portal(&app);
    tokio::spawn(async move { axum::serve(listener, portal).await });
    url
}

fn attempt(browser: &Browser, method: &str, url: &str) -> RequestBuilder {
    browser
        .request(Method::POST, "/docs/mail/try")
        .header("accept", "application/json")
        .header("try-method", method)
        .header("try-url", url)
}

both_databases! {
    async fn published_specifications_are_read(t: &Test) {
        let (id, _) = served(t).await;
        upload(t, "mail", Some(id), true).await;
        upload(t, "draft", Some(id), false).await;
        upload(t, "apart", None, true).await;
        let browser = Browser::new(t);
        let index = browser.get("/docs").await.expect(200).text;
        assert!(index.contains("href=\"/docs/mail\"") && index.contains("href=\"/docs/apart\""), "{index}");
        assert!(!index.contains("/docs/draft") && !index.contains("<script>"), "{index}");
        let page = browser.get("/docs/mail").await.expect(200).text;
        assert!(page.contains("<code>/mails</code>") && page.contains("return_to=/docs/mail"), "{page}");
        assert!(page.contains("data-relay=\"\"") && !page.contains("<script>"), "{page}");
        let apart = browser.get("/docs/apart").await.expect(200).text;
        assert!(apart.contains("cannot be tried"), "{apart}");
        // Calls go to the gateway.
        let file = browser.get("/docs/mail/spec.json").await.expect(200);
        assert_eq!(file.at("/servers/0/url"), "https://api.acme.example/v1");
        assert_eq!(browser.get("/docs/apart/spec.json").await.expect(200).value(), spec());
        for path in ["/docs/draft", "/docs/draft/spec.json", "/docs/none", "/docs/%22%3E%3Cscript%3E"] {
            let missing = browser.get(path).await.expect(404).text;
            assert!(!missing.contains("<script>"), "{missing}");
        }
        // What Swagger UI is made of.
        for part in page.split('"').filter(|part| part.starts_with("/assets/")) {
            browser.get(part).await.expect(200);
        }
        assert!(page.contains("/assets/swagger-ui."), "{page}");
    }

    async fn credentials_are_those_of_the_developers_own_application(t: &Test) {
        let (id, plan) = served(t).await;
        upload(t, "mail", Some(id), true).await;
        let mut applications = Vec::new();
        for username in ["ann", "bob"] {
            let (account, _) = signed_up(t, username).await;
            for key in ["first", "second"] {
                let key = format!("{username}-{key}-key");
                let plan = plan.to_string();
                let form = [
                    ("plan_id", plan.as_str()), ("name", key.as_str()), ("description", "x"), ("application_key", key.as_str()),
                ];
                let path = format!("/admin/api/accounts/{account}/applications.json");
                applications.push(t.post(&path, &form).await.expect(201).id("/application/id"));
            }
        }
        let ann = Browser::signed_in(t, "ann").await;
        let page = ann.get("/docs/mail").await.expect(200).text;
        assert!(page.contains("ann-first-key&quot;") && page.contains("data-relay=\"/docs/mail/try\""), "{page}");
        assert!(!page.contains("ann-second-key&quot;") && !page.contains("bob-"), "{page}");
        let page = ann.get(&format!("/docs/mail?application_id={}", applications[1])).await.expect(200).text;
        assert!(page.contains("ann-second-key&quot;") && !page.contains("ann-first-key&quot;"), "{page}");
        // Somebody else's, or nonsense, is as good as none.
        for wrong in [applications[2].to_string(), "x".into()] {
            let page = ann.get(&format!("/docs/mail?application_id={wrong}")).await.expect(200).text;
            assert!(page.contains("ann-first-key&quot;") && !page.contains("bob-"), "{page}");
        }
        t.put("/admin/api/settings.json", &[("credentials_retrievable", "false")]).await.expect(200);
        let page = ann.get("/docs/mail").await.expect(200).text;
        assert!(page.contains("is not kept here") && page.contains("data-credentials=\"{}\""), "{page}");
    }

    async fn calls_are_tried_through_the_gateway(t: &Test) {
        let (id, _) = served(t).await;
        upload(t, "mail", Some(id), true).await;
        signed_up(t, "ann").await;
        let portal = portal_with_gateway(t).await;
        let ann = Browser::signed_in(t, "ann").await.at(&portal);
        let request = attempt(&ann, "patch", "https://api.acme.example/v1/mails?app_id=1&app_key=2")
            .header("try-header-x-mine", "yes")
            .header("try-header-content-type", "text/plain")
            .header("try-header-host", "evil.example")
            .header("try-header-x-forwarded-for", "10.0.0.1")
            .header("try-header-x-tallygate-debug", "1")
            .body("a body");
        let reply = ann.send(request).await.expect(200);
        // What the gateway says is told, and means nothing to the browser.
        assert_eq!(reply.at("/status"), 302);
        assert_eq!(reply.at("/headers/location"), "https://evil.example/");
        assert!(reply.headers.get("set-cookie").is_none());
        let told = reply.at("/text");
        let told = told.as_str().unwrap();
        assert!(told.starts_with("PATCH /v1/mails?app_id=1&app_key=2\n") && told.ends_with("\n\na body"), "{told}");
        for line in ["host: api.acme.example\n", "x-mine: yes\n", "content-type: text/plain\n"] {
            assert!(told.contains(line), "{line} in {told}");
        }
        for part in ["cookie", "evil", "10.0.0.1", "debug", "sec-fetch"] {
            assert!(!told.contains(part), "{part} in {told}");
        }
        let binary = ann.send(attempt(&ann, "GET", "https://api.acme.example/binary")).await.expect(200);
        assert_eq!((binary.at("/base64"), binary.at("/headers/x-kind")), ("/wA=".into(), "binary".into()));
        let long = ann.send(attempt(&ann, "GET", "https://api.acme.example/long")).await.expect(200);
        assert_eq!(long.at("/is_cut"), true);
        assert_eq!(long.at("/text").as_str().unwrap().len(), 1024 * 1024);
        for (method, url) in [
            ("GET", "https://evil.example/"),
            ("GET", "https://api.acme.example@evil.example/"),
            ("GET", "http://169.254.169.254/"),
            ("GET", "/v1/mails"),
            ("GET", ""),
            ("CONNECT", "https://api.acme.example/"),
            ("G T", "https://api.acme.example/"),
        ] {
            ann.send(attempt(&ann, method, url)).await.expect(422);
        }
        ann.post("/docs/mail/try", &[]).await.expect(422);
        let other_site = attempt(&ann, "GET", "https://api.acme.example/").header("sec-fetch-site", "cross-site");
        ann.send(other_site).await.expect(403);
        let nobody = Browser::new(t).at(&portal);
        nobody.send(attempt(&nobody, "GET", "https://api.acme.example/")).await.expect(401);
    }

    async fn the_operators_own_network_cannot_be_tried(t: &Test) {
        let (id, _) = served(t).await;
        let service = format!("/admin/api/services/{id}");
        t.patch(&format!("{service}/proxy.json"), &[("endpoint", "http://127.0.0.1:9")]).await.expect(200);
        t.post(&format!("{service}/proxy/deploy.json"), &[]).await.expect(201);
        let to = [("to", "production")];
        t.post(&format!("{service}/proxy/configs/sandbox/2/promote.json"), &to).await.expect(201);
        upload(t, "mail", Some(id), true).await;
        signed_up(t, "ann").await;
        let ann = Browser::signed_in(t, "ann").await;
        let refused = ann.send(attempt(&ann, "GET", "http://127.0.0.1:9/")).await.expect(502);
        assert!(refused.text.contains("not on the Internet"), "{}", refused.text);
    }
}
