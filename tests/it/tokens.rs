//! Applications that authenticate by tokens: Envoy verifies them by the issuer's keys, the filter takes the client from their
//! claims. The gateway is what `gateway-config` prints, which asks the issuers themselves.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::Filter;
use tallygate_tests::installation::{Installation, basic};
use tallygate_tests::issuer::{Issuer, unsigned};
use tallygate_tests::printed_gateway::PrintedGateway;
use tallygate_tests::{http, ledger, wait};

crate::on_both_databases!(story);

/// What the plan of each application allows a day.
const LIMIT: u64 = 6;

async fn story(database: Kind) -> Result<()> {
    let it = Installation::start("tokens", database, Filter::Shipped).await?;
    let ours = Issuer::start().await?;
    let theirs = Issuer::start().await?;
    let files = Product::set_up(&it, "files", &ours, "files").await?;
    let archive = Product::set_up(&it, "archive", &ours, "").await?;
    let museum = Product::set_up(&it, "museum", &theirs, "files").await?;
    let mut gateway = PrintedGateway::start(&it, "production").await?;

    let good = ours.sign(&ours.claims("files-client", "files")?)?;
    let call = async |product: &Product, token: &str| {
        let host = product.host.as_str();
        let bearer = format!("Bearer {token}");
        let headers = [("host", host), ("authorization", bearer.as_str())];
        let request = http::request("GET", "/report", &headers, b"");
        http::send_once(gateway.listener, &request).await
    };
    let (answer, _) = wait::until(
        "a good token is admitted",
        Duration::from_secs(30),
        async || call(&files, &good).await,
        |answer| answer.status == 200,
    )
    .await?;
    let seen = answer.json()?["headers"].clone();
    ensure!(
        seen["authorization"] == format!("Bearer {good}"),
        "the upstream sees it too: {seen}"
    );
    ensure!(seen["x-3scale-proxy-secret-token"] != Value::Null, "{seen}");

    // What is wrong with these, nobody is told.
    let claims = ours.claims("files-client", "files")?;
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let mut immortal = claims.clone();
    immortal.as_object_mut().context("claims")?.remove("exp");
    let now_secs = claims["iat"].as_u64().context("iat")?;
    for (what, token) in [
        ("signed by somebody else", ours.forge(&claims)?),
        ("not signed at all", unsigned(&claims)),
        ("expired", ours.sign(&with("exp", json!(now_secs - 3_600)))?),
        ("never expires", ours.sign(&immortal)?),
        (
            "meant for somebody else",
            ours.sign(&with("aud", "other".into()))?,
        ),
        (
            "of another issuer",
            theirs.sign(&theirs.claims("files-client", "files")?)?,
        ),
        ("in another's name", theirs.sign(&claims)?),
        ("without a client", ours.sign(&with("azp", Value::Null))?),
        ("no token", "x".to_owned()),
        ("cut off", good[..good.len() - 4].to_owned()),
    ] {
        let answer = call(&files, &token).await?;
        ensure!(answer.status == 401, "{what}: {answer:?}");
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        ensure!(challenge.contains("Bearer"), "{what}: {answer:?}");
    }
    let host = ("host", files.host.as_str());
    let secret = basic("files-client", "the-secret-of-files");
    for headers in [vec![host], vec![host, ("authorization", secret.as_str())]] {
        let request = http::request("GET", "/report", &headers, b"");
        let answer = http::send_once(gateway.listener, &request).await?;
        ensure!(
            answer.status == 401,
            "no token, not even with the client's secret: {answer:?}"
        );
    }
    let query = http::request("GET", &format!("/report?access_token={good}"), &[host], b"");
    let answer = http::send_once(gateway.listener, &query).await?;
    ensure!(answer.status == 200, "a token in the query: {answer:?}");

    // Good tokens, of clients that may not.
    let stranger = ours.sign(&ours.claims("stranger", "files")?)?;
    ensure!(call(&files, &stranger).await?.status == 403);
    ensure!(
        call(&archive, &good).await?.status == 403,
        "a client of another product"
    );
    ensure!(
        call(&museum, &good).await?.status == 401,
        "an issuer that this product does not know"
    );
    let visitor = theirs.sign(&theirs.claims("museum-client", "files")?)?;
    ensure!(call(&museum, &visitor).await?.status == 200);
    let reader = ours.sign(&ours.claims("archive-client", "whoever")?)?;
    ensure!(
        call(&archive, &reader).await?.status == 200,
        "any audience will do there"
    );

    // Two were admitted; the limit holds whichever token names the client.
    for n in 2..LIMIT {
        let another = ours.sign(&with("jti", n.to_string().into()))?;
        let answer = call(&files, &another).await?;
        ensure!(answer.status == 200, "{n}: {answer:?}");
    }
    let answer = call(&files, &good).await?;
    ensure!(
        answer.status == 429 && answer.header("retry-after").is_some(),
        "{answer:?}"
    );
    ledger::becomes(&it.api, files.application, LIMIT, Duration::from_secs(5)).await?;

    integration(&it, &files, &good).await?;
    gateway.check_alive()?;
    gateway.stop().await;
    it.end()
}

/// The installation's own staging gateway was made before there were issuers: the test says so.
async fn integration(it: &Installation, files: &Product, token: &str) -> Result<()> {
    let path = format!("/admin/api/services/{}/proxy/test.json", files.id);
    for (wanted, why) in [
        (json!({}), "Give a token"),
        (
            json!({"bearer_token": token}),
            "bootstrap was made after the issuer was set",
        ),
    ] {
        let answer = it.api.post(&path, &wanted).await?;
        let report = &answer["integration_test"];
        ensure!(
            report["steps"][4]["step"]["outcome"] == "failed",
            "{report:#}"
        );
        ensure!(report.to_string().contains(why), "not {why}: {report:#}");
    }
    Ok(())
}

struct Product {
    id: i64,
    host: String,
    application: i64,
}

impl Product {
    /// A product with one client, called NAME-client.
    async fn set_up(
        it: &Installation,
        name: &str,
        issuer: &Issuer,
        audiences: &str,
    ) -> Result<Self> {
        let api = &it.api;
        let service = json!({"name": name, "system_name": name, "backend_version": "oidc"});
        let id = id(&api.post("/admin/api/services.json", &service).await?)?;
        let proxy = format!("/admin/api/services/{id}/proxy");
        let staging = it.gateway.staging.context("a staging gateway")?;
        let host = format!("{name}.example.com");
        let settings = json!({
            "endpoint": format!("http://{host}"),
            "sandbox_endpoint": format!("http://{staging}/{name}"),
            "api_backend": it.upstream.url(),
            "oidc_issuer_endpoint": issuer.url(),
            "oidc_audiences": audiences,
        });
        api.patch(&format!("{proxy}.json"), &settings).await?;
        api.post(&format!("{proxy}/deploy.json"), &json!({}))
            .await?;
        let promote = format!("{proxy}/configs/sandbox/1/promote.json");
        api.post(&promote, &json!({"to": "production"})).await?;

        let plan = json!({"name": name, "system_name": name, "state_event": "publish"});
        let plans = format!("/admin/api/services/{id}/application_plans.json");
        let plan = self::id(&api.post(&plans, &plan).await?)?;
        let metrics = api
            .get(&format!("/admin/api/services/{id}/metrics.json"))
            .await?;
        let hits = self::id(&metrics["metrics"][0])?;
        let limits = format!("/admin/api/application_plans/{plan}/metrics/{hits}/limits.json");
        api.post(&limits, &json!({"period": "year", "value": LIMIT}))
            .await?;
        let applications = format!(
            "/admin/api/accounts/{}/applications.json",
            it.company.gold.account_id
        );
        let application = json!({
            "plan_id": plan, "name": name, "description": name, "application_id": format!("{name}-client"),
            "application_key": format!("the-secret-of-{name}"),
        });
        let application = self::id(&api.post(&applications, &application).await?)?;
        Ok(Self {
            id,
            host,
            application,
        })
    }
}

/// The id inside `{"service": {"id": …}}`.
fn id(answer: &Value) -> Result<i64> {
    answer
        .as_object()
        .and_then(|object| object.values().next())
        .and_then(|item| item["id"].as_i64())
        .with_context(|| format!("an answer without an id: {answer}"))
}
