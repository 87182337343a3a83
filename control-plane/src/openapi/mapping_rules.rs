//! Mapping rules of a product's draft. Backends have the same, below paths of their own.

use super::{Field, Shape, Tag, any, delete, flag, get, id, int, links, post, put_patch, shape, text, texts, time};
use serde_json::json;

pub(super) fn tag() -> Tag {
    Tag::new("Mapping rules", "Which requests count, on which metrics; the first that is last ends the search.")
        .at("/admin/api/services/{service_id}/proxy/mapping_rules", [
            get("", "List mapping rules by position").paged_list("mapping_rules", "mapping_rule", mapping_rule()),
            post("", "Make a mapping rule").about("Give http_method or methods, and metric_id and delta or usages.")
                .takes(params()).takes([pattern().required()]).one("mapping_rule", mapping_rule()),
            get("/{rule_id}", "Show a mapping rule").one("mapping_rule", mapping_rule()),
            put_patch("/{rule_id}", "Change a mapping rule").takes(params()).one("mapping_rule", mapping_rule()),
            delete("/{rule_id}", "Delete a mapping rule"),
        ])
}

pub(super) fn params() -> Vec<Field> {
    vec![
        text("http_method", "GET").max(20).about("ANY for all"),
        texts("methods", &["GET", "HEAD"]).about("Several methods"),
        pattern(),
        id("metric_id"),
        int("delta", 1).min(1),
        any("usages", json!([{"metric_id": 7, "delta": 1}])).about("Several metrics: a list of objects with metric_id and delta, or its text; at most 50"),
        int("position", 1).min(0).about("From 1; at the end when left out"),
        flag("last", false).about("Whether later rules are left out when this one matches"),
    ]
}

fn pattern() -> Field {
    text("pattern", "/v3/mail/{id}$").max(255)
}

pub(super) fn mapping_rule() -> Shape {
    shape("MappingRule", [
        id("id"),
        id("metric_id").or_null(),
        text("pattern", "/v3/mail/{id}$"),
        text("http_method", "GET").or_null(),
        int("delta", 1).or_null(),
        int("position", 1),
        flag("last", false),
        time("created_at"),
        time("updated_at"),
        texts("methods", &["GET"]),
        usages(),
        links(),
    ])
}

fn usages() -> Field {
    super::several("usages", shape("RuleUsage", [id("metric_id"), int("delta", 1)]))
}
