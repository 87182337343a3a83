//! The product side of the Account Management API: products, metrics, rules, configurations, plans, limits.

mod custom_plans;
mod features;
mod gateway_files;
mod integration;
mod lifecycle;
mod limits;
mod mapping_rules;
mod metrics;
mod oidc;
mod plan_kinds;
mod plans;
mod portal_docs;
mod pricing_rules;
mod promotion;
mod provider;
mod proxy;
mod services;

use crate::support::Test;
use serde_json::{Value, json};

/// Makes a product through the API.
pub(crate) async fn product(t: &Test, name: &str) -> i64 {
    t.post(
        "/admin/api/services.json",
        &[("name", name), ("backend_version", "2")],
    )
    .await
    .expect(201)
    .id("/service/id")
}

/// The id of a product's metric `hits`.
pub(crate) async fn hits(t: &Test, product: i64) -> i64 {
    t.get(&format!("/admin/api/services/{product}/metrics.json"))
        .await
        .expect(200)
        .id("/metrics/0/metric/id")
}

/// Makes a method of `hits`.
async fn method(t: &Test, product: i64, name: &str) -> i64 {
    let hits = hits(t, product).await;
    t.post(
        &format!("/admin/api/services/{product}/metrics/{hits}/methods.json"),
        &[("friendly_name", name)],
    )
    .await
    .expect(201)
    .id("/method/id")
}

/// Makes a plan.
pub(crate) async fn plan(t: &Test, product: i64, name: &str) -> i64 {
    t.post(
        &format!("/admin/api/services/{product}/application_plans.json"),
        &[("name", name)],
    )
    .await
    .expect(201)
    .id("/application_plan/id")
}

/// Makes an account with an application on a plan.
pub(crate) async fn application(t: &Test, plan: i64) -> i64 {
    let body = json!({
        "org_name": "Customer", "username": format!("user{plan}"), "email": format!("user{plan}@example.com"),
        "password": "correct horse", "application_plan_id": plan,
    });
    let account = t
        .json(reqwest::Method::POST, "/admin/api/signup.json", &body)
        .await
        .expect(201)
        .at("/account");
    account
        .pointer("/applications/0/application/id")
        .and_then(Value::as_i64)
        .unwrap()
}

async fn revision(t: &Test) -> i64 {
    t.app.db.revision().await.unwrap()
}

/// A product with a method, a plan with a limit, an application, and a configuration in both environments.
pub(crate) async fn product_with_everything(t: &Test) -> i64 {
    let product = product(t, "Mail").await;
    let hits = hits(t, product).await;
    method(t, product, "Web API").await;
    let plan = plan(t, product, "Bronze").await;
    let limits = format!("/admin/api/application_plans/{plan}/metrics/{hits}/limits.json");
    t.post(&limits, &[("period", "minute"), ("value", "600")])
        .await
        .expect(201);
    application(t, plan).await;
    let proxy = format!("/admin/api/services/{product}/proxy");
    let form = [
        ("endpoint", "https://api.example.com"),
        ("api_backend", "https://origin.example.com"),
    ];
    t.patch(&format!("{proxy}.json"), &form).await.expect(200);
    t.post(&format!("{proxy}/deploy.json"), &[])
        .await
        .expect(201);
    t.post(
        &format!("{proxy}/configs/sandbox/1/promote.json"),
        &[("to", "production")],
    )
    .await
    .expect(201);
    product
}
