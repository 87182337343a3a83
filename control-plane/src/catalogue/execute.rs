//! Doing what a plan says, change by change, over the REST API.

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
        let list = self.list(change)?;
        if change.name() == &Name::Only {
            return match kind {
                Kind::Settings => self.client.put(&list, &self.body(change)?).await,
                _ => self.client.patch(&list, &self.body(change)?).await,
            }
            .map(drop);
        }
        let own = match change.action {
            Action::Create => {
                let body = self.body(change)?;
                let made = self.client.post(&format!("{list}.json"), &body).await?;
                let id = id(item(&made))?;
                self.ids.insert(key(&change.path), id);
                if kind == Kind::Product {
                    let product = server::product(self.client, item(&made)).await?;
                    self.learn(&product, &change.path);
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
        let product = || -> anyhow::Result<String> {
            let product = path.up_to(Kind::Product).unwrap_or_default();
            Ok(format!("/admin/api/services/{}", self.id(&product)?))
        };
        Ok(match change.kind() {
            Kind::Catalogue | Kind::Settings => "/admin/api/settings.json".into(),
            Kind::Product => "/admin/api/services".into(),
            Kind::Proxy => format!("{}/proxy.json", product()?),
            Kind::Metric => format!("{}/metrics", product()?),
            Kind::Method => {
                let hits = self.metric(path, HITS)?;
                format!("{}/metrics/{hits}/methods", product()?)
            }
            Kind::Rule => format!("{}/proxy/mapping_rules", product()?),
            Kind::Plan => format!("{}/application_plans", product()?),
            Kind::Limit => {
                let plan = self.id(&path.parent())?;
                let metric = match change.name() {
                    Name::OfMetric { metric, .. } => self.metric(path, metric)?,
                    _ => 0,
                };
                format!("/admin/api/application_plans/{plan}/metrics/{metric}/limits")
            }
        })
    }

    fn body(&self, change: &Change) -> anyhow::Result<Value> {
        let kind = change.kind();
        let mut body = Map::new();
        if change.action == Action::Create {
            identity(kind, change.name(), &mut body);
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

    /// The id of a metric or method of the product on the way.
    fn metric(&self, path: &Path, name: &str) -> anyhow::Result<i64> {
        let product = path.up_to(Kind::Product).unwrap_or_default();
        self.id(&product.join(Kind::Metric, &Name::System(name.to_owned())))
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
