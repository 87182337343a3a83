//! Products.

use super::{Field, Shape, Tag, choice, delete, flag, get, id, links, post, put_patch, shape, text, time};

const PLAN_CHANGES: &[&str] = &["request", "none", "direct", "credit_card", "request_credit_card"];

pub(super) fn tag() -> Tag {
    Tag::new("Products", "APIs that are sold; 3scale's services.").at("/admin/api/services", [
        get("", "List products").paged_list("services", "service", service()),
        post("", "Make a product").about("It comes with the metric hits, a mapping rule for everything, and a service plan.")
            .takes([
                text("name", "Mail").max(255).required(),
                text("system_name", "mail").max(255).about("Made from name when left out; it never changes"),
            ])
            .takes(params())
            .one("service", service()),
        get("/{service_id}", "Show a product").one("service", service()),
        put_patch("/{service_id}", "Change a product").takes([text("name", "Mail").max(255)]).takes(params()).one("service", service()),
        delete("/{service_id}", "Delete a product").about("Its applications stop calling."),
    ])
}

fn params() -> Vec<Field> {
    vec![
        text("description", "Sends mails").max(10_000),
        choice("backend_version", &["2", "1", "oidc", "oauth"]).about("Credentials: 1 user_key, 2 app_id and app_key, oidc tokens of an issuer"),
        text("deployment_option", "self_managed").max(255),
        text("support_email", "help@example.com").max(255),
        choice("buyer_plan_change_permission", PLAN_CHANGES),
        flag("intentions_required", false),
        flag("buyers_manage_apps", true),
        flag("buyers_manage_keys", true),
        flag("custom_keys_enabled", true),
        flag("buyer_can_select_plan", false),
        flag("mandatory_app_key", true),
        flag("referrer_filters_required", false)
            .about("Whether gateways refuse requests that do not come from a host which their application names, if it names any"),
    ]
}

fn service() -> Shape {
    shape("Service", [
        id("id"),
        text("name", "Mail"),
        text("state", "incomplete"),
        text("system_name", "mail"),
        text("backend_version", "2"),
        text("deployment_option", "self_managed"),
        text("support_email", "help@example.com"),
        text("description", "Sends mails"),
        flag("intentions_required", false),
        flag("buyers_manage_apps", true),
        flag("buyers_manage_keys", true),
        flag("referrer_filters_required", false),
        flag("custom_keys_enabled", true),
        flag("buyer_key_regenerate_enabled", true),
        flag("mandatory_app_key", true),
        flag("buyer_can_select_plan", false),
        text("buyer_plan_change_permission", "request"),
        time("created_at"),
        time("updated_at"),
        links(),
    ])
}
