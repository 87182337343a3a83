//! `/admin/api/services/{service}/proxy`: the draft configuration, and its deploy.

mod apply;

use super::auth::{Read, Write};
use super::format::{Answer, Object, timestamp};
use super::oidc;
use super::path::Ids;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::promote::{self, freeze, urls};
use crate::secrets::{PROXY_DEBUG_SECRET, PROXY_SECRET_TOKEN};
use crate::store::oidc::{self as oidc_rows, OidcRow};
use crate::store::proxies::{self, ProxyRow};
use crate::store::{products, versions};
use axum::extract::State;
use axum::http::StatusCode;
use tallygate_core::product::PublicUrl;

/// `GET …/proxy`.
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    Ok(Answer::ok(read(&app, &mut tx, product_id).await?))
}

/// `PATCH …/proxy`, also by PUT: what would not load at the edge is refused here already.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    products::lock(&mut tx, product_id).await?;
    let product = products::get(&mut tx, product_id).await?;
    let mut draft = promote::draft(&mut tx, &product).await?;
    apply::apply(&app.secrets, &mut call.params, &mut draft.proxy)?;
    let before = draft.oidc.clone();
    oidc::apply(
        &mut call.params,
        &mut draft.oidc,
        &mut draft.proxy.jwt_claim,
    );
    call.params.check()?;
    freeze::check(&draft)?;
    refuse_taken_addresses(&mut tx, &draft.proxy).await?;
    proxies::update(&mut tx, &draft.proxy).await?;
    if draft.oidc != before {
        oidc_rows::set(&mut tx, product_id, &draft.oidc).await?;
    }
    let node = read(&app, &mut tx, product_id).await?;
    tx.commit().await?;
    Ok(Answer::ok(node))
}

/// `POST …/proxy/deploy`: 201 when staging follows a new version now, 200 when nothing had changed.
///
/// # Errors
/// See [`Error`].
pub async fn deploy(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let outcome = promote::deploy(&app, &mut tx, product_id).await?;
    let node = read(&app, &mut tx, product_id).await?;
    tx.commit().await?;
    Ok(if outcome.changed {
        Answer::ok(node).with_status(StatusCode::CREATED)
    } else {
        Answer::ok(node)
    })
}

/// Two products with the same address: gateways would know only one of them.
async fn refuse_taken_addresses(tx: &mut Tx, proxy: &ProxyRow) -> Result<(), Error> {
    let parse = |text: &str| {
        urls::public(text)
            .ok()
            .and_then(|url| PublicUrl::try_from(&url).ok())
    };
    let production = parse(&proxy.endpoint);
    let staging = parse(&proxy.sandbox_endpoint);
    for other in proxies::other_endpoints(tx, proxy.product_id).await? {
        for (field, ours, theirs) in [
            ("endpoint", &production, &other.endpoint),
            ("sandbox_endpoint", &staging, &other.sandbox_endpoint),
        ] {
            if ours.is_some() && *ours == parse(theirs) {
                return Err(Error::invalid(
                    field,
                    format!(
                        "is the address of {} already: choose another host or base path",
                        other.name
                    ),
                ));
            }
        }
    }
    Ok(())
}

async fn read(app: &App, tx: &mut Tx, product_id: i64) -> Result<Object, Error> {
    let product = products::get(tx, product_id).await?;
    let is_pending = promote::diff::is_pending(app, tx, &product).await?;
    let row = proxies::get(tx, product_id).await?;
    let deployed = versions::current(tx, product_id, "sandbox").await?;
    let oidc = oidc_rows::get(tx, product_id).await?;
    let object = proxy(app, &row, &oidc, deployed.map(|config| config.version))?;
    Ok(object.with("pending_affecting_changes", is_pending))
}

fn proxy(
    app: &App,
    row: &ProxyRow,
    oidc: &OidcRow,
    sandbox_version: Option<i64>,
) -> Result<Object, Error> {
    let secret_token = app.secrets.open(PROXY_SECRET_TOKEN, &row.secret_token)?;
    let debug_secret = row
        .debug_secret
        .as_ref()
        .map(|sealed| app.secrets.open(PROXY_DEBUG_SECRET, sealed))
        .transpose()?;
    let service = format!(
        "{}/admin/api/services/{}",
        app.config.admin_url, row.product_id
    );
    let mut object = Object::new("proxy")
        .with("service_id", row.product_id)
        .with("endpoint", &row.endpoint)
        .with("api_backend", &row.api_backend)
        .with("credentials_location", &row.credentials_location)
        .with("auth_app_key", &row.auth_app_key)
        .with("auth_app_id", &row.auth_app_id)
        .with("auth_user_key", &row.auth_user_key);
    object = oidc::shown(object, oidc, &row.jwt_claim);
    for (name, text, status, content_type, defaults) in [
        (
            "auth_failed",
            &row.error_auth_failed,
            row.error_status_auth_failed,
            &row.error_headers_auth_failed,
            freeze::AUTH_FAILED,
        ),
        (
            "auth_missing",
            &row.error_auth_missing,
            row.error_status_auth_missing,
            &row.error_headers_auth_missing,
            freeze::AUTH_MISSING,
        ),
        (
            "no_match",
            &row.error_no_match,
            row.error_status_no_match,
            &row.error_headers_no_match,
            freeze::NO_MATCH,
        ),
        (
            "limits_exceeded",
            &row.error_limits_exceeded,
            row.error_status_limits_exceeded,
            &row.error_headers_limits_exceeded,
            freeze::LIMITS_EXCEEDED,
        ),
    ] {
        let text = text.as_deref().unwrap_or(defaults.0);
        let content_type = content_type
            .as_deref()
            .unwrap_or(freeze::ERROR_CONTENT_TYPE);
        object = object
            .with(&format!("error_{name}"), text)
            .with(
                &format!("error_status_{name}"),
                status.unwrap_or(defaults.1),
            )
            .with(&format!("error_headers_{name}"), content_type);
    }
    Ok(object
        .with("secret_token", secret_token)
        .with("hostname_rewrite", &row.hostname_rewrite)
        .with("sandbox_endpoint", &row.sandbox_endpoint)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .with("credentials_sources", row.credentials_sources.clone())
        .with("strip_credentials", row.strip_credentials)
        .with("error_format", &row.error_format)
        .with("debug_secret", debug_secret)
        .with("rate_limit_headers", row.rate_limit_headers)
        .with("form_in_rules", row.form_in_rules)
        .with("cold_start", &row.cold_start)
        .with("on_disconnect", &row.on_disconnect)
        .with("sandbox_version", sandbox_version)
        .links([
            ("self", format!("{service}/proxy")),
            ("mapping_rules", format!("{service}/proxy/mapping_rules")),
            ("service", service),
        ]))
}
