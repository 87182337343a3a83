//! Parameters → an authentication provider.

use crate::admin_api::params::Params;
use crate::names;
use crate::secrets::Secret;
use crate::store::authentication_providers::{AccountType, AuthenticationProvider};
use axum::http::Uri;
use serde_json::Value;

const GITHUB: &str = "github";
const KEYCLOAK: &str = "keycloak";
const AUTH0: &str = "auth0";
const CHARS: usize = 255;
const URLS: [&str; 4] = ["site", "token_url", "user_info_url", "authorize_url"];

/// A new one, and the secret that is to be sealed. What is wrong is noted.
pub(super) fn new(
    params: &mut Params,
    account_type: AccountType,
) -> (AuthenticationProvider, Secret) {
    let kind = params.text("kind", CHARS).to_lowercase();
    if !kind.is_empty() {
        if let Err(problem) = names::check(&kind) {
            params.error("kind", problem);
        } else if account_type == AccountType::Provider
            && ![KEYCLOAK, AUTH0].contains(&kind.as_str())
        {
            params.error("kind", "must be keycloak or auth0");
        }
    }
    let name = filled(params, "name").unwrap_or_else(|| match kind.as_str() {
        GITHUB => "GitHub".into(),
        KEYCLOAK => "Keycloak".into(),
        AUTH0 => "Auth0".into(),
        other => other.into(),
    });
    let system_name = filled(params, "system_name").unwrap_or_else(|| kind.clone());
    if !system_name.is_empty()
        && !params.is_noted("kind")
        && let Err(problem) = names::check(&system_name)
    {
        params.error("system_name", problem);
    }
    let client_id = params.text("client_id", CHARS);
    let client_secret = secret(params);
    if client_secret.is_none() && !params.is_noted("client_secret") {
        params.error("client_secret", "can't be blank");
    }
    let [site, token_url, user_info_url, authorize_url] =
        URLS.map(|name| url(params, name).unwrap_or_default());
    let needs_site = [KEYCLOAK, AUTH0].contains(&kind.as_str());
    if needs_site && site.is_empty() && !params.is_noted("site") {
        params.error("site", "can't be blank");
    }
    let branding = params.opt_choice(
        "branding_state_event",
        &["brand_as_threescale", "custom_brand"],
    );
    if branding.is_some() && kind != GITHUB {
        params.error("branding_state_event", "is of GitHub only");
    }
    let branding_state = (kind == GITHUB).then(|| match branding {
        Some("brand_as_threescale") => "threescale_branded".to_owned(),
        _ => "custom_branded".to_owned(),
    });
    let new = AuthenticationProvider {
        id: 0,
        account_type: account_type.as_str().into(),
        kind,
        name,
        system_name,
        client_id,
        client_secret: None,
        site,
        token_url,
        user_info_url,
        authorize_url,
        identifier_key: filled(params, "identifier_key").unwrap_or_else(|| "id".into()),
        username_key: filled(params, "username_key").unwrap_or_else(|| "login".into()),
        trust_email: params.opt_bool("trust_email").unwrap_or(false),
        branding_state,
        published: params.opt_bool("published").unwrap_or(false),
        skip_ssl_certificate_verification: params
            .opt_bool("skip_ssl_certificate_verification")
            .unwrap_or(false),
        automatically_approve_accounts: params
            .opt_bool("automatically_approve_accounts")
            .unwrap_or(false),
        created_at: 0,
        updated_at: 0,
    };
    (new, client_secret.unwrap_or_else(|| Secret::new("")))
}

/// What may change of one, and its new secret. What is wrong is noted.
pub(super) fn changes(params: &mut Params, row: &mut AuthenticationProvider) -> Option<Secret> {
    if let Some(client_id) = params.opt_filled("client_id", CHARS) {
        row.client_id = client_id;
    }
    if let Some(site) = url(params, "site") {
        if site.is_empty() && [KEYCLOAK, AUTH0].contains(&row.kind.as_str()) {
            params.error("site", "can't be blank");
        }
        row.site = site;
    }
    for (name, field) in [
        ("published", &mut row.published),
        (
            "skip_ssl_certificate_verification",
            &mut row.skip_ssl_certificate_verification,
        ),
        (
            "automatically_approve_accounts",
            &mut row.automatically_approve_accounts,
        ),
    ] {
        if let Some(value) = params.opt_bool(name) {
            *field = value;
        }
    }
    secret(params)
}

/// Blank counts as absent.
fn filled(params: &mut Params, name: &str) -> Option<String> {
    params.opt_text(name, CHARS).filter(|text| !text.is_empty())
}

/// Not trimmed, and never in an error; blank counts as absent.
fn secret(params: &mut Params) -> Option<Secret> {
    let text = match params.take("client_secret")? {
        Value::Null => return None,
        Value::String(text) => text,
        _ => {
            params.error("client_secret", "must be a text");
            return None;
        }
    };
    if text.chars().count() > CHARS {
        params.error(
            "client_secret",
            format!("is too long (maximum is {CHARS} characters)"),
        );
    }
    (!text.is_empty()).then(|| Secret::new(text))
}

/// Blank, or an address that begins with http:// or https://.
fn url(params: &mut Params, name: &str) -> Option<String> {
    let text = params.opt_text(name, CHARS)?;
    if !text.is_empty() && !is_url(&text) {
        params.error(
            name,
            "must be an address that begins with https:// or http://",
        );
    }
    Some(text)
}

fn is_url(text: &str) -> bool {
    text.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.authority().is_some_and(|a| !a.as_str().contains('@'))
    })
}
