//! Fields of every kind, in the order in which they are written.

use super::{Field, Shape};

const fn field(
    name: &'static str,
    shape: Shape,
    default: &'static str,
    about: &'static str,
) -> Field {
    Field {
        name,
        shape,
        default,
        about,
    }
}

#[rustfmt::skip]
pub(super) const ACCOUNT_FEATURE: &[Field] = &[
    field("name", Shape::Text, "", "The name that people see; the system name unless given"),
    field("visible", Shape::Flag, "true", "Whether developers see it"),
    field("description", Shape::Text, r#""""#, "What it is"),
];

#[rustfmt::skip]
pub(super) const FEATURE: &[Field] = &[
    field("name", Shape::Text, "", "The name that people see; the system name unless given"),
    field("scope", Shape::Choice(&["application_plan", "service_plan"]), r#""application_plan""#, "Which plans may have it; it stays so"),
    field("visible", Shape::Flag, "true", "Whether developers see it"),
    field("description", Shape::Text, r#""""#, "What it is"),
];

#[rustfmt::skip]
pub(super) const BACKEND: &[Field] = &[
    field("name", Shape::Text, "", "The name that people see; the system name unless given"),
    field("description", Shape::Text, r#""""#, "What it is"),
    field("private_endpoint", Shape::Text, "", "Where gateways send its requests"),
    field("cluster", Shape::Text, r#""""#, "A cluster of the gateway's own configuration to send them to instead"),
];

#[rustfmt::skip]
pub(super) const USAGE: &[Field] = &[field("path", Shape::Path, "", "The path below which it is")];

#[rustfmt::skip]
pub(super) const PRICE: &[Field] = &[
    field("ranges", Shape::Ranges, "", "What units cost: from the first one, from the next range's first one, and so on"),
];

#[rustfmt::skip]
const PLAN_CHANGES: Shape = Shape::Choice(&["none", "request", "direct", "credit_card", "request_credit_card"]);

#[rustfmt::skip]
pub(super) const SETTINGS: &[Field] = &[
    field("useraccountarea_enabled", Shape::Flag, "true", "Whether developers edit their accounts in the portal"),
    field("hide_service", Shape::Flag, "false", "Whether the portal leaves out products of which there is only the default plan"),
    field("signups_enabled", Shape::Flag, "true", "Whether developers may sign up in the portal"),
    field("account_approval_required", Shape::Flag, "false", "Whether new accounts wait for approval"),
    field("public_search", Shape::Flag, "false", "Whether the portal's search is open to everybody"),
    field("account_plans_ui_visible", Shape::Flag, "false", "Whether the console shows account plans"),
    field("change_account_plan_permission", PLAN_CHANGES, r#""request""#, "How developers change to another account plan"),
    field("service_plans_ui_visible", Shape::Flag, "false", "Whether the console shows service plans"),
    field("change_service_plan_permission", PLAN_CHANGES, r#""request""#, "How developers change to another service plan"),
    field("enforce_sso", Shape::Flag, "false", "Whether the provider's users sign in by an authentication provider only"),
    field("credentials_retrievable", Shape::Flag, "true", "Whether credentials can be shown again; false forgets every copy, for ever"),
];

#[rustfmt::skip]
pub(super) const PRODUCT: &[Field] = &[
    field("name", Shape::Text, "", "The name that people see; the system name unless given"),
    field("description", Shape::Text, r#""""#, "What it is, for developers"),
    field("backend_version", Shape::Choice(&["1", "2", "oauth"]), r#""1""#, "How applications authenticate: 1 by user_key, 2 by app_id and app_key, oauth by tokens of an OpenID Connect issuer"),
    field("support_email", Shape::Text, r#""""#, "Where developers may write to"),
    field("deployment_option", Shape::Text, r#""self_managed""#, "3scale's field, kept for its clients"),
    field("intentions_required", Shape::Flag, "false", "Whether applications must say what they are for"),
    field("referrer_filters_required", Shape::Flag, "false", "Whether requests must come from hosts that the application names"),
    field("buyers_manage_apps", Shape::Flag, "true", "Whether developers make and delete applications"),
    field("buyers_manage_keys", Shape::Flag, "true", "Whether developers make and delete keys"),
    field("custom_keys_enabled", Shape::Flag, "true", "Whether developers choose keys themselves"),
    field("mandatory_app_key", Shape::Flag, "true", "Whether an application begins with a key"),
    field("buyer_can_select_plan", Shape::Flag, "false", "Whether developers choose the plan of a new application"),
    field("buyer_plan_change_permission", Shape::Choice(&["none", "request", "direct", "credit_card", "request_credit_card"]), r#""request""#, "How developers change to another plan"),
];

#[rustfmt::skip]
pub(super) const PROXY: &[Field] = &[
    field("endpoint", Shape::Text, r#""""#, "The public base URL in production"),
    field("sandbox_endpoint", Shape::Text, r#""""#, "The public base URL in staging"),
    field("api_backend", Shape::Text, r#""""#, "The private base URL: where gateways send what they admit"),
    field("hostname_rewrite", Shape::Text, r#""""#, "The Host that the API sees, instead of its own"),
    field("credentials_location", Shape::Choice(&["query", "headers", "authorization"]), r#""query""#, "Where credentials are, 3scale's way: one place"),
    field("credentials_sources", Shape::Texts, "[]", "Where credentials are: query, headers, basic, bearer, form, jwt; wins over credentials_location"),
    field("auth_user_key", Shape::Text, r#""user_key""#, "What the user key is called"),
    field("auth_app_id", Shape::Text, r#""app_id""#, "What the application id is called"),
    field("auth_app_key", Shape::Text, r#""app_key""#, "What the application key is called"),
    field("oidc_issuer_endpoint", Shape::Issuer, r#""""#, "The OpenID Connect issuer whose tokens are taken, with backend_version oauth"),
    field("oidc_issuer_type", Shape::Choice(&["keycloak", "rest"]), r#""keycloak""#, "3scale's field, kept for its clients"),
    field("oidc_audiences", Shape::Texts, "[]", "Whom tokens have to be for; anybody when there is none"),
    field("oidc_jwks_uri", Shape::Text, r#""""#, "Where the issuer's keys are, unless the issuer says so itself"),
    field("jwt_claim_with_client_id", Shape::Text, r#""azp""#, "The token's claim that names the application"),
    field("jwt_claim_with_client_id_type", Shape::Choice(&["plain", "liquid"]), r#""plain""#, "How the claim is written"),
    field("strip_credentials", Shape::Flag, "false", "Whether credentials are removed before the API sees the request"),
    field("form_in_rules", Shape::Flag, "false", "Whether mapping rules see the fields of forms"),
    field("rate_limit_headers", Shape::Flag, "true", "Whether answers say what is left of the limits"),
    field("cold_start", Shape::Choice(&["allow", "deny"]), r#""deny""#, "What a gateway does before it has heard of any product"),
    field("on_disconnect", Shape::Choice(&["allow", "deny"]), r#""allow""#, "What a gateway does when credit is used up and the control plane is away"),
    field("error_format", Shape::Choice(&["problem", "custom"]), r#""problem""#, "problem+json, or the texts below"),
    field("error_status_auth_missing", Shape::Whole, "403", "Status when there are no credentials"),
    field("error_auth_missing", Shape::Text, r#""Authentication parameters missing""#, "Answer when there are no credentials"),
    field("error_headers_auth_missing", Shape::Text, r#""text/plain; charset=us-ascii""#, "Its content type"),
    field("error_status_auth_failed", Shape::Whole, "403", "Status when credentials are wrong"),
    field("error_auth_failed", Shape::Text, r#""Authentication failed""#, "Answer when credentials are wrong"),
    field("error_headers_auth_failed", Shape::Text, r#""text/plain; charset=us-ascii""#, "Its content type"),
    field("error_status_no_match", Shape::Whole, "404", "Status when no mapping rule matches"),
    field("error_no_match", Shape::Text, r#""No Mapping Rule matched""#, "Answer when no mapping rule matches"),
    field("error_headers_no_match", Shape::Text, r#""text/plain; charset=us-ascii""#, "Its content type"),
    field("error_status_limits_exceeded", Shape::Whole, "429", "Status when a limit is used up"),
    field("error_limits_exceeded", Shape::Text, r#""Usage limit exceeded""#, "Answer when a limit is used up"),
    field("error_headers_limits_exceeded", Shape::Text, r#""text/plain; charset=us-ascii""#, "Its content type"),
    field("secret_token", Shape::Secret, "", "What gateways show the API, so that it knows them"),
    field("debug_secret", Shape::Secret, "", "The value of X-Tallygate-Debug that makes answers say why"),
];

#[rustfmt::skip]
pub(super) const METRIC: &[Field] = &[
    field("friendly_name", Shape::Text, "", "The name that people see; the system name unless given"),
    field("unit", Shape::Text, r#""hit""#, "What is counted"),
    field("description", Shape::Text, r#""""#, "What it is"),
];

#[rustfmt::skip]
pub(super) const METHOD: &[Field] = &[
    field("friendly_name", Shape::Text, "", "The name that people see; the system name unless given"),
    field("description", Shape::Text, r#""""#, "What it is"),
];

#[rustfmt::skip]
pub(super) const RULE: &[Field] = &[
    field("usages", Shape::Usages, "", "The metric or method that counts 1, or several and what each counts"),
    field("last", Shape::Flag, "false", "Whether rules after it are not looked at when it matches"),
];

#[rustfmt::skip]
pub(super) const PLAN: &[Field] = &[
    field("name", Shape::Text, "", "The name that people see; the system name unless given"),
    field("state", Shape::Choice(&["published", "hidden"]), r#""hidden""#, "Whether developers see it"),
    field("default", Shape::Chosen, "", "True for the plan of those who name none"),
    field("approval_required", Shape::Flag, "false", "Whether new applications wait for approval"),
    field("trial_period_days", Shape::Whole, "0", "How long it costs nothing"),
    field("setup_fee", Shape::Amount, "0", "What it costs once"),
    field("cost_per_month", Shape::Amount, "0", "What it costs a month"),
    field("cancellation_period", Shape::Whole, "0", "How many days before it ends it has to be cancelled"),
];

#[rustfmt::skip]
pub(super) const LIMIT: &[Field] = &[field("value", Shape::Whole, "", "At most so much")];
