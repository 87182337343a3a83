//! Which products a call is about, by the ids in its path and its parameters.

use super::Route;
use crate::admin_api::params::Params;
use serde_json::Value;

/// What follows a segment of the path, or a parameter, names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Product,
    Plan,
    Application,
    /// Reached by the products that use it.
    Backend,
}

const SEGMENTS: &[(&str, Names)] = &[
    ("services", Names::Product),
    ("application_plans", Names::Plan),
    ("service_plans", Names::Plan),
    ("applications", Names::Application),
    ("backend_apis", Names::Backend),
];
const PARAMETERS: &[(&str, Names)] = &[
    ("service_id", Names::Product),
    ("plan_id", Names::Plan),
    ("application_plan_id", Names::Plan),
    ("service_plan_id", Names::Plan),
    ("backend_api_id", Names::Backend),
];

/// Everything with a product that path and parameters name.
pub(super) fn named(route: &Route, params: &Params) -> Vec<(Names, i64)> {
    let mut named = Vec::new();
    let segments: Vec<&str> = route.path.split('/').collect();
    for pair in segments.windows(2) {
        let [before, segment] = pair else { continue };
        let parameter = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let id = parameter
            .and_then(|name| route.value(name))
            .and_then(|value| value.parse().ok());
        let names = SEGMENTS.iter().find(|(name, _)| name == before);
        if let (Some((_, names)), Some(id)) = (names, id) {
            named.push((*names, id));
        }
    }
    for (name, names) in PARAMETERS {
        // Not the getter: the handler's own reading of it is what counts as such.
        let given = params.iter().find(|(given, _)| given == name);
        let ids = match given.map(|(_, value)| value) {
            Some(Value::Array(items)) => items.iter().filter_map(id).collect(),
            Some(value) => Vec::from_iter(id(value)),
            None => Vec::new(),
        };
        named.extend(ids.into_iter().map(|id| (*names, id)));
    }
    named
}

fn id(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_i64(),
    }
}
