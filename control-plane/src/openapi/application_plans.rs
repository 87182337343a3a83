//! Application plans and their limits.

use super::plan_kinds::{application_plan, plans};
use super::{Field, Shape, Tag, choice, delete, get, id, int, links, post, put_patch, shape, time};

const PERIODS: &[&str] = &["minute", "hour", "day", "week", "month", "year", "eternity"];

pub(super) fn tag() -> Tag {
    Tag::new("Application plans", "What applications may call and how often.")
        .at("/admin/api/services/{service_id}/application_plans", plans("application_plan", application_plan()))
        .at("/admin/api/application_plans", [
            get("", "List the application plans of all products").paged_list("plans", "application_plan", application_plan()),
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
