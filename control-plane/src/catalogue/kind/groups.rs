//! What every kind contains, in the order in which it is made.

use super::{Form, Group, Kind};

const fn group(key: &'static str, kind: Kind, form: Form, about: &'static str) -> Group {
    Group {
        key,
        kind,
        form,
        about,
    }
}

#[rustfmt::skip]
pub(super) const CATALOGUE_GROUPS: &[Group] = &[
    group("settings", Kind::Settings, Form::Single, "The provider's choices"),
    group("features", Kind::AccountFeature, Form::Named, "What account plans offer, by system name"),
    group("account_plans", Kind::AccountPlan, Form::Named, "What developer accounts are on, by system name"),
    group("backends", Kind::Backend, Form::Named, "The APIs that products are made of, by system name"),
    group("products", Kind::Product, Form::Named, "The APIs that are sold, by system name"),
];

#[rustfmt::skip]
pub(super) const BACKEND_GROUPS: &[Group] = &[
    METRICS,
    METHODS,
    group("mapping_rules", Kind::Rule, Form::Rules, "Which requests count for what, in paths as the backend sees them"),
];

#[rustfmt::skip]
pub(super) const PRODUCT_GROUPS: &[Group] = &[
    METRICS,
    METHODS,
    group("backends", Kind::Usage, Form::Brief("path"), "The backends that it sends requests to, each below a path; the longest takes the request"),
    group("proxy", Kind::Proxy, Form::Single, "Addresses, credentials and answers"),
    group("mapping_rules", Kind::Rule, Form::Rules, "Which requests count for what; all that match add up, in this order"),
    group("features", Kind::Feature, Form::Named, "What its plans offer, by system name"),
    group("service_plans", Kind::ServicePlan, Form::Named, "What subscribers are on, by system name"),
    group("application_plans", Kind::Plan, Form::Named, "What applications may use, by system name"),
];

#[rustfmt::skip]
const METRICS: Group = group("metrics", Kind::Metric, Form::Named, "What is counted by itself, by system name");

#[rustfmt::skip]
const METHODS: Group = group("methods", Kind::Method, Form::Named, "What is counted and adds up to hits, by system name");

#[rustfmt::skip]
pub(super) const PLAN_GROUPS: &[Group] = &[
    group("limits", Kind::Limit, Form::Limits, "By metric, or backend/metric, at most how much in each period; or disabled"),
    group("pricing_rules", Kind::Price, Form::Brief("ranges"), "By metric, what units cost: ranges that do not overlap"),
    PLAN_FEATURES,
];

#[rustfmt::skip]
pub(super) const OTHER_PLAN_GROUPS: &[Group] = &[PLAN_FEATURES];

#[rustfmt::skip]
const PLAN_FEATURES: Group = group("features", Kind::PlanFeature, Form::Names, "The features that it has");
