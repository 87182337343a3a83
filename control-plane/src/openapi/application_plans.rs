//! Application plans and their limits.

use super::{Field, Shape, Tag, choice, delete, flag, get, id, int, links, number, post, put, put_patch, shape, text, time};

const PERIODS: &[&str] = &["minute", "hour", "day", "week", "month", "year", "eternity"];

pub(super) fn tag() -> Tag {
    Tag::new("Application plans", "What applications may call and how often.")
        .at("/admin/api/services/{service_id}/application_plans", [
            get("", "List a product's plans").list("plans", "application_plan", plan()),
            post("", "Make a plan").takes([
                text("name", "Bronze").max(255).required(),
                text("system_name", "bronze").max(255).about("Made from name when left out; it never changes"),
            ]).takes(params()).one("application_plan", plan()),
            get("/{plan_id}", "Show a plan").one("application_plan", plan()),
            put_patch("/{plan_id}", "Change a plan").takes([text("name", "Bronze").max(255)]).takes(params()).one("application_plan", plan()),
            delete("/{plan_id}", "Delete a plan").about("Refused while applications are on it."),
            put("/{plan_id}/default", "Make a plan the default").about("It is taken when a signup names none.").one("application_plan", plan()),
        ])
        .at("/admin/api/application_plans", [
            get("", "List the plans of all products").paged_list("plans", "application_plan", plan()),
        ])
        .at("/admin/api/application_plans/{plan_id}", [
            get("/limits", "List all limits of a plan").paged_list("limits", "limit", limit()),
            get("/metrics/{metric_id}/limits", "List the limits of a metric").list("limits", "limit", limit()),
            post("/metrics/{metric_id}/limits", "Make a limit").about("They apply at once.")
                .takes([period().required(), value().required()]).one("limit", limit()),
            get("/metrics/{metric_id}/limits/{limit_id}", "Show a limit").one("limit", limit()),
            put_patch("/metrics/{metric_id}/limits/{limit_id}", "Change a limit").takes([period(), value()]).one("limit", limit()),
            delete("/metrics/{metric_id}/limits/{limit_id}", "Delete a limit"),
        ])
}

fn period() -> Field {
    choice("period", PERIODS)
}

fn value() -> Field {
    int("value", 600).min(0).about("How much a period has; 0 disables the metric")
}

/// Of every kind of plan.
pub(super) fn params() -> Vec<Field> {
    vec![
        choice("state_event", &["publish", "hide"]),
        flag("approval_required", false).about("Whether who takes it waits for the provider"),
        int("trial_period_days", 0).min(0).max(100_000),
        int("cancellation_period", 0).min(0).max(100_000),
        number("setup_fee", 0.0).min(0),
        number("cost_per_month", 19.95).min(0),
    ]
}

fn plan() -> Shape {
    shape("ApplicationPlan", [
        id("id"),
        text("name", "Bronze"),
        choice("state", &["published", "hidden"]),
        flag("approval_required", false),
        number("setup_fee", 0.0),
        number("cost_per_month", 19.95),
        int("trial_period_days", 0),
        int("cancellation_period", 0),
        flag("default", false),
        flag("custom", false),
        text("system_name", "bronze"),
        id("service_id").maybe(),
        time("created_at"),
        time("updated_at"),
        links().maybe(),
    ])
}

fn limit() -> Shape {
    shape("Limit", [
        id("id"),
        id("metric_id"),
        id("plan_id"),
        choice("period", PERIODS),
        int("value", 600),
        time("created_at"),
        time("updated_at"),
        links(),
    ])
}
