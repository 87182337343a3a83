//! To the provider: with a state, a nonce and a challenge (PKCE) that are used once.

use super::{Attempt, Door, Endpoints, failed};
use crate::error::Error;
use crate::secrets;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Where to send the browser, and what to remember meanwhile.
///
/// # Errors
/// 502 when the provider does not say where.
pub async fn begin(door: Door, return_to: String, now_ms: i64) -> Result<(String, Attempt), Error> {
    let attempt = Attempt {
        system_name: door.row.system_name.clone(),
        state: secrets::random_token("", 32).reveal().to_owned(),
        nonce: secrets::random_token("", 32).reveal().to_owned(),
        verifier: secrets::random_token("", 48).reveal().to_owned(),
        return_to,
        began_at: now_ms,
    };
    let endpoints = {
        let door = door.clone();
        tokio::task::spawn_blocking(move || door.endpoints())
            .await
            .map_err(failed)??
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(attempt.verifier.as_bytes()));
    let (address, scope) = match &endpoints {
        Endpoints::Oidc(metadata) => (
            metadata.authorization_endpoint().as_str(),
            Some("openid profile email"),
        ),
        Endpoints::OAuth { authorize_url, .. } => (authorize_url.as_str(), None),
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &door.row.client_id)
        .append_pair("redirect_uri", &door.callback_url)
        .append_pair("state", &attempt.state)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    if let Some(scope) = scope {
        query
            .append_pair("scope", scope)
            .append_pair("nonce", &attempt.nonce);
    }
    let separator = if address.contains('?') { '&' } else { '?' };
    Ok((format!("{address}{separator}{}", query.finish()), attempt))
}
