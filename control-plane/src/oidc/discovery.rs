//! What an issuer says of itself: its name in tokens, and where its keys are.
//!
//! Asked by whoever makes a gateway's bootstrap, on their machine; the server itself never calls an issuer.

use super::Issuer;
use crate::gateway_config::jwt_authn::Provider;
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// An issuer that takes longer is not there.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest document that is read, in bytes.
const MOST_BYTES: u64 = 256 * 1024;

/// What gateways need to verify an issuer's tokens. Where the address of the keys is configured, nobody is asked, and the
/// issuer is called like its endpoint.
///
/// # Errors
/// When it does not answer with a discovery document, or names itself or its keys in a way that cannot be used.
pub async fn provider(issuer: &Issuer, ca_file: &Path) -> anyhow::Result<Provider> {
    let (name, jwks_uri) = match &issuer.jwks_uri {
        Some(jwks_uri) => (issuer.endpoint.clone(), jwks_uri.clone()),
        None => {
            let url = format!("{}/.well-known/openid-configuration", issuer.endpoint);
            let whose = || {
                format!(
                    "the issuer's description at {url} (a product with oidc_jwks_uri needs none)"
                )
            };
            let document = fetch(&url, ca_file).await.with_context(whose)?;
            named_in(&document).with_context(whose)?
        }
    };
    Provider::new(issuer.key(), &name, &issuer.audiences, &jwks_uri)
}

fn named_in(document: &Value) -> anyhow::Result<(String, String)> {
    let text = |name: &str| {
        let text = document[name].as_str().filter(|text| !text.is_empty());
        text.map(str::to_owned)
            .with_context(|| format!("has no `{name}`"))
    };
    Ok((text("issuer")?, text("jwks_uri")?))
}

async fn fetch(url: &str, ca_file: &Path) -> anyhow::Result<Value> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        // Whose document it is would be up to whoever is redirected to.
        .max_redirects(0)
        .proxy(None)
        .tls_config(
            ureq::tls::TlsConfig::builder()
                .root_certs(roots(ca_file))
                .build(),
        )
        .build()
        .new_agent();
    let request = ureq::http::Request::builder()
        .uri(url)
        .header("accept", "application/json")
        .body(())?;
    tokio::task::spawn_blocking(move || {
        let mut answer = agent.run(request)?;
        let status = answer.status().as_u16();
        ensure!(status == 200, "is answered with {status}");
        let text = answer
            .body_mut()
            .with_config()
            .limit(MOST_BYTES)
            .read_to_string()?;
        serde_json::from_str(&text).context("is not JSON")
    })
    .await?
}

/// The authorities that Envoy will check the same issuer against; the system's when they cannot be read here.
fn roots(ca_file: &Path) -> ureq::tls::RootCerts {
    let certificates: Vec<_> = std::fs::read(ca_file)
        .map(|pem| {
            ureq::tls::parse_pem(&pem)
                .filter_map(|item| match item {
                    Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                })
                .collect()
        })
        .unwrap_or_default();
    if certificates.is_empty() {
        ureq::tls::RootCerts::PlatformVerifier
    } else {
        ureq::tls::RootCerts::new_with_certs(&certificates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_names_issuer_and_keys() {
        let good = json!({"issuer": "https://a.example/", "jwks_uri": "https://a.example/keys"});
        let named = named_in(&good).map_err(|error| error.to_string());
        assert_eq!(
            named,
            Ok(("https://a.example/".into(), "https://a.example/keys".into()))
        );
        for bad in [
            json!(null),
            json!([]),
            json!({"issuer": "https://a.example"}),
            json!({"issuer": "", "jwks_uri": "x"}),
            json!({"issuer": 7, "jwks_uri": "x"}),
        ] {
            assert!(named_in(&bad).is_err(), "{bad}");
        }
    }
}
