//! The test of a product's integration, with a gateway that is played here; `tests/it` of the workspace has a real one.

use super::product;
use crate::support::client::{Reply, send};
use crate::support::{Test, both_databases};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tallygate::app::App;
use tallygate::config::Config;
use tallygate::router;
use tallygate_core::id::ProductId;
use tallygate_core::probe;
use tokio::net::TcpListener;

/// A gateway that admits everything that is signed.
#[derive(Clone)]
struct Played {
    product: ProductId,
    secret_token: String,
    /// What it is asked: method, target, host, authorization.
    asked: Arc<Mutex<Vec<[String; 4]>>>,
}

async fn play(State(gateway): State<Played>, request: Request) -> Response {
    let header = |name: &str| {
        let value = request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap());
        value.unwrap_or_default().to_owned()
    };
    let target = request.uri().path_and_query().unwrap().to_string();
    let line = [
        request.method().to_string(),
        target,
        header("host"),
        header("authorization"),
    ];
    gateway.asked.lock().unwrap().push(line);
    let signature = header("x-tallygate-debug");
    let now_secs = jiff::Timestamp::now().as_second().unsigned_abs();
    let token = gateway.secret_token.as_bytes();
    if !probe::is_signed(signature.as_bytes(), token, gateway.product, now_secs) {
        return (
            StatusCode::NOT_FOUND,
            json!({"code": "unknown_host"}).to_string(),
        )
            .into_response();
    }
    let told = [
        (
            "x-tallygate-probe",
            probe::answer(token, signature.as_bytes()),
        ),
        ("x-tallygate-product", "mail".to_owned()),
        ("x-tallygate-version", "1".to_owned()),
        ("x-tallygate-matched-rules", "/".to_owned()),
        ("x-tallygate-usage", "hits=1".to_owned()),
        ("x-tallygate-application", "1".to_owned()),
        ("x-tallygate-upstream", "via_upstream".to_owned()),
    ];
    (told, "the body is nobody's business").into_response()
}

/// Starts it; its address.
async fn start(gateway: Played) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let router = Router::new().fallback(play).with_state(gateway);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn played(t: &Test, id: i64) -> (Played, String) {
    let proxy = t
        .get(&format!("/admin/api/services/{id}/proxy.json"))
        .await
        .expect(200);
    let gateway = Played {
        product: ProductId(id),
        secret_token: proxy.at("/proxy/secret_token").as_str().unwrap().into(),
        asked: Arc::default(),
    };
    let address = start(gateway.clone()).await;
    (gateway, address)
}

/// An account with an application of the product.
async fn application(t: &Test, id: i64) -> i64 {
    let plan = t
        .post(
            &format!("/admin/api/services/{id}/application_plans.json"),
            &[("name", "Basic")],
        )
        .await
        .expect(201);
    let plan = plan.id("/application_plan/id").to_string();
    let form = [
        ("org_name", "Acme"),
        ("username", "acme"),
        ("email", "a@acme.example"),
        ("password", "correct-horse"),
    ];
    let account = t
        .post("/admin/api/signup.json", &form)
        .await
        .expect(201)
        .id("/account/id");
    let form = [
        ("plan_id", plan.as_str()),
        ("name", "App"),
        ("description", "An app"),
        ("application_id", "my-app"),
        ("application_key", "my-own-key"),
    ];
    t.post(
        &format!("/admin/api/accounts/{account}/applications.json"),
        &form,
    )
    .await
    .expect(201);
    account
}

/// The address of a control plane on the same database whose operator named the gateway's address.
async fn naming(t: &Test, address: &str) -> String {
    let config = Config {
        staging_gateway: Some(format!("http://{address}")),
        ..Config::clone(&t.app.config)
    };
    let app = App::new(t.app.db.clone(), config, t.app.secrets.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let admin = router::admin(&app);
    tokio::spawn(async move { axum::serve(listener, admin).await });
    url
}

/// A test by that control plane.
async fn post(t: &Test, url: &str, form: &[(&str, &str)]) -> Reply {
    let request = t.http.post(url).basic_auth("", Some(&t.token));
    send(request.form(form)).await
}

/// (name, outcome) of each step, and the detail of the one that failed.
fn steps(reply: &Reply) -> (Vec<String>, String) {
    let steps = reply.at("/integration_test/steps");
    let steps = steps
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["step"].clone());
    let text = |step: &Value, name: &str| step[name].as_str().unwrap().to_owned();
    let outcomes = steps
        .clone()
        .map(|step| format!("{} {}", text(&step, "name"), text(&step, "outcome")))
        .collect();
    let failed = steps.into_iter().find(|step| step["outcome"] == "failed");
    (
        outcomes,
        failed.map(|step| text(&step, "detail")).unwrap_or_default(),
    )
}

const GREEN: [&str; 6] = [
    "deployed passed",
    "gateway_reached passed",
    "product_found passed",
    "rule_matched passed",
    "authorized passed",
    "upstream_answered passed",
];

both_databases! {
    async fn each_step_is_told(t: &Test) {
        let id = product(t, "Mail").await;
        let proxy = format!("/admin/api/services/{id}/proxy");
        let test = format!("{proxy}/test.json");
        let reply = t.post(&test, &[]).await.expect(200);
        assert_eq!(reply.at("/integration_test/passed"), false);
        let (outcomes, why) = steps(&reply);
        assert_eq!(outcomes[..2], ["deployed failed", "gateway_reached skipped"]);
        assert_eq!(why, "Nothing was deployed yet, so staging follows nothing.");
        t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(201);
        let reply = t.post(&test, &[]).await.expect(200);
        assert_eq!(steps(&reply).1, "Version 1 has no public base URL for staging, so nobody can call it.");

        // Whoever listens there must not be asked: it may be the operator's, and this is a provider's address.
        let (gateway, address) = played(t, id).await;
        for (endpoint, why, advice) in [
            (format!("http://{address}"), "not one of the public Internet", "set TALLYGATE_STAGING_GATEWAY_URL to the gateway's address"),
            (format!("http://{}", address.replace("127.0.0.1", "localhost")), "not one of the public Internet", "TALLYGATE_STAGING_GATEWAY_URL"),
            ("http://10.0.0.1".to_owned(), "not one of the public Internet", "TALLYGATE_STAGING_GATEWAY_URL"),
            ("http://169.254.169.254/latest".to_owned(), "not one of the public Internet", "TALLYGATE_STAGING_GATEWAY_URL"),
            ("http://nowhere.invalid".to_owned(), "nowhere.invalid", "gateway-config"),
        ] {
            t.patch(&format!("{proxy}.json"), &[("sandbox_endpoint", &endpoint)]).await.expect(200);
            t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(201);
            let reply = t.post(&test, &[]).await.expect(200);
            let (outcomes, told) = steps(&reply);
            assert_eq!(outcomes[..3], ["deployed passed", "gateway_reached failed", "product_found skipped"], "{endpoint}");
            assert!(told.contains(why), "{told}");
            assert!(reply.text.contains(advice), "{}", reply.text);
        }
        assert!(gateway.asked.lock().unwrap().is_empty());

        // A port that was somebody's a moment ago.
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let operated = naming(t, &closed.to_string()).await;
        let reply = post(t, &format!("{operated}{test}"), &[]).await.expect(200);
        assert!(steps(&reply).1.contains("nothing listens there"), "{}", reply.text);
        assert!(reply.text.contains("gateway-config"), "nobody made a gateway: {}", reply.text);
    }

    async fn green(t: &Test) {
        let id = product(t, "Mail").await;
        let proxy = format!("/admin/api/services/{id}/proxy");
        let (gateway, address) = played(t, id).await;
        let form = [("sandbox_endpoint", format!("http://{address}/mail")), ("auth_app_id", "api_user".into()), ("api_backend", "http://127.0.0.1:9".into())];
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        t.patch(&format!("{proxy}.json"), &form).await.expect(200);
        t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(201);
        let operated = naming(t, &address).await;
        let test = format!("{operated}{proxy}/test.json");
        let asked = || gateway.asked.lock().unwrap().pop().unwrap();

        let reply = post(t, &test, &[]).await.expect(200);
        assert_eq!(reply.at("/integration_test/application_id"), Value::Null);
        assert_eq!(asked()[..2], ["GET", "/mail/"], "nobody may call, so nobody's credentials are sent");

        let account = application(t, id).await;
        let reply = post(t, &test, &[]).await.expect(200);
        assert_eq!(steps(&reply).0, GREEN, "{}", reply.text);
        assert_eq!(reply.at("/integration_test/passed"), true);
        assert_eq!(reply.at("/integration_test/status"), 200);
        assert_eq!(reply.at("/integration_test/url"), format!("http://{address}/mail/"));
        assert!(!reply.text.contains("my-own-key") && !reply.text.contains("nobody's business"), "{}", reply.text);
        assert_eq!(asked(), ["GET", "/mail/?api_user=my-app&app_key=my-own-key", &address, ""]);
        let application = reply.id("/integration_test/application_id");

        let chosen = [("method", "POST"), ("path", "/v2/x?y=z"), ("app_id", "a b"), ("app_key", "c&d")];
        post(t, &test, &chosen).await.expect(200);
        assert_eq!(asked()[..2], ["POST", "/mail/v2/x?y=z&api_user=a+b&app_key=c%26d"]);
        post(t, &test, &[("bearer_token", "a.b.c"), ("path", "/")]).await.expect(200);
        assert_eq!(asked(), ["GET", "/mail/", &address, "Bearer a.b.c"]);
        let path = format!("/admin/api/accounts/{account}/applications/{application}/suspend.json");
        t.put(&path, &[]).await.expect(200);
        post(t, &test, &[]).await.expect(200);
        assert_eq!(asked()[1], "/mail/", "a suspended one is not chosen");
        post(t, &test, &[("application_id", &application.to_string())]).await.expect(200);
        assert_eq!(asked()[1], "/mail/?api_user=my-app&app_key=my-own-key", "unless it is asked for");
        let xml = post(t, &format!("{operated}{proxy}/test.xml"), &[]).await.expect(200).text;
        assert!(xml.contains("<integration_test><passed>true</passed>"), "{xml}");

        let other = product(t, "News").await;
        let elsewhere = format!("/admin/api/services/{other}/proxy");
        t.patch(&format!("{elsewhere}.json"), &[("sandbox_endpoint", &format!("http://{address}/news"))]).await.expect(200);
        t.post(&format!("{elsewhere}/deploy.json"), &[]).await.expect(201);
        let reply = post(t, &format!("{operated}{elsewhere}/test.json"), &[]).await.expect(200);
        assert!(steps(&reply).1.starts_with("The gateway serves no product at"), "signed for another: {}", reply.text);
        let reply = post(t, &format!("{operated}{elsewhere}/test.json"), &[("application_id", &application.to_string())]).await.expect(422);
        assert_eq!(reply.complaints(), ["application_id"]);
        for (field, value) in [("path", "v2"), ("path", "/a b"), ("method", "BREW"), ("application_id", "x"), ("application_id", "999"), ("bearer_token", "a\u{e9}"), ("user_key", "\u{e9}")] {
            let reply = post(t, &test, &[(field, value)]).await.expect(422);
            assert_eq!(reply.complaints(), [field], "{value}");
        }
        assert_eq!(post(t, &test, &[("app_id", "x")]).await.expect(422).complaints(), ["app_key"]);
        t.post("/admin/api/services/999/proxy/test.json", &[]).await.expect(404);
    }

    async fn the_operator_says_where_the_gateway_is(t: &Test) {
        let id = product(t, "Mail").await;
        let proxy = format!("/admin/api/services/{id}/proxy");
        let (gateway, address) = played(t, id).await;
        t.patch(&format!("{proxy}.json"), &[("sandbox_endpoint", "https://*.staging.example.com:8443/mail"), ("credentials_location", "authorization")]).await.expect(200);
        t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(201);
        application(t, id).await;
        let operated = naming(t, &address).await;
        let reply = post(t, &format!("{operated}{proxy}/test.json"), &[]).await.expect(200);
        assert_eq!(steps(&reply).0, GREEN, "{}", reply.text);
        assert_eq!(reply.at("/integration_test/url"), "https://test.staging.example.com:8443/mail/");
        let asked = gateway.asked.lock().unwrap().pop().unwrap();
        assert_eq!(asked[..3], ["GET", "/mail/", "test.staging.example.com:8443"]);
        assert!(asked[3].starts_with("Basic "), "{asked:?}");
    }

    async fn credentials_that_are_not_kept_cannot_be_sent(t: &Test) {
        t.put("/admin/api/settings.json", &[("credentials_retrievable", "false")]).await.expect(200);
        let id = product(t, "Mail").await;
        let proxy = format!("/admin/api/services/{id}/proxy");
        let (gateway, address) = played(t, id).await;
        t.patch(&format!("{proxy}.json"), &[("sandbox_endpoint", &format!("http://{address}"))]).await.expect(200);
        t.post(&format!("{proxy}/deploy.json"), &[]).await.expect(201);
        application(t, id).await;
        let test = format!("{}{proxy}/test.json", naming(t, &address).await);
        post(t, &test, &[]).await.expect(200);
        assert_eq!(gateway.asked.lock().unwrap().pop().unwrap()[1], "/");
        let given = [("app_id", "my-app"), ("app_key", "my-own-key")];
        let reply = post(t, &test, &given).await.expect(200);
        assert!(reply.at("/integration_test/application_id").is_i64(), "it is known whose they are");
    }
}
