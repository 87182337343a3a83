//! Names that stand for something else: metrics, features and backends. They may be of the file or of the installation.

use super::Prune;
use crate::catalogue::fault::{Faults, Place, did_you_mean};
use crate::catalogue::kind::Kind;
use crate::catalogue::tree::{HITS, Name, Resource};
use serde_json::Value;

/// Notes every name that will stand for nothing, and what cannot become what the file says.
///
/// # Errors
/// All of them, by line.
pub fn check(wanted: &Resource, there: &Resource, prune: Prune) -> Result<(), Faults> {
    let mut faults = Faults::default();
    let whole = Look {
        wanted,
        there: Some(there),
        prune,
    };
    for plan in wanted.all(Kind::AccountPlan) {
        let features = whole.names(Kind::AccountFeature);
        let mut notes = Notes::new("account_plans", &mut faults);
        notes.features(plan, &features);
    }
    for (kind, section) in [(Kind::Backend, "backends"), (Kind::Product, "products")] {
        for owner in wanted.all(kind) {
            let name = owner.name.to_string();
            let look = Look {
                wanted: owner,
                there: there.find(kind, &name),
                prune,
            };
            let mut notes = Notes::new(&format!("{section}.{name}"), &mut faults);
            notes.kinds(&look);
            let own = look.metrics();
            notes.rules(owner, &own);
            if kind == Kind::Product {
                notes.product(&look, &whole, own);
            }
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// A resource as the file wants it, and as it is.
struct Look<'a> {
    wanted: &'a Resource,
    there: Option<&'a Resource>,
    prune: Prune,
}

impl<'a> Look<'a> {
    /// The system names of a kind that there will be.
    fn names(&self, kind: Kind) -> Vec<String> {
        let wanted = self.wanted.all(kind).iter();
        let mut names: Vec<String> = wanted.map(|it| it.name.to_string()).collect();
        let least = match kind.is_whole() {
            true => Prune::Whole,
            false => Prune::Within,
        };
        let goes = self.prune >= least && self.wanted.group(kind).is_some();
        if let Some(there) = self.there.filter(|_| !goes) {
            names.extend(there.all(kind).iter().map(|it| it.name.to_string()));
        }
        names
    }

    /// What it will count.
    fn metrics(&self) -> Vec<String> {
        let mut metrics = vec![HITS.to_owned()];
        metrics.extend(self.names(Kind::Metric));
        metrics.extend(self.names(Kind::Method));
        metrics
    }

    /// One of what it contains.
    fn within(&self, kind: Kind, name: &str) -> Option<Self> {
        let there = self.there.and_then(|there| there.find(kind, name));
        let wanted = self.wanted.find(kind, name).or(there)?;
        Some(Look {
            wanted,
            there,
            prune: self.prune,
        })
    }
}

struct Notes<'a> {
    path: String,
    faults: &'a mut Faults,
}

impl<'a> Notes<'a> {
    fn new(path: &str, faults: &'a mut Faults) -> Self {
        Self {
            path: path.to_owned(),
            faults,
        }
    }

    fn product(&mut self, look: &Look<'_>, whole: &Look<'_>, mut metrics: Vec<String>) {
        let backends = whole.names(Kind::Backend);
        for usage in look.wanted.all(Kind::Usage) {
            self.known(
                "backend",
                &usage.name.to_string(),
                &backends,
                usage.at,
                "backends",
            );
        }
        // Plans limit what backends count, but have no prices for it.
        let own = metrics.clone();
        for backend in look.names(Kind::Usage) {
            if let Some(backend_look) = whole.within(Kind::Backend, &backend) {
                let theirs = backend_look.metrics().into_iter();
                metrics.extend(theirs.map(|metric| format!("{backend}/{metric}")));
            }
        }
        let features = look.names(Kind::Feature);
        for plan in look.wanted.all(Kind::Plan) {
            let of = format!("plan {}", plan.name);
            for limit in plan.all(Kind::Limit) {
                if let Name::OfMetric { metric, .. } = &limit.name {
                    self.known("metric", metric, &metrics, limit.at, &of);
                }
            }
            for price in plan.all(Kind::Price) {
                self.known("metric", &price.name.to_string(), &own, price.at, &of);
            }
            self.features(plan, &features);
        }
        for plan in look.wanted.all(Kind::ServicePlan) {
            self.features(plan, &features);
        }
        for feature in look.wanted.all(Kind::Feature) {
            let name = feature.name.to_string();
            let found = look
                .there
                .and_then(|there| there.find(Kind::Feature, &name));
            let (scope, is) = (
                feature.field("scope"),
                found.and_then(|it| it.field("scope")),
            );
            if scope.is_some() && is.is_some() && scope != is {
                self.note(
                    feature.at,
                    &name,
                    "is of plans of another kind there, and stays so",
                );
            }
        }
    }

    /// A metric does not become a method, nor the other way round.
    fn kinds(&mut self, look: &Look<'_>) {
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
            for metric in look.wanted.all(kind) {
                let name = metric.name.to_string();
                if look
                    .there
                    .is_some_and(|there| there.find(other, &name).is_some())
                {
                    self.note(metric.at, &name, words);
                }
            }
        }
    }

    fn rules(&mut self, owner: &Resource, metrics: &[String]) {
        for rule in owner.all(Kind::Rule) {
            let usages = rule.field("usages").and_then(Value::as_object);
            for metric in usages.into_iter().flat_map(|usages| usages.keys()) {
                self.known("metric", metric, metrics, rule.at, &rule.name.to_string());
            }
        }
    }

    fn features(&mut self, plan: &Resource, features: &[String]) {
        for feature in plan.all(Kind::PlanFeature) {
            let of = format!("{} {}", plan.kind.word(), plan.name);
            self.known(
                "feature",
                &feature.name.to_string(),
                features,
                feature.at,
                &of,
            );
        }
    }

    fn known(&mut self, what: &str, name: &str, known: &[String], at: Option<Place>, of: &str) {
        if known.iter().all(|it| it != name) {
            let hint = did_you_mean(name, known.iter().map(String::as_str));
            self.note(at, of, &format!("there is no {what} {name}{hint}"));
        }
    }

    fn note(&mut self, at: Option<Place>, of: &str, message: &str) {
        let at = at.unwrap_or(Place { line: 1, column: 1 });
        let path = format!("{}: {of}:", self.path);
        self.faults.add(at, &path, message);
    }
}
