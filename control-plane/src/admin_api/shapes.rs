//! How accounts, users, applications and the plans they are on look in answers.
//!
//! XML as 3scale has it. JSON has 3scale's fields and, where 3scale leaves out what XML says (credentials,
//! plans), those too.

use super::format::{List, Object, timestamp};
use crate::applications::{KeyView, View};
use crate::store::accounts::Account;
use crate::store::plans::PlanRow;
use crate::store::users::User;
use serde_json::{Map, Value};

/// The start of every link.
#[derive(Clone, Copy, Debug)]
pub struct Base<'a>(pub &'a str);

impl Base<'_> {
    fn account(self, id: i64) -> String {
        format!("{}/admin/api/accounts/{id}", self.0)
    }
}

/// An account; with its applications when it was just made.
#[must_use]
pub fn account(
    base: Base<'_>,
    account: &Account,
    plans: &[&PlanRow],
    users: &[&User],
    applications: Option<&[View]>,
) -> Object {
    let self_link = base.account(account.id);
    let object = Object::new("account")
        .with("id", account.id)
        .with("created_at", timestamp(account.created_at))
        .with("updated_at", timestamp(account.updated_at))
        .with("state", &account.state)
        .with("org_name", &account.org_name);
    let object = with_extra(object, &account.extra_fields)
        .with("monthly_billing_enabled", true)
        .with("monthly_charging_enabled", true)
        .with("credit_card_stored", false)
        .with(
            "plans",
            List::new("plans", "plan", plans.iter().map(|one| plan(one))).typed(),
        )
        .with(
            "users",
            List::new("users", "user", users.iter().map(|one| user(base, one))).typed(),
        );
    let object = match applications {
        Some(applications) => object.with(
            "applications",
            List::new(
                "applications",
                "application",
                applications.iter().map(|one| application(base, one)),
            ),
        ),
        None => object,
    };
    object.links([
        ("self", self_link.clone()),
        ("users", format!("{self_link}/users")),
        ("applications", format!("{self_link}/applications")),
    ])
}

/// A plan, as something that somebody is on.
#[must_use]
pub fn plan(plan: &PlanRow) -> Object {
    Object::new("plan")
        .attribute("default", if plan.is_default { "true" } else { "false" })
        .with("id", plan.id)
        .with("name", &plan.name)
        .with("type", &plan.kind)
        .with("state", &plan.state)
        .with("approval_required", plan.approval_required)
        .with("setup_fee", plan.setup_fee)
        .with("cost_per_month", plan.cost_per_month)
        .with("trial_period_days", plan.trial_period_days)
        .with("cancellation_period", plan.cancellation_period)
        .json("default", plan.is_default)
}

/// A user.
#[must_use]
pub fn user(base: Base<'_>, user: &User) -> Object {
    let account = base.account(user.account_id);
    let object = Object::new("user")
        .with("id", user.id)
        .with("created_at", timestamp(user.created_at))
        .with("updated_at", timestamp(user.updated_at))
        .with("account_id", user.account_id)
        .with("state", &user.state)
        .with("role", &user.role)
        .with("username", &user.username)
        .with("email", &user.email);
    with_extra(object, &user.extra_fields).links([
        ("self", format!("{account}/users/{}", user.id)),
        ("account", account),
    ])
}

/// With the provider's own fields, a JSON object: in XML below `extra_fields`, in JSON among the others.
#[must_use]
pub fn with_extra(object: Object, values: &str) -> Object {
    let values: Map<String, Value> = serde_json::from_str(values).unwrap_or_default();
    let mut below = Object::new("extra_fields");
    for (name, value) in &values {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            value => std::slice::from_ref(value),
        };
        for text in items.iter().filter_map(Value::as_str) {
            below = below.with(name, text);
        }
    }
    values.into_iter().fold(
        object.xml("extra_fields", below),
        |object, (name, value)| object.json(&name, value),
    )
}

/// An application with its credentials.
#[must_use]
pub fn application(base: Base<'_>, view: &View) -> Object {
    let row = &view.application;
    let account = base.account(row.account_id);
    let self_link = format!("{account}/applications/{}", row.id);
    let object = Object::new("application")
        .with("id", row.id)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .with("state", &row.state)
        .json(
            "enabled",
            row.state == "live" && row.account_state == "approved",
        )
        .xml("user_account_id", row.account_id)
        .json("account_id", row.account_id)
        .json("org_name", &row.org_name)
        .with("first_traffic_at", row.first_traffic_at.map(timestamp))
        .with(
            "first_daily_traffic_at",
            row.first_daily_traffic_at.map(timestamp),
        )
        .with("service_id", row.product_id)
        .json("service_name", &row.product_name)
        .json("plan_id", row.plan_id)
        .json("plan_name", &view.plan.name);
    let object = match &view.user_key {
        Some(user_key) => object
            .with("user_key", user_key.clone())
            .xml("provider_verification_key", ""),
        None => object.with("application_id", row.app_id.as_ref()).with(
            "keys",
            List::new("keys", "key", view.keys.iter().map(|key| key.value.clone())),
        ),
    };
    let object = object
        .maybe(
            "referrer_filters",
            view.referrer_filters.as_ref().map(|filters| {
                List::new(
                    "referrer_filters",
                    "referrer_filter",
                    filters.iter().cloned(),
                )
            }),
        )
        .xml("plan", plan(&view.plan))
        .with("name", &row.name)
        .with("description", &row.description);
    with_extra(object, &row.extra_fields).links([
        ("self", self_link.clone()),
        ("account", account),
        ("keys", format!("{self_link}/keys")),
        (
            "service",
            format!("{}/admin/api/services/{}", base.0, row.product_id),
        ),
    ])
}

/// A key.
#[must_use]
pub fn key(key: &KeyView) -> Object {
    Object::new("key")
        .with("value", key.value.clone())
        .with("label", key.label.clone())
        .with("expires_at", key.expires_at.map(timestamp))
        .with("last_used_at", key.last_used_at.map(timestamp))
        .with("created_at", timestamp(key.created_at))
        .with("updated_at", timestamp(key.updated_at))
}
