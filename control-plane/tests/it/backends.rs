//! Backends: the API of them, and what deployments freeze of them. What gateways are sent and send back is in
//! `gateway/backends.rs`.

mod apis;
mod publishing;
mod usages;

use crate::support::Test;
use serde_json::Value;
use tallygate::publish::{Environment, Frozen};
use tallygate::store::versions;
use tallygate_core::wire::ConfigV1;

/// Makes a backend.
pub(crate) async fn backend(t: &Test, name: &str) -> i64 {
    let form = [
        ("name", name),
        ("private_endpoint", "http://origin.internal:8080/v1"),
    ];
    t.post("/admin/api/backend_apis.json", &form)
        .await
        .expect(201)
        .id("/backend_api/id")
}

/// The id of a backend's metric `hits`.
pub(crate) async fn hits(t: &Test, backend: i64) -> i64 {
    t.get(&format!("/admin/api/backend_apis/{backend}/metrics.json"))
        .await
        .expect(200)
        .id("/metrics/0/metric/id")
}

/// Makes a method of a backend's `hits`.
pub(crate) async fn method(t: &Test, backend: i64, name: &str) -> i64 {
    let hits = hits(t, backend).await;
    t.post(
        &format!("/admin/api/backend_apis/{backend}/metrics/{hits}/methods.json"),
        &[("friendly_name", name)],
    )
    .await
    .expect(201)
    .id("/method/id")
}

/// Makes a mapping rule of a backend.
pub(crate) async fn rule(t: &Test, backend: i64, pattern: &str, metric: i64) -> i64 {
    let form = [
        ("http_method", "ANY"),
        ("pattern", pattern),
        ("metric_id", &metric.to_string()),
    ];
    t.post(
        &format!("/admin/api/backend_apis/{backend}/mapping_rules.json"),
        &form,
    )
    .await
    .expect(201)
    .id("/mapping_rule/id")
}

/// Uses a backend in a product.
pub(crate) async fn usage(t: &Test, product: i64, backend: i64, path: &str) -> i64 {
    let form = [("backend_api_id", &*backend.to_string()), ("path", path)];
    t.post(
        &format!("/admin/api/services/{product}/backend_usages.json"),
        &form,
    )
    .await
    .expect(201)
    .id("/backend_usage/id")
}

pub(crate) async fn deploy(t: &Test, product: i64) {
    let path = format!("/admin/api/services/{product}/proxy/deploy.json");
    t.post(&path, &[]).await.expect(201);
}

async fn promote(t: &Test, product: i64, version: i64) {
    let path =
        format!("/admin/api/services/{product}/proxy/configs/sandbox/{version}/promote.json");
    t.post(&path, &[("to", "production")]).await.expect(201);
}

/// What gateways of an environment are sent of a product.
async fn followed(t: &Test, product: i64, environment: Environment) -> ConfigV1 {
    let mut tx = t.app.db.read().await.unwrap();
    let row = versions::current(&mut tx, product, environment.of_configs())
        .await
        .unwrap()
        .unwrap();
    Frozen::read(&row.content)
        .unwrap()
        .config(environment, row.version, &t.app.secrets)
        .unwrap()
}

/// What is at a pointer of each item.
fn each(list: &Value, pointer: &str) -> Vec<Value> {
    let items = list.as_array().unwrap().iter();
    items
        .map(|item| item.pointer(pointer).unwrap().clone())
        .collect()
}
