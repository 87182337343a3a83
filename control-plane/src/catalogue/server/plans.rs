//! Plans of every kind, with limits, prices and features.

use super::{Reader, named, resource};
use crate::admin_client::answers::{id, text};
use crate::catalogue::kind::{Kind, ranges};
use crate::catalogue::tree::{Name, Resource};
use serde_json::Value;
use std::collections::BTreeMap;

impl Reader<'_> {
    pub(super) async fn plan(
        &self,
        kind: Kind,
        item: &Value,
        metrics: &BTreeMap<i64, String>,
    ) -> anyhow::Result<Resource> {
        let mut plan = named(kind, item)?;
        let list = match kind {
            Kind::AccountPlan => "account_plans",
            Kind::ServicePlan => "service_plans",
            _ => "application_plans",
        };
        let path = format!("/admin/api/{list}/{}", id(item)?);
        if kind == Kind::Plan {
            self.limits(&path, &mut plan, metrics).await?;
            self.prices(&path, &mut plan, metrics).await?;
        }
        let mut features = Vec::new();
        for item in self
            .client
            .list_if_any(&format!("{path}/features.json"))
            .await?
        {
            let name = Name::System(text(&item, "system_name")?);
            features.push(resource(Kind::PlanFeature, name, &item));
        }
        plan.groups.push((Kind::PlanFeature, features));
        Ok(plan)
    }

    async fn limits(
        &self,
        path: &str,
        plan: &mut Resource,
        metrics: &BTreeMap<i64, String>,
    ) -> anyhow::Result<()> {
        let mut limits = Vec::new();
        for item in self
            .client
            .list_if_any(&format!("{path}/limits.json"))
            .await?
        {
            if let Some(metric) = metric_of(&item, metrics) {
                let part = text(&item, "period")?;
                let name = Name::OfMetric { metric, part };
                limits.push(resource(Kind::Limit, name, &item));
            }
        }
        plan.groups.push((Kind::Limit, limits));
        Ok(())
    }

    /// One price a metric: all its ranges.
    async fn prices(
        &self,
        path: &str,
        plan: &mut Resource,
        metrics: &BTreeMap<i64, String>,
    ) -> anyhow::Result<()> {
        let mut by_metric: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let rules = format!("{path}/pricing_rules.json");
        for item in self.client.list_if_any(&rules).await? {
            if let Some(metric) = metric_of(&item, metrics) {
                by_metric.entry(metric).or_default().push(item);
            }
        }
        let prices = by_metric.into_iter().map(|(metric, items)| {
            let mut price = Resource::new(Kind::Price, Name::System(metric));
            price.fields.push(("ranges", ranges(&Value::Array(items))));
            price
        });
        plan.groups.push((Kind::Price, prices.collect()));
        Ok(())
    }
}

/// A metric that was deleted a moment ago takes its limits and prices along.
fn metric_of(item: &Value, metrics: &BTreeMap<i64, String>) -> Option<String> {
    metrics.get(&item["metric_id"].as_i64()?).cloned()
}
