//! A product with metrics, limits and an application, made through the API; and an agent that asks about it.

use crate::support::Test;
use crate::support::client::{Reply, send, with_query};
use reqwest::Method;
use tallygate::on;

/// A product, its application, and what an agent needs to know of them.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) service: i64,
    pub(super) hits: i64,
    pub(super) method: i64,
    pub(super) other: i64,
    pub(super) plan: i64,
    pub(super) account: i64,
    pub(super) application: i64,
    pub(super) app_id: String,
    pub(super) app_key: String,
    pub(super) user_key: String,
    pub(super) token: String,
}

/// Makes it, with limits: (metric `hits`, `send` or `disk`, period, value).
pub(super) async fn world(t: &Test, version: &str, limits: &[(&str, &str, i64)]) -> World {
    let name = format!("shop-{:x}", rand::random::<u32>());
    let service = t
        .post(
            "/admin/api/services.json",
            &[("name", &name), ("backend_version", version)],
        )
        .await
        .expect(201)
        .id("/service/id");
    let path = format!("/admin/api/services/{service}");
    let hits = t
        .get(&format!("{path}/metrics.json"))
        .await
        .expect(200)
        .id("/metrics/0/metric/id");
    let method = t
        .post(
            &format!("{path}/metrics/{hits}/methods.json"),
            &[("friendly_name", "send")],
        )
        .await
        .expect(201)
        .id("/method/id");
    let other = t
        .post(
            &format!("{path}/metrics.json"),
            &[("friendly_name", "disk"), ("unit", "byte")],
        )
        .await
        .expect(201)
        .id("/metric/id");
    let plan = t
        .post(
            &format!("{path}/application_plans.json"),
            &[("name", "Bronze & Co")],
        )
        .await
        .expect(201)
        .id("/application_plan/id");
    for (metric, period, value) in limits {
        let metric = match *metric {
            "hits" => hits,
            "send" => method,
            _ => other,
        };
        limit(t, plan, metric, period, *value).await;
    }
    let account = t
        .post(
            "/admin/api/signup.json",
            &[
                ("org_name", &name),
                ("username", &name),
                ("email", &format!("{name}@a.example")),
                ("password", "correct horse battery"),
            ],
        )
        .await
        .expect(201)
        .id("/account/id");
    let (plan_id, app_id, app_key, user_key) = (
        plan.to_string(),
        format!("id-{name}"),
        "key-12345".to_owned(),
        format!("user-{name}"),
    );
    let mut form = vec![
        ("plan_id", plan_id.as_str()),
        ("name", "App"),
        ("description", "-"),
    ];
    match version {
        "1" => form.push(("user_key", &user_key)),
        _ => form.extend([
            ("application_id", app_id.as_str()),
            ("application_key", &app_key),
        ]),
    }
    let application = t
        .post(
            &format!("/admin/api/accounts/{account}/applications.json"),
            &form,
        )
        .await
        .expect(201)
        .id("/application/id");
    let token = t
        .get(&format!("{path}/service_tokens.json"))
        .await
        .expect(200)
        .at("/service_tokens/0/service_token/value");
    World {
        service,
        hits,
        method,
        other,
        plan,
        account,
        application,
        app_id,
        app_key,
        user_key,
        token: token.as_str().unwrap().into(),
    }
}

pub(super) async fn limit(t: &Test, plan: i64, metric: i64, period: &str, value: i64) -> i64 {
    t.post(
        &format!("/admin/api/application_plans/{plan}/metrics/{metric}/limits.json"),
        &[("period", period), ("value", &value.to_string())],
    )
    .await
    .expect(201)
    .id("/limit/id")
}

impl World {
    /// The parameters that say who calls about what, for `app_id` and `app_key`.
    pub(super) fn credentials(&self) -> Vec<(&str, String)> {
        vec![
            ("service_token", self.token.clone()),
            ("service_id", self.service.to_string()),
            ("app_id", self.app_id.clone()),
            ("app_key", self.app_key.clone()),
        ]
    }

    /// `GET /transactions/{verb}.xml` with credentials and `usage`.
    pub(super) async fn call(
        &self,
        t: &Test,
        verb: &str,
        usage: &[(&str, u64)],
        options: &str,
    ) -> Reply {
        let mut pairs = self.credentials();
        let usage: Vec<(String, String)> = usage
            .iter()
            .map(|(metric, value)| (format!("usage[{metric}]"), value.to_string()))
            .collect();
        let usage = usage
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()));
        pairs.extend(usage);
        get(t, verb, &pairs, options).await
    }

    /// `POST /transactions.xml`.
    pub(super) async fn report(&self, t: &Test, transactions: &[(&str, &str)]) -> Reply {
        let service = self.service.to_string();
        let mut form = vec![
            ("service_token", self.token.as_str()),
            ("service_id", &service),
        ];
        form.extend(transactions);
        send(t.request(Method::POST, "/transactions.xml").form(&form)).await
    }

    /// What was used of a metric, ever.
    pub(super) async fn used(&self, t: &Test, metric: i64) -> i64 {
        on!(t.app.db, |c| sqlx::query_scalar::<_, i64>(
            "select value from usage_application where application_id = $1 and metric_id = $2 and period = 'eternity'"
        )
        .bind(self.application)
        .bind(metric)
        .fetch_optional(c))
        .unwrap()
        .unwrap_or(0)
    }

    /// What all applications of the product used of a metric, ever.
    pub(super) async fn used_in_all(&self, t: &Test, metric: i64) -> i64 {
        on!(t.app.db, |c| sqlx::query_scalar::<_, i64>(
            "select value from usage_product where product_id = $1 and metric_id = $2 and period = 'eternity'"
        )
        .bind(self.service)
        .bind(metric)
        .fetch_optional(c))
        .unwrap()
        .unwrap_or(0)
    }
}

pub(super) async fn get(t: &Test, verb: &str, pairs: &[(&str, String)], options: &str) -> Reply {
    let path = with_query(&format!("/transactions/{verb}.xml"), pairs);
    send(
        t.request(Method::GET, &path)
            .header("3scale-options", options),
    )
    .await
}

/// A header of an answer.
#[track_caller]
pub(super) fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply.headers.get(name).map(|value| value.to_str().unwrap())
}

/// The `code` of an error.
#[track_caller]
pub(super) fn code(reply: &Reply) -> String {
    let (_, rest) = reply
        .text
        .split_once("<error code=\"")
        .unwrap_or_else(|| panic!("{}", reply.text));
    rest.split('"').next().unwrap().to_owned()
}
