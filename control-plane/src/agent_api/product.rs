//! Which product an agent calls about: by a service token, which is one product's, or by the provider key.

use super::params::Params;
use super::refusal::{Failure, Refusal};
use crate::admin_api::metrics::HITS;
use crate::db::Tx;
use crate::error::Error;
use crate::secrets::{same, token_digest};
use crate::store::metrics::{self, MetricRow};
use crate::store::owners::Owner;
use crate::store::products::{self, ProductRow};
use crate::store::service_tokens;
use tallygate_core::id::MetricId;
use tallygate_core::metric::{Hierarchy, Usage, roll_up};

/// The largest usage that is taken: the integers that JSON carries exactly.
const MOST: u64 = crate::ledger::batch::MOST;

/// A product, as agents name its metrics.
#[derive(Clone, Debug)]
pub struct Product {
    /// The product.
    pub row: ProductRow,
    /// All that is counted in it: its metrics and methods, and those of its backends.
    pub metrics: Vec<Metric>,
}

/// A metric as agents know it.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Its id.
    pub id: MetricId,
    /// Its name, as in `usage[name]`; a backend's ends with the backend's id.
    pub name: String,
    /// What it is added to as well.
    pub parent: Option<MetricId>,
}

impl Product {
    /// Who may call, and about what.
    ///
    /// # Errors
    /// 403 and 422, as 3scale has them.
    pub async fn authenticate(tx: &mut Tx, params: &Params) -> Result<Self, Failure> {
        let service = params.text("service_id");
        let id = if let Some(key) = params.text("provider_key") {
            by_provider_key(tx, key, service).await?
        } else if let Some(token) = params.text("service_token") {
            let service = service.ok_or_else(Refusal::no_service_id)?;
            by_service_token(tx, token, service).await?
        } else {
            return Err(Refusal::no_token().into());
        };
        let row = match products::get(tx, id).await {
            Err(Error::NotFound) => return Err(Refusal::service_id(&id.to_string()).into()),
            other => other?,
        };
        let metrics = named(&metrics::list_counted(tx, id).await?);
        Ok(Self { row, metrics })
    }

    /// What was used, by the names that agents know; with what methods add to their parents, unless the agent has added
    /// that already.
    ///
    /// # Errors
    /// 404 for a metric that does not exist, 403 for a number that is none.
    pub fn usage(&self, named: &[(&str, &str)], is_flat: bool) -> Result<Usage, Refusal> {
        let mut usage = Usage::new();
        for (name, value) in named {
            let metric = self
                .metrics
                .iter()
                .find(|metric| metric.name == *name)
                .ok_or_else(|| Refusal::metric(name))?;
            let value = value.trim();
            let delta = Some(value)
                .filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|value| value.parse::<u64>().ok())
                .filter(|delta| *delta <= MOST)
                .ok_or_else(|| Refusal::usage_value(name, value))?;
            usage.add(metric.id, delta);
        }
        if is_flat {
            return Ok(usage);
        }
        let rolled_up = roll_up(&usage, &self.hierarchy());
        // What several methods add to one parent together.
        let beyond = rolled_up.iter().find(|(_, delta)| *delta > MOST);
        match beyond {
            Some((metric, delta)) => Err(Refusal::usage_value(
                self.metric_name(metric),
                &delta.to_string(),
            )),
            None => Ok(rolled_up),
        }
    }

    /// The name of a metric on the wire.
    #[must_use]
    pub fn metric_name(&self, metric: MetricId) -> &str {
        let of = self.metrics.iter().find(|of| of.id == metric);
        of.map_or("", |metric| metric.name.as_str())
    }

    /// Whether applications are known by tokens of an issuer, and need no key.
    #[must_use]
    pub fn is_oidc(&self) -> bool {
        matches!(self.row.backend_version.as_str(), "oauth" | "oidc")
    }

    fn hierarchy(&self) -> Hierarchy {
        self.metrics
            .iter()
            .filter_map(|metric| Some((metric.id, metric.parent?)))
            .collect()
    }
}

/// Metrics as agents know them: what backends count is added to the product's own `hits`, by way of theirs.
fn named(rows: &[MetricRow]) -> Vec<Metric> {
    let is_hits = |row: &&MetricRow| row.parent_id.is_none() && row.system_name == HITS;
    let own = rows
        .iter()
        .filter(is_hits)
        .find(|row| row.product_id.is_some())
        .map(|row| row.id);
    rows.iter()
        .map(|row| {
            let above = match row.owner() {
                Owner::Backend(_) if is_hits(&row) => own,
                _ => None,
            };
            Metric {
                id: MetricId(row.id),
                name: row.wire_name(),
                parent: row.parent_id.or(above).map(MetricId),
            }
        })
        .collect()
}

async fn by_provider_key(tx: &mut Tx, key: &str, service: Option<&str>) -> Result<i64, Failure> {
    let digest = service_tokens::provider_key_digest(tx).await?;
    if !digest.is_some_and(|digest| same(&digest, &token_digest(key))) {
        return Err(Refusal::provider_key(key).into());
    }
    match service {
        Some(service) => id(service).ok_or_else(|| Refusal::service_id(service).into()),
        // There is no default among several.
        None => match service_tokens::first_products(tx).await?.as_slice() {
            [only] => Ok(*only),
            _ => Err(Refusal::no_service_id().into()),
        },
    }
}

async fn by_service_token(tx: &mut Tx, token: &str, service: &str) -> Result<i64, Failure> {
    if let Some(id) = id(service)
        && service_tokens::is_of(tx, id, &token_digest(token)).await?
    {
        return Ok(id);
    }
    Err(Refusal::service_token(token, service).into())
}

fn id(text: &str) -> Option<i64> {
    text.parse().ok().filter(|id| *id > 0)
}
