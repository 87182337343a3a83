//! OpenID Connect of a product's draft: the fields of `…/proxy` that are about it, and `…/proxy/oidc_configuration`.

use super::auth::{Read, Write};
use super::format::{Answer, Object};
use super::params::Params;
use super::path::Ids;
use crate::app::App;
use crate::error::Error;
use crate::gateway_config::jwt_authn::Provider;
use crate::oidc;
use crate::store::oidc::{self as rows, OidcRow};
use crate::store::products;
use axum::extract::State;

/// What kinds of issuers there are; 3scale speaks to each in its own way, we to none.
const ISSUER_TYPES: &[&str] = &["keycloak", "rest"];
/// How a claim may be written.
const CLAIM_TYPES: &[&str] = &["plain", "liquid"];

/// `GET …/proxy/oidc_configuration`.
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Ids([product_id]): Ids<1>,
    _call: Read,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    products::get(&mut tx, product_id).await?;
    let row = rows::get(&mut tx, product_id).await?;
    Ok(Answer::ok(configuration(&app, product_id, &row)))
}

/// `PATCH …/proxy/oidc_configuration`, also by PUT: which flows clients may use at the issuer. Kept and shown for 3scale's
/// clients; gateways take any token of the issuer, whichever way it was got.
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
    let mut row = rows::get(&mut tx, product_id).await?;
    for (name, flow) in [
        ("standard_flow_enabled", &mut row.standard_flow_enabled),
        ("implicit_flow_enabled", &mut row.implicit_flow_enabled),
        (
            "service_accounts_enabled",
            &mut row.service_accounts_enabled,
        ),
        (
            "direct_access_grants_enabled",
            &mut row.direct_access_grants_enabled,
        ),
    ] {
        if let Some(value) = call.params.opt_bool(name) {
            *flow = value;
        }
    }
    call.params.check()?;
    rows::set(&mut tx, product_id, &row).await?;
    let node = configuration(&app, product_id, &row);
    tx.commit().await?;
    Ok(Answer::ok(node))
}

/// The fields of `…/proxy`, with the claim, which is kept beside.
pub(super) fn apply(params: &mut Params, row: &mut OidcRow, claim: &mut String) {
    if let Some(text) = params.opt_text("oidc_issuer_endpoint", 255) {
        match oidc::endpoint(&text) {
            _ if text.is_empty() => row.issuer_endpoint = text,
            Ok(endpoint) => row.issuer_endpoint = endpoint,
            Err(message) => params.error("oidc_issuer_endpoint", message),
        }
    }
    if let Some(choice) = params.opt_choice("oidc_issuer_type", ISSUER_TYPES) {
        row.issuer_type = choice.into();
    }
    if let Some(list) = params.opt_texts("oidc_audiences", 255) {
        if list.len() > 20 {
            params.error("oidc_audiences", "has more than 20 items");
        }
        row.audiences = oidc::audiences(&list.join(",")).join(",");
    }
    if let Some(text) = params.opt_text("oidc_jwks_uri", 255) {
        if !text.is_empty() && Provider::new(String::new(), "", &[], &text).is_err() {
            params.error(
                "oidc_jwks_uri",
                "must be an address such as https://id.example.com/keys",
            );
        }
        row.jwks_uri = text;
    }
    let claim_type = params.opt_choice("jwt_claim_with_client_id_type", CLAIM_TYPES);
    let new_claim = params.opt_filled("jwt_claim_with_client_id", 255);
    if claim_type.is_none() && new_claim.is_none() {
        return;
    }
    if let Some(choice) = claim_type {
        row.claim_type = choice.into();
    }
    if let Some(text) = new_claim {
        *claim = text;
    }
    if let Err(message) = oidc::claim_path(claim, row.claim_type == "liquid") {
        params.error("jwt_claim_with_client_id", message);
    }
}

/// The fields of `…/proxy`.
pub(super) fn shown(object: Object, row: &OidcRow, claim: &str) -> Object {
    object
        .with("oidc_issuer_endpoint", &row.issuer_endpoint)
        .with("oidc_issuer_type", &row.issuer_type)
        .with("jwt_claim_with_client_id", claim)
        .with("jwt_claim_with_client_id_type", &row.claim_type)
        .with("oidc_audiences", &row.audiences)
        .with("oidc_jwks_uri", &row.jwks_uri)
}

fn configuration(app: &App, product_id: i64, row: &OidcRow) -> Object {
    let proxy = format!(
        "{}/admin/api/services/{product_id}/proxy",
        app.config.admin_url
    );
    Object::new("oidc_configuration")
        // 3scale's have ids of their own; there is one a product.
        .with("id", product_id)
        .with("standard_flow_enabled", row.standard_flow_enabled)
        .with("implicit_flow_enabled", row.implicit_flow_enabled)
        .with("service_accounts_enabled", row.service_accounts_enabled)
        .with("direct_access_grants_enabled", row.direct_access_grants_enabled)
        .links([
            ("self", format!("{proxy}/oidc_configuration")),
            ("proxy", proxy),
        ])
}
