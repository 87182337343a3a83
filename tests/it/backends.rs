//! One API made of two backends, below a wildcard host: each request goes to the backend whose path is the longest, without
//! that path, and counts by that one's rules alone. What a plan allows of a backend's metric holds in staging and production
//! together; which backends there are is each environment's own.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tallygate::admin_client::AdminClient;
use tallygate::demo::upstream::Upstream;
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::Filter;
use tallygate_tests::http::{self, Answer};
use tallygate_tests::installation::Installation;
use tallygate_tests::{ports, wait};

const PRODUCTION: &str = "eu.post.example.com";
const STAGING: &str = "eu.staging.post.example.com";
const KEY: &str = "key-of-the-sender";
/// Letters in all.
const LIMIT: u64 = 5;
/// How soon a change is in force.
const SOON: Duration = Duration::from_secs(5);

crate::on_both_databases!(story);

async fn story(database: Kind) -> Result<()> {
    let it = Installation::start("backends", database, Filter::Shipped).await?;
    let parcels = Upstream::start(ports::free()?).await?;
    let post = Post::set_up(&it.api, &it.upstream.url(), &parcels.url()).await?;
    let staging = it.gateway.staging.context("a staging listener")?;
    let production = it.production();

    // Staging follows what is deployed; production has never heard of it.
    becomes(staging, STAGING, "/track/7", 200).await?;
    for _ in 0..2 {
        let letter = get(staging, STAGING, "/letters/send").await?;
        sent_to(&letter, &it.upstream.url(), "/v1/send")?;
    }
    ensure!(get(production, PRODUCTION, "/letters/send").await?.status == 404);
    post.promote(&it.api, 1).await?;
    becomes(production, PRODUCTION, "/track/7", 200).await?;

    // The longest path, whole segments of it; the rest goes to the backend of everything.
    for (path, seen) in [
        ("/track/7", "/track/7"),
        ("/lettersbox", "/lettersbox"),
        ("/", "/"),
    ] {
        let answer = get(production, PRODUCTION, path).await?;
        sent_to(&answer, &parcels.url(), seen)?;
    }
    // A pattern `/` of a backend is its path with a slash, as in 3scale: the bare path has no rule.
    ensure!(get(production, PRODUCTION, "/letters").await?.status == 404);
    let unknown = get(production, "post.example.com", "/track/7").await?;
    ensure!(unknown.status == 404, "not below the wildcard: {unknown:?}");

    // Two were admitted in staging. Three are left, wherever.
    for _ in 0..2 {
        let answer = get(production, PRODUCTION, "/letters/send").await?;
        sent_to(&answer, &it.upstream.url(), "/v1/send")?;
    }
    let last = get(staging, STAGING, "/letters/send").await?;
    ensure!(last.status == 200, "{last:?}");
    for (gateway, host) in [(production, PRODUCTION), (staging, STAGING)] {
        let refused = get(gateway, host, "/letters/send").await?;
        ensure!(refused.status == 429, "{host}: {refused:?}");
        let other = get(gateway, host, "/track/8").await?;
        ensure!(other.status == 200, "the other backend: {other:?}");
    }

    // Each letter counts in the backend, and in the product's hits with all parcels.
    let letters = format!("/stats/backend_apis/{}", post.letters);
    counted(&it.api, &letters, "hits", |n| n == LIMIT).await?;
    counted(&it.api, &letters, "sent", |n| n == LIMIT).await?;
    let product = format!("/stats/services/{}", post.product);
    let of_letters = format!("hits.{}", post.letters);
    counted(&it.api, &product, &of_letters, |n| n == LIMIT).await?;
    counted(&it.api, &product, "hits", |n| n > LIMIT).await?;

    // Without the backend of everything: first in staging, then in production.
    let usage = format!(
        "/admin/api/services/{}/backend_usages/{}.json",
        post.product, post.usage_of_parcels
    );
    it.api.delete(&usage).await?;
    post.deploy(&it.api).await?;
    becomes(staging, STAGING, "/track/9", 404).await?;
    ensure!(get(production, PRODUCTION, "/track/9").await?.status == 200);
    post.promote(&it.api, 2).await?;
    becomes(production, PRODUCTION, "/track/9", 404).await?;
    ensure!(get(production, PRODUCTION, "/letters/send").await?.status == 429);
    it.end()
}

/// The product: letters below `/letters`, at most five in all, and parcels below everything else.
struct Post {
    product: i64,
    letters: i64,
    usage_of_parcels: i64,
}

impl Post {
    async fn set_up(api: &AdminClient, letters: &str, parcels: &str) -> Result<Self> {
        let (letters, of_letters) = backend(api, "Letters", &format!("{letters}/v1")).await?;
        let (parcels, of_parcels) = backend(api, "Parcels", parcels).await?;
        let methods =
            format!("/admin/api/backend_apis/{letters}/metrics/{of_letters}/methods.json");
        let sent = id(&api
            .post(&methods, &json!({"friendly_name": "Sent"}))
            .await?)?;
        rule(api, letters, "/send", sent).await?;
        rule(api, letters, "/$", of_letters).await?;
        rule(api, parcels, "/", of_parcels).await?;

        let service = json!({"name": "Post of two", "backend_version": "1"});
        let product = id(&api.post("/admin/api/services.json", &service).await?)?;
        let proxy = format!("/admin/api/services/{product}/proxy");
        let settings = json!({
            "endpoint": "http://*.post.example.com",
            "sandbox_endpoint": "http://*.staging.post.example.com",
            "credentials_sources": "query",
        });
        api.patch(&format!("{proxy}.json"), &settings).await?;
        // The product's own rule would count every request once more.
        let rules = api.get(&format!("{proxy}/mapping_rules.json")).await?;
        let own = id(&rules["mapping_rules"][0])?;
        api.delete(&format!("{proxy}/mapping_rules/{own}.json"))
            .await?;

        let usages = format!("/admin/api/services/{product}/backend_usages.json");
        let of_letters_path = json!({"backend_api_id": letters, "path": "/letters"});
        api.post(&usages, &of_letters_path).await?;
        let usage_of_parcels = id(&api
            .post(&usages, &json!({"backend_api_id": parcels}))
            .await?)?;

        let plans = format!("/admin/api/services/{product}/application_plans.json");
        let plan = id(&api.post(&plans, &json!({"name": "Small"})).await?)?;
        let limits =
            format!("/admin/api/application_plans/{plan}/metrics/{of_letters}/limits.json");
        api.post(&limits, &json!({"period": "eternity", "value": LIMIT}))
            .await?;
        let signup = json!({
            "org_name": "Sender", "username": "sender-of-two", "email": "sender@example.com",
            "password": "correct horse battery staple",
        });
        let account = id(&api.post("/admin/api/signup.json", &signup).await?)?;
        let application =
            json!({"plan_id": plan, "name": "Sender", "description": "-", "user_key": KEY});
        let path = format!("/admin/api/accounts/{account}/applications.json");
        api.post(&path, &application).await?;

        let post = Self {
            product,
            letters,
            usage_of_parcels,
        };
        post.deploy(api).await?;
        Ok(post)
    }

    async fn deploy(&self, api: &AdminClient) -> Result<()> {
        let path = format!("/admin/api/services/{}/proxy/deploy.json", self.product);
        api.post(&path, &json!({})).await?;
        Ok(())
    }

    async fn promote(&self, api: &AdminClient, version: i64) -> Result<()> {
        let configs = format!("/admin/api/services/{}/proxy/configs", self.product);
        let path = format!("{configs}/sandbox/{version}/promote.json");
        api.post(&path, &json!({"to": "production"})).await?;
        Ok(())
    }
}

/// A backend, and its metric `hits`.
async fn backend(api: &AdminClient, name: &str, url: &str) -> Result<(i64, i64)> {
    let backend = json!({"name": name, "private_endpoint": url});
    let backend = id(&api.post("/admin/api/backend_apis.json", &backend).await?)?;
    let metrics = format!("/admin/api/backend_apis/{backend}/metrics.json");
    let hits = id(&api.get(&metrics).await?["metrics"][0])?;
    Ok((backend, hits))
}

async fn rule(api: &AdminClient, backend: i64, pattern: &str, metric: i64) -> Result<()> {
    let rule = json!({"http_method": "ANY", "pattern": pattern, "metric_id": metric, "delta": 1});
    let path = format!("/admin/api/backend_apis/{backend}/mapping_rules.json");
    api.post(&path, &rule).await?;
    Ok(())
}

/// The id inside `{"service": {"id": …}}`.
fn id(answer: &Value) -> Result<i64> {
    answer
        .as_object()
        .and_then(|object| object.values().next())
        .and_then(|item| item["id"].as_i64())
        .with_context(|| format!("an answer without an id: {answer}"))
}

async fn get(gateway: SocketAddr, host: &str, path: &str) -> Result<Answer> {
    let target = format!("{path}?user_key={KEY}");
    let request = http::request("GET", &target, &[("host", host)], b"");
    http::send_once(gateway, &request).await
}

/// Waits until every new connection is answered with this status: Envoy hands them to its workers in turn.
async fn becomes(gateway: SocketAddr, host: &str, path: &str, status: u16) -> Result<()> {
    for _ in 0..8 {
        wait::until(
            &format!("{host}{path} is answered {status}"),
            SOON,
            async || get(gateway, host, path).await,
            |answer| answer.status == status,
        )
        .await?;
    }
    Ok(())
}

/// Whether it is an upstream's answer, and that one saw this path.
fn sent_to(answer: &Answer, upstream: &str, path: &str) -> Result<()> {
    ensure!(answer.status == 200, "{answer:?}");
    let seen = answer.json()?;
    let (asked, _) = seen["path"]
        .as_str()
        .and_then(|path| path.split_once('?'))
        .context("a path")?;
    let host = seen["headers"]["host"].as_str().context("a host")?;
    ensure!(
        (asked, format!("http://{host}").as_str()) == (path, upstream),
        "{seen} instead of {path} at {upstream}"
    );
    Ok(())
}

/// Waits until what was used of a metric is as it should be.
async fn counted(
    api: &AdminClient,
    whose: &str,
    metric: &str,
    good: impl Fn(u64) -> bool,
) -> Result<()> {
    let path = format!("{whose}/usage.json?metric_name={metric}&period=eternity");
    wait::until(
        &format!("{path} is told"),
        SOON,
        async || Ok(api.get(&path).await?["total"].as_u64().unwrap_or_default()),
        |total| good(*total),
    )
    .await?;
    Ok(())
}
