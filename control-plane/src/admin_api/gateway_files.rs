//! `…/proxy/configs/{environment}/gateway/…`: files for gateways that the provider runs, for one product and environment.
//!
//! GET gives the file with a placeholder where the gateway's token belongs. POST makes a gateway and puts its token in: the
//! only time that it is shown.

use super::auth::{Read, Write};
use super::params::Params;
use super::path::Segments;
use super::proxy_configs::product_and_environment;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::gateway_config::files::{Format, IMAGE, INSTALLED, NAMESPACE, NO_TOKEN, Order};
use crate::gateway_config::jwt_authn::Provider;
use crate::gateway_config::site::Site;
use crate::gateway_config::{ControlPlane, Environment};
use crate::oidc::Issuer;
use crate::secrets;
use crate::store::{gateways, products, versions};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// `GET …/gateway/envoy.yaml`: a whole bootstrap of Envoy.
///
/// # Errors
/// See [`Error`].
pub async fn envoy(app: State<App>, segments: Segments, call: Read) -> Result<Response, Error> {
    show(app, segments, call.params, Format::Envoy).await
}

/// `GET …/gateway/filter.json`: the filter's configuration.
///
/// # Errors
/// See [`Error`].
pub async fn filter(app: State<App>, segments: Segments, call: Read) -> Result<Response, Error> {
    show(app, segments, call.params, Format::Filter).await
}

/// `GET …/gateway/istio.yaml`: Istio's resources.
///
/// # Errors
/// See [`Error`].
pub async fn istio(app: State<App>, segments: Segments, call: Read) -> Result<Response, Error> {
    show(app, segments, call.params, Format::Istio).await
}

/// `POST …/gateway/envoy.yaml`: the same for a gateway that is made by this call.
///
/// # Errors
/// See [`Error`].
pub async fn make_envoy(
    app: State<App>,
    segments: Segments,
    call: Write,
) -> Result<Response, Error> {
    make(app, segments, call.params, Format::Envoy).await
}

/// `POST …/gateway/filter.json`
///
/// # Errors
/// See [`Error`].
pub async fn make_filter(
    app: State<App>,
    segments: Segments,
    call: Write,
) -> Result<Response, Error> {
    make(app, segments, call.params, Format::Filter).await
}

/// `POST …/gateway/istio.yaml`
///
/// # Errors
/// See [`Error`].
pub async fn make_istio(
    app: State<App>,
    segments: Segments,
    call: Write,
) -> Result<Response, Error> {
    make(app, segments, call.params, Format::Istio).await
}

async fn show(
    State(app): State<App>,
    segments: Segments,
    mut params: Params,
    format: Format,
) -> Result<Response, Error> {
    let mut tx = app.db.read().await?;
    let (site, _) = site(&mut tx, &segments).await?;
    let beside = issuers_beside(&mut tx, format, &site).await?;
    let order = order(&app, &mut params, site, &beside, format)?;
    answer(StatusCode::OK, format, &order)
}

async fn make(
    State(app): State<App>,
    segments: Segments,
    mut params: Params,
    format: Format,
) -> Result<Response, Error> {
    let mut tx = app.db.begin().await?;
    let (site, environment) = site(&mut tx, &segments).await?;
    let beside = issuers_beside(&mut tx, format, &site).await?;
    let mut order = order(&app, &mut params, site, &beside, format)?;
    let token = secrets::new_gateway_token();
    let digest = secrets::token_digest(token.reveal());
    let now_ms = tx.now_ms().await?;
    gateways::insert(&mut tx, &order.name, environment.as_str(), &digest, now_ms).await?;
    order.token = token.reveal().to_owned();
    let answer = answer(StatusCode::CREATED, format, &order)?;
    tx.commit().await?;
    Ok(answer)
}

/// The product as the environment's gateways meet it.
async fn site(tx: &mut Tx, segments: &Segments) -> Result<(Site, Environment), Error> {
    let (product_id, of) = product_and_environment(segments)?;
    products::get(tx, product_id).await?;
    let version = versions::current(tx, product_id, of.of_configs())
        .await?
        .ok_or(Error::NotFound)?;
    let environment = [Environment::Staging, Environment::Production]
        .into_iter()
        .find(|environment| environment.of_products() == of)
        .ok_or(Error::NotFound)?;
    let content: Value = serde_json::from_str(&version.content).map_err(anyhow::Error::from)?;
    Ok((Site::of_content(&content, environment)?, environment))
}

fn order(
    app: &App,
    params: &mut Params,
    site: Site,
    beside: &[Issuer],
    format: Format,
) -> Result<Order, Error> {
    let name = params.opt_filled("name", 255);
    let listener = address(params, "listener", ([0, 0, 0, 0], 8080).into());
    let admin = address(params, "admin", ([127, 0, 0, 1], 9901).into());
    let by_default = match format {
        Format::Istio => IMAGE,
        Format::Envoy | Format::Filter => INSTALLED,
    };
    let filter = printable(params, "filter").unwrap_or_else(|| by_default.to_owned());
    let ca_file = printable(params, "ca_file")
        .unwrap_or_else(|| "/etc/ssl/certs/ca-certificates.crt".to_owned());
    let form_credentials = params.opt_bool("form_credentials").unwrap_or(true);
    let namespace = printable(params, "namespace").unwrap_or_else(|| NAMESPACE.to_owned());
    let is_name = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && text.len() < 64
    };
    if !is_name(&namespace) {
        params.error(
            "namespace",
            "must be a name of lower-case letters, digits and dashes",
        );
    }
    let url = params.opt_filled("control_plane", 255);
    let control_plane = match ControlPlane::parse(url.as_deref().unwrap_or(&app.config.admin_url)) {
        Ok(control_plane) if is_host(&control_plane.host) => Some(control_plane),
        Ok(_) => {
            params.error("control_plane", "has a host that is none");
            None
        }
        Err(error) => {
            params.error("control_plane", error.to_string());
            None
        }
    };
    let issuers = issuers(params, &site, beside);
    params.check()?;
    Ok(Order {
        name: name.unwrap_or_else(|| format!("{} {}", site.product, site.environment)),
        environment: site.environment,
        site: Some(site),
        token: NO_TOKEN.to_owned(),
        // Nothing was noted, so there is one.
        control_plane: control_plane.ok_or(Error::NotFound)?,
        listener,
        admin,
        filter,
        ca_file: ca_file.into(),
        form_credentials,
        issuers,
        namespace,
        concurrency: None,
    })
}

/// The server asks no issuer where its keys are: the product says so, or whoever makes the file finds out.
fn issuers(params: &mut Params, site: &Site, beside: &[Issuer]) -> Vec<Provider> {
    if let Some(issuer) = &site.issuer
        && issuer.jwks_uri.is_none()
    {
        params.error(
            "base",
            "Where the issuer's keys are must be known: set oidc_jwks_uri and deploy, or use `tallygate gateway-config`, which asks the issuer",
        );
    }
    let all: BTreeSet<&Issuer> = site.issuer.iter().chain(beside).collect();
    let mut providers = Vec::new();
    for issuer in all {
        let Some(jwks_uri) = &issuer.jwks_uri else {
            continue;
        };
        match Provider::new(issuer.key(), &issuer.endpoint, &issuer.audiences, jwks_uri) {
            Ok(provider) => providers.push(provider),
            Err(error) => params.error("base", format!("oidc_jwks_uri: {error}")),
        }
    }
    providers
}

/// Whose tokens the other products' requests carry, which a bootstrap serves too; those whose keys are known.
async fn issuers_beside(tx: &mut Tx, format: Format, site: &Site) -> Result<Vec<Issuer>, Error> {
    if format != Format::Envoy {
        return Ok(Vec::new());
    }
    let environment = site.environment.of_products().of_configs();
    let all = versions::current_of_all(tx, environment).await?;
    Ok(all
        .iter()
        .filter_map(|row| serde_json::from_str(&row.content).ok())
        .filter_map(|content: Value| Issuer::of_content(&content))
        .collect())
}

fn address(params: &mut Params, name: &str, by_default: SocketAddr) -> SocketAddr {
    let Some(text) = params.opt_filled(name, 64) else {
        return by_default;
    };
    text.parse().unwrap_or_else(|_| {
        params.error(name, "must be an address and a port, as in 0.0.0.0:8080");
        by_default
    })
}

fn printable(params: &mut Params, name: &str) -> Option<String> {
    let text = params.opt_filled(name, 1_000)?;
    if !text.chars().all(|letter| letter.is_ascii_graphic()) {
        params.error(
            name,
            "may only have printable ASCII characters, and no spaces",
        );
        return None;
    }
    Some(text)
}

fn is_host(host: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    host.len() <= 253 && host.bytes().all(is_part)
}

fn answer(status: StatusCode, format: Format, order: &Order) -> Result<Response, Error> {
    let (content_type, name) = match format {
        Format::Envoy => ("application/yaml; charset=utf-8", "gateway.yaml"),
        Format::Filter => ("application/json; charset=utf-8", "filter.json"),
        Format::Istio => ("application/yaml; charset=utf-8", "istio.yaml"),
    };
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((status, headers, order.file(format)?).into_response())
}
