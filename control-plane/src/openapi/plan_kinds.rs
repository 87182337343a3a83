//! Account plans, service plans, and what all plans may offer: features.

use super::{
    Field, Operation, Shape, Tag, choice, delete, flag, get, id, int, links, number, post, put, put_patch, shape, text, time,
};

pub(super) fn account_plans() -> Tag {
    Tag::new("Account plans", "What developer accounts are on.")
        .at("/admin/api/account_plans", plans("account_plan", account_plan()))
        .at("/admin/api/account_plans/{plan_id}/features", features_of_plan())
        .at("/admin/api/features", features(&["AccountPlan", "account_plan"]))
}

pub(super) fn service_plans() -> Tag {
    Tag::new("Service plans", "What accounts subscribe to products by.")
        .at("/admin/api/services/{service_id}/service_plans", plans("service_plan", service_plan()))
        .at("/admin/api/service_plans", [
            get("", "List the service plans of all products").paged_list("plans", "service_plan", service_plan()),
        ])
        .at("/admin/api/service_plans/{plan_id}/features", features_of_plan())
}

pub(super) fn product_features() -> Tag {
    Tag::new("Features", "What plans offer, in words.")
        .at("/admin/api/services/{service_id}/features", features(&["ApplicationPlan", "ServicePlan", "application_plan", "service_plan"]))
        .at("/admin/api/application_plans/{plan_id}/features", features_of_plan())
}

pub(super) fn plans(name: &'static str, plan: Shape) -> Vec<Operation> {
    vec![
        get("", "List them").paged_list("plans", name, plan.clone()),
        post("", "Make one").takes([
            text("name", "Partners").max(255).required().about("Its name for people"),
            text("system_name", "partners").max(255).about("Its name for programs, made from name when left out; it never changes"),
        ]).takes(changes()).one(name, plan.clone()),
        get("/{plan_id}", "Show one").one(name, plan.clone()),
        put_patch("/{plan_id}", "Change one").takes([text("name", "Friends").max(255)]).takes(changes()).one(name, plan.clone()),
        put("/{plan_id}/default", "Make it the default").about("Taken when none is named.").one(name, plan),
        delete("/{plan_id}", "Delete one").about("Refused while somebody is on it."),
    ]
}

/// Of every kind of plan.
pub(super) fn changes() -> Vec<Field> {
    vec![
        choice("state_event", &["publish", "hide"]),
        flag("approval_required", false).about("Whether who takes it waits for the provider"),
        int("trial_period_days", 30).min(0).max(100_000).about("Days before it costs anything"),
        int("cancellation_period", 0).min(0).max(100_000).about("Days"),
        number("setup_fee", 0.0).min(0).about("Cost of taking it"),
        number("cost_per_month", 19.95).min(0).about("Cost of having it"),
    ]
}

pub(super) fn account_plan() -> Shape {
    shape("AccountPlan", plan_fields())
}

pub(super) fn service_plan() -> Shape {
    shape("ServicePlan", [plan_fields(), vec![id("service_id")]].concat())
}

pub(super) fn application_plan() -> Shape {
    shape("ApplicationPlan", [plan_fields(), vec![id("service_id")]].concat())
}

fn plan_fields() -> Vec<Field> {
    vec![
        id("id"),
        text("name", "Partners"),
        choice("state", &["published", "hidden"]),
        flag("approval_required", false),
        number("setup_fee", 0.0),
        number("cost_per_month", 0.0),
        int("trial_period_days", 0),
        int("cancellation_period", 0),
        flag("default", true),
        flag("custom", false).about("Whether it was made for one application"),
        text("system_name", "partners"),
        time("created_at"),
        time("updated_at"),
        links(),
    ]
}

/// `scopes` are the kinds of plans that may have them.
fn features(scopes: &[&str]) -> Vec<Operation> {
    vec![
        get("", "List the features that there are").paged_list("features", "feature", feature()),
        post("", "Make a feature").takes([
            text("name", "Support by phone").max(255).required(),
            text("system_name", "phone_support").max(255).about("Its name for programs, made from name when left out"),
            choice("scope", scopes).about("Kind of the plans that may have it"),
        ]).takes(feature_changes()).one("feature", feature()),
        get("/{feature_id}", "Show a feature").one("feature", feature()),
        put_patch("/{feature_id}", "Change a feature")
            .takes([text("name", "Support by phone").max(255), text("system_name", "phone_support").max(255)])
            .takes(feature_changes()).one("feature", feature()),
        delete("/{feature_id}", "Delete a feature").about("It goes from all plans."),
    ]
}

fn feature_changes() -> Vec<Field> {
    vec![
        text("description", "Weekdays from 9 to 5").max(65_535),
        flag("visible", true).about("Whether developers see it"),
    ]
}

fn features_of_plan() -> Vec<Operation> {
    vec![
        get("", "List the features that a plan has").paged_list("features", "feature", feature()),
        post("", "Give a plan a feature").takes([id("feature_id").required()]).one("feature", feature()),
        delete("/{feature_id}", "Take a feature from a plan"),
    ]
}

fn feature() -> Shape {
    shape("Feature", [
        id("id"),
        text("name", "Support by phone"),
        text("system_name", "phone_support"),
        choice("scope", &["application_plan", "service_plan", "account_plan"]),
        flag("visible", true),
        text("description", "Weekdays from 9 to 5"),
        time("created_at"),
        time("updated_at"),
        links(),
    ])
}
