//! Draft → what each environment's gateways will be sent, checked by the code that will load it there.

use super::{BackendDraft, Draft, urls};
use crate::error::{Error, FieldErrors};
use crate::oidc::{self, Issuer};
use crate::secrets::{PROXY_DEBUG_SECRET, PROXY_SECRET_TOKEN, Secret, Secrets};
use crate::store::metrics::MetricRow;
use crate::store::oidc::OidcRow;
use crate::store::products::ProductRow;
use crate::store::proxies::ProxyRow;
use crate::store::rules::RuleRow;
use tallygate_core::compiled::Product;
use tallygate_core::id::{BackendId, MetricId, ProductId};
use tallygate_core::mapping::{MOST_DELTA, Rule, RuleError};
use tallygate_core::wire::{
    BackendV1, ConfigV1, CredentialKindV1, CredentialsV1, ErrorTextV1, ErrorsV1, MetricV1,
    OnDisconnectV1, ProductV1, RuleV1, SourceV1,
};

/// A draft, frozen: per environment, without secrets, which are beside.
#[derive(Clone, Debug)]
pub struct Parts {
    /// For staging.
    pub staging: ConfigV1,
    /// For production.
    pub production: ConfigV1,
    /// Sent upstream.
    pub secret_token: Secret,
    /// Makes answers carry what was decided.
    pub debug_secret: Option<Secret>,
}

/// 3scale's names of places for credentials.
pub const LOCATIONS: &[&str] = &["query", "headers", "authorization"];
/// Our names of places for credentials.
pub const SOURCES: &[(&str, SourceV1)] = &[
    ("query", SourceV1::Query),
    ("headers", SourceV1::Headers),
    ("basic", SourceV1::Basic),
    ("bearer", SourceV1::Bearer),
    ("form", SourceV1::Form),
    ("jwt", SourceV1::Jwt),
];

/// 3scale's texts, which a custom error has until it is set: (body, status).
pub const AUTH_MISSING: (&str, i64) = ("Authentication parameters missing", 403);
/// See [`AUTH_MISSING`].
pub const AUTH_FAILED: (&str, i64) = ("Authentication failed", 403);
/// See [`AUTH_MISSING`].
pub const NO_MATCH: (&str, i64) = ("No Mapping Rule matched", 404);
/// See [`AUTH_MISSING`].
pub const LIMITS_EXCEEDED: (&str, i64) = ("Usage limit exceeded", 429);
/// Their content type.
pub const ERROR_CONTENT_TYPE: &str = "text/plain; charset=us-ascii";

/// Freezes a draft.
///
/// # Errors
/// 422 by field when it would not load at the edge.
pub fn freeze(secrets: &Secrets, draft: &Draft) -> Result<Parts, Error> {
    if is_oidc(&draft.product) && draft.oidc.issuer_endpoint.is_empty() {
        return Err(Error::invalid(
            "oidc_issuer_endpoint",
            "can't be blank: the product takes tokens, and somebody has to issue them",
        ));
    }
    let (secret_token, debug_secret) = secrets_of(secrets, &draft.proxy)?;
    let parts = Parts {
        staging: config(draft, "sandbox_endpoint", &draft.proxy.sandbox_endpoint)?,
        production: config(draft, "endpoint", &draft.proxy.endpoint)?,
        secret_token,
        debug_secret,
    };
    compile(draft, &parts.staging)?;
    compile(draft, &parts.production)?;
    Ok(parts)
}

/// A draft's secret token and debug secret.
///
/// # Errors
/// When they do not open.
pub fn secrets_of(secrets: &Secrets, proxy: &ProxyRow) -> Result<(Secret, Option<Secret>), Error> {
    let debug_secret = proxy
        .debug_secret
        .as_ref()
        .map(|sealed| secrets.open(PROXY_DEBUG_SECRET, sealed))
        .transpose()?;
    let secret_token = secrets.open(PROXY_SECRET_TOKEN, &proxy.secret_token)?;
    Ok((secret_token, debug_secret))
}

/// Whether a draft would load at the edge.
///
/// # Errors
/// 422 by field when it would not.
pub fn check(draft: &Draft) -> Result<(), Error> {
    for (field, url) in [
        ("sandbox_endpoint", &draft.proxy.sandbox_endpoint),
        ("endpoint", &draft.proxy.endpoint),
    ] {
        compile(draft, &config(draft, field, url)?)?;
    }
    Ok(())
}

/// One rule as gateways read it.
#[must_use]
pub fn rule(row: &RuleRow) -> RuleV1 {
    RuleV1 {
        methods: row.method_list(),
        pattern: row.pattern.clone(),
        usages: row
            .usage_list()
            .iter()
            .map(|usage| (MetricId(usage.metric_id), usage.delta.unsigned_abs()))
            .collect(),
        last: row.last,
    }
}

/// Whether one rule would load at the edge: the field and what is wrong with it.
///
/// # Errors
/// When it would not.
pub fn check_rule(row: &RuleRow) -> Result<(), (&'static str, String)> {
    let Err(error) = Rule::try_from(&rule(row)) else {
        return Ok(());
    };
    Err(match &error {
        RuleError::NoMethods | RuleError::UnknownMethod(_) => {
            ("http_method", after_field(&error.to_string()))
        }
        RuleError::Pattern(pattern) => ("pattern", format!("is not valid: {pattern}")),
        RuleError::NoUsages => ("metric_id", "can't be blank".into()),
        RuleError::NoDelta(_) => ("delta", "must be greater than 0".into()),
        RuleError::TooMuch(_) => ("delta", format!("must be at most {MOST_DELTA}")),
    })
}

/// The kind of credentials that a product's applications have.
#[must_use]
pub fn kind(product: &ProductRow) -> CredentialKindV1 {
    match product.backend_version.as_str() {
        "2" | OIDC => CredentialKindV1::AppIdAndKey,
        _ => CredentialKindV1::UserKey,
    }
}

/// The `backend_version` of products that take tokens: 3scale's word for OpenID Connect.
pub const OIDC: &str = "oauth";

/// Whether a product's applications authenticate by the tokens of an issuer, which name their `app_id`.
#[must_use]
pub fn is_oidc(product: &ProductRow) -> bool {
    product.backend_version == OIDC
}

/// The sources that a draft names, or those that 3scale's location stands for.
#[must_use]
pub fn sources(proxy: &ProxyRow, product: &ProductRow) -> Vec<SourceV1> {
    if let Some(list) = &proxy.credentials_sources {
        return list
            .split(',')
            .filter_map(|name| SOURCES.iter().find(|(known, _)| *known == name))
            .map(|(_, source)| *source)
            .collect();
    }
    if is_oidc(product) {
        return vec![SourceV1::Jwt];
    }
    match (proxy.credentials_location.as_str(), kind(product)) {
        ("headers", _) => vec![SourceV1::Headers],
        ("authorization", CredentialKindV1::UserKey) => vec![SourceV1::Basic, SourceV1::Bearer],
        ("authorization", CredentialKindV1::AppIdAndKey) => vec![SourceV1::Basic],
        // 3scale looks for what the query lacks in the form.
        _ => vec![SourceV1::Query, SourceV1::Form],
    }
}

fn config(draft: &Draft, url_field: &str, url: &str) -> Result<ConfigV1, Error> {
    let proxy = &draft.proxy;
    let public_urls = match url {
        "" => Vec::new(),
        url => vec![urls::public(url).map_err(|message| Error::invalid(url_field, message))?],
    };
    let upstream = match proxy.api_backend.as_str() {
        // Where there are backends, what none of them takes goes nowhere.
        _ if !draft.backends.is_empty() => None,
        "" => None,
        url => Some(
            urls::private(url, &proxy.hostname_rewrite)
                .map_err(|message| Error::invalid("api_backend", message))?,
        ),
    };
    let kind = kind(&draft.product);
    Ok(ConfigV1 {
        // Known only once it is written; `publish` fills it in.
        version: 0,
        public_urls,
        rules: draft.rules.iter().map(rule).collect(),
        credentials: CredentialsV1 {
            kind,
            sources: sources(proxy, &draft.product),
            user_key: proxy.auth_user_key.clone(),
            app_id: proxy.auth_app_id.clone(),
            app_key: proxy.auth_app_key.clone(),
            jwt_claim: claim(&draft.oidc, proxy)?,
            strip: proxy.strip_credentials,
        },
        errors: errors(proxy),
        upstream,
        secret_token: String::new(),
        debug_secret: None,
        rate_limit_headers: proxy.rate_limit_headers,
        form_in_rules: proxy.form_in_rules,
        on_disconnect: match proxy.on_disconnect.as_str() {
            "deny" => OnDisconnectV1::Deny,
            _ => OnDisconnectV1::Allow,
        },
        backends: backends(draft)?,
    })
}

/// Where the filter finds the claim: below the issuer's name, or where an operator's own `jwt_authn` puts payloads.
fn claim(oidc: &OidcRow, proxy: &ProxyRow) -> Result<Vec<String>, Error> {
    let mut path = vec![match issuer(oidc) {
        Some(issuer) => issuer.key(),
        None => "jwt_payload".into(),
    }];
    let claim = oidc::claim_path(&proxy.jwt_claim, oidc.claim_type == "liquid")
        .map_err(|message| Error::invalid("jwt_claim_with_client_id", message))?;
    path.extend(claim);
    Ok(path)
}

fn issuer(oidc: &OidcRow) -> Option<Issuer> {
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Some(Issuer {
        endpoint: some(&oidc.issuer_endpoint)?,
        audiences: oidc::audiences(&oidc.audiences),
        jwks_uri: some(&oidc.jwks_uri),
    })
}

/// In order of their paths, so that the same backends are the same text.
fn backends(draft: &Draft) -> Result<Vec<BackendV1>, Error> {
    // As in 3scale: the product's own only where there is nothing to choose.
    let host_rewrite = match draft.backends.as_slice() {
        [only] if only.usage.path == "/" => draft.proxy.hostname_rewrite.as_str(),
        _ => "",
    };
    let backend = |draft: &BackendDraft| {
        let row = &draft.backend;
        let upstream = urls::private(&row.private_endpoint, host_rewrite).map_err(|message| {
            Error::invalid(
                "private_endpoint",
                format!("of backend {} {message}", row.id),
            )
        })?;
        Ok(BackendV1 {
            id: BackendId(row.id),
            path: draft.usage.path.clone(),
            upstream,
            cluster: row.cluster.clone(),
            rules: draft.rules.iter().map(rule).collect(),
        })
    };
    let mut backends = draft
        .backends
        .iter()
        .map(backend)
        .collect::<Result<Vec<_>, Error>>()?;
    backends.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(backends)
}

fn errors(proxy: &ProxyRow) -> ErrorsV1 {
    if proxy.error_format != "custom" {
        return ErrorsV1::Problem;
    }
    let text = |body: &Option<String>,
                status: Option<i64>,
                content_type: &Option<String>,
                defaults: (&str, i64)| ErrorTextV1 {
        status: u16::try_from(status.unwrap_or(defaults.1)).unwrap_or(403),
        content_type: content_type
            .clone()
            .unwrap_or_else(|| ERROR_CONTENT_TYPE.into()),
        body: body.clone().unwrap_or_else(|| defaults.0.into()),
    };
    ErrorsV1::Custom {
        auth_missing: text(
            &proxy.error_auth_missing,
            proxy.error_status_auth_missing,
            &proxy.error_headers_auth_missing,
            AUTH_MISSING,
        ),
        auth_failed: text(
            &proxy.error_auth_failed,
            proxy.error_status_auth_failed,
            &proxy.error_headers_auth_failed,
            AUTH_FAILED,
        ),
        no_match: text(
            &proxy.error_no_match,
            proxy.error_status_no_match,
            &proxy.error_headers_no_match,
            NO_MATCH,
        ),
        limits_exceeded: text(
            &proxy.error_limits_exceeded,
            proxy.error_status_limits_exceeded,
            &proxy.error_headers_limits_exceeded,
            LIMITS_EXCEEDED,
        ),
    }
}

/// Loads it as a gateway would.
fn compile(draft: &Draft, config: &ConfigV1) -> Result<(), Error> {
    let product = ProductV1 {
        id: ProductId(draft.product.id),
        revision: 0,
        system_name: draft.product.system_name.clone(),
        metrics: draft
            .metrics
            .iter()
            .chain(draft.backends.iter().flat_map(|backend| &backend.metrics))
            .map(metric)
            .collect(),
        plans: Vec::new(),
        referrers_required: false,
        config: Some(config.clone()),
    };
    let (_, problems) = Product::compile(&product);
    if problems.is_empty() {
        return Ok(());
    }
    let errors = problems
        .into_iter()
        .map(|problem| field_error(&problem.pointer, &problem.detail))
        .collect();
    Err(Error::Invalid(FieldErrors(errors)))
}

fn metric(row: &MetricRow) -> MetricV1 {
    MetricV1 {
        id: MetricId(row.id),
        parent: row.parent_id.map(MetricId),
        system_name: row.wire_name(),
    }
}

/// Core says where in the configuration; people know the field by the name they set it under.
fn field_error(pointer: &str, detail: &str) -> (String, String) {
    let named = detail.split_once(": ").filter(|(field, _)| {
        field
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    });
    match (pointer, named) {
        ("credentials", Some((field, message))) => (field.to_owned(), message.to_owned()),
        ("credentials", None) => ("credentials_sources".into(), detail.to_owned()),
        ("errors", Some((field, message))) => (format!("error_{field}"), message.to_owned()),
        _ => ("base".into(), format!("{pointer}: {detail}")),
    }
}

fn after_field(message: &str) -> String {
    message
        .split_once(": ")
        .map_or(message, |(_, rest)| rest)
        .to_owned()
}
