//! The mail company: the provider of the demo, set up through the REST API like any other.
//!
//! One API in two generations (`/api/…` with credentials in query or form, `/v3/…` with HTTP Basic),
//! four plans, and two customers. It may run again: only the addresses are set anew, since ports may have changed.

use super::offer;
use crate::admin_client::AdminClient;
use crate::admin_client::answers::{id, item, items, text};
use anyhow::Context as _;
use serde_json::json;

/// The product's slug.
const PRODUCT: &str = "mail";

/// The APIs, as methods of `hits` (so that an unmapped path is 404), and the paths that count for each.
const METHODS: [(&str, &str, &[&str]); 4] = [
    ("web_api", "Web API", &["/api/mail", "/v3/mail/"]),
    ("newsletter_api", "Newsletter API", &["/api/newsletter/"]),
    ("subuser_api", "Subuser API", &["/v3/subusers"]),
    (
        "event_webhook_api",
        "Event Webhook API",
        &["/v3/user/webhooks/"],
    ),
];

/// Plans and their hits per minute.
const PLANS: [(&str, &str, u64); 4] = [
    ("bronze", "Bronze", 600),
    ("silver", "Silver", 6_000),
    ("gold", "Gold", 60_000),
    ("platinum", "Platinum", 600_000),
];

/// What the smallest plan cannot use.
const NOT_IN_BRONZE: [&str; 3] = ["newsletter_api", "subuser_api", "event_webhook_api"];

/// Where the parts of the installation are.
#[derive(Clone, Debug)]
pub struct Place {
    /// The production gateway's URL.
    pub production: String,
    /// The staging gateway's URL.
    pub staging: String,
    /// The upstream's URL.
    pub upstream: String,
}

/// The company, set up.
#[derive(Clone, Debug)]
pub struct Company {
    /// The product.
    pub service_id: i64,
    /// What the gateway shows the upstream.
    pub secret_token: String,
    /// Plan ids by slug: bronze, silver, gold, platinum.
    pub plans: Vec<(&'static str, i64)>,
    /// A customer on Bronze.
    pub bronze: Customer,
    /// A customer on Gold.
    pub gold: Customer,
}

/// A developer account with one application.
#[derive(Clone, Debug)]
pub struct Customer {
    /// The account.
    pub account_id: i64,
    /// Its admin user.
    pub username: String,
    /// Its application.
    pub application_id: i64,
    /// Which application calls (3scale: `app_id`).
    pub api_user: String,
    /// Its key (3scale: `app_key`).
    pub api_key: String,
}

// === impl Company ===

impl Company {
    /// Makes what is missing and reads what is there. `password` is for users that are made.
    ///
    /// # Errors
    /// When the control plane cannot be reached or refuses.
    pub async fn set_up(
        client: &AdminClient,
        place: &Place,
        password: &str,
    ) -> anyhow::Result<Self> {
        let service_id = product(client).await.context("setting up the product")?;
        let metrics = metrics(client, service_id)
            .await
            .context("setting up the metrics")?;
        proxy(client, service_id, place)
            .await
            .context("setting up the proxy")?;
        mapping_rules(client, service_id, &metrics)
            .await
            .context("setting up the mapping rules")?;
        let plans = plans(client, service_id, &metrics)
            .await
            .context("setting up the plans")?;
        offer::set_up(client, service_id, &plans, place)
            .await
            .context("setting up what customers are told")?;
        let secret_token = publish(client, service_id)
            .await
            .context("deploying the configuration")?;
        let bronze = customer(
            client,
            "bronze",
            "Bronze Letters",
            plan(&plans, "bronze")?,
            password,
        )
        .await
        .context("signing up the Bronze customer")?;
        let gold = customer(
            client,
            "gold",
            "Golden Post",
            plan(&plans, "gold")?,
            password,
        )
        .await
        .context("signing up the Gold customer")?;
        Ok(Self {
            service_id,
            secret_token,
            plans,
            bronze,
            gold,
        })
    }

    /// A plan's id by its slug.
    ///
    /// # Errors
    /// When there is no such plan.
    pub fn plan(&self, slug: &str) -> anyhow::Result<i64> {
        plan(&self.plans, slug)
    }
}

fn plan(plans: &[(&'static str, i64)], slug: &str) -> anyhow::Result<i64> {
    let found = plans.iter().find(|(name, _)| *name == slug);
    Ok(found.with_context(|| format!("there is no plan {slug}"))?.1)
}

/// The metrics' ids by system name.
type Metrics = Vec<(String, i64)>;

fn metric(metrics: &Metrics, name: &str) -> anyhow::Result<i64> {
    let found = metrics.iter().find(|(system_name, _)| system_name == name);
    Ok(found
        .with_context(|| format!("there is no metric {name}"))?
        .1)
}

async fn product(client: &AdminClient) -> anyhow::Result<i64> {
    let services = client.get("/admin/api/services.json").await?;
    if let Some(service) = items(&services).find(|service| service["system_name"] == PRODUCT) {
        return id(service);
    }
    let made = client
        .post(
            "/admin/api/services.json",
            &json!({"name": "Mail", "system_name": PRODUCT, "backend_version": "2", "description": "Sends and tracks mail."}),
        )
        .await?;
    id(item(&made))
}

async fn metrics(client: &AdminClient, service_id: i64) -> anyhow::Result<Metrics> {
    let path = format!("/admin/api/services/{service_id}/metrics");
    let all = client.get(&format!("{path}.json")).await?;
    let mut metrics = items(&all)
        .map(|metric| Ok((text(metric, "system_name")?, id(metric)?)))
        .collect::<anyhow::Result<Metrics>>()?;
    let hits = metric(&metrics, "hits")?;

    let methods = format!("{path}/{hits}/methods.json");
    let existing = client.get(&methods).await?;
    for (system_name, friendly_name, _) in METHODS {
        let id = match items(&existing).find(|method| method["system_name"] == system_name) {
            Some(method) => id(method)?,
            None => {
                let method = json!({"system_name": system_name, "friendly_name": friendly_name, "unit": "hit"});
                id(item(&client.post(&methods, &method).await?))?
            }
        };
        metrics.retain(|(name, _)| name != system_name);
        metrics.push((system_name.to_owned(), id));
    }
    Ok(metrics)
}

async fn proxy(client: &AdminClient, service_id: i64, place: &Place) -> anyhow::Result<()> {
    let proxy = json!({
        "endpoint": place.production,
        "sandbox_endpoint": place.staging,
        "api_backend": place.upstream,
        "credentials_sources": "query,form,basic",
        "auth_app_id": "api_user",
        "auth_app_key": "api_key",
    });
    client
        .patch(
            &format!("/admin/api/services/{service_id}/proxy.json"),
            &proxy,
        )
        .await?;
    Ok(())
}

async fn mapping_rules(
    client: &AdminClient,
    service_id: i64,
    metrics: &Metrics,
) -> anyhow::Result<()> {
    let path = format!("/admin/api/services/{service_id}/proxy/mapping_rules");
    let existing = client.get(&format!("{path}.json")).await?;
    // The catch-all that a new product may come with would make every path an API.
    for rule in items(&existing).filter(|rule| rule["pattern"] == "/") {
        client.delete(&format!("{path}/{}.json", id(rule)?)).await?;
    }
    for (system_name, _, patterns) in METHODS {
        for pattern in patterns {
            if items(&existing).all(|rule| rule["pattern"] != *pattern) {
                let metric_id = metric(metrics, system_name)?;
                let rule = json!({"http_method": "ANY", "pattern": pattern, "metric_id": metric_id, "delta": 1});
                client.post(&format!("{path}.json"), &rule).await?;
            }
        }
    }
    Ok(())
}

async fn plans(
    client: &AdminClient,
    service_id: i64,
    metrics: &Metrics,
) -> anyhow::Result<Vec<(&'static str, i64)>> {
    let path = format!("/admin/api/services/{service_id}/application_plans");
    let existing = client.get(&format!("{path}.json")).await?;
    let mut plans = Vec::new();
    for (system_name, name, hits_per_minute) in PLANS {
        let plan = items(&existing).find(|plan| plan["system_name"] == system_name);
        let plan_id = match plan {
            Some(plan) => id(plan)?,
            None => {
                let plan = json!({
                    "name": name, "system_name": system_name, "state_event": "publish", "approval_required": false,
                });
                id(item(&client.post(&format!("{path}.json"), &plan).await?))?
            }
        };
        plans.push((system_name, plan_id));
        limit(
            client,
            plan_id,
            metric(metrics, "hits")?,
            "minute",
            hits_per_minute,
        )
        .await?;
        if system_name == "bronze" {
            for disabled in NOT_IN_BRONZE {
                limit(client, plan_id, metric(metrics, disabled)?, "eternity", 0).await?;
            }
            if plan.is_none() {
                client
                    .put(&format!("{path}/{plan_id}/default.json"), &json!({}))
                    .await?;
            }
        }
    }
    Ok(plans)
}

async fn limit(
    client: &AdminClient,
    plan_id: i64,
    metric_id: i64,
    period: &str,
    value: u64,
) -> anyhow::Result<()> {
    let path = format!("/admin/api/application_plans/{plan_id}/metrics/{metric_id}/limits.json");
    let existing = client.get(&path).await?;
    // Whoever plays with the demo may have set another value: that one stays.
    if items(&existing).all(|limit| limit["period"] != period) {
        client
            .post(&path, &json!({"period": period, "value": value}))
            .await?;
    }
    Ok(())
}

/// Deploys to staging and promotes to production whatever is not there yet; gives back the secret token.
async fn publish(client: &AdminClient, service_id: i64) -> anyhow::Result<String> {
    let path = format!("/admin/api/services/{service_id}/proxy");
    let deployed = client
        .post(&format!("{path}/deploy.json"), &json!({}))
        .await?;
    let staging = client
        .get(&format!("{path}/configs/sandbox/latest.json"))
        .await?;
    let version = item(&staging)["version"]
        .as_i64()
        .context("the staging configuration has no version")?;
    let production = client
        .get(&format!("{path}/configs/production/latest.json"))
        .await;
    let promoted = production
        .ok()
        .and_then(|config| item(&config)["version"].as_i64());
    if promoted != Some(version) {
        client
            .post(
                &format!("{path}/configs/sandbox/{version}/promote.json"),
                &json!({"to": "production"}),
            )
            .await?;
    }
    match item(&deployed)["secret_token"].as_str() {
        Some(secret_token) => Ok(secret_token.to_owned()),
        None => text(
            item(&client.get(&format!("{path}.json")).await?),
            "secret_token",
        ),
    }
}

async fn customer(
    client: &AdminClient,
    username: &str,
    org_name: &str,
    plan_id: i64,
    password: &str,
) -> anyhow::Result<Customer> {
    let accounts = client.get("/admin/api/accounts.json").await?;
    let account = items(&accounts)
        .find(|account| account["org_name"] == org_name)
        .map(id)
        .transpose()?;
    let account_id = match account {
        Some(account_id) => account_id,
        None => {
            let signup = json!({
                "org_name": org_name,
                "username": username,
                "email": format!("{username}@mail.example"),
                "password": password,
                "application_plan_id": plan_id,
            });
            id(item(&client.post("/admin/api/signup.json", &signup).await?))?
        }
    };
    let applications = client
        .get(&format!(
            "/admin/api/accounts/{account_id}/applications.json"
        ))
        .await?;
    let application = items(&applications)
        .find(|application| application["plan_id"] == plan_id)
        .or_else(|| items(&applications).next())
        .with_context(|| format!("the account {org_name} has no application"))?;
    let application_id = id(application)?;
    let keys = client
        .get(&format!(
            "/admin/api/accounts/{account_id}/applications/{application_id}/keys.json"
        ))
        .await?;
    let key = items(&keys)
        .next()
        .with_context(|| format!("the application of {org_name} has no key"))?;
    Ok(Customer {
        account_id,
        username: username.to_owned(),
        application_id,
        api_user: text(application, "application_id")?,
        api_key: text(key, "value")?,
    })
}
