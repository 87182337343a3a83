//! A key is rotated: the old one works during the overlap, and then no longer, also at a gateway that is cut off. What came of the
//! requests is told.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::Filter;
use tallygate_tests::http;
use tallygate_tests::installation::Installation;
use tallygate_tests::wait;

/// How long the old key goes on.
const OVERLAP: Duration = Duration::from_secs(3);
/// Ends are whole seconds, and so is the clock that gateways decide by.
const LATE: Duration = Duration::from_millis(2_500);

crate::on_both_databases!(story);

async fn story(database: Kind) -> Result<()> {
    let it = Installation::start("keys", database, Filter::Shipped).await?;
    let customer = &it.company.bronze;
    let call = |key: &str| {
        let path = format!(
            "/api/mail.send.json?api_user={}&api_key={key}",
            customer.api_user
        );
        http::request("GET", &path, &[], b"")
    };
    let (old, new) = (call(&customer.api_key), call("the-new-key-of-mine"));
    let before = Instant::now();
    it.settles("the old key", &old, 200).await?;

    let keys = format!(
        "/admin/api/accounts/{}/applications/{}/keys",
        customer.account_id, customer.application_id
    );
    let rotation = json!({"overlap": OVERLAP.as_secs(), "new_key": "the-new-key-of-mine"});
    let rotated = Instant::now();
    it.api
        .post(
            &format!("{keys}/{}/rotate.json", customer.api_key),
            &rotation,
        )
        .await?;
    it.settles("the new key", &new, 200).await?;
    ensure!(
        it.settles("the old key in the overlap", &old, 200).await? == Duration::ZERO
            || rotated.elapsed() > OVERLAP,
        "the old key goes on"
    );

    // By itself: the row in the database is still there.
    let (_, _) = wait::until(
        "the old key ends",
        OVERLAP + LATE,
        async || http::send_once(it.production(), &old).await,
        |answer| answer.status == 403,
    )
    .await?;
    let ended = rotated.elapsed();
    ensure!(
        (OVERLAP..OVERLAP + LATE).contains(&ended),
        "it ended after {ended:?}"
    );
    it.settles("the old key after the overlap", &old, 403)
        .await?;
    it.settles("the new key goes on", &new, 200).await?;

    // What came of all that, a few seconds later.
    let path = format!(
        "/stats/applications/{}/traffic.json",
        customer.application_id
    );
    let (traffic, _) = wait::until(
        "traffic is told",
        Duration::from_secs(20),
        async || it.api.get(&path).await,
        |traffic| sum(traffic, "success") >= 24 && sum(traffic, "refused_credentials") >= 8,
    )
    .await?;
    let values = traffic
        .pointer("/traffic/values")
        .and_then(Value::as_array)
        .context("no values")?;
    let median = values
        .iter()
        .find_map(|value| value["value"]["p50_ms"].as_u64());
    ensure!(median.is_some_and(|ms| ms <= 5_000), "{traffic}");
    ensure!(sum(&traffic, "server_error") == 0, "{traffic}");
    let told = it.api.get(&format!("{keys}.json")).await?;
    let used = told["keys"][0]["key"]["last_used_at"].as_str();
    ensure!(used.is_some(), "{told} after {:?}", before.elapsed());
    it.end()
}

fn sum(traffic: &Value, what: &str) -> i64 {
    let values = traffic.pointer("/traffic/values").and_then(Value::as_array);
    let values = values.into_iter().flatten();
    values
        .filter_map(|value| value["value"][what].as_i64())
        .sum()
}
