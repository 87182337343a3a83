//! The Analytics API.

use super::{Field, Operation, Tag, choice, flag, get, id, int, list_of, number, object, shape, text, time};
use serde_json::json;

pub(super) fn tag() -> Tag {
    Tag::new("Analytics", "How much was used, over time.")
        .at("/stats", [
            usage("/services/{id}/usage", "Usage of a product"),
            usage("/applications/{id}/usage", "Usage of an application").beside(object("application", application())),
            get("/applications/{id}/traffic", "How an application's requests were answered, and how fast")
                .about("Approximate, and up to now, which usage is not. Kept for 92 days. Steps without requests are left out.")
                .takes([choice("period", &["day", "week", "month", ""]).about("A day when left out")])
                .one("traffic", traffic()),
            usage("/backend_apis/{id}/usage", "Usage of a backend, in all products together"),
        ])
}

pub(super) fn usage(path: &str, summary: &'static str) -> Operation {
    get(path, summary)
        .about("Send period, and since when it does not end now; or since, until and granularity.")
        .takes([
            text("metric_name", "hits").max(255).required(),
            choice("period", &["day", "week", "month", "year", "eternity", ""]),
            text("since", "2026-01-31 00:00:00").max(64),
            text("until", "2026-01-31 23:59:59").max(64),
            choice("granularity", &["hour", "21600", "day", "month", "eternity", ""]).about("21600: six hours"),
            text("timezone", "UTC").max(64),
            flag("skip_change", true).about("False also tells the period before"),
        ])
        .members(told())
}

fn told() -> Vec<Field> {
    vec![
        object("metric", shape("UsageMetric", [id("id"), text("name", "Hits"), text("system_name", "hits"), text("unit", "hit")])),
        object("period", shape("UsagePeriod", [
            text("name", "day").or_null(),
            text("since", "2026-01-31T00:00:00Z"),
            text("until", "2026-01-31T23:59:59Z"),
            text("timezone", "UTC"),
            text("granularity", "hour").with("type", json!(["string", "integer"])),
        ])),
        int("total", 1200),
        super::texts("values", &[]).with("items", json!({"type": "integer"})),
        int("previous_total", 1000).maybe(),
        number("change", 20.0).maybe().about("In percent"),
    ]
}

fn application() -> super::Shape {
    shape("UsageApplication", [
        id("id"),
        text("name", "Newsletter"),
        text("state", "live"),
        text("link", "/admin/api/accounts/7/applications/7.json"),
        text("description", "Sends the newsletter"),
        object("plan", shape("UsagePlan", [id("id"), text("name", "Bronze")])),
        object("account", shape("UsageAccount", [id("id"), text("name", "Customer")])),
        object("service", shape("UsageService", [id("id")])),
    ])
}

fn traffic() -> super::Shape {
    shape("Traffic", [
        choice("period", &["day", "week", "month"]),
        time("since"),
        time("until"),
        int("step_seconds", 900),
        list_of("values", "value", shape("TrafficValue", [
            time("since"),
            int("success", 1200).about("Answered by the provider's API, by class of status"),
            int("redirection", 0),
            int("client_error", 3),
            int("server_error", 0),
            int("refused_credentials", 1).about("Refused by a gateway: wrong key or referrer, or it may not call"),
            int("refused_metric", 0).about("Its plan has none of a metric"),
            int("refused_limits", 5).about("A limit was exceeded"),
            int("refused_not_ready", 0).about("The gateway could not decide"),
            int("p50_ms", 20).or_null().about("Half of the requests that were answered took at most so long, in milliseconds"),
            int("p95_ms", 50).or_null(),
            int("p99_ms", 100).or_null(),
        ])),
    ])
}
