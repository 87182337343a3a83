//! The Service Management API.

use super::{Field, Tag, any, get, id, post, text};
use serde_json::json;

const STATUS: &str = r#"<?xml version="1.0" encoding="UTF-8"?><status><authorized>true</authorized><plan>Bronze</plan></status>"#;

pub(super) fn tag() -> Tag {
    Tag::new("Service management", "What agents call that are not our gateways: may this application, and what has it used?")
        .at("/transactions", [
            get("/authorize.xml", "Ask whether an application may call").takes(asked()).by_agents(STATUS),
            get("/authrep.xml", "Ask, and count when it may").takes(asked()).takes([log()]).by_agents(STATUS),
            get("/oauth_authorize.xml", "Ask for an application known by its client id").takes(asked()).takes(redirects()).by_agents(STATUS),
            get("/oauth_authrep.xml", "Ask for it, and count when it may").takes(asked()).takes(redirects()).takes([log()]).by_agents(STATUS),
            post(".xml", "Count what was used").status(202).about("Each transaction names an application and its usage.")
                .takes([id("service_id"), transactions().required()])
                .by_agents(""),
        ])
}

fn asked() -> Vec<Field> {
    vec![
        id("service_id"),
        text("app_id", "newsletter"),
        text("app_key", "first-key-of-many"),
        text("user_key", "6a4f9c").about("For a product with user keys"),
        text("referrer", "example.com"),
        any("usage", json!({"hits": 1})).with("type", "object").with("additionalProperties", json!({"type": "integer", "minimum": 0}))
            .about("By metric, as in usage[hits]=1"),
    ]
}

fn log() -> Field {
    any("log", json!({"code": 200})).with("type", "object").about("Of the API's answer, as in log[code]=200")
}

fn redirects() -> Vec<Field> {
    vec![text("redirect_uri", "https://example.com/back"), text("redirect_url", "https://example.com/back").older()]
}

fn transactions() -> Field {
    any("transactions", json!({"0": {"app_id": "newsletter", "usage": {"hits": 1}, "timestamp": "2026-01-31 12:00:00 +00:00"}}))
        .with("type", "object").about("As in transactions[0][app_id]=…&transactions[0][usage][hits]=1")
}
