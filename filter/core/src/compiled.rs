//! Products ready to decide with, made from what came over the wire. Never serialised.
//!
//! The gateway skips what does not compile and says so; the control plane compiles the same way before it
//! publishes, and refuses it.

use crate::backend::{Backend, Backends, backend_path};
use crate::credential::Sources;
use crate::id::{MetricId, PlanId, ProductId};
use crate::mapping::{Rule, RuleSet};
use crate::metric::Hierarchy;
use crate::path::canonical_path;
use crate::product::{Hosts, PublicUrl};
use crate::verdict::{Errors, limit_name};
use crate::wire::{
    ConfigV1, Digest, LimitV1, OnDisconnectV1, ProductV1, PublicUrlV1, RuleV1, UpstreamV1,
};
use alloc::{
    borrow::Cow,
    collections::BTreeMap,
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

/// A part of a product that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which part, such as `rules[3].pattern`.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

/// A product in one environment.
#[derive(Debug)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Revision of its last change.
    pub revision: i64,
    /// Its stable slug.
    pub system_name: String,
    /// The version of its configuration.
    pub version: u64,
    /// Parents of its methods.
    pub hierarchy: Hierarchy,
    /// How requests are recognised.
    pub sources: Sources,
    /// Mapping rules by position.
    pub rules: RuleSet,
    /// Its backends, if it has any: then one of them must take the request.
    pub backends: Backends,
    /// How refusals look.
    pub errors: Errors,
    /// Where admitted requests go.
    pub upstream: Option<UpstreamV1>,
    /// Sent upstream; empty for none.
    pub secret_token: String,
    /// Digest of the debug secret.
    pub debug_secret: Option<Digest>,
    /// Whether responses carry `RateLimit` and `RateLimit-Policy`.
    pub rate_limit_headers: bool,
    /// Whether form fields take part in mapping rules' query parts.
    pub form_in_rules: bool,
    /// What happens to requests without credit while the control plane is away.
    pub on_disconnect: OnDisconnectV1,
    /// Whether requests of applications with referrer filters must come from one of the hosts.
    pub referrers_required: bool,
    public_urls: Vec<PublicUrlV1>,
    metrics: BTreeMap<MetricId, String>,
    plans: BTreeMap<PlanId, Vec<PlanLimit>>,
}

/// A limit of a plan, with the name clients know it by.
#[derive(Debug)]
pub struct PlanLimit {
    /// What is limited.
    pub limit: LimitV1,
    /// Such as `hits-minute`.
    pub name: String,
}

/// All products of a gateway.
#[derive(Debug, Default)]
pub struct Catalogue {
    products: Vec<Arc<Product>>,
    hosts: Hosts,
}

// === impl Product ===

impl Product {
    /// Compiles a product; nothing when it has no configuration in this environment.
    #[must_use]
    pub fn compile(wire: &ProductV1) -> (Option<Self>, Vec<Problem>) {
        let Some(config) = &wire.config else {
            return (None, Vec::new());
        };
        let mut problems = Vec::new();
        let metrics: BTreeMap<_, _> = wire
            .metrics
            .iter()
            .map(|metric| (metric.id, metric.system_name.clone()))
            .collect();
        let rules = rules(&config.rules, "rules", &metrics, &mut problems);
        let backends = backends(config, &metrics, &mut problems);
        let sources = Sources::try_from(&config.credentials)
            .map_err(|error| problems.push(problem("credentials", error)));
        let errors = Errors::try_from(&config.errors)
            .map_err(|error| problems.push(problem("errors", error)));
        let Ok(sources) = sources else {
            return (None, problems);
        };
        let mut public_urls = Vec::new();
        for (n, url) in config.public_urls.iter().enumerate() {
            match PublicUrl::try_from(url) {
                Ok(_) => public_urls.push(url.clone()),
                Err(error) => problems.push(problem(&format!("public_urls[{n}]"), error)),
            }
        }
        let named = |limit: &LimitV1| PlanLimit {
            name: limit_name(
                metrics.get(&limit.metric).map_or("unknown", String::as_str),
                limit.period,
            ),
            limit: limit.clone(),
        };
        let plans = wire
            .plans
            .iter()
            .map(|plan| (plan.id, plan.limits.iter().map(named).collect()))
            .collect();
        let product = Self {
            id: wire.id,
            revision: wire.revision,
            system_name: wire.system_name.clone(),
            version: config.version,
            hierarchy: Hierarchy::new(
                wire.metrics
                    .iter()
                    .filter_map(|metric| Some((metric.id, metric.parent?))),
            ),
            sources,
            rules: RuleSet::compile(rules),
            backends,
            errors: errors.unwrap_or_default(),
            upstream: config.upstream.clone(),
            secret_token: config.secret_token.clone(),
            debug_secret: config.debug_secret,
            rate_limit_headers: config.rate_limit_headers,
            form_in_rules: config.form_in_rules,
            on_disconnect: config.on_disconnect,
            referrers_required: wire.referrers_required,
            public_urls,
            metrics,
            plans,
        };
        (Some(product), problems)
    }

    /// The system name of a metric.
    #[must_use]
    pub fn metric_name(&self, metric: MetricId) -> &str {
        self.metrics.get(&metric).map_or("unknown", String::as_str)
    }

    /// The limits of a plan; nothing when the product has no such plan.
    #[must_use]
    pub fn limits(&self, plan: PlanId) -> Option<&[PlanLimit]> {
        self.plans.get(&plan).map(Vec::as_slice)
    }
}

/// The rules that can be used, in their order.
fn rules(
    wires: &[RuleV1],
    pointer: &str,
    metrics: &BTreeMap<MetricId, String>,
    problems: &mut Vec<Problem>,
) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (n, wire) in wires.iter().enumerate() {
        if let Some((metric, _)) = wire
            .usages
            .iter()
            .find(|(metric, _)| !metrics.contains_key(metric))
        {
            problems.push(problem(
                &format!("{pointer}[{n}].usages"),
                format!("the product has no metric {metric}"),
            ));
            continue;
        }
        match Rule::try_from(wire) {
            Ok(rule) => rules.push(rule),
            Err(error) => problems.push(problem(&format!("{pointer}[{n}]"), error)),
        }
    }
    rules
}

/// The backends that can be reached. One with a path that cannot be used is left out, its requests with it.
fn backends(
    config: &ConfigV1,
    metrics: &BTreeMap<MetricId, String>,
    problems: &mut Vec<Problem>,
) -> Backends {
    let mut backends = Vec::new();
    for (n, wire) in config.backends.iter().enumerate() {
        match backend_path(&wire.path) {
            Ok(path) => {
                let rules = rules(
                    &wire.rules,
                    &format!("backends[{n}].rules"),
                    metrics,
                    problems,
                );
                backends.push(Backend::new(
                    wire.id,
                    path,
                    wire.upstream.clone(),
                    wire.cluster.as_deref(),
                    RuleSet::compile(rules),
                ));
            }
            Err(error) => problems.push(problem(&format!("backends[{n}].path"), error)),
        }
    }
    Backends::new(backends)
}

fn problem(pointer: &str, detail: impl ToString) -> Problem {
    Problem {
        pointer: pointer.to_string(),
        detail: detail.to_string(),
    }
}

// === impl Catalogue ===

impl Catalogue {
    /// Products by host and base path; of two that claim the same, the first keeps it.
    #[must_use]
    pub fn new(products: Vec<Arc<Product>>) -> Self {
        let urls = products
            .iter()
            .enumerate()
            .flat_map(|(n, product)| product.public_urls.iter().map(move |url| (url, n)));
        let hosts = Hosts::build(urls);
        Self { products, hosts }
    }

    /// The product for a request, and the canonical path below its base path.
    #[must_use]
    pub fn find<'p>(
        &self,
        authority: &[u8],
        path: &'p [u8],
        default_product: Option<&str>,
    ) -> Option<(&Product, Cow<'p, [u8]>)> {
        let path = canonical_path(path);
        match self.hosts.locate(authority, &path) {
            Some(place) => Some((
                self.products.get(place.product)?,
                below(path, place.base_len),
            )),
            None => {
                let name = default_product?;
                let product = self
                    .products
                    .iter()
                    .find(|product| product.system_name == name)?;
                Some((product, path))
            }
        }
    }
}

/// The path without its first `base` bytes; never empty.
fn below(path: Cow<'_, [u8]>, base: usize) -> Cow<'_, [u8]> {
    match path {
        path if base == 0 => path,
        Cow::Borrowed(path) => Cow::Borrowed(
            path.get(base..)
                .filter(|rest| !rest.is_empty())
                .unwrap_or(b"/"),
        ),
        Cow::Owned(mut path) => {
            path.drain(..base.min(path.len()));
            if path.is_empty() {
                path.push(b'/');
            }
            Cow::Owned(path)
        }
    }
}
