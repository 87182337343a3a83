//! SQL, one file per resource. Never here: HTTP, and decisions about what a caller may do.

pub mod access_tokens;
pub mod accounts;
pub mod active_docs;
pub mod alert_choices;
pub mod alerts;
pub mod applications;
pub mod audit;
pub mod authentication_providers;
pub mod backends;
pub mod charges;
pub mod cms;
pub mod contracts;
pub mod custom_plans;
pub mod features;
pub mod fields_definitions;
pub mod gateways;
pub mod idempotency;
pub mod identities;
pub mod invitations;
pub mod keys;
pub mod leases;
pub mod ledger;
pub mod mails;
pub mod messages;
pub mod metrics;
pub mod oidc;
pub mod owners;
pub mod plan_change_requests;
pub mod plans;
pub mod pricing_rules;
pub mod probes;
pub mod products;
pub mod provider_users;
pub mod proxies;
pub mod referrer_filters;
pub mod rules;
pub mod service_tokens;
pub mod sessions;
pub mod settings;
pub mod snapshot;
pub mod sso_tokens;
pub mod stats;
pub mod subscriptions;
pub mod throttle;
pub mod traffic;
pub mod trials;
pub mod user_links;
pub mod users;
pub mod versions;
pub mod webhook_events;
pub mod webhooks;

/// For `in (…)`: ids of rows, which are numbers and so need no quoting. No ids match no row.
fn id_list<'a>(ids: impl IntoIterator<Item = &'a i64>) -> String {
    let texts: Vec<String> = ids.into_iter().map(i64::to_string).collect();
    if texts.is_empty() {
        "null".into()
    } else {
        texts.join(", ")
    }
}
