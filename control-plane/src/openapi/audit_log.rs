//! What was written, and by whom.

use super::{Shape, Tag, any, choice, get, id, int, object, shape, text, time};

pub(super) fn tag() -> Tag {
    Tag::new("Audit log", "Every write: who, what, before and after. Secrets are hidden.")
        .at("/admin/api/audit_log", [
            get("", "List writes, the newest first")
                .takes([
                    text("since", "2026-01-31").about("Not before this day or time"),
                    text("until", "2026-01-31T12:00:00Z").about("Before this day or time"),
                    choice("caller", &["provider_key", "access_token", "developer"]),
                    int("token_id", 1).min(1).about("By this access token"),
                    int("user_id", 1).min(1).about("By a token of this user of the provider"),
                    int("account_user_id", 1).min(1).about("By this developer, in the portal"),
                    choice("method", &["POST", "PUT", "PATCH", "DELETE"]),
                    text("path", "/admin/api/services/7").max(1000).about("About this resource and what is below it"),
                ])
                .paged_list("audit_log", "entry", entry()),
        ])
}

fn entry() -> Shape {
    shape("AuditEntry", [
        id("id"),
        time("created_at"),
        object("caller", shape("AuditCaller", [
            choice("type", &["provider_key", "access_token", "developer"]),
            int("token_id", 1).or_null(),
            text("token_name", "Deployment").or_null().about("As it was called then"),
            int("user_id", 1).or_null().about("Whose token it is"),
            int("account_user_id", 1).or_null().about("The developer who wrote in the portal; null when nobody was signed in"),
            text("username", "admin").or_null(),
        ])),
        text("method", "PUT"),
        text("path", "/admin/api/services/7").about("Without extension; keys in it are hidden"),
        text("route", "/admin/api/services/{service_id}"),
        int("status", 200).or_null().about("Of the answer; null when the call ended before it had one"),
        any("before", serde_json::json!({ "service": { "name": "Mail" } }))
            .about("The resource before, or null"),
        any("after", serde_json::json!({ "service": { "name": "Letters" } }))
            .about("What was answered, or null"),
    ])
}
