//! The draft configuration of a product, its deploy, and what is deployed.

use super::{Field, Shape, Tag, any, choice, flag, get, id, int, links, post, put_patch, shape, text, texts, time};
use serde_json::json;

pub(super) fn tag() -> Tag {
    Tag::new("Configuration", "What gateways follow: a draft, its deployed versions, and the version of each environment.")
        .at("/admin/api/services/{service_id}/proxy", [
            get("", "Show the draft").one("proxy", proxy()),
            put_patch("", "Change the draft").about("Gateways follow it after a deploy.").takes(params()).one("proxy", proxy()),
            get("/oidc_configuration", "Show which flows clients may use at the issuer").one("oidc_configuration", oidc()),
            put_patch("/oidc_configuration", "Change which flows clients may use at the issuer")
                .about("Kept and shown; gateways take any token of the issuer.").takes(flows()).one("oidc_configuration", oidc()),
            post("/deploy", "Deploy the draft").also(200)
                .about("Freezes it as the next version, which staging follows. 200 when nothing has changed since the last deploy.")
                .one("proxy", proxy()),
            get("/configs/{environment}", "List an environment's versions").segment(environment())
                .paged_list("proxy_configs", "proxy_config", config()),
            get("/configs/{environment}/latest", "Show the version an environment follows").segment(environment())
                .one("proxy_config", config()),
            get("/configs/{environment}/{version}", "Show a version").segment(environment()).segment(version())
                .one("proxy_config", config()),
            post("/configs/{environment}/{version}/promote", "Promote a version").also(200)
                .about("Makes another environment follow it, whether it is newer or older. 200 when it does already.")
                .segment(environment()).segment(version())
                .takes([choice("to", &["production", "sandbox"]).required()])
                .one("proxy_config", config()),
        ])
        .at("/admin/api/account/proxy_configs/{environment}", [
            get("", "List the versions of all products").segment(environment())
                .takes([
                    choice("version", &["latest", ""]).about("latest: only those followed now"),
                    text("host", "api.example.com").max(255).about("Only those that serve this host now"),
                ])
                .paged_list("proxy_configs", "proxy_config", config()),
        ])
}

pub(super) fn environment() -> Field {
    choice("environment", &["production", "sandbox"])
}

fn version() -> Field {
    int("version", 1).min(1)
}

/// Their names, what they are until set, and whether they are the text, the status or the content type.
const ERRORS: &[(&str, &str, &str, &str, i64)] = &[
    ("error_auth_failed", "error_status_auth_failed", "error_headers_auth_failed", "Authentication failed", 403),
    ("error_auth_missing", "error_status_auth_missing", "error_headers_auth_missing", "Authentication parameters missing", 403),
    ("error_no_match", "error_status_no_match", "error_headers_no_match", "No Mapping Rule matched", 404),
    ("error_limits_exceeded", "error_status_limits_exceeded", "error_headers_limits_exceeded", "Usage limit exceeded", 429),
];

fn errors() -> impl Iterator<Item = Field> {
    ERRORS.iter().flat_map(|(body, status, content_type, example, code)| [
        text(body, example).max(4096),
        int(status, *code).min(200).max(599),
        text(content_type, "text/plain; charset=us-ascii").max(255),
    ])
}

fn params() -> Vec<Field> {
    let mut fields = vec![
        text("endpoint", "https://api.example.com").max(255).about("Where production is called"),
        text("sandbox_endpoint", "https://staging.api.example.com").max(255).about("Where staging is called"),
        text("api_backend", "https://origin.example.com").max(255).about("Where requests go"),
        text("hostname_rewrite", "origin.example.com").max(255).about("The Host that the API sees"),
        choice("credentials_location", &["query", "headers", "authorization"]),
        texts("credentials_sources", &["query", "basic"]).about("Of query, headers, basic, bearer, form and jwt; more exact than credentials_location"),
        text("auth_user_key", "user_key").max(255),
        text("auth_app_id", "api_user").max(255),
        text("auth_app_key", "api_key").max(255),
        text("oidc_issuer_endpoint", "https://sso.example.com/realms/mail").max(255).about("Of products with backend_version oidc"),
        choice("oidc_issuer_type", &["keycloak", "rest"]),
        texts("oidc_audiences", &["mail-api"]).max(20).about("Those that tokens may be for; any when empty"),
        text("oidc_jwks_uri", "https://sso.example.com/realms/mail/keys").max(255).about("Where the issuer's keys are; else the issuer says it"),
        text("jwt_claim_with_client_id", "azp").max(255),
        choice("jwt_claim_with_client_id_type", &["plain", "liquid"]),
    ];
    fields.extend(errors());
    fields.extend([
        choice("error_format", &["problem", "custom"]).about("problem: application/problem+json; custom: the texts above"),
        flag("strip_credentials", false).about("Whether credentials are taken off before the API is called"),
        flag("rate_limit_headers", true),
        flag("form_in_rules", false).about("Whether mapping rules also look at forms in bodies"),
        choice("cold_start", &["deny", "allow"]).about("Until a gateway knows its configuration"),
        choice("on_disconnect", &["allow", "deny"]).about("While the control plane is away"),
        text("secret_token", "Shared_secret_sent_from_proxy_to_API_backend").max(255).with("pattern", "^[A-Za-z0-9_-]*$")
            .about("Sent to the API with every request"),
        text("debug_secret", "let-me-see-what-happened").max(255).about("At least 16 characters; opens X-Tallygate-Debug"),
    ]);
    fields
}

fn proxy() -> Shape {
    let mut fields = vec![
        id("service_id"),
        text("endpoint", "https://api.example.com"),
        text("api_backend", "https://origin.example.com"),
        text("credentials_location", "query"),
        text("auth_app_key", "api_key"),
        text("auth_app_id", "api_user"),
        text("auth_user_key", "user_key"),
        text("oidc_issuer_endpoint", ""),
        choice("oidc_issuer_type", &["keycloak", "rest"]),
        text("jwt_claim_with_client_id", "azp"),
        choice("jwt_claim_with_client_id_type", &["plain", "liquid"]),
        text("oidc_audiences", "mail-api"),
        text("oidc_jwks_uri", ""),
    ];
    fields.extend(errors());
    fields.extend([
        text("secret_token", "Shared_secret_sent_from_proxy_to_API_backend"),
        text("hostname_rewrite", ""),
        text("sandbox_endpoint", "https://staging.api.example.com"),
        time("created_at"),
        time("updated_at"),
        text("credentials_sources", "query,basic").or_null(),
        flag("strip_credentials", false),
        text("error_format", "problem"),
        text("debug_secret", "let-me-see-what-happened").or_null(),
        flag("rate_limit_headers", true),
        flag("form_in_rules", false),
        text("cold_start", "deny"),
        text("on_disconnect", "allow"),
        int("sandbox_version", 2).or_null().about("The version that staging follows"),
        flag("pending_affecting_changes", false).about("Whether the draft differs from it"),
        links(),
    ]);
    shape("Proxy", fields)
}

fn flows() -> Vec<Field> {
    ["standard_flow_enabled", "implicit_flow_enabled", "service_accounts_enabled", "direct_access_grants_enabled"]
        .map(|name| flag(name, false)).to_vec()
}

fn oidc() -> Shape {
    shape("OidcConfiguration", [vec![id("id")], flows(), vec![links()]].concat())
}

pub(super) fn config() -> Shape {
    shape("ProxyConfig", [
        id("id"),
        int("version", 2),
        text("environment", "production"),
        any("content", json!({"id": 7, "name": "Mail", "proxy": {"hosts": ["api.example.com"], "proxy_rules": []}})).with("type", "object"),
    ])
}
