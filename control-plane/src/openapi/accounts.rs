//! Signup, developer accounts and their users.

use super::applications::application;
use super::{Field, Shape, Tag, choice, delete, flag, get, id, int, links, list_of, number, post, put, shape, text, time};

pub(super) fn tag() -> Tag {
    Tag::new("Accounts", "Developers who signed up, and the people of each.")
        .at("/admin/api", [
            post("/signup", "Sign a developer up").idempotent()
                .about("An account with a user, approved or waiting as its plans say, and its applications with their credentials, in one call.")
                .takes([
                    text("org_name", "Customer").max(255).required(),
                    text("username", "ann").min(3).max(40).required(),
                    text("email", "ann@example.com").max(255),
                    text("password", "correct horse").min(6).max(255),
                    id("account_plan_id").about("Else the default account plan"),
                    super::any("service_plan_id", 7).with("type", serde_json::json!(["integer", "array"]))
                        .with("items", serde_json::json!({"type": "integer"}))
                        .about("An id or several, one of each product: how it subscribes; else by the product's default service plan"),
                    super::any("application_plan_id", 7).with("type", serde_json::json!(["integer", "array"]))
                        .with("items", serde_json::json!({"type": "integer"}))
                        .about("An id or several: one application on each"),
                ])
                .one("account", account()),
        ])
        .at("/admin/api/accounts", [
            get("", "List accounts").takes([choice("state", &["approved", "created", "pending", "rejected", "suspended", ""])])
                .paged_list("accounts", "account", account()),
            get("/find", "Find an account by one of its users")
                .takes([text("username", "ann").max(255), text("email", "ann@example.com").max(255), id("user_id")])
                .one("account", account()),
            get("/{account_id}", "Show an account").one("account", account()),
            put("/{account_id}", "Change an account").takes([text("org_name", "Customer Inc.").max(255)]).one("account", account()),
            delete("/{account_id}", "Delete an account").about("Its applications stop calling."),
            put("/{account_id}/approve", "Let an account call").one("account", account()),
            put("/{account_id}/reject", "Refuse an account").one("account", account()),
            put("/{account_id}/make_pending", "Let an account wait").one("account", account()),
            put("/{account_id}/suspend", "Stop an account for a while").one("account", account()),
            put("/{account_id}/resume", "Let a suspended account go on").one("account", account()),
        ])
        .at("/admin/api/accounts/{account_id}/users", [
            get("", "List an account's users")
                .takes([choice("state", &["active", "pending", "suspended", ""]), choice("role", &["admin", "member", ""])])
                .list("users", "user", user()),
            post("", "Make a user").takes(required(person())).one("user", user()),
            get("/{id}", "Show a user").one("user", user()),
            put("/{id}", "Change a user").takes(person()).one("user", user()),
            delete("/{id}", "Delete a user"),
            put("/{id}/activate", "Let a user sign in").one("user", user()),
            put("/{id}/suspend", "Keep a user out").one("user", user()),
            put("/{id}/unsuspend", "Let a user in again").one("user", user()),
            put("/{id}/admin", "Make a user an admin").one("user", user()),
            put("/{id}/member", "Make a user a member").one("user", user()),
        ])
}

fn person() -> Vec<Field> {
    vec![
        text("username", "ben").min(3).max(40),
        text("email", "ben@example.com").max(255),
        text("password", "correct horse").min(6).max(255),
    ]
}

fn required(fields: Vec<Field>) -> Vec<Field> {
    fields.into_iter().map(Field::required).collect()
}

pub(super) fn account() -> Shape {
    shape("Account", [
        id("id"),
        time("created_at"),
        time("updated_at"),
        choice("state", &["approved", "created", "pending", "rejected", "suspended"]),
        text("org_name", "Customer"),
        flag("monthly_billing_enabled", true),
        flag("monthly_charging_enabled", true),
        flag("credit_card_stored", false),
        list_of("plans", "plan", plan()),
        list_of("users", "user", user()),
        list_of("applications", "application", application()).maybe().about("Of an account that was just made"),
        links(),
    ]).and_others()
}

/// A plan, as something that somebody is on.
pub(super) fn plan() -> Shape {
    shape("Plan", [
        id("id"),
        text("name", "Bronze"),
        choice("type", &["application_plan", "account_plan", "service_plan"]),
        choice("state", &["published", "hidden"]),
        flag("approval_required", false),
        number("setup_fee", 0.0),
        number("cost_per_month", 19.95),
        int("trial_period_days", 0),
        int("cancellation_period", 0),
        flag("default", false),
    ])
}

pub(super) fn user() -> Shape {
    shape("User", [
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
