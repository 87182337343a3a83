//! What production serves, product by product.

use super::ApiSpecDrop;
use crate::db::Tx;
use crate::drops::{self, PlanDrop};
use crate::error::Error;
use crate::liquid::Html;
use crate::publish::Frozen;
use crate::store::active_docs::Listed;
use crate::store::metrics::{self, MetricRow};
use crate::store::plans::{self, APPLICATION_PLAN};
use crate::store::versions::ConfigRow;
use crate::store::{products, versions};
use tallygate_core::credential::Sources;
use tallygate_core::id::MetricId;
use tallygate_core::wire::{ConfigV1, RuleV1};

crate::drop! {
    /// An API as production serves it.
    pub struct ServedDrop as "served service" {
        /// Its name.
        name: String,
        /// Its stable slug.
        system_name: String,
        /// What the provider says of it.
        description: String,
        /// Its public base URL.
        base_url: Option<String>,
        /// What a call must show, in a sentence.
        instructions: Html,
        /// What can be called.
        calls: Vec<CallDrop>,
        /// Its published plans.
        plans: Vec<PlanDrop>,
        /// Its specifications.
        api_specs: Vec<ApiSpecDrop>,
    }
}

crate::drop! {
    /// What can be called.
    pub struct CallDrop as "call" {
        /// HTTP methods, as in `GET, POST`; `any` for all.
        methods: String,
        /// The path, as in `/users/{id}`.
        path: String,
        /// What it counts as, as in `Hits`.
        counts_as: String,
    }
}

/// What production serves; takes the specifications of these products out of the list.
pub(super) async fn served(tx: &mut Tx, specs: &mut Vec<Listed>) -> Result<Vec<ServedDrop>, Error> {
    let mut services = Vec::new();
    for version in versions::current_of_all(tx, "production").await? {
        let Ok(frozen) = Frozen::read(&version.content) else {
            tracing::error!(
                product = version.product_id,
                version = version.version,
                "a promoted configuration cannot be read"
            );
            continue;
        };
        let (own, others) = std::mem::take(specs)
            .into_iter()
            .partition(|spec: &Listed| spec.product_id == Some(version.product_id));
        *specs = others;
        services.push(product(tx, &version, &frozen.production, &own).await?);
    }
    Ok(services)
}

async fn product(
    tx: &mut Tx,
    version: &ConfigRow,
    config: &ConfigV1,
    specs: &[Listed],
) -> Result<ServedDrop, Error> {
    let id = version.product_id;
    let product = products::get(tx, id).await?;
    let metrics = metrics::list_counted(tx, id).await?;
    let own = config.rules.iter().map(|rule| call("", rule, &metrics));
    let of_backends = config.backends.iter().flat_map(|backend| {
        let path = backend.path.trim_end_matches('/');
        let rules = backend.rules.iter();
        rules.map(|rule| call(path, rule, &metrics))
    });
    let calls = own.chain(of_backends).collect();
    let mut offers = Vec::new();
    for plan in plans::list(tx, APPLICATION_PLAN, Some(id)).await? {
        if plan.state == "published" {
            offers.push(drops::plan(tx, &plan).await?);
        }
    }
    let instructions = Sources::try_from(&config.credentials)
        .map(|sources| with_code(sources.instructions()))
        .unwrap_or_default();
    Ok(ServedDrop {
        name: product.name,
        system_name: product.system_name,
        description: product.description,
        base_url: endpoint(&version.content),
        instructions: Html(instructions),
        calls,
        plans: offers,
        api_specs: specs.iter().map(ApiSpecDrop::from).collect(),
    })
}

fn call(path: &str, rule: &RuleV1, metrics: &[MetricRow]) -> CallDrop {
    let methods = if rule.methods.iter().any(|method| method == "ANY") {
        "any".to_owned()
    } else {
        rule.methods.join(", ")
    };
    let usages: Vec<String> = rule
        .usages
        .iter()
        .map(|&(metric, delta)| match delta {
            1 => name_of(metric, metrics).to_owned(),
            _ => format!("{} × {delta}", name_of(metric, metrics)),
        })
        .collect();
    CallDrop {
        methods,
        path: format!("{path}{}", rule.pattern),
        counts_as: usages.join(", "),
    }
}

fn name_of(id: MetricId, metrics: &[MetricRow]) -> &str {
    metrics
        .iter()
        .find(|metric| metric.id == id.0)
        .map_or("unknown", |metric| &metric.friendly_name)
}

/// The public base URL that was frozen, as its provider wrote it.
pub(super) fn endpoint(content: &str) -> Option<String> {
    let content: serde_json::Value = serde_json::from_str(content).ok()?;
    let url = content.pointer("/proxy/endpoint")?.as_str()?;
    (!url.is_empty()).then(|| url.to_owned())
}

/// Escaped, with what stands between backticks as code.
fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(n, part)| {
            let part = quick_xml::escape::escape(part);
            if n % 2 == 1 {
                format!("<code>{part}</code>")
            } else {
                part.into_owned()
            }
        })
        .collect()
}
