//! The provider tests the way from a client to the upstream: green, or the step that fails with its reason. Staging changes
//! on the way and is rolled back; production goes on as if nothing had been.

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::Filter;
use tallygate_tests::installation::{Installation, with_query};
use tallygate_tests::{http, ports, wait};

crate::on_both_databases!(story);

/// A change arrives within a second; the machine may be busy.
const SOON: Duration = Duration::from_secs(10);

async fn story(database: Kind) -> Result<()> {
    let mut it = Installation::start("integration-test", database, Filter::Shipped).await?;
    let before = it.upstream.requests();
    let green = test(&it, json!({})).await?;
    ensure!(green["passed"] == true, "{green}");
    ensure!(green["status"] == 200 && green["version"] == 1, "{green}");
    ensure!(
        green["application_id"] == it.company.bronze.application_id,
        "{green}"
    );
    for words in ["Matched: ", "counted hits=1", "answered with 200"] {
        ensure!(green.to_string().contains(words), "no {words}: {green}");
    }
    ensure!(
        it.upstream.requests() == before + 1,
        "the request is a real one"
    );
    it.ledger_becomes(it.company.bronze.application_id, 1, SOON)
        .await?;

    refusals(&it).await?;
    limits(&it).await?;
    upstreams(&it).await?;
    elsewhere(&mut it).await?;

    it.gateway.end(Signal::SIGKILL).await?;
    let dead = test(&it, json!({})).await?;
    failed(&dead, "gateway_reached", "nothing listens there")?;
    it.end_without_gateway();
    Ok(())
}

/// What the gateway refuses, and why it did.
async fn refusals(it: &Installation) -> Result<()> {
    let bronze = &it.company.bronze;
    let report = test(it, json!({"path": "/nowhere"})).await?;
    failed(&report, "rule_matched", "matches GET ")?;
    let wrong =
        json!({"path": "/api/mail.send.json", "app_id": bronze.api_user, "app_key": "wrong-key"});
    failed(
        &test(it, wrong).await?,
        "authorized",
        "The key is none of the application",
    )?;
    let unknown =
        json!({"path": "/api/mail.send.json", "app_id": "nobody", "app_key": "wrong-key"});
    failed(
        &test(it, unknown).await?,
        "authorized",
        "No application of the product has these credentials",
    )?;
    let report = test(it, json!({"path": "/v3/subusers"})).await?;
    failed(&report, "authorized", "The plan Bronze does not include")?;
    let gold = json!({"path": "/v3/subusers", "application_id": it.company.gold.application_id});
    let report = test(it, gold).await?;
    ensure!(report["passed"] == true, "{report}");

    let application = format!(
        "/admin/api/accounts/{}/applications/{}",
        bronze.account_id, bronze.application_id
    );
    it.api
        .put(&format!("{application}/suspend.json"), &json!({}))
        .await?;
    let suspended = json!({"application_id": bronze.application_id});
    comes_to(it, &suspended, "authorized", "is suspended").await?;
    it.api
        .put(&format!("{application}/resume.json"), &json!({}))
        .await?;
    becomes_green(it, &suspended).await
}

async fn limits(it: &Installation) -> Result<()> {
    let plan = json!({"name": "One", "system_name": "one", "state_event": "publish"});
    let path = format!(
        "/admin/api/services/{}/application_plans.json",
        it.company.service_id
    );
    let plan = it.api.post(&path, &plan).await?;
    let plan = plan
        .pointer("/application_plan/id")
        .context("a plan without an id")?
        .clone();
    let metrics = format!("/admin/api/services/{}/metrics.json", it.company.service_id);
    let metrics = it.api.get(&metrics).await?;
    let hits = metrics
        .pointer("/metrics/0/metric/id")
        .context("no metric")?;
    let limits = format!("/admin/api/application_plans/{plan}/metrics/{hits}/limits.json");
    it.api
        .post(&limits, &json!({"period": "day", "value": 1}))
        .await?;
    let path = format!(
        "/admin/api/accounts/{}/applications.json",
        it.company.gold.account_id
    );
    let application = json!({"plan_id": plan, "name": "One", "description": "One call a day"});
    let made = it.api.post(&path, &application).await?;
    let id = made
        .pointer("/application/id")
        .context("an application without an id")?;
    let chosen = json!({"application_id": id});
    becomes_green(it, &chosen).await?;
    let report = test(it, chosen).await?;
    failed(&report, "authorized", "There is room again in ")
}

/// Upstreams that do not answer, in staging alone, and the way back.
async fn upstreams(it: &Installation) -> Result<()> {
    let proxy = format!("/admin/api/services/{}/proxy", it.company.service_id);
    let plain = it.upstream.url();
    for (url, why) in [
        (
            format!("http://{}", ports::free()?),
            "could not be connected to",
        ),
        (
            "http://nowhere.invalid".to_owned(),
            "could not be resolved by the gateway",
        ),
        (plain.replace("http://", "https://"), "No secure connection"),
    ] {
        it.api
            .patch(&format!("{proxy}.json"), &json!({"api_backend": url}))
            .await?;
        it.api
            .post(&format!("{proxy}/deploy.json"), &json!({}))
            .await?;
        comes_to(it, &json!({}), "upstream_answered", why).await?;
    }
    let gold = with_query("/api/mail.send.json", &it.company.gold);
    let production = http::get(it.production(), &gold, &[]).await?;
    ensure!(
        production.status == 200,
        "production follows its own version: {production:?}"
    );

    let diff = it
        .api
        .get(&format!("{proxy}/diff.json?from=production&to=sandbox"))
        .await?;
    ensure!(diff.to_string().contains("api_backend: "), "{diff}");
    for version in [3, 2, 1] {
        let rollback = format!("{proxy}/configs/sandbox/rollback.json");
        let back = it.api.post(&rollback, &json!({})).await?;
        ensure!(back["proxy_config"]["version"] == version, "{back}");
    }
    becomes_green(it, &json!({})).await
}

/// The operator names the production gateway by mistake: a host that it has never heard of, and one that is another
/// product's.
async fn elsewhere(it: &mut Installation) -> Result<()> {
    it.control_plane.kill().await;
    it.control_plane.staging = it.production();
    it.control_plane.start_again().await?;
    let service = json!({"name": "Other", "system_name": "other", "backend_version": "1"});
    let made = it.api.post("/admin/api/services.json", &service).await?;
    let id = made
        .pointer("/service/id")
        .context("a service without an id")?
        .clone();
    let proxy = format!("/admin/api/services/{id}/proxy");
    let port = it.production().port();
    for (endpoint, step, why) in [
        (
            format!("http://localhost:{port}/other"),
            "product_found",
            "The gateway serves no product at",
        ),
        (
            format!("http://127.0.0.1:{port}/other"),
            "gateway_reached",
            "did not prove to be a gateway",
        ),
    ] {
        it.api
            .patch(
                &format!("{proxy}.json"),
                &json!({"sandbox_endpoint": endpoint}),
            )
            .await?;
        it.api
            .post(&format!("{proxy}/deploy.json"), &json!({}))
            .await?;
        let report = it
            .api
            .post(&format!("{proxy}/test.json"), &json!({}))
            .await?;
        failed(&report["integration_test"], step, why)?;
    }
    Ok(())
}

async fn test(it: &Installation, wanted: Value) -> Result<Value> {
    let path = format!(
        "/admin/api/services/{}/proxy/test.json",
        it.company.service_id
    );
    let mut wanted = wanted;
    if wanted["path"].is_null() {
        wanted["path"] = "/api/mail.send.json".into();
    }
    let answer = it.api.post(&path, &wanted).await?;
    Ok(answer["integration_test"].clone())
}

/// The first step that is not passed must be this one, for this reason.
fn failed(report: &Value, name: &str, why: &str) -> Result<()> {
    ensure!(report["passed"] == false, "{report}");
    let steps = report["steps"].as_array().context("no steps")?;
    let step = steps
        .iter()
        .map(|step| &step["step"])
        .find(|step| step["outcome"] != "passed")
        .context("all steps passed")?;
    ensure!(
        step["name"] == name
            && step["outcome"] == "failed"
            && step["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(why)),
        "not {name} because {why}: {report:#}"
    );
    ensure!(step["advice"] != "", "nothing to do about it: {report}");
    Ok(())
}

async fn comes_to(it: &Installation, wanted: &Value, name: &str, why: &str) -> Result<()> {
    let ask = async || {
        let report = test(it, wanted.clone()).await?;
        anyhow::Ok(failed(&report, name, why).map_err(|error| error.to_string()))
    };
    let _reached = wait::until(why, SOON, ask, Result::is_ok).await?;
    Ok(())
}

async fn becomes_green(it: &Installation, wanted: &Value) -> Result<()> {
    let ask = async || test(it, wanted.clone()).await;
    wait::until("green", SOON, ask, |report| report["passed"] == true).await?;
    Ok(())
}
