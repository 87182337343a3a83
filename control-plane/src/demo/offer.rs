//! What the mail company tells its customers: features and prices of its plans, and its API's specification.

use super::company::Place;
use crate::admin_client::AdminClient;
use crate::admin_client::answers::{id, item, items};
use anyhow::Context as _;
use serde_json::{Value, json};

/// Features, and the smallest plan that has each.
const FEATURES: [(&str, &str, &str); 5] = [
    ("web_api", "Web API", "bronze"),
    ("support", "Support by mail", "bronze"),
    ("newsletters", "Newsletters and subusers", "silver"),
    ("event_webhook", "Event webhook", "silver"),
    ("dedicated_address", "An IP address of your own", "gold"),
];

/// Plans, the smallest first, and what they cost a month.
const PRICES: [(&str, f64); 4] = [
    ("bronze", 0.0),
    ("silver", 79.95),
    ("gold", 199.95),
    ("platinum", 399.95),
];

/// The specification, as the company wrote it.
const SPECIFICATION: &str = include_str!("mail-api.json");

/// Makes what is missing; the specification's address is set anew, since ports may have changed.
pub(super) async fn set_up(
    client: &AdminClient,
    service_id: i64,
    plans: &[(&'static str, i64)],
    place: &Place,
) -> anyhow::Result<()> {
    features(client, service_id, plans).await?;
    specification(client, service_id, place).await
}

async fn features(
    client: &AdminClient,
    service_id: i64,
    plans: &[(&'static str, i64)],
) -> anyhow::Result<()> {
    let path = format!("/admin/api/services/{service_id}/features.json");
    let existing = client.get(&path).await?;
    if items(&existing).next().is_some() {
        return Ok(());
    }
    for (system_name, name, smallest) in FEATURES {
        let feature =
            json!({"name": name, "system_name": system_name, "scope": "application_plan"});
        let feature_id = id(item(&client.post(&path, &feature).await?))?;
        let with = PRICES.iter().skip_while(|(plan, _)| *plan != smallest);
        for (plan, _) in with {
            let path = format!(
                "/admin/api/application_plans/{}/features.json",
                plan_id(plans, plan)?
            );
            client
                .post(&path, &json!({"feature_id": feature_id}))
                .await?;
        }
    }
    for (plan, cost) in PRICES {
        let path = format!(
            "/admin/api/services/{service_id}/application_plans/{}.json",
            plan_id(plans, plan)?
        );
        client.put(&path, &json!({"cost_per_month": cost})).await?;
    }
    Ok(())
}

fn plan_id(plans: &[(&'static str, i64)], slug: &str) -> anyhow::Result<i64> {
    let found = plans.iter().find(|(plan, _)| *plan == slug);
    Ok(found.with_context(|| format!("there is no plan {slug}"))?.1)
}

async fn specification(client: &AdminClient, service_id: i64, place: &Place) -> anyhow::Result<()> {
    let mut body: Value = serde_json::from_str(SPECIFICATION)?;
    if let Some(servers) = body.get_mut("servers") {
        *servers = json!([{"url": place.production}]);
    }
    let body = body.to_string();
    let path = "/admin/api/active_docs.json";
    let existing = client.get(path).await?;
    match items(&existing).find(|spec| spec["system_name"] == "mail") {
        Some(spec) => {
            let path = format!("/admin/api/active_docs/{}.json", id(spec)?);
            client.put(&path, &json!({"body": body})).await?;
        }
        None => {
            let spec = json!({
                "name": "Mail API", "system_name": "mail", "body": body, "service_id": service_id, "published": true,
                "description": "Sends mail, and tells what became of it.",
            });
            client.post(path, &spec).await?;
        }
    }
    Ok(())
}
