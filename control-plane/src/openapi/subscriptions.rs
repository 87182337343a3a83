//! What accounts have taken: their account plan, subscriptions to products; and messages to them.

use super::plan_kinds::{account_plan, service_plan};
use super::{Shape, Tag, choice, delete, get, id, number, post, put, shape, text, time};

pub(super) fn tag() -> Tag {
    Tag::new("Subscriptions", "Which products an account takes, by which service plans.")
        .at("/admin/api/accounts/{account_id}/service_subscriptions", [
            get("", "List an account's subscriptions").paged_list("service_subscriptions", "service_subscription", subscription()),
            post("", "Subscribe an account to a product").about("Pending, if the plan wants it approved.")
                .takes([id("plan_id").required().about("A service plan")]).one("service_subscription", subscription()),
            get("/{id}", "Show a subscription").one("service_subscription", subscription()),
            put("/{id}/approve", "Let a pending subscription begin").one("service_subscription", subscription()),
            put("/{id}/change_plan", "Put a subscription on another plan of its product").about("Answers with the plan.")
                .takes([id("plan_id").required().about("A service plan of the same product")]).one("service_plan", service_plan()),
            delete("/{id}", "End a subscription").about(
                "The account's suspended applications of the product go with it; refused while there are others.",
            ),
        ])
        .at("/admin/api/accounts/{account_id}/service_contracts", [
            get("", "List an account's subscriptions, as they were called before")
                .paged_list("service_contracts", "service_contract", subscription()),
            delete("/{id}", "End a subscription, as it was called before"),
        ])
        .at("/admin/api/accounts/{account_id}", [
            get("/plan", "Show the account plan that an account is on").one("account_plan", account_plan()),
            put("/change_plan", "Put an account on another account plan").about("Answers with the plan.")
                .takes([id("plan_id").required().about("An account plan")]).one("account_plan", account_plan()),
            post("/messages", "Write to an account").about("It is read in the portal.")
                .takes([
                    text("subject", "Welcome").max(255),
                    text("body", "Your application is live.").max(65_535).about("At least one of subject and body must be there"),
                ])
                .one("message", message()),
        ])
}

fn subscription() -> Shape {
    shape("Subscription", [
        id("id"),
        id("plan_id"),
        id("user_account_id"),
        time("created_at"),
        time("updated_at"),
        choice("state", &["live", "pending"]),
        time("paid_until").or_null().about("Always null: nothing is billed"),
        time("trial_period_expires_at").or_null(),
        number("setup_fee", 0.0),
        text("type", "ServiceContract"),
        time("variable_cost_paid_until").or_null().about("Always null: nothing is billed"),
        id("tenant_id"),
        id("service_id"),
        time("accepted_at").or_null(),
    ])
}

fn message() -> Shape {
    shape("Message", [
        id("id"),
        text("body", "Your application is live."),
        text("subject", "Welcome"),
        choice("state", &["sent"]),
        time("created_at"),
        time("updated_at"),
    ])
}
