//! Installation → tree: what the REST API says there is.

mod new;
mod plans;
mod product;

pub use new::new_resource;

use super::kind::Kind;
use super::tree::{Name, Resource};
use crate::admin_client::AdminClient;
use crate::admin_client::answers::{id, item, text};
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
    let mut reader = Reader::new(client);
    let mut catalogue = Resource::new(Kind::Catalogue, Name::Only);
    for group in Kind::Catalogue.groups() {
        // Products send requests to backends, and count on their metrics.
        let needed = group.kind == Kind::Backend && scope.has(Kind::Product)
            || group.kind == Kind::AccountFeature && scope.has(Kind::AccountPlan);
        if scope.has(group.kind) || needed {
            let resources = reader.top(group.kind, scope).await?;
            catalogue.groups.push((group.kind, resources));
        }
    }
    Ok(catalogue)
}

/// A product or backend that was just made, with all that it contains.
///
/// # Errors
/// When the server cannot be reached or refuses.
pub async fn made(client: &AdminClient, kind: Kind, item: &Value) -> anyhow::Result<Resource> {
    let mut reader = Reader::new(client);
    match kind {
        Kind::Product => reader.product(item).await,
        Kind::Backend => reader.backend(item).await,
        _ => named(kind, item),
    }
}

/// Reads, and keeps the names that others refer to by id.
struct Reader<'a> {
    client: &'a AdminClient,
    /// Backends by id: system name, and metrics by id.
    backends: BTreeMap<i64, (String, BTreeMap<i64, String>)>,
}

impl<'a> Reader<'a> {
    fn new(client: &'a AdminClient) -> Self {
        Self {
            client,
            backends: BTreeMap::new(),
        }
    }

    async fn top(&mut self, kind: Kind, scope: Scope<'_>) -> anyhow::Result<Vec<Resource>> {
        let path = match kind {
            Kind::Settings => {
                let settings = self.client.get("/admin/api/settings.json").await?;
                return Ok(vec![resource(kind, Name::Only, item(&settings))]);
            }
            Kind::AccountFeature => "/admin/api/features.json",
            Kind::AccountPlan => "/admin/api/account_plans.json",
            Kind::Backend => "/admin/api/backend_apis.json",
            _ => "/admin/api/services.json",
        };
        let mut resources = Vec::new();
        for item in self.client.list_if_any(path).await? {
            let name = text(&item, "system_name")?;
            resources.push(match kind {
                // A few calls each, and a few of them: all are read, since products refer to them.
                Kind::Backend => self.backend(&item).await?,
                Kind::AccountPlan => self.plan(kind, &item, &BTreeMap::new()).await?,
                Kind::Product if scope.names(kind, &name) => self.product(&item).await?,
                _ => named(kind, &item)?,
            });
        }
        Ok(resources)
    }

    /// Metrics and methods of a product or backend, and their names by id.
    async fn metrics(
        &self,
        path: &str,
        owner: &mut Resource,
    ) -> anyhow::Result<BTreeMap<i64, String>> {
        let mut names = BTreeMap::new();
        // A backend's metrics are shown as gateways know them, with the backend's id.
        let suffix = match (owner.kind, owner.id) {
            (Kind::Backend, Some(id)) => format!(".{id}"),
            _ => String::new(),
        };
        let metrics = self.client.list(&format!("{path}/metrics.json")).await?;
        for kind in [Kind::Metric, Kind::Method] {
            let mut group = Vec::new();
            for metric in &metrics {
                if metric["parent_id"].is_null() == (kind == Kind::Metric) {
                    let shown = text(metric, "system_name")?;
                    let name = shown.strip_suffix(&suffix).unwrap_or(&shown);
                    names.insert(id(metric)?, name.to_owned());
                    group.push(resource(kind, Name::System(name.to_owned()), metric));
                }
            }
            owner.groups.push((kind, group));
        }
        Ok(names)
    }

    /// Mapping rules of a product or backend.
    async fn rules(
        &self,
        path: &str,
        owner: &mut Resource,
        metrics: &BTreeMap<i64, String>,
    ) -> anyhow::Result<()> {
        let rules = self.client.list(path).await?;
        let rules = rules.iter().map(|rule| mapping_rule(rule, metrics));
        let rules = rules.collect::<anyhow::Result<_>>()?;
        owner.groups.push((Kind::Rule, rules));
        Ok(())
    }
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
