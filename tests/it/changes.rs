//! What a provider changes holds at the gateway within a second: signup, keys, suspension, plans.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::time::Duration;
use tallygate_tests::database::Kind;
use tallygate_tests::gateway::Filter;
use tallygate_tests::http;
use tallygate_tests::installation::Installation;

const SOON: Duration = Duration::from_secs(1);

crate::on_both_databases!(story);

async fn story(database: Kind) -> Result<()> {
    let it = Installation::start("changes", database, Filter::Shipped).await?;
    let developer = sign_up(&it).await?;
    let mail = developer.call("/api/mail.send.json");
    let subusers = developer.call("/v3/subusers");
    within_a_second("signup", it.settles("signup", &mail, 200).await?)?;
    ensure!(
        it.settles("platinum", &subusers, 200).await? == Duration::ZERO,
        "a plan comes with its application"
    );

    let application = format!(
        "/admin/api/accounts/{}/applications/{}",
        developer.account_id, developer.application_id
    );
    let bronze = json!({"plan_id": it.company.plan("bronze")?});
    it.api
        .put(&format!("{application}/change_plan.json"), &bronze)
        .await?;
    within_a_second(
        "a lower plan",
        it.settles("a lower plan", &subusers, 403).await?,
    )?;
    ensure!(
        it.settles("a lower plan", &mail, 200).await? == Duration::ZERO,
        "what it includes goes on"
    );

    it.api
        .put(&format!("{application}/suspend.json"), &json!({}))
        .await?;
    within_a_second("suspended", it.settles("suspended", &mail, 403).await?)?;
    it.api
        .put(&format!("{application}/resume.json"), &json!({}))
        .await?;
    within_a_second("resumed", it.settles("resumed", &mail, 200).await?)?;

    // Rotation: a second key, and the first one goes.
    it.api
        .post(
            &format!("{application}/keys.json"),
            &json!({"key": "second-key-of-mine"}),
        )
        .await?;
    let second = Developer {
        api_key: "second-key-of-mine".to_owned(),
        ..developer.clone()
    }
    .call("/api/mail.send.json");
    within_a_second("a new key", it.settles("a new key", &second, 200).await?)?;
    it.api
        .delete(&format!("{application}/keys/{}.json", developer.api_key))
        .await?;
    within_a_second(
        "a deleted key",
        it.settles("a deleted key", &mail, 403).await?,
    )?;
    ensure!(
        it.settles("the other key", &second, 200).await? == Duration::ZERO,
        "the other key goes on"
    );
    it.end()
}

fn within_a_second(what: &str, took: Duration) -> Result<()> {
    ensure!(took <= SOON, "{what} took {took:?}");
    Ok(())
}

#[derive(Clone, Debug)]
struct Developer {
    account_id: String,
    application_id: String,
    api_user: String,
    api_key: String,
}

impl Developer {
    fn call(&self, path: &str) -> Vec<u8> {
        http::request(
            "GET",
            &format!("{path}?api_user={}&api_key={}", self.api_user, self.api_key),
            &[],
            b"",
        )
    }
}

/// The guide's own call: a form, the provider key in it, XML back.
async fn sign_up(it: &Installation) -> Result<Developer> {
    let form = format!(
        "provider_key={}&org_name=Newcomers&username=newcomer&email=newcomer%40example.org&password=a-long-password&application_plan_id={}",
        it.credentials.provider_key(),
        it.company.plan("platinum")?
    );
    let answer = http::post_form(it.control_plane.admin, "/admin/api/signup.xml", &form).await?;
    ensure!(answer.status == 201, "{answer:?}");
    let xml = String::from_utf8(answer.body)?;
    let application = between(&xml, "<application>", "</application>")?;
    Ok(Developer {
        account_id: between(&xml, "<id>", "</id>")?.to_owned(),
        application_id: between(application, "<id>", "</id>")?.to_owned(),
        api_user: between(application, "<application_id>", "</application_id>")?.to_owned(),
        api_key: between(application, "<key>", "</key>")?.to_owned(),
    })
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Result<&'a str> {
    let found = text
        .split_once(before)
        .and_then(|(_, rest)| rest.split_once(after));
    Ok(found.with_context(|| format!("no {before} in {text}"))?.0)
}
