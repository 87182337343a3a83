//! What comes with a product or backend that is made: nobody asked for it, and it need not be said.

use crate::catalogue::kind::Kind;
use crate::catalogue::tree::{HITS, Name, Resource};
use serde_json::json;

/// A resource that was just made and not yet looked at.
#[must_use]
pub fn new_resource(kind: Kind, name: &Name) -> Resource {
    let mut new = Resource::new(kind, name.clone());
    if matches!(kind, Kind::Product | Kind::Backend) {
        new.groups.push((Kind::Metric, vec![hits()]));
    }
    if kind == Kind::Product {
        new.groups.push((Kind::Rule, vec![catch_all()]));
        new.groups.push((Kind::ServicePlan, vec![service_plan()]));
    }
    new
}

fn hits() -> Resource {
    let mut hits = Resource::new(Kind::Metric, Name::System(HITS.into()));
    hits.fields = vec![
        ("friendly_name", "Hits".into()),
        ("unit", "hit".into()),
        ("description", "Number of API hits".into()),
    ];
    hits
}

fn catch_all() -> Resource {
    let name = Name::Rule {
        methods: vec!["GET".into()],
        pattern: "/".into(),
    };
    let mut rule = Resource::new(Kind::Rule, name);
    rule.fields = vec![("usages", json!({HITS: 1})), ("last", false.into())];
    rule
}

fn service_plan() -> Resource {
    let mut plan = Resource::new(Kind::ServicePlan, Name::System("default".into()));
    plan.fields = vec![
        ("name", "Default".into()),
        ("state", "published".into()),
        ("default", true.into()),
    ];
    plan
}
