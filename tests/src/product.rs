//! A product for stories about limits, set up through the REST API: a post office, whose paths cost more than one.
//!
//! | request | costs |
//! |---|---|
//! | `/letter` | 1 of `letters`, hence 1 of `hits` |
//! | `/parcel` | 7 of `parcels`, hence 7 of `hits` |
//! | `/mixed` | 2 of `letters` and 3 of `parcels`, hence 5 of `hits` |

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tallygate::admin_client::AdminClient;
use tallygate_core::period::Period;

/// The host of the product, in every request: a balancer in front of several gateways would keep it as well.
pub const HOST: &str = "post.example.com";

/// At most so much of a metric in a period.
#[derive(Clone, Copy, Debug)]
pub struct Limit(pub &'static str, pub Period, pub u64);

/// What has to be admitted of a limit when three times as much is asked for: 99.9 %, or all but one.
#[must_use]
pub fn enough(limit: u64) -> u64 {
    let most_of_it = (limit * 999).div_ceil(1_000);
    most_of_it.min(limit.saturating_sub(1)).max(1)
}

/// The product, set up.
#[derive(Clone, Debug)]
pub struct Product {
    /// Its id.
    pub id: i64,
    metrics: Vec<(String, i64)>,
    account: Option<i64>,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Application {
    /// Its id.
    pub id: i64,
    /// Its credential.
    pub user_key: String,
}

// === impl Product ===

impl Product {
    /// Makes it; `settings` are more of its proxy's.
    ///
    /// # Errors
    /// When the control plane refuses.
    pub async fn set_up(api: &AdminClient, upstream: &str, settings: &Value) -> Result<Self> {
        let service = json!({"name": "Post office", "system_name": "post", "backend_version": "1"});
        let id = id(&api.post("/admin/api/services.json", &service).await?)?;
        let mut product = Self {
            id,
            metrics: Vec::new(),
            account: None,
        };
        product.make_metrics(api).await?;
        let path = format!("/admin/api/services/{id}/proxy");
        let mut proxy = json!({
            "endpoint": format!("http://{HOST}"),
            "sandbox_endpoint": format!("http://staging.{HOST}"),
            "api_backend": upstream,
            "credentials_sources": "query",
        });
        for (name, value) in settings.as_object().into_iter().flatten() {
            proxy[name] = value.clone();
        }
        api.patch(&format!("{path}.json"), &proxy).await?;
        product.make_rules(api, &path).await?;
        publish(api, &path).await?;
        Ok(product)
    }

    async fn make_metrics(&mut self, api: &AdminClient) -> Result<()> {
        let path = format!("/admin/api/services/{}/metrics", self.id);
        let all = api.get(&format!("{path}.json")).await?;
        let all = all["metrics"].as_array().context("no metrics")?;
        let hits = all
            .iter()
            .find(|it| it["metric"]["system_name"] == "hits")
            .context("a product without `hits`")?;
        let hits = id(hits)?;
        self.metrics.push(("hits".to_owned(), hits));
        for name in ["letters", "parcels"] {
            let method = json!({"system_name": name, "friendly_name": name, "unit": "item"});
            let made = api
                .post(&format!("{path}/{hits}/methods.json"), &method)
                .await?;
            self.metrics.push((name.to_owned(), id(&made)?));
        }
        Ok(())
    }

    async fn make_rules(&self, api: &AdminClient, proxy: &str) -> Result<()> {
        let path = format!("{proxy}/mapping_rules");
        let existing = api.get(&format!("{path}.json")).await?;
        // The catch-all that a new product may come with would make every path an API.
        for rule in existing["mapping_rules"].as_array().into_iter().flatten() {
            api.delete(&format!("{path}/{}.json", id(rule)?)).await?;
        }
        let costs: [(&str, &[(&str, u64)]); 3] = [
            ("/letter", &[("letters", 1)]),
            ("/parcel", &[("parcels", 7)]),
            ("/mixed", &[("letters", 2), ("parcels", 3)]),
        ];
        for (pattern, usages) in costs {
            let usages: Vec<Value> = usages
                .iter()
                .map(|(metric, delta)| {
                    Ok(json!({"metric_id": self.metric(metric)?, "delta": delta}))
                })
                .collect::<Result<_>>()?;
            let rule = json!({"http_method": "ANY", "pattern": pattern, "usages": usages});
            api.post(&format!("{path}.json"), &rule).await?;
        }
        Ok(())
    }

    /// A metric's id.
    ///
    /// # Errors
    /// When there is no such metric.
    pub fn metric(&self, name: &str) -> Result<i64> {
        let found = self.metrics.iter().find(|(known, _)| known == name);
        Ok(found.with_context(|| format!("no metric {name}"))?.1)
    }

    /// An application on a plan of its own, with these limits.
    ///
    /// # Errors
    /// When the control plane refuses.
    pub async fn application(
        &mut self,
        api: &AdminClient,
        name: &str,
        limits: &[Limit],
    ) -> Result<Application> {
        let plan = self.plan(api, name, limits).await?;
        let account = match self.account {
            Some(account) => account,
            None => *self.account.insert(account(api, plan).await?),
        };
        let user_key = format!("key-of-{name}-0000");
        let path = format!("/admin/api/accounts/{account}/applications.json");
        let application =
            json!({"plan_id": plan, "name": name, "description": name, "user_key": user_key});
        let id = id(&api.post(&path, &application).await?)?;
        Ok(Application { id, user_key })
    }

    /// A plan with these limits; its id.
    ///
    /// # Errors
    /// When the control plane refuses.
    pub async fn plan(&self, api: &AdminClient, name: &str, limits: &[Limit]) -> Result<i64> {
        let plan = json!({
            "name": name, "system_name": name.replace('-', "_"), "state_event": "publish", "approval_required": false,
        });
        let path = format!("/admin/api/services/{}/application_plans.json", self.id);
        let plan = id(&api.post(&path, &plan).await?)?;
        for Limit(metric, period, value) in limits {
            let metric = self.metric(metric)?;
            let path = format!("/admin/api/application_plans/{plan}/metrics/{metric}/limits.json");
            let limit = json!({"period": period.as_str(), "value": value});
            api.post(&path, &limit).await?;
        }
        Ok(plan)
    }
}

/// A developer account; it comes with an application that nobody uses.
async fn account(api: &AdminClient, plan: i64) -> Result<i64> {
    let signup = json!({
        "org_name": "Senders", "username": "sender", "email": "sender@example.com",
        "password": "correct horse battery staple", "application_plan_id": plan,
    });
    id(&api.post("/admin/api/signup.json", &signup).await?)
}

async fn publish(api: &AdminClient, proxy: &str) -> Result<()> {
    api.post(&format!("{proxy}/deploy.json"), &json!({}))
        .await?;
    let staging = api
        .get(&format!("{proxy}/configs/sandbox/latest.json"))
        .await?;
    let version = staging
        .pointer("/proxy_config/version")
        .and_then(Value::as_i64)
        .context("a configuration without a version")?;
    let promote = format!("{proxy}/configs/sandbox/{version}/promote.json");
    api.post(&promote, &json!({"to": "production"})).await?;
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

// === impl Application ===

impl Application {
    /// A request of its own, for one of the product's paths.
    #[must_use]
    pub fn get(&self, path: &str) -> Vec<u8> {
        self.get_with(path, &[])
    }

    /// The same with more headers.
    #[must_use]
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
        let headers = [&[("host", HOST)], headers].concat();
        crate::http::request("GET", &self.target(path), &headers, b"")
    }

    /// Path and query.
    #[must_use]
    pub fn target(&self, path: &str) -> String {
        format!("{path}?user_key={}", self.user_key)
    }
}
