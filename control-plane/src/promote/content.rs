//! A version's content: 3scale's keys for those who read them, and ours for gateways.
//!
//! Stored without secrets in clear; [`shown`] puts the secret token back for the API, as 3scale shows it.

use super::freeze::{self, Parts};
use super::{BackendDraft, Draft};
use crate::error::Error;
use crate::publish::Frozen;
use crate::secrets::{Secret, Secrets, VERSION_SECRET};
use crate::store::metrics::MetricRow;
use crate::store::owners::Owner;
use crate::store::proxies::ProxyRow;
use crate::store::rules::RuleRow;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// As it is written into a version.
pub(super) fn stored(secrets: &Secrets, draft: &Draft, parts: &Parts) -> Result<String, Error> {
    let frozen = Frozen::new(
        parts.staging.clone(),
        parts.production.clone(),
        Some(&parts.secret_token),
        parts.debug_secret.as_ref(),
        secrets,
    )?;
    let mut content = threescale(draft);
    content.insert(
        Frozen::KEY.into(),
        serde_json::to_value(frozen).map_err(anyhow::Error::from)?,
    );
    Ok(Value::Object(content).to_string())
}

/// Whether a stored content says the same as this draft does.
pub(super) fn same(
    secrets: &Secrets,
    content: &str,
    draft: &Draft,
    parts: &Parts,
) -> Result<bool, Error> {
    let frozen = Frozen::read(content)?;
    let mut stored: Value = serde_json::from_str(content).map_err(anyhow::Error::from)?;
    if let Some(members) = stored.as_object_mut() {
        members.remove(Frozen::KEY);
    }
    let (secret_token, debug_secret) = opened(secrets, &frozen)?;
    Ok(stored == Value::Object(threescale(draft))
        && frozen.staging == parts.staging
        && frozen.production == parts.production
        && secret_token.as_ref() == Some(&parts.secret_token)
        && debug_secret == parts.debug_secret)
}

/// The secret token and the debug secret of a stored content.
pub(super) fn secrets_of(
    secrets: &Secrets,
    content: &str,
) -> Result<(Option<Secret>, Option<Secret>), Error> {
    opened(secrets, &Frozen::read(content)?)
}

fn opened(secrets: &Secrets, frozen: &Frozen) -> Result<(Option<Secret>, Option<Secret>), Error> {
    let open = |sealed: &Option<String>| {
        sealed
            .as_ref()
            .map(|sealed| {
                let bytes = STANDARD.decode(sealed).map_err(anyhow::Error::from)?;
                secrets.open(VERSION_SECRET, &bytes)
            })
            .transpose()
    };
    Ok((open(&frozen.secret_token)?, open(&frozen.debug_secret)?))
}

/// As the API shows it: with the secret token where 3scale has it, what agents call with, and nothing sealed.
///
/// # Errors
/// When the content cannot be read or its secrets do not open.
pub fn shown(
    secrets: &Secrets,
    content: &str,
    service_token: Option<&Secret>,
) -> Result<Value, Error> {
    let mut content: Value = serde_json::from_str(content).map_err(anyhow::Error::from)?;
    let ours = content.get_mut(Frozen::KEY).and_then(Value::as_object_mut);
    let sealed = ours.and_then(|ours| {
        ours.remove("debug_secret");
        ours.remove("secret_token")
    });
    if let Some(Value::String(sealed)) = sealed
        && let Some(proxy) = content.get_mut("proxy").and_then(Value::as_object_mut)
    {
        let bytes = STANDARD.decode(sealed).map_err(anyhow::Error::from)?;
        let token = secrets.open(VERSION_SECRET, &bytes)?;
        proxy.insert("secret_token".into(), token.reveal().into());
    }
    if let (Some(token), Some(members)) = (service_token, content.as_object_mut()) {
        members.insert("backend_authentication_type".into(), "service_token".into());
        members.insert("backend_authentication_value".into(), token.reveal().into());
    }
    Ok(content)
}

/// What 3scale's gateways would read of a draft.
pub(super) fn threescale(draft: &Draft) -> Map<String, Value> {
    let product = &draft.product;
    let content = json!({
        "id": product.id,
        "name": product.name,
        "description": product.description,
        "system_name": product.system_name,
        "backend_version": product.backend_version,
        "buyers_manage_apps": product.buyers_manage_apps,
        "buyers_manage_keys": product.buyers_manage_keys,
        "custom_keys_enabled": product.custom_keys_enabled,
        "mandatory_app_key": product.mandatory_app_key,
        "support_email": product.support_email,
        "deployment_option": product.deployment_option,
        "proxy": proxy(draft),
    });
    match content {
        Value::Object(content) => content,
        _ => Map::new(),
    }
}

fn proxy(draft: &Draft) -> Value {
    let proxy = &draft.proxy;
    let mut value = json!({
        "service_id": proxy.product_id,
        "endpoint": proxy.endpoint,
        "sandbox_endpoint": proxy.sandbox_endpoint,
        "api_backend": api_backend(draft),
        "credentials_location": proxy.credentials_location,
        "auth_user_key": proxy.auth_user_key,
        "auth_app_id": proxy.auth_app_id,
        "auth_app_key": proxy.auth_app_key,
        "hostname_rewrite": proxy.hostname_rewrite,
        "authentication_method": match draft.product.backend_version.as_str() {
            freeze::OIDC => "oidc",
            keys => keys,
        },
        "oidc_issuer_endpoint": draft.oidc.issuer_endpoint,
        "oidc_issuer_type": draft.oidc.issuer_type,
        "jwt_claim_with_client_id": proxy.jwt_claim,
        "jwt_claim_with_client_id_type": draft.oidc.claim_type,
        "oidc_audiences": draft.oidc.audiences,
        "oidc_jwks_uri": draft.oidc.jwks_uri,
        // Ours, for those who compare versions.
        "credentials_sources": proxy.credentials_sources,
        "strip_credentials": proxy.strip_credentials,
        "error_format": proxy.error_format,
        "rate_limit_headers": proxy.rate_limit_headers,
        "form_in_rules": proxy.form_in_rules,
        "cold_start": proxy.cold_start,
        "on_disconnect": proxy.on_disconnect,
        "hosts": hosts(proxy),
        "proxy_rules": proxy_rules(draft),
        "policy_chain": policy_chain(draft),
    });
    if let Some(members) = value.as_object_mut() {
        for (name, text, status, content_type, defaults) in [
            (
                "auth_missing",
                &proxy.error_auth_missing,
                proxy.error_status_auth_missing,
                &proxy.error_headers_auth_missing,
                freeze::AUTH_MISSING,
            ),
            (
                "auth_failed",
                &proxy.error_auth_failed,
                proxy.error_status_auth_failed,
                &proxy.error_headers_auth_failed,
                freeze::AUTH_FAILED,
            ),
            (
                "no_match",
                &proxy.error_no_match,
                proxy.error_status_no_match,
                &proxy.error_headers_no_match,
                freeze::NO_MATCH,
            ),
            (
                "limits_exceeded",
                &proxy.error_limits_exceeded,
                proxy.error_status_limits_exceeded,
                &proxy.error_headers_limits_exceeded,
                freeze::LIMITS_EXCEEDED,
            ),
        ] {
            let text = text.as_deref().unwrap_or(defaults.0);
            let content_type = content_type
                .as_deref()
                .unwrap_or(freeze::ERROR_CONTENT_TYPE);
            members.insert(format!("error_{name}"), text.into());
            members.insert(
                format!("error_status_{name}"),
                status.unwrap_or(defaults.1).into(),
            );
            members.insert(format!("error_headers_{name}"), content_type.into());
        }
    }
    value
}

fn hosts(proxy: &ProxyRow) -> Vec<String> {
    let mut hosts: Vec<String> = [&proxy.endpoint, &proxy.sandbox_endpoint]
        .into_iter()
        .filter_map(|url| super::urls::public(url).ok())
        .map(|url| url.host)
        .collect();
    hosts.dedup();
    hosts
}

/// The product's, then the backends', with their paths before them.
fn proxy_rules(draft: &Draft) -> Vec<Value> {
    let own = draft
        .rules
        .iter()
        .flat_map(|rule| rules(rule, "", &draft.metrics));
    let of_backends = by_path(draft).flat_map(|backend| {
        backend
            .rules
            .iter()
            .flat_map(|rule| rules(rule, &backend.usage.path, &backend.metrics))
    });
    own.chain(of_backends).collect()
}

/// Backends in the order in which 3scale asks them: longer paths before those that they begin with.
fn by_path(draft: &Draft) -> impl Iterator<Item = &BackendDraft> {
    let mut backends: Vec<&BackendDraft> = draft.backends.iter().collect();
    backends.sort_by(|left, right| right.usage.path.cmp(&left.usage.path));
    backends.into_iter()
}

/// None where backends take the requests by their paths.
fn api_backend(draft: &Draft) -> Option<&str> {
    match draft.backends.as_slice() {
        [] => Some(&draft.proxy.api_backend),
        [only] if only.usage.path == "/" => Some(&only.backend.private_endpoint),
        _ => None,
    }
}

fn policy_chain(draft: &Draft) -> Value {
    let apicast = json!({"name": "apicast", "version": "builtin", "configuration": {}});
    if api_backend(draft).is_some() {
        return json!([apicast]);
    }
    let routes: Vec<Value> = by_path(draft)
        .map(|backend| {
            let path = backend.usage.path.trim_start_matches('/');
            let (value, replace_path) = match path {
                "" => ("/.*".into(), None),
                path => (
                    format!("/{path}/.*|/{path}/?"),
                    Some(format!("{{{{uri | remove_first: '/{path}'}}}}")),
                ),
            };
            let mut route = json!({
                "url": backend.backend.private_endpoint,
                "owner_id": backend.backend.id,
                "owner_type": "BackendApi",
                "condition": {"operations": [{"match": "path", "op": "matches", "value": value}]},
            });
            if let (Some(replace_path), Some(route)) = (replace_path, route.as_object_mut()) {
                route.insert("replace_path".into(), replace_path.into());
            }
            route
        })
        .collect();
    json!([
        {"name": "routing", "version": "builtin", "enabled": true, "configuration": {"rules": routes}},
        apicast,
    ])
}

/// 3scale's rules have one method and one metric each. A backend's begin with its path.
fn rules(rule: &RuleRow, path: &str, metrics: &[MetricRow]) -> Vec<Value> {
    let path = path.trim_end_matches('/');
    let (owner_id, owner_type) = match rule.owner() {
        Owner::Product(id) => (id, "Proxy"),
        Owner::Backend(id) => (id, "BackendApi"),
    };
    let usages = rule.usage_list();
    let mut rules = Vec::new();
    for method in rule.method_list() {
        for (n, usage) in usages.iter().enumerate() {
            let name = metrics
                .iter()
                .find(|metric| metric.id == usage.metric_id)
                .map_or_else(String::new, MetricRow::wire_name);
            rules.push(json!({
                "id": rule.id,
                "http_method": method,
                "pattern": format!("{path}{}", rule.pattern),
                "metric_id": usage.metric_id,
                "metric_system_name": name,
                "delta": usage.delta,
                "position": rule.position,
                "last": rule.last && n + 1 == usages.len(),
                "owner_id": owner_id,
                "owner_type": owner_type,
            }));
        }
    }
    rules
}
