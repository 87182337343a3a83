//! Parameters → draft. Notes what is wrong in the parameters; the rest is found when the draft is compiled.

use crate::admin_api::params::Params;
use crate::error::Error;
use crate::promote::freeze::{LOCATIONS, SOURCES};
use crate::promote::urls;
use crate::secrets::{PROXY_DEBUG_SECRET, PROXY_SECRET_TOKEN, Secret, Secrets};
use crate::store::proxies::ProxyRow;

/// The longest text of an error.
const MOST_ERROR_CHARS: usize = 4096;

pub(super) fn apply(
    secrets: &Secrets,
    params: &mut Params,
    proxy: &mut ProxyRow,
) -> Result<(), Error> {
    addresses(params, proxy);
    credentials(params, proxy);
    errors(params, proxy);
    for (name, field) in [
        ("strip_credentials", &mut proxy.strip_credentials),
        ("rate_limit_headers", &mut proxy.rate_limit_headers),
        ("form_in_rules", &mut proxy.form_in_rules),
    ] {
        if let Some(value) = params.opt_bool(name) {
            *field = value;
        }
    }
    // Kept and shown, not yet sent: `ConfigV1` has no field for them until gateways hold leases. Until then a
    // gateway's own bootstrap says what it does before its first snapshot, and it goes on when we are away.
    for (name, field) in [
        ("cold_start", &mut proxy.cold_start),
        ("on_disconnect", &mut proxy.on_disconnect),
    ] {
        if let Some(choice) = params.opt_choice(name, &["allow", "deny"]) {
            *field = choice.into();
        }
    }
    seal_secrets(secrets, params, proxy)
}

fn addresses(params: &mut Params, proxy: &mut ProxyRow) {
    for (name, field) in [
        ("endpoint", &mut proxy.endpoint),
        ("sandbox_endpoint", &mut proxy.sandbox_endpoint),
    ] {
        if let Some(text) = params.opt_text(name, 255) {
            if !text.is_empty()
                && let Err(message) = urls::public(&text)
            {
                params.error(name, message);
            }
            *field = text;
        }
    }
    if let Some(text) = params.opt_text("hostname_rewrite", 255) {
        if !text.is_empty() && !urls::is_host(&text) {
            params.error(
                "hostname_rewrite",
                "must be a host, as in api.example.com or api.example.com:8080",
            );
        }
        proxy.hostname_rewrite = text;
    }
    if let Some(text) = params.opt_text("api_backend", 255) {
        if !text.is_empty()
            && let Err(message) = urls::private(&text, "")
        {
            params.error("api_backend", message);
        }
        proxy.api_backend = text;
    }
}

fn credentials(params: &mut Params, proxy: &mut ProxyRow) {
    if let Some(location) = params.opt_choice("credentials_location", LOCATIONS) {
        proxy.credentials_location = location.into();
    }
    if let Some(list) = params.opt_texts("credentials_sources", 20) {
        let known: Vec<&str> = SOURCES.iter().map(|(name, _)| *name).collect();
        if let Some(unknown) = list.iter().find(|name| !known.contains(&name.as_str())) {
            let message = format!("has {unknown:?}: it must be a list of {}", known.join(", "));
            params.error("credentials_sources", message);
        }
        let mut sources: Vec<String> = Vec::new();
        for name in list {
            if !sources.contains(&name) {
                sources.push(name);
            }
        }
        proxy.credentials_sources = Some(sources.join(",")).filter(|list| !list.is_empty());
    }
    for (name, field) in [
        ("auth_user_key", &mut proxy.auth_user_key),
        ("auth_app_id", &mut proxy.auth_app_id),
        ("auth_app_key", &mut proxy.auth_app_key),
    ] {
        if let Some(text) = params.opt_filled(name, 255) {
            *field = text;
        }
    }
}

fn errors(params: &mut Params, proxy: &mut ProxyRow) {
    let mut touched = false;
    for (name, text, status, content_type) in [
        (
            "auth_missing",
            &mut proxy.error_auth_missing,
            &mut proxy.error_status_auth_missing,
            &mut proxy.error_headers_auth_missing,
        ),
        (
            "auth_failed",
            &mut proxy.error_auth_failed,
            &mut proxy.error_status_auth_failed,
            &mut proxy.error_headers_auth_failed,
        ),
        (
            "no_match",
            &mut proxy.error_no_match,
            &mut proxy.error_status_no_match,
            &mut proxy.error_headers_no_match,
        ),
        (
            "limits_exceeded",
            &mut proxy.error_limits_exceeded,
            &mut proxy.error_status_limits_exceeded,
            &mut proxy.error_headers_limits_exceeded,
        ),
    ] {
        if let Some(value) = params.opt_text(&format!("error_{name}"), MOST_ERROR_CHARS) {
            *text = Some(value);
            touched = true;
        }
        let field = format!("error_status_{name}");
        if params.has(&field) {
            *status = params.opt_int(&field, 200, 599);
            touched = true;
        }
        let field = format!("error_headers_{name}");
        if let Some(value) = params.opt_text(&field, 255) {
            if !value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
                params.error(&field, "must be a content type, as in application/json");
            }
            *content_type = Some(value).filter(|value| !value.is_empty());
            touched = true;
        }
    }
    match params.opt_choice("error_format", &["problem", "custom"]) {
        Some(format) => proxy.error_format = format.into(),
        // Whoever writes texts wants to see them.
        None if touched => proxy.error_format = "custom".into(),
        None => {}
    }
}

fn seal_secrets(secrets: &Secrets, params: &mut Params, proxy: &mut ProxyRow) -> Result<(), Error> {
    if let Some(text) = params.opt_filled("secret_token", 255) {
        if text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        {
            proxy.secret_token = secrets.seal(PROXY_SECRET_TOKEN, &Secret::new(text))?;
        } else {
            params.error("secret_token", "must hold only letters, digits, _ and -");
        }
    }
    if let Some(text) = params.opt_text("debug_secret", 255) {
        if text.is_empty() {
            proxy.debug_secret = None;
        } else if text.len() < 16 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            params.error(
                "debug_secret",
                "must have at least 16 printable ASCII characters, so that nobody guesses it",
            );
        } else {
            proxy.debug_secret = Some(secrets.seal(PROXY_DEBUG_SECRET, &Secret::new(text))?);
        }
    }
    Ok(())
}
