//! The documentation of the Account Management API: every call on one page, plain HTML.
//!
//! `tests/it/every_route.rs` compares it with the router's page, so that neither has a call the other lacks.

use crate::portal::page;
use axum::response::Response;
use std::fmt::Write as _;

/// Methods, the rest of the path without `.xml` and `.json`, and what they do.
type Call = (&'static str, &'static str, &'static str);

const SERVICE: &str = "/admin/api/services/{service_id}";
const ACCOUNT: &str = "/admin/api/accounts/{account_id}";
const APPLICATION: &str = "/admin/api/accounts/{account_id}/applications/{application_id}";

/// By subject: a title, what all its paths begin with, and the calls.
#[rustfmt::skip]
const SUBJECTS: &[(&str, &str, &[Call])] = &[
    ("Signup", "/admin/api", &[
        ("POST", "/signup", "An account with a user and an application at once: org_name, username, email, password, application_plan_id"),
    ]),
    ("Products", "/admin/api/services", &[
        ("GET POST", "", "List; make one: name, system_name, backend_version (1 user_key, 2 app_id and app_key, oidc tokens of an OpenID Connect issuer)"),
        ("GET PUT PATCH DELETE", "/{service_id}", "One product; deleting it stops its applications"),
    ]),
    ("Configuration", SERVICE, &[
        ("GET PUT PATCH", "/proxy", "The draft: endpoint, sandbox_endpoint, api_backend, credentials_location, credentials_sources, auth_app_id, auth_app_key, auth_user_key, error_*, secret_token, oidc_issuer_endpoint, jwt_claim_with_client_id, …"),
        ("GET PUT PATCH", "/proxy/oidc_configuration", "Which flows clients may use at the issuer: standard_flow_enabled, implicit_flow_enabled, service_accounts_enabled, direct_access_grants_enabled"),
        ("GET POST", "/proxy/mapping_rules", "Mapping rules by position; make one: http_method or methods, pattern, metric_id and delta or usages, position, last"),
        ("GET PUT PATCH DELETE", "/proxy/mapping_rules/{rule_id}", "One mapping rule"),
        ("POST", "/proxy/deploy", "Freeze the draft as the next version; staging follows it"),
        ("GET", "/proxy/configs/{environment}", "Versions that sandbox or production ever followed"),
        ("GET", "/proxy/configs/{environment}/latest", "The version it follows"),
        ("GET", "/proxy/configs/{environment}/{version}", "One version"),
        ("POST", "/proxy/configs/{environment}/{version}/promote", "Make an environment follow a version, newer or older: to=production"),
    ]),
    ("A product's gateways", SERVICE, &[
        ("GET", "/gateways", "By gateway and in all: credit_held, leases, recalls, unaccounted, admitted, waited, callouts, callouts_per_request, overdraft"),
    ]),
    ("Configurations of all products", "/admin/api/account", &[
        ("GET", "/proxy_configs/{environment}", "version=latest, host"),
    ]),
    ("Application plans", SERVICE, &[
        ("GET POST", "/application_plans", "List; make one: name, approval_required, setup_fee, cost_per_month, trial_period_days, state_event"),
        ("GET PUT PATCH DELETE", "/application_plans/{plan_id}", "One plan; state_event=publish or hide"),
        ("PUT", "/application_plans/{plan_id}/default", "Take it when a signup names none"),
    ]),
    ("Limits", "/admin/api/application_plans", &[
        ("GET", "", "Plans of all products"),
        ("GET", "/{plan_id}/limits", "All limits of a plan"),
        ("GET POST", "/{plan_id}/metrics/{metric_id}/limits", "Limits of one metric; make one: period (minute … eternity), value (0 disables the metric)"),
        ("GET PUT PATCH DELETE", "/{plan_id}/metrics/{metric_id}/limits/{limit_id}", "One limit"),
    ]),
    ("Accounts", "/admin/api/accounts", &[
        ("GET", "", "List: state, page, per_page"),
        ("GET", "/find", "By username, email or user_id"),
    ]),
    ("One account", ACCOUNT, &[
        ("GET PUT DELETE", "", "The account; deleting it stops its applications"),
        ("PUT", "/approve", "Let it call"),
        ("PUT", "/reject", "Refuse it"),
        ("PUT", "/make_pending", "Let it wait"),
        ("PUT", "/suspend", "Stop it for a while"),
        ("PUT", "/resume", "Let it go on"),
        ("PUT", "/change_plan", "Another account plan: plan_id"),
        ("GET POST", "/users", "Its users; make one: username, email, password"),
        ("GET PUT DELETE", "/users/{id}", "One user"),
        ("PUT", "/users/{id}/activate", "Let the user sign in"),
        ("PUT", "/users/{id}/suspend", "Keep the user out"),
        ("PUT", "/users/{id}/unsuspend", "Let the user in again"),
        ("PUT", "/users/{id}/admin", "Make the user an admin"),
        ("PUT", "/users/{id}/member", "Make the user a member"),
        ("GET POST", "/applications", "Its applications; make one: plan_id, name, description, application_id, application_key, user_key"),
        ("GET", "/applications/find", "By user_key, app_id or application_id"),
    ]),
    ("One application", APPLICATION, &[
        ("GET PUT DELETE", "", "The application"),
        ("PUT", "/accept", "Let it call"),
        ("PUT", "/suspend", "Stop it for a while"),
        ("PUT", "/resume", "Let it go on"),
        ("PUT", "/change_plan", "Another plan of its product: plan_id"),
        ("GET POST", "/keys", "Its keys; make one: key, or one is made up"),
        ("DELETE", "/keys/{key}", "Take a key out of use"),
    ]),
    ("All applications", "/admin/api/applications", &[
        ("GET", "", "List: service_id, plan_id, active_since, inactive_since"),
        ("GET", "/find", "By user_key, app_id or application_id"),
    ]),
    ("Gateways", "/admin/api/gateways", &[
        ("GET POST", "", "List; make one: name, environment. Its token is shown once"),
        ("GET DELETE", "/{id}", "One gateway"),
        ("POST", "/{id}/drain", "Before it is stopped: its processes return the credit that they hold, within about two seconds"),
        ("POST", "/{id}/write_off", "Give up the credit of its processes that are silent, for one that is dead for good: limits may be passed by what it spent and never reported"),
    ]),
    ("Installation", "/admin/api", &[
        ("GET PUT PATCH", "/provider", "The provider: org_name, support_email, from_email"),
        ("GET PUT", "/settings", "credentials_retrievable, signups_enabled, account_approval_required"),
    ]),
    ("The provider's users", "/admin/api/users", &[
        ("GET POST", "", "List: state, role; make one: username, email, password"),
        ("GET PUT PATCH DELETE", "/{id}", "One user; deleting it takes its tokens"),
        ("PUT", "/{id}/activate", "Let the user sign in"),
        ("PUT", "/{id}/suspend", "Keep the user and its tokens out"),
        ("PUT", "/{id}/unsuspend", "Let them in again"),
        ("PUT", "/{id}/admin", "Make the user an admin, who may do everything"),
        ("PUT", "/{id}/member", "Make the user a member"),
        ("GET PUT", "/{id}/permissions", "What a member may do: allowed_sections[], allowed_service_ids[] (without a value: all products)"),
        ("POST", "/{user_id}/access_tokens", "An access token for a user: name, permission, scopes[], expires_at. Its value is shown once"),
    ]),
    ("The caller's own", "/admin/api/personal", &[
        ("GET POST", "/access_tokens", "Access tokens: name; make one: name, permission, scopes[], expires_at. Its value is shown once"),
        ("GET DELETE", "/access_tokens/{id}", "One access token, by its id or its value"),
    ]),
    ("Analytics", "/stats", &[
        ("GET", "/services/{id}/usage", "Usage of a product: metric_name, and period or since, until and granularity; timezone"),
        ("GET", "/applications/{id}/usage", "Usage of an application"),
    ]),
];

/// Every documented (method, path).
pub fn calls() -> impl Iterator<Item = (&'static str, String)> {
    SUBJECTS.iter().flat_map(|(_, prefix, calls)| {
        calls.iter().flat_map(move |(methods, path, _)| {
            methods
                .split(' ')
                .map(move |method| (method, format!("{prefix}{path}")))
        })
    })
}

/// `GET /docs` on the admin listener.
pub async fn docs() -> Response {
    let mut body = String::from(
        "<h1>Account Management API</h1>
<p>Paths, parameters and answers are those of 3scale. Add <code>.json</code> or <code>.xml</code> to a path to choose
the form of the answer. Send parameters as <code>application/x-www-form-urlencoded</code> or
<code>application/json</code>.</p>
<p>Every call is authorised by an access token (<code>access_token</code>) or the provider key
(<code>provider_key</code>), as a parameter or as the user name or password of HTTP Basic. Errors: 403 not allowed,
404 not there, 422 not valid, with the field that is wrong. Lists take <code>page</code> and
<code>per_page</code> (at most 500).</p>
",
    );
    for (title, prefix, calls) in SUBJECTS {
        let _ = write!(body, "<h2>{title}</h2>\n<table>\n");
        for (methods, path, what) in *calls {
            let _ = writeln!(
                body,
                "<tr><td class=\"method\">{methods}</td><td><code>{prefix}{path}</code><br>{what}</td></tr>"
            );
        }
        body.push_str("</table>\n");
    }
    page("Account Management API", &body)
}
