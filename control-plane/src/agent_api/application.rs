//! Who calls: an application by its credentials, and whether it may, in 3scale's order: key, referrer, state, (limits).

use super::params::Params;
use super::product::Product;
use super::referrer;
use super::refusal::{Denial, Failure, Refusal};
use crate::credentials::{ident, key_digest};
use crate::db::Tx;
use crate::secrets::{Secret, same};
use crate::store::applications::{self, Application};
use crate::store::keys::{self, Key};
use crate::store::referrer_filters;

/// How the application's key is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// By the product's kind: with `app_id` one is needed.
    Needed,
    /// Only when one is sent: who calls was found out from a token.
    IfSent,
}

/// The application that a call or a transaction names.
///
/// # Errors
/// 403 or 404 when it names none, or two ways at once.
pub async fn find(tx: &mut Tx, product: &Product, params: &Params) -> Result<Application, Failure> {
    // An `app_id` is a name, and a `user_key` a secret: where the one is expected, the other is not looked up.
    let takes_user_key = product.row.backend_version == "1";
    match (params.text("user_key"), params.text("app_id")) {
        (Some(_), Some(_)) => Err(Refusal::both_credentials().into()),
        (Some(user_key), None) => {
            let found = match takes_user_key {
                true => applications::by_ident(tx, &ident(product.row.id, user_key)).await?,
                false => None,
            };
            found.ok_or_else(|| Refusal::user_key(user_key).into())
        }
        (None, app_id) => {
            let app_id = app_id.unwrap_or_default();
            let found = match takes_user_key {
                true => None,
                false => applications::by_ident(tx, &ident(product.row.id, app_id)).await?,
            };
            found.ok_or_else(|| Refusal::application(app_id).into())
        }
    }
}

/// Why an application may not call, whatever it has used; none when it may.
///
/// # Errors
/// When the database does not answer.
pub async fn denial(
    tx: &mut Tx,
    product: &Product,
    application: &Application,
    params: &Params,
    keys: Keys,
) -> Result<Option<Denial>, Failure> {
    if keys == Keys::IfSent {
        if !product.is_oidc() {
            return Ok(Some(Denial::oauth_not_enabled()));
        }
        let uri = params.text("redirect_uri").or(params.text("redirect_url"));
        if let Some(uri) = uri {
            // Applications have no address to come back to: what is not known cannot be the same.
            return Ok(Some(Denial::redirect_uri(uri)));
        }
    }
    // A blank one is sent, and wrong.
    let sent = params.sent("app_key");
    let is_needed = keys == Keys::Needed && product.row.backend_version != "1";
    if is_needed || (keys == Keys::IfSent && sent.is_some()) {
        let known = keys_of(tx, application).await?;
        let is_known = sent.is_some_and(|sent| {
            let digest = key_digest(&Secret::new(sent));
            known.iter().any(|key| same(&key.digest, &digest))
        });
        if !is_known {
            return Ok(Some(Denial::key(sent)));
        }
    }
    if product.row.referrer_filters_required {
        let filters = referrer_filters::of(tx, &[application.id]).await?;
        let values = || filters.iter().map(|filter| filter.value.as_str());
        match params.text("referrer") {
            // An agent that has seen to it itself says so.
            Some("*") => {}
            _ if filters.is_empty() => {}
            Some(referrer) if referrer::is_allowed(values(), referrer) => {}
            referrer => return Ok(Some(Denial::referrer(referrer))),
        }
    }
    let is_live = application.state == "live" && application.account_state == "approved";
    Ok((!is_live).then(Denial::not_active))
}

/// The keys of an application.
///
/// # Errors
/// When the database does not answer.
pub async fn keys_of(tx: &mut Tx, application: &Application) -> Result<Vec<Key>, Failure> {
    Ok(keys::of(tx, &[application.id]).await?)
}
