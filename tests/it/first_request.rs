//! What a newcomer tries: every way to send credentials, and every way to be refused.

use anyhow::{Result, ensure};
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::Filter;
use tallygate_tests::http::{self, Answer};
use tallygate_tests::installation::{Installation, basic, with_query};

crate::on_both_databases!(story);

async fn story(database: Kind) -> Result<()> {
    let it = Installation::start("first-request", database, Filter::Shipped).await?;
    admitted(&it).await?;
    refused(&it).await?;
    it.end()
}

/// Each reaches the upstream, which sees the secret token and none of the headers that are ours.
async fn admitted(it: &Installation) -> Result<()> {
    let bronze = &it.company.bronze;
    let gold = &it.company.gold;
    let authorization = basic(&bronze.api_user, &bronze.api_key);
    let form = format!(
        "to=a%40b&api_user={}&api_key={}",
        bronze.api_user, bronze.api_key
    );

    let by_query = it.get_as(bronze, "/api/mail.send.json").await?;
    let by_form = http::post_form(it.production(), "/api/mail.send.json", &form).await?;
    let by_basic = http::get(
        it.production(),
        "/v3/mail/send",
        &[("authorization", &authorization)],
    )
    .await?;
    let gold_only = it.get_as(gold, "/v3/subusers").await?;
    for (what, answer) in [
        ("query", &by_query),
        ("form", &by_form),
        ("basic", &by_basic),
        ("gold on subusers", &gold_only),
    ] {
        ensure!(answer.status == 200, "{what}: {answer:?}");
        let seen = answer.json()?;
        ensure!(
            seen["headers"]["x-3scale-proxy-secret-token"] == it.company.secret_token.as_str(),
            "{what}: the upstream saw {seen}"
        );
        ensure!(
            seen["headers"].get("x-tallygate-cluster").is_none(),
            "{what}: the upstream saw {seen}"
        );
        ensure!(
            answer.header("ratelimit").is_some(),
            "{what}: no RateLimit in {answer:?}"
        );
        ensure!(
            answer.header("ratelimit-policy").is_some(),
            "{what}: no RateLimit-Policy in {answer:?}"
        );
    }
    ensure!(
        by_form.json()?["body"] == form.as_str(),
        "the form did not arrive whole: {}",
        by_form.json()?
    );

    // What a client claims for itself is overwritten.
    let forged = [
        ("x-3scale-proxy-secret-token", "forged"),
        ("x-tallygate-cluster", "tallygate_control_plane"),
    ];
    let answer = http::get(
        it.production(),
        &with_query("/api/mail.send.json", bronze),
        &forged,
    )
    .await?;
    ensure!(answer.status == 200, "{answer:?}");
    ensure!(
        answer.json()?["headers"]["x-3scale-proxy-secret-token"]
            == it.company.secret_token.as_str(),
        "{}",
        answer.json()?
    );
    Ok(())
}

async fn refused(it: &Installation) -> Result<()> {
    let bronze = &it.company.bronze;
    let reached = it.upstream.requests();

    let wrong_key = format!(
        "/api/mail.send.json?api_user={}&api_key=wrong",
        bronze.api_user
    );
    expect(
        "wrong key",
        &http::get(it.production(), &wrong_key, &[]).await?,
        403,
    )?;
    expect(
        "unknown user",
        &http::get(
            it.production(),
            "/api/mail?api_user=nobody&api_key=wrong",
            &[],
        )
        .await?,
        403,
    )?;
    expect(
        "bronze on subusers",
        &it.get_as(bronze, "/v3/subusers").await?,
        403,
    )?;
    expect("no such path", &it.get_as(bronze, "/nowhere").await?, 404)?;
    let other_host = http::get(
        it.production(),
        &with_query("/api/mail", bronze),
        &[("host", "other.example")],
    )
    .await?;
    expect("no such host", &other_host, 404)?;

    let none = http::get(it.production(), "/api/mail.send.json", &[]).await?;
    expect("no credentials", &none, 401)?;
    ensure!(
        none.header("www-authenticate")
            .is_some_and(|challenge| challenge.starts_with("Basic")),
        "{none:?}"
    );

    ensure!(
        it.upstream.requests() == reached,
        "a refused request reached the upstream"
    );
    Ok(())
}

fn expect(what: &str, answer: &Answer, status: u16) -> Result<()> {
    ensure!(answer.status == status, "{what}: {answer:?}");
    ensure!(
        answer.header("content-type") == Some("application/problem+json"),
        "{what}: {answer:?}"
    );
    ensure!(
        answer.json()?["status"] == status,
        "{what}: {}",
        answer.json()?
    );
    Ok(())
}
