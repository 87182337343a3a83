//! Applications and their keys.

use super::plan_kinds::application_plan;
use super::{Field, Shape, Tag, choice, delete, flag, get, id, int, links, post, put, shape, text, texts, time};

pub(super) fn tag() -> Tag {
    Tag::new("Applications", "What calls: an account's subscription to an application plan, with credentials.")
        .at("/admin/api/applications", [
            get("", "List the applications of all accounts").takes([
                id("account_id"),
                id("service_id"),
                id("plan_id"),
                choice("plan_type", &["free", "paid", ""]),
                text("active_since", "2026-01-31").max(64).about("Called since then"),
                text("inactive_since", "2026-01-31T12:00:00Z").max(64).about("Not called since then"),
            ]).paged_list("applications", "application", application()),
            get("/find", "Find an application by its credentials").takes(identifiers()).one("application", application()),
        ])
        .at("/admin/api/plan_change_requests", [
            get("", "List the plans that developers ask for, the oldest first")
                .paged_list("plan_change_requests", "plan_change_request", plan_change_request()),
        ])
        .at("/admin/api/accounts/{account_id}/applications", [
            get("", "List an account's applications").paged_list("applications", "application", application()),
            post("", "Make an application").about("Credentials that are not given are made up.").takes([
                id("plan_id").required(),
                text("name", "Newsletter").max(255).required(),
                text("description", "Sends the newsletter").max(65_535),
                text("application_id", "newsletter").about("Its app_id"),
                texts("application_key", &["first-key-of-many"]).with("type", serde_json::json!(["string", "array"])).about("One key or several"),
                text("user_key", "6a4f9c").about("For a product with user keys"),
            ]).one("application", application()),
            get("/find", "Find an application of the account").takes(identifiers()).one("application", application()),
            get("/{application_id}", "Show an application").one("application", application()),
            put("/{application_id}", "Change an application").takes([
                text("name", "Newsletter").max(255),
                text("description", "Sends the newsletter").max(65_535),
                text("user_key", "6a4f9c").about("Another user key; the old one stops working"),
            ]).one("application", application()),
            delete("/{application_id}", "Delete an application"),
            put("/{application_id}/accept", "Let an application call").one("application", application()),
            put("/{application_id}/suspend", "Stop an application for a while").one("application", application()),
            put("/{application_id}/resume", "Let a suspended application go on").one("application", application()),
            put("/{application_id}/change_plan", "Put an application on another plan of its product").about("Answers with the plan.")
                .takes([id("plan_id").required()]).one("application_plan", application_plan()),
            get("/{application_id}/plan_change_request", "Show the plan that a developer asks for")
                .about("Where the product's buyer_plan_change_permission has it that the provider decides. Not found when nothing is to be decided.")
                .one("plan_change_request", plan_change_request()),
            put("/{application_id}/plan_change_request/accept", "Grant the plan that a developer asks for")
                .about("The application is on it then, and its account is told. Answers with the plan.").one("application_plan", application_plan()),
            delete("/{application_id}/plan_change_request", "Refuse the plan that a developer asks for"),
            put("/{application_id}/customize_plan", "Give an application a plan of its own").one("application_plan", application_plan())
                .about("A copy of its plan, with limits, pricing rules and features, to be changed for it alone. Answers with the plan."),
            put("/{application_id}/decustomize_plan", "Put an application back on the plan that its own was made from")
                .about("The copy is gone. Answers with the plan.").one("application_plan", application_plan()),
            get("/{application_id}/keys", "List an application's keys").list("keys", "key", key()),
            post("/{application_id}/keys", "Make a key").takes([
                text("key", "second-key-of-many").about("Made up when left out"),
                label(),
                time("expires_at").about("From when on it is none; never, when left out"),
            ]).one("application", application()),
            put("/{application_id}/keys/{key}", "Name a key, or give it an end").segment(text("key", "first-key-of-many"))
                .about("The key is named by its value or by what is shown of it. Answers with the key.")
                .takes([label(), time("expires_at").about("From when on it is none; blank for never").or_null()])
                .one("key", key()),
            post("/{application_id}/keys/{key}/rotate", "Put another key in the place of one")
                .about("The old one works on for the overlap, and is revoked at once without. Gateways know the moment in advance. Answers with the application.")
                .segment(text("key", "first-key-of-many"))
                .takes([
                    int("overlap", 86_400).min(0).max(31_622_400).about("Seconds; 0 when left out"),
                    text("new_key", "third-key-of-many").about("Made up when left out"),
                    label().about("As the old one's when left out"),
                ])
                .one("application", application()),
            delete("/{application_id}/keys/{key}", "Take a key out of use").segment(text("key", "first-key-of-many")),
            get("/{application_id}/referrer_filters", "List the hosts that an application's requests may come from")
                .list("referrer_filters", "referrer_filter", referrer_filter()),
            post("/{application_id}/referrer_filters", "Let an application's requests come from a host")
                .about("Five at most. Gateways hold requests against them if the product has referrer_filters_required. Answers with the application.")
                .takes([
                    text("referrer_filter", "*.example.com").max(255).with("pattern", "^[A-Za-z0-9*.-]+$").required()
                        .about("A host name or address; * stands for any characters"),
                ])
                .one("application", application()),
            delete("/{application_id}/referrer_filters/{id}", "Take a host from those that an application's requests may come from"),
        ])
}

fn identifiers() -> Vec<Field> {
    vec![
        id("application_id"),
        id("service_id"),
        text("app_id", "newsletter").max(255),
        text("user_key", "6a4f9c").max(256),
    ]
}

pub(super) fn application() -> Shape {
    shape("Application", [
        id("id"),
        time("created_at"),
        time("updated_at"),
        choice("state", &["live", "pending", "suspended"]),
        flag("enabled", true).about("Whether it and its account may call"),
        id("account_id"),
        text("org_name", "Customer"),
        time("first_traffic_at").or_null(),
        time("first_daily_traffic_at").or_null(),
        id("service_id"),
        text("service_name", "Mail"),
        id("plan_id"),
        text("plan_name", "Bronze"),
        text("user_key", "6a4f9c").maybe().about("Of a product with user keys"),
        text("application_id", "newsletter").or_null().maybe().about("Its app_id"),
        texts("keys", &["first-key-of-many"]).maybe(),
        texts("referrer_filters", &["*.example.com"]).maybe().about("Of a product that asks where requests come from"),
        text("name", "Newsletter"),
        text("description", "Sends the newsletter"),
        links(),
    ]).and_others()
}

fn plan_change_request() -> Shape {
    shape("PlanChangeRequest", [
        id("id"),
        id("account_id"),
        text("org_name", "Customer"),
        id("application_id"),
        text("application_name", "Newsletter"),
        id("service_id"),
        id("current_plan_id"),
        text("current_plan_name", "Bronze"),
        id("plan_id").about("What is asked for"),
        text("plan_name", "Silver"),
        id("user_id").about("Who asks"),
        time("created_at"),
    ])
}

fn referrer_filter() -> Shape {
    shape("ReferrerFilter", [id("id"), text("value", "*.example.com"), time("created_at"), time("updated_at")])
}

fn key() -> Shape {
    shape("Key", [
        text("value", "first-key-of-many"),
        label(),
        time("expires_at").or_null().about("From then on it is none"),
        time("last_used_at").or_null().about("About when it was last called with"),
        time("created_at"),
        time("updated_at"),
    ])
}

fn label() -> Field {
    text("label", "Billing server").max(255)
}
