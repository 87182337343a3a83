//! What usage costs on application plans.

use super::{Shape, Tag, delete, get, id, int, links, post, shape, text, time};

pub(super) fn tag() -> Tag {
    Tag::new("Pricing rules", "What usage of a metric costs on an application plan, by ranges of units.")
        .at("/admin/api/application_plans/{plan_id}", [
            get("/pricing_rules", "List a plan's pricing rules").paged_list("pricing_rules", "pricing_rule", rule()),
            get("/metrics/{metric_id}/pricing_rules", "List a plan's pricing rules for a metric").paged_list("pricing_rules", "pricing_rule", rule()),
            post("/metrics/{metric_id}/pricing_rules", "Make a pricing rule").about("Its range may not overlap with another's of the metric.")
                .takes([
                    int("min", 1).min(1).about("The first unit; 1 when left out"),
                    int("max", 1000).min(1).about("The last unit; left out: and all beyond"),
                    text("cost_per_unit", "0.0025").with("pattern", r"^\d+\.?\d{0,4}0*$").about("At most 4 decimals; 0 when left out"),
                ])
                .one("pricing_rule", rule()),
            get("/metrics/{metric_id}/pricing_rules/{rule_id}", "Show a pricing rule").one("pricing_rule", rule()),
            delete("/metrics/{metric_id}/pricing_rules/{rule_id}", "Delete a pricing rule"),
        ])
}

fn rule() -> Shape {
    shape("PricingRule", [
        id("id"),
        id("metric_id"),
        text("cost_per_unit", "0.0025").with("pattern", r"^\d+\.\d{1,4}$"),
        int("min", 1),
        int("max", 1000).or_null(),
        time("created_at"),
        time("updated_at"),
        links(),
    ])
}
