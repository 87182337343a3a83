//! What is told of writes: the audit log, tags of resources, webhooks and alerts.

mod audit;
mod etags;
mod replicas;
mod sink;
mod webhooks;

use crate::support::Test;
use serde_json::Value;

/// A product: its path without extension.
async fn product(t: &Test, name: &str) -> String {
    let reply = t
        .post(
            "/admin/api/services.json",
            &[("name", name), ("backend_version", "2")],
        )
        .await
        .expect(201);
    format!("/admin/api/services/{}", reply.id("/service/id"))
}

/// The entries of the audit log about a path and what is below it, the oldest first.
async fn entries(t: &Test, path: &str) -> Vec<Value> {
    let log = t
        .get(&format!("/admin/api/audit_log.json?path={path}"))
        .await
        .expect(200);
    let mut entries: Vec<Value> = log.at("/audit_log").as_array().unwrap().clone();
    entries.reverse();
    entries.iter().map(|entry| entry["entry"].clone()).collect()
}
