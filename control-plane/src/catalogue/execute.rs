//! Doing what a plan says, change by change, over the REST API.

mod prices;

use super::diff::{Action, Change};
use super::kind::Kind;
use super::server;
use super::tree::{HITS, Name, Path, Resource};
use crate::admin_client::AdminClient;
use crate::admin_client::answers::{id, item};
use anyhow::Context as _;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Makes changes, and keeps the ids of what it made.
#[derive(Debug)]
pub struct Executor<'a> {
    client: &'a AdminClient,
    ids: BTreeMap<Path, i64>,
}

// === impl Executor ===

impl<'a> Executor<'a> {
    /// Knows the ids of what is there.
    #[must_use]
    pub fn new(client: &'a AdminClient, there: &Resource) -> Self {
        let mut executor = Self {
            client,
            ids: BTreeMap::new(),
        };
        executor.learn(there, &Path::default());
        executor
    }

    /// The id of a resource that is there, or was made.
    ///
    /// # Errors
    /// When there is none.
    pub fn id(&self, path: &Path) -> anyhow::Result<i64> {
        let found = self.ids.get(path).copied();
        found.with_context(|| format!("there is no {path}"))
    }

    /// Makes one change.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn make(&mut self, change: &Change) -> anyhow::Result<()> {
        let doing = match change.action {
            Action::Create => "making",
            Action::Update => "changing",
            Action::Delete => "deleting",
        };
        self.send(change)
            .await
            .with_context(|| format!("{doing} {}", change.path))
    }

    async fn send(&mut self, change: &Change) -> anyhow::Result<()> {
        let kind = change.kind();
        if kind == Kind::Price {
            return self.set_prices(change).await;
        }
        let list = self.list(change)?;
        if change.name() == &Name::Only {
            let body = self.body(change)?;
            let path = format!("{list}.json");
            return match kind {
                Kind::Settings => self.client.put(&path, &body).await,
                _ => self.client.patch(&path, &body).await,
            }
            .map(drop);
        }
        let own = match change.action {
            Action::Create => {
                let body = self.body(change)?;
                let made = self.client.post(&format!("{list}.json"), &body).await?;
                if kind == Kind::PlanFeature {
                    return Ok(());
                }
                let id = id(item(&made))?;
                self.ids.insert(key(&change.path), id);
                if kind.is_whole() {
                    // It comes with things of its own.
                    let whole = server::made(self.client, kind, item(&made)).await?;
                    self.learn(&whole, &change.path);
                }
                format!("{list}/{id}")
            }
            Action::Update => {
                let own = format!("{list}/{}", self.id_of(change)?);
                let body = self.body(change)?;
                if body.as_object().is_some_and(|body| !body.is_empty()) {
                    self.client.put(&format!("{own}.json"), &body).await?;
                }
                own
            }
            Action::Delete => {
                let own = format!("{list}/{}", self.id_of(change)?);
                self.client.delete(&format!("{own}.json")).await?;
                return Ok(());
            }
        };
        if change.fields.iter().any(|field| field.name == "default") {
            self.client
                .put(&format!("{own}/default.json"), &json!({}))
                .await?;
        }
        Ok(())
    }

    /// Where its kind is listed; for what there is one of, where it is.
    fn list(&self, change: &Change) -> anyhow::Result<String> {
        let path = &change.path;
        Ok(match change.kind() {
            Kind::Catalogue | Kind::Settings => "/admin/api/settings".into(),
            Kind::AccountFeature => "/admin/api/features".into(),
            Kind::AccountPlan => "/admin/api/account_plans".into(),
            Kind::Backend => "/admin/api/backend_apis".into(),
            Kind::Product => "/admin/api/services".into(),
            Kind::Usage => format!("{}/backend_usages", self.owner(path)?),
            Kind::Proxy => format!("{}/proxy", self.owner(path)?),
            Kind::Metric => format!("{}/metrics", self.owner(path)?),
            Kind::Method => {
                let hits = self.metric(path, HITS)?;
                format!("{}/metrics/{hits}/methods", self.owner(path)?)
            }
            Kind::Rule if path.name_of(Kind::Backend).is_some() => {
                format!("{}/mapping_rules", self.owner(path)?)
            }
            Kind::Rule => format!("{}/proxy/mapping_rules", self.owner(path)?),
            Kind::Feature => format!("{}/features", self.owner(path)?),
            Kind::ServicePlan => format!("{}/service_plans", self.owner(path)?),
            Kind::Plan => format!("{}/application_plans", self.owner(path)?),
            Kind::PlanFeature => format!("{}/features", self.plan(path)?),
            Kind::Limit | Kind::Price => {
                let metric = match change.name() {
                    Name::OfMetric { metric, .. } | Name::System(metric) => metric,
                    _ => HITS,
                };
                let metric = self.metric(path, metric)?;
                let list = match change.kind() {
                    Kind::Limit => "limits",
                    _ => "pricing_rules",
                };
                format!("{}/metrics/{metric}/{list}", self.plan(path)?)
            }
        })
    }

    /// Where the product or backend on the way is.
    fn owner(&self, path: &Path) -> anyhow::Result<String> {
        let owner = owner(path);
        let list = match owner.0.last() {
            Some((Kind::Backend, _)) => "backend_apis",
            _ => "services",
        };
        Ok(format!("/admin/api/{list}/{}", self.id(&owner)?))
    }

    /// Where the plan is to which it belongs.
    fn plan(&self, path: &Path) -> anyhow::Result<String> {
        let plan = path.parent();
        let list = match plan.0.last() {
            Some((Kind::AccountPlan, _)) => "account_plans",
            Some((Kind::ServicePlan, _)) => "service_plans",
            _ => "application_plans",
        };
        Ok(format!("/admin/api/{list}/{}", self.id(&plan)?))
    }

    fn body(&self, change: &Change) -> anyhow::Result<Value> {
        let kind = change.kind();
        let mut body = Map::new();
        if change.action == Action::Create {
            identity(kind, change.name(), &mut body);
            if let Some((parameter, path)) = refers_to(change) {
                body.insert(parameter.into(), self.id(&path)?.into());
            }
        }
        if let Some(position) = change.position {
            body.insert("position".into(), position.into());
        }
        for change_of in &change.fields {
            match (kind.field(change_of.name), change_of.name) {
                (_, "usages") => {
                    let usages = self.usages(&change.path, &change_of.to)?;
                    body.insert("usages".into(), usages);
                }
                // A call of its own.
                (_, "default") => {}
                (Some(field), _) => {
                    let (name, value) = field.to_api(&change_of.to);
                    body.insert(name.into(), value);
                }
                (None, _) => {}
            }
        }
        Ok(Value::Object(body))
    }

    fn usages(&self, path: &Path, usages: &Value) -> anyhow::Result<Value> {
        let usages = usages.as_object().into_iter().flatten();
        let usages = usages.map(|(metric, delta)| {
            Ok(json!({"metric_id": self.metric(path, metric)?, "delta": delta}))
        });
        usages.collect()
    }

    /// The id of a metric or method of what is on the way; `backend/metric` for one of a backend's.
    fn metric(&self, path: &Path, name: &str) -> anyhow::Result<i64> {
        let (owner, name) = match name.split_once('/') {
            Some((backend, name)) => {
                let backend = Name::System(backend.to_owned());
                (Path::default().join(Kind::Backend, &backend), name)
            }
            None => (owner(path), name),
        };
        self.id(&owner.join(Kind::Metric, &Name::System(name.to_owned())))
    }

    fn id_of(&self, change: &Change) -> anyhow::Result<i64> {
        match change.id {
            Some(id) => Ok(id),
            None => self.id(&key(&change.path)),
        }
    }

    fn learn(&mut self, resource: &Resource, path: &Path) {
        if let Some(id) = resource.id {
            self.ids.insert(key(path), id);
        }
        for inner in resource.groups.iter().flat_map(|(_, all)| all) {
            self.learn(inner, &path.join(inner.kind, &inner.name));
        }
    }
}

/// The way to the product or backend on the way.
fn owner(path: &Path) -> Path {
    let owner = path
        .up_to(Kind::Product)
        .or_else(|| path.up_to(Kind::Backend));
    owner.unwrap_or_default()
}

/// What its name stands for, and the parameter that takes the id of that.
fn refers_to(change: &Change) -> Option<(&'static str, Path)> {
    let name = change.name();
    match change.kind() {
        Kind::Usage => Some(("backend_api_id", Path::default().join(Kind::Backend, name))),
        Kind::PlanFeature => {
            let product = change.path.up_to(Kind::Product);
            let feature = match product {
                Some(product) => product.join(Kind::Feature, name),
                None => Path::default().join(Kind::AccountFeature, name),
            };
            Some(("feature_id", feature))
        }
        _ => None,
    }
}

/// Metrics and methods share their names, and rules name them without saying which it is.
fn key(path: &Path) -> Path {
    let mut path = path.clone();
    if let Some((kind @ Kind::Method, _)) = path.0.last_mut() {
        *kind = Kind::Metric;
    }
    path
}

/// What the API wants to know of something new, besides its fields.
fn identity(kind: Kind, name: &Name, body: &mut Map<String, Value>) {
    match name {
        Name::Only => {}
        // Their names are those of something else.
        Name::System(_) if matches!(kind, Kind::Usage | Kind::PlanFeature) => {}
        Name::System(name) => {
            body.insert("system_name".into(), name.as_str().into());
            // Taken unless the file says better.
            let label = kind
                .field("friendly_name")
                .map_or("name", |field| field.name);
            body.insert(label.into(), name.as_str().into());
            if kind == Kind::Metric {
                body.insert("unit".into(), "hit".into());
            }
        }
        Name::Rule { methods, pattern } => {
            body.insert("methods".into(), json!(methods));
            body.insert("pattern".into(), pattern.as_str().into());
        }
        Name::OfMetric { part, .. } => {
            body.insert("period".into(), part.as_str().into());
        }
    }
}
