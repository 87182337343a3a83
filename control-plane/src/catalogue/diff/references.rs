//! Names that stand for something else: metrics in rules and limits. They may be of the file or of the installation.

use super::Prune;
use crate::catalogue::fault::{Faults, Place, did_you_mean};
use crate::catalogue::kind::Kind;
use crate::catalogue::tree::{HITS, Name, Resource};
use serde_json::Value;

/// Notes every name that will stand for nothing.
///
/// # Errors
/// All of them, by line.
pub fn check(wanted: &Resource, there: &Resource, prune: Prune) -> Result<(), Faults> {
    let mut faults = Faults::default();
    for product in wanted.all(Kind::Product) {
        let name = product.name.to_string();
        let found = there.find(Kind::Product, &name);
        let mut check = Product {
            path: format!("products.{name}"),
            metrics: metrics(product, found, prune),
            name,
            faults: &mut faults,
        };
        check.kinds(product, found);
        check.rules(product);
        check.limits(product);
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// What the product will count.
fn metrics<'a>(product: &'a Resource, found: Option<&'a Resource>, prune: Prune) -> Vec<&'a str> {
    let mut metrics: Vec<&str> = vec![HITS];
    metrics.extend(product.metric_names());
    for kind in [Kind::Metric, Kind::Method] {
        let goes = prune >= Prune::Within && product.group(kind).is_some();
        if let Some(found) = found.filter(|_| !goes) {
            metrics.extend(found.all(kind).iter().filter_map(|it| it.name.system()));
        }
    }
    metrics
}

struct Product<'a> {
    name: String,
    path: String,
    metrics: Vec<&'a str>,
    faults: &'a mut Faults,
}

impl Product<'_> {
    /// A metric does not become a method, nor the other way round.
    fn kinds(&mut self, product: &Resource, found: Option<&Resource>) {
        for (kind, other, words) in [
            (
                Kind::Metric,
                Kind::Method,
                "is a method there, and can't become a metric",
            ),
            (
                Kind::Method,
                Kind::Metric,
                "is a metric there, and can't become a method",
            ),
        ] {
            for metric in product.all(kind) {
                let name = metric.name.to_string();
                if found.is_some_and(|found| found.find(other, &name).is_some()) {
                    self.note(metric.at, &name, words);
                }
            }
        }
    }

    fn rules(&mut self, product: &Resource) {
        for rule in product.all(Kind::Rule) {
            let usages = rule.field("usages").and_then(Value::as_object);
            for metric in usages.into_iter().flat_map(|usages| usages.keys()) {
                self.metric(metric, rule.at, &format!("{}", rule.name));
            }
        }
    }

    fn limits(&mut self, product: &Resource) {
        for plan in product.all(Kind::Plan) {
            for limit in plan.all(Kind::Limit) {
                if let Name::OfMetric { metric, .. } = &limit.name {
                    self.metric(metric, limit.at, &format!("plan {}", plan.name));
                }
            }
        }
    }

    fn metric(&mut self, metric: &str, at: Option<Place>, of: &str) {
        if !self.metrics.contains(&metric) {
            let hint = did_you_mean(metric, self.metrics.iter().copied());
            let message = format!("{metric} is no metric of {}{hint}", self.name);
            self.note(at, of, &message);
        }
    }

    fn note(&mut self, at: Option<Place>, of: &str, message: &str) {
        let at = at.unwrap_or(Place { line: 1, column: 1 });
        let path = format!("{}: {of}:", self.path);
        self.faults.add(at, &path, message);
    }
}
