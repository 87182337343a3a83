//! Products and backends, with all that they contain.

use super::{Reader, named, resource};
use crate::admin_client::answers::{id, item, text};
use crate::catalogue::kind::Kind;
use crate::catalogue::tree::{Name, Resource};
use anyhow::Context as _;
use serde_json::Value;

impl Reader<'_> {
    pub(super) async fn product(&mut self, item: &Value) -> anyhow::Result<Resource> {
        let mut product = named(Kind::Product, item)?;
        let path = format!("/admin/api/services/{}", id(item)?);
        let mut metrics = self.metrics(&path, &mut product).await?;
        let rules = format!("{path}/proxy/mapping_rules.json");
        let own = metrics.clone();
        for backend in self.usages(&path, &mut product).await? {
            let (name, theirs) = self.backend_metrics(backend).await?;
            let theirs = theirs.into_iter();
            metrics.extend(theirs.map(|(id, metric)| (id, format!("{name}/{metric}"))));
        }
        self.proxy(&path, &mut product).await?;
        self.rules(&rules, &mut product, &own).await?;
        for (kind, list) in [
            (Kind::Feature, "features"),
            (Kind::ServicePlan, "service_plans"),
            (Kind::Plan, "application_plans"),
        ] {
            let mut group = Vec::new();
            for item in self
                .client
                .list_if_any(&format!("{path}/{list}.json"))
                .await?
            {
                // Plans that were customised for one application belong to that.
                if item["custom"] != true {
                    group.push(match kind {
                        Kind::Feature => named(kind, &item)?,
                        _ => self.plan(kind, &item, &metrics).await?,
                    });
                }
            }
            product.groups.push((kind, group));
        }
        Ok(product)
    }

    async fn proxy(&self, path: &str, product: &mut Resource) -> anyhow::Result<()> {
        let proxy = self.client.get(&format!("{path}/proxy.json")).await?;
        let proxy = resource(Kind::Proxy, Name::Only, item(&proxy));
        product.groups.push((Kind::Proxy, vec![proxy]));
        Ok(())
    }

    /// The backends that it uses: their ids.
    async fn usages(&mut self, path: &str, product: &mut Resource) -> anyhow::Result<Vec<i64>> {
        let mut group = Vec::new();
        let mut ids = Vec::new();
        for item in self
            .client
            .list_if_any(&format!("{path}/backend_usages.json"))
            .await?
        {
            let id = item["backend_id"]
                .as_i64()
                .with_context(|| format!("a use of no backend: {item}"))?;
            let (name, _) = self.backend_metrics(id).await?;
            group.push(resource(Kind::Usage, Name::System(name), &item));
            ids.push(id);
        }
        product.groups.push((Kind::Usage, group));
        Ok(ids)
    }

    pub(super) async fn backend(&mut self, item: &Value) -> anyhow::Result<Resource> {
        let mut backend = named(Kind::Backend, item)?;
        let path = format!("/admin/api/backend_apis/{}", id(item)?);
        let metrics = self.metrics(&path, &mut backend).await?;
        let rules = format!("{path}/mapping_rules.json");
        self.rules(&rules, &mut backend, &metrics).await?;
        self.backends
            .insert(id(item)?, (text(item, "system_name")?, metrics));
        Ok(backend)
    }

    async fn backend_metrics(
        &mut self,
        id: i64,
    ) -> anyhow::Result<(String, std::collections::BTreeMap<i64, String>)> {
        if let Some(known) = self.backends.get(&id) {
            return Ok(known.clone());
        }
        let path = format!("/admin/api/backend_apis/{id}.json");
        let found = self.client.get(&path).await?;
        self.backend(item(&found)).await?;
        let known = self.backends.get(&id).cloned();
        known.with_context(|| format!("there is no backend {id}"))
    }
}
