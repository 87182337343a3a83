//! The provider's users, what they may do, and their access tokens.

use super::{Field, Shape, Tag, any, choice, delete, flag, get, id, links, post, put, put_patch, shape, text, texts, time};
use crate::admin_api::access::SECTIONS;
use crate::admin_api::auth::SCOPES;
use crate::notifications;

pub(super) fn users() -> Tag {
    Tag::new("Provider users", "The provider's own people: admins may do everything, members what they are given.")
        .at("/admin/api/users", [
            get("", "List the provider's users").takes([
                choice("state", &["active", "pending", "suspended"]),
                choice("role", &["admin", "member"]),
            ]).paged_list("users", "user", user()),
            post("", "Make a user").takes(named(Field::required)).one("user", user()).about("A pending member, who may do nothing yet. The provider's own fields of users are parameters too."),
            get("/{id}", "Show a user").one("user", user()),
            put_patch("/{id}", "Change a user").takes(named(|field| field)).one("user", user()),
            delete("/{id}", "Delete a user").about("Its access tokens stop working. Refused for the only active admin."),
            put("/{id}/activate", "Let a user sign in").one("user", user()),
            put("/{id}/suspend", "Keep a user out").one("user", user()).about("Its access tokens do not work meanwhile."),
            put("/{id}/unsuspend", "Let a user in again").one("user", user()),
            put("/{id}/admin", "Make a user an admin").one("user", user()),
            put("/{id}/member", "Make a user a member").one("user", user()),
            get("/{id}/permissions", "Show what a user may do").one("permissions", permissions()),
            put("/{id}/permissions", "Set what a member may do").takes([
                texts("allowed_sections", &["plans", "monitoring"]).about(
                    "Of portal, finance, settings, partners, monitoring, plans, policy_registry; [] or blank for none",
                ),
                any("allowed_service_ids", [7]).about("Ids of products; null or blank for all, an empty list for none"),
            ]).one("permissions", permissions()),
            post("/{user_id}/access_tokens", "Make an access token for a user").takes(token_params()).one("access_token", token())
                .about("Its value is shown in this answer only."),
        ])
}

pub(super) fn personal() -> Tag {
    Tag::new("Personal", "What belongs to whose access token calls. The provider key is nobody's.")
        .at("/admin/api/personal", [
            get("/access_tokens", "List the caller's access tokens").takes([
                text("name", "CI").max(255).about("Only those whose name holds this"),
            ]).paged_list("access_tokens", "access_token", token()),
            post("/access_tokens", "Make an access token").takes(token_params()).one("access_token", token())
                .about("Its value is shown in this answer only."),
            get("/access_tokens/{id}", "Show an access token").segment(text("id", "7").about("Its id or its value")).one("access_token", token()),
            delete("/access_tokens/{id}", "Delete an access token").segment(text("id", "7").about("Its id or its value")),
            get("/notification_preferences", "Show what the caller is told of").one("notification_preferences", preferences()),
            put_patch("/notification_preferences", "Choose what the caller is told of").takes(notifications()).one("notification_preferences", preferences()),
        ])
}

fn named(then: fn(Field) -> Field) -> Vec<Field> {
    vec![
        then(text("username", "ann").min(3).max(40)),
        then(text("email", "ann@example.com").max(255)),
        then(text("password", "correct horse").min(6).max(255)),
    ]
}

fn token_params() -> Vec<Field> {
    vec![
        text("name", "CI").max(255).required(),
        choice("permission", &["ro", "rw"]).required(),
        texts("scopes", &["account_management"]).required().about("Of account_management, stats, cms, finance, policy_registry"),
        text("expires_at", "2099-01-01T12:00:00Z").about("ISO 8601, in the future; never when left out"),
    ]
}

fn notifications() -> Vec<Field> {
    notifications::ALL.iter().map(|(name, default)| flag(name, *default)).collect()
}

fn preferences() -> Shape {
    shape("NotificationPreferences", notifications())
}

fn user() -> Shape {
    shape("ProviderUser", [
        id("id"),
        time("created_at"),
        time("updated_at"),
        id("account_id"),
        choice("state", &["active", "pending", "suspended"]),
        choice("role", &["admin", "member"]),
        text("username", "ann"),
        text("email", "ann@example.com"),
        links(),
    ]).and_others()
}

fn permissions() -> Shape {
    shape("Permissions", [
        id("user_id"),
        choice("role", &["member", "admin"]),
        texts("allowed_sections", &["monitoring", "plans"]).with("items", serde_json::json!({"type": "string", "enum": SECTIONS})),
        any("allowed_service_ids", [7]).with("type", serde_json::json!(["array", "null"])).with("items", serde_json::json!({"type": "integer"})),
        links(),
    ])
}

fn token() -> Shape {
    shape("AccessToken", [
        id("id"),
        text("name", "CI"),
        texts("scopes", &["account_management"]).with("items", serde_json::json!({"type": "string", "enum": SCOPES})),
        choice("permission", &["ro", "rw"]),
        time("expires_at").or_null(),
        text("value", "1b4e…").maybe().about("Only in the answer that makes it"),
    ])
}
