//! Changed products, with all that belongs to them.

use super::{Environment, Frozen, Room};
use crate::db::Tx;
use crate::error::Error;
use crate::secrets::Secrets;
use crate::store::snapshot as store;
use std::collections::{HashMap, HashSet};
use tallygate_core::id::{MetricId, PlanId, ProductId};
use tallygate_core::period::Period;
use tallygate_core::wire::{ConfigV1, LimitV1, MetricV1, PlanV1, ProductV1};

/// Products looked up at once.
const AT_ONCE: i64 = 32;

/// Products changed in (`after`, `head`], as far as there is room, and up to which revision that is all.
///
/// The cursor knows products by revision alone, so those of one revision are never torn apart.
pub(super) async fn changed(
    tx: &mut Tx,
    secrets: &Secrets,
    environment: Environment,
    after: i64,
    head: i64,
    room: &mut Room,
) -> Result<(Vec<ProductV1>, i64), Error> {
    let mut changed = Vec::new();
    let mut read_up_to = after;
    while read_up_to < head {
        let up_to = store::products_up_to(tx, read_up_to, head, AT_ONCE).await?;
        let products = load(tx, secrets, environment, read_up_to, up_to).await?;
        for of_revision in products.chunk_by(|a, b| a.revision == b.revision) {
            if !room.take(of_revision) {
                return Ok((changed, read_up_to));
            }
            changed.extend_from_slice(of_revision);
            read_up_to = of_revision
                .first()
                .map_or(read_up_to, |product| product.revision);
        }
        read_up_to = up_to;
    }
    Ok((changed, head))
}

async fn load(
    tx: &mut Tx,
    secrets: &Secrets,
    environment: Environment,
    after: i64,
    up_to: i64,
) -> Result<Vec<ProductV1>, Error> {
    let products = store::products(tx, after, up_to).await?;
    if products.is_empty() {
        return Ok(Vec::new());
    }
    let mut metrics: HashMap<i64, Vec<MetricV1>> = HashMap::new();
    for metric in store::metrics(tx, after, up_to).await? {
        metrics
            .entry(metric.product_id)
            .or_default()
            .push(MetricV1 {
                id: MetricId(metric.id),
                parent: metric.parent_id.map(MetricId),
                system_name: metric.system_name,
            });
    }
    let mut plans: HashMap<i64, Vec<PlanV1>> = HashMap::new();
    for row in store::plans(tx, after, up_to).await? {
        let plans = plans.entry(row.product_id).or_default();
        let limit = limit(&row);
        match plans.last_mut() {
            Some(plan) if plan.id.0 == row.id => plan.limits.extend(limit),
            _ => plans.push(PlanV1 {
                id: PlanId(row.id),
                limits: limit.into_iter().collect(),
            }),
        }
    }
    let mut configs: HashMap<i64, ConfigV1> = HashMap::new();
    let mut unreadable: HashSet<i64> = HashSet::new();
    for row in store::configs(tx, after, up_to, environment.of_configs()).await? {
        match Frozen::read(&row.content)
            .and_then(|frozen| frozen.config(environment, row.version, secrets))
        {
            Ok(config) => drop(configs.insert(row.product_id, config)),
            // The others must not go without theirs because of it.
            Err(error) => {
                unreadable.insert(row.product_id);
                tracing::error!(
                    product = row.product_id,
                    version = row.version,
                    error = format!("{error:#}"),
                    "a deployed configuration cannot be read: gateways keep the last one they have; deploy and promote it again"
                );
            }
        }
    }
    Ok(products
        .into_iter()
        // Sent without its configuration, it would be taken for a product that is gone.
        .filter(|product| product.deleted_at.is_some() || !unreadable.contains(&product.id))
        .map(|product| {
            let deleted = product.deleted_at.is_some();
            ProductV1 {
                id: ProductId(product.id),
                revision: product.revision,
                system_name: product.system_name,
                metrics: metrics
                    .remove(&product.id)
                    .filter(|_| !deleted)
                    .unwrap_or_default(),
                plans: plans
                    .remove(&product.id)
                    .filter(|_| !deleted)
                    .unwrap_or_default(),
                referrers_required: product.referrer_filters_required,
                config: configs.remove(&product.id).filter(|_| !deleted),
            }
        })
        .collect())
}

fn limit(row: &store::PlanLimit) -> Option<LimitV1> {
    Some(LimitV1 {
        metric: MetricId(row.metric_id?),
        period: Period::parse(row.period.as_deref()?)?,
        value: row.value?.max(0).unsigned_abs(),
    })
}
