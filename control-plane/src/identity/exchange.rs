//! From the provider: the code that the browser brings becomes a token, and that a person.

use super::{Attempt, Door, Endpoints, Person, failed};
use crate::error::Error;
use crate::secrets::Secret;
use crate::store::authentication_providers::AuthenticationProvider;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openidconnect::core::{
    CoreClientAuthMethod, CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet,
    CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{ClientId, Nonce};
use serde_json::Value;
use std::str::FromStr as _;

/// Texts of a provider that are longer are none of ours.
const MOST_CHARS: usize = 255;

/// Who the browser's code stands for.
///
/// # Errors
/// 502 when the provider does not say, or says it in a way that cannot be believed.
pub async fn exchange(door: Door, attempt: Attempt, code: Secret) -> Result<Person, Error> {
    tokio::task::spawn_blocking(move || {
        let claims = match door.endpoints()? {
            Endpoints::Oidc(metadata) => of_id_token(&door, &metadata, &attempt, &code)?,
            Endpoints::OAuth {
                token_url,
                user_info_url,
                ..
            } => {
                let answer = tokens(&door, &token_url, true, &attempt, &code)?;
                let token = text(&answer, "access_token")
                    .ok_or_else(|| failed("the answer has no access token"))?;
                door.get(&user_info_url, Some(&Secret::new(token)))?
            }
        };
        person(&door.row, &claims)
    })
    .await
    .map_err(failed)?
}

/// Claims of a token that this provider made for us and this very attempt.
fn of_id_token(
    door: &Door,
    metadata: &CoreProviderMetadata,
    attempt: &Attempt,
    code: &Secret,
) -> Result<Value, Error> {
    let url = metadata
        .token_endpoint()
        .ok_or_else(|| failed("the provider has no token endpoint"))?;
    let by_form = metadata
        .token_endpoint_auth_methods_supported()
        .is_some_and(|methods| !methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
    let answer = tokens(door, url.as_str(), by_form, attempt, code)?;
    let token = text(&answer, "id_token").ok_or_else(|| failed("the answer has no id token"))?;
    let keys: CoreJsonWebKeySet =
        serde_json::from_value(door.get(metadata.jwks_uri().as_str(), None)?).map_err(failed)?;
    let verifier = CoreIdTokenVerifier::new_public_client(
        ClientId::new(door.row.client_id.clone()),
        metadata.issuer().clone(),
        keys,
    )
    .set_allowed_algs(ALGORITHMS.iter().cloned());
    let parsed = CoreIdToken::from_str(&token).map_err(failed)?;
    parsed
        .claims(&verifier, &Nonce::new(attempt.nonce.clone()))
        .map_err(failed)?;
    // It is the provider's; what it says besides the standard's claims is in the text.
    let payload = token.split('.').nth(1).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(payload).map_err(failed)?;
    serde_json::from_slice(&bytes).map_err(failed)
}

/// Signatures that the provider's published keys can verify; none that a shared secret makes.
const ALGORITHMS: &[CoreJwsSigningAlgorithm] = &[
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What the code is exchanged for.
fn tokens(
    door: &Door,
    url: &str,
    by_form: bool,
    attempt: &Attempt,
    code: &Secret,
) -> Result<Value, Error> {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code.reveal()),
        ("redirect_uri", door.callback_url.as_str()),
        ("code_verifier", attempt.verifier.as_str()),
        ("client_id", door.row.client_id.as_str()),
    ];
    if by_form {
        form.push(("client_secret", door.secret.reveal()));
        return door.post(url, &form, None);
    }
    // RFC 6749, 2.3.1: both are form-encoded before they are put together.
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!(
        "{}:{}",
        encoded(&door.row.client_id),
        encoded(door.secret.reveal())
    );
    let authorization = Secret::new(format!("Basic {}", STANDARD.encode(pair)));
    door.post(url, &form, Some(&authorization))
}

fn person(row: &AuthenticationProvider, claims: &Value) -> Result<Person, Error> {
    // A token's `sub` is never anybody else's. What stands under `id` is up to the provider's people.
    let by_default = row.identifier_key == "id" && claims.get("sub").is_some();
    let key = if by_default {
        "sub"
    } else {
        &row.identifier_key
    };
    let identifier =
        text(claims, key).ok_or_else(|| failed(format!("nothing under `{key}` says who it is")))?;
    let verified = claims.get("email_verified") == Some(&Value::Bool(true));
    let email = text(claims, "email").filter(|_| verified || row.trust_email);
    let username = [
        row.username_key.as_str(),
        "preferred_username",
        "nickname",
        "name",
    ]
    .iter()
    .find_map(|key| text(claims, key))
    .or_else(|| Some(email.as_deref()?.split('@').next()?.to_owned()))
    .unwrap_or_else(|| "developer".into());
    let org_name = ["org_name", "organization", "company", "name"]
        .iter()
        .find_map(|key| text(claims, key))
        .unwrap_or_else(|| username.clone());
    Ok(Person {
        identifier,
        username,
        email,
        org_name,
    })
}

/// A text or number that is there, fit to be kept.
fn text(claims: &Value, key: &str) -> Option<String> {
    let text = match claims.get(key)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let is_token = key.ends_with("_token");
    let fits = is_token || text.chars().count() <= MOST_CHARS;
    (!text.is_empty() && fits && !text.chars().any(char::is_control)).then_some(text)
}
