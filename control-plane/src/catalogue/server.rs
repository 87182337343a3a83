//! Installation → tree: what the REST API says there is.

use super::kind::Kind;
use super::tree::{HITS, Name, Resource};
use crate::admin_client::AdminClient;
use crate::admin_client::answers::{id, text};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How much of an installation is read.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// Everything.
    All,
    /// What this catalogue is about; of all else no more than names.
    Of(&'a Resource),
}

/// What there is.
///
/// # Errors
/// When the server cannot be reached or refuses.
pub async fn read(client: &AdminClient, scope: Scope<'_>) -> anyhow::Result<Resource> {
    let mut catalogue = Resource::new(Kind::Catalogue, Name::Only);
    if scope.has(Kind::Settings) {
        let settings = client.get("/admin/api/settings.json").await?;
        let settings = crate::admin_client::answers::item(&settings);
        let settings = resource(Kind::Settings, Name::Only, settings);
        catalogue.groups.push((Kind::Settings, vec![settings]));
    }
    if scope.has(Kind::Product) {
        let mut products = Vec::new();
        for service in client.list("/admin/api/services.json").await? {
            let name = text(&service, "system_name")?;
            products.push(if scope.names(Kind::Product, &name) {
                product(client, &service).await?
            } else {
                named(Kind::Product, &service)?
            });
        }
        catalogue.groups.push((Kind::Product, products));
    }
    Ok(catalogue)
}

/// A product with all that it contains.
///
/// # Errors
/// When the server cannot be reached or refuses.
pub async fn product(client: &AdminClient, service: &Value) -> anyhow::Result<Resource> {
    let mut product = named(Kind::Product, service)?;
    let path = format!("/admin/api/services/{}", id(service)?);
    let mut names = BTreeMap::new();
    let metrics = client.list(&format!("{path}/metrics.json")).await?;
    for kind in [Kind::Metric, Kind::Method] {
        let mut group = Vec::new();
        for metric in &metrics {
            names.insert(id(metric)?, text(metric, "system_name")?);
            if metric["parent_id"].is_null() == (kind == Kind::Metric) {
                group.push(named(kind, metric)?);
            }
        }
        product.groups.push((kind, group));
    }
    let proxy = client.get(&format!("{path}/proxy.json")).await?;
    let proxy = resource(
        Kind::Proxy,
        Name::Only,
        crate::admin_client::answers::item(&proxy),
    );
    product.groups.push((Kind::Proxy, vec![proxy]));
    let rules = client
        .list(&format!("{path}/proxy/mapping_rules.json"))
        .await?;
    let rules = rules.iter().map(|rule| mapping_rule(rule, &names));
    product
        .groups
        .push((Kind::Rule, rules.collect::<anyhow::Result<_>>()?));
    let plans = client
        .list(&format!("{path}/application_plans.json"))
        .await?;
    let mut group = Vec::new();
    for plan in &plans {
        group.push(application_plan(client, plan, &names).await?);
    }
    product.groups.push((Kind::Plan, group));
    Ok(product)
}

/// What a product has that was just made and not yet looked at.
#[must_use]
pub fn new_product(name: &Name) -> Resource {
    let mut product = Resource::new(Kind::Product, name.clone());
    let mut hits = Resource::new(Kind::Metric, Name::System(HITS.into()));
    hits.fields = vec![
        ("friendly_name", "Hits".into()),
        ("unit", "hit".into()),
        ("description", "Number of API hits".into()),
    ];
    let mut rule = Resource::new(
        Kind::Rule,
        Name::Rule {
            methods: vec!["GET".into()],
            pattern: "/".into(),
        },
    );
    rule.fields = vec![
        ("usages", serde_json::json!({HITS: 1})),
        ("last", false.into()),
    ];
    product.groups = vec![(Kind::Metric, vec![hits]), (Kind::Rule, vec![rule])];
    product
}

fn named(kind: Kind, item: &Value) -> anyhow::Result<Resource> {
    let name = Name::System(text(item, "system_name")?);
    Ok(resource(kind, name, item))
}

fn resource(kind: Kind, name: Name, item: &Value) -> Resource {
    let mut resource = Resource::new(kind, name);
    resource.id = item["id"].as_i64();
    for field in kind.fields() {
        let value = item.get(field.name);
        if let Some(value) = value.and_then(|value| field.from_api(value)) {
            resource.fields.push((field.name, value));
        }
    }
    resource
}

fn mapping_rule(item: &Value, metrics: &BTreeMap<i64, String>) -> anyhow::Result<Resource> {
    let methods = item["methods"].as_array().into_iter().flatten();
    let methods = methods.filter_map(Value::as_str).map(str::to_owned);
    let name = Name::Rule {
        methods: methods.collect(),
        pattern: text(item, "pattern")?,
    };
    let mut rule = resource(Kind::Rule, name, item);
    let mut usages = Map::new();
    for usage in item["usages"].as_array().into_iter().flatten() {
        let metric = usage["metric_id"]
            .as_i64()
            .and_then(|id| metrics.get(&id))
            .ok_or_else(|| anyhow::anyhow!("a mapping rule with an unknown metric: {item}"))?;
        usages.insert(metric.clone(), usage["delta"].clone());
    }
    rule.fields.retain(|(name, _)| *name != "usages");
    rule.fields.insert(0, ("usages", Value::Object(usages)));
    Ok(rule)
}

async fn application_plan(
    client: &AdminClient,
    item: &Value,
    metrics: &BTreeMap<i64, String>,
) -> anyhow::Result<Resource> {
    let mut plan = named(Kind::Plan, item)?;
    let path = format!("/admin/api/application_plans/{}", id(item)?);
    let mut limits = Vec::new();
    for item in client.list(&format!("{path}/limits.json")).await? {
        // A metric that was deleted a moment ago takes its limits along.
        let Some(metric) = item["metric_id"].as_i64().and_then(|id| metrics.get(&id)) else {
            continue;
        };
        let name = Name::OfMetric {
            metric: metric.clone(),
            part: text(&item, "period")?,
        };
        limits.push(resource(Kind::Limit, name, &item));
    }
    plan.groups.push((Kind::Limit, limits));
    Ok(plan)
}

// === impl Scope ===

impl Scope<'_> {
    fn has(self, kind: Kind) -> bool {
        match self {
            Self::All => true,
            Self::Of(catalogue) => catalogue.group(kind).is_some(),
        }
    }

    fn names(self, kind: Kind, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Of(catalogue) => catalogue.find(kind, name).is_some(),
        }
    }
}
