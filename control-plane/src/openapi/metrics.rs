//! Metrics, and the methods below `hits`.

use super::{Field, Shape, Tag, delete, get, id, int, links, post, put_patch, shape, text, time};

pub(super) fn tag() -> Tag {
    Tag::new("Metrics and methods", "What a product counts.")
        .at("/admin/api/services/{service_id}/metrics", [
            get("", "List a product's metrics, methods included").paged_list("metrics", "metric", metric()),
            post("", "Make a metric").takes(named()).takes([unit().required()]).one("metric", metric()),
            get("/{metric_id}", "Show a metric").one("metric", metric()),
            put_patch("/{metric_id}", "Change a metric").takes(changes()).takes([unit()]).one("metric", metric()),
            delete("/{metric_id}", "Delete a metric").about(
                "Refused for `hits`, and while a deployed configuration counts on it. Rules of the draft and limits go with it.",
            ),
            get("/{metric_id}/methods", "List the methods of hits").paged_list("methods", "method", method()),
            post("/{metric_id}/methods", "Make a method").takes(named()).one("method", method()),
            get("/{metric_id}/methods/{method_id}", "Show a method").one("method", method()),
            put_patch("/{metric_id}/methods/{method_id}", "Change a method").takes(changes()).one("method", method()),
            delete("/{metric_id}/methods/{method_id}", "Delete a method"),
        ])
}

fn named() -> Vec<Field> {
    vec![
        text("friendly_name", "Mails sent").max(255).required().about("Its name for people"),
        text("system_name", "mails_sent").max(255).about("Its name for programs, made from friendly_name when left out; it never changes"),
        text("name", "mails_sent").older().about("Another name of system_name"),
        description(),
    ]
}

fn changes() -> Vec<Field> {
    vec![text("friendly_name", "Letters sent").max(255), description()]
}

fn description() -> Field {
    text("description", "All mails, bounced ones included").max(10_000)
}

fn unit() -> Field {
    text("unit", "mail").max(255).about("What is counted, in the singular")
}

/// Also what backends count.
pub(super) fn metric() -> Shape {
    shape("Metric", [
        id("id"),
        text("name", "mails_sent"),
        text("system_name", "mails_sent"),
        text("friendly_name", "Mails sent"),
        text("description", "All mails"),
        text("unit", "mail"),
        int("parent_id", 1).maybe().about("Of a method: the id of hits"),
        time("created_at"),
        time("updated_at"),
        links(),
    ])
}

pub(super) fn method() -> Shape {
    shape("Method", [
        id("id"),
        text("name", "web_api"),
        text("system_name", "web_api"),
        text("friendly_name", "Web API"),
        text("description", ""),
        text("unit", "hit"),
        id("parent_id"),
        time("created_at"),
        time("updated_at"),
        links(),
    ])
}
