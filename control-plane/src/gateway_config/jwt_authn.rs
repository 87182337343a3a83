//! Envoy's `jwt_authn` before the filter: it verifies tokens of the products' issuers and leaves their claims in the
//! request's metadata. It lets every request pass: whether one may call is the filter's to say, which finds no claims
//! where a token was missing, forged, expired or meant for somebody else.
//!
//! Providers are fixed when the bootstrap is made; a product with another issuer or other audiences needs a new one.

use super::ControlPlane;
use super::clusters;
use crate::promote::urls;
use anyhow::ensure;
use serde_json::{Value, json};
use std::path::Path;

/// How long an issuer's keys are used before they are asked for again, in seconds: as long, a key that it has withdrawn
/// is still good.
const KEYS_SECS: u32 = 300;
/// Tokens of one worker that are not verified anew with each request; that they have not expired is always checked.
const CACHED_TOKENS: u32 = 1_000;

/// An issuer whose tokens are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name here, and of the claims in the metadata.
    key: String,
    /// What tokens call it.
    issuer: String,
    /// Whom tokens must be meant for, one of these; empty when that does not matter.
    audiences: Vec<String>,
    /// Its keys.
    jwks_uri: String,
    /// Where that address leads.
    server: ControlPlane,
}

// === impl Provider ===

impl Provider {
    /// A provider under `key`.
    ///
    /// # Errors
    /// When the address of the keys is no http or https address.
    pub fn new(
        key: String,
        issuer: &str,
        audiences: &[String],
        jwks_uri: &str,
    ) -> anyhow::Result<Self> {
        let (scheme, rest) = jwks_uri.split_once("://").unwrap_or(("", jwks_uri));
        let authority = rest.split(['/', '?']).next().unwrap_or(rest);
        let server = ControlPlane::parse(&format!("{scheme}://{authority}"))?;
        ensure!(
            urls::private(&format!("{scheme}://{authority}"), "").is_ok()
                && jwks_uri.bytes().all(|byte| byte.is_ascii_graphic()),
            "`{jwks_uri}` is not an address where keys can be"
        );
        Ok(Self {
            key,
            issuer: issuer.to_owned(),
            audiences: audiences.to_vec(),
            jwks_uri: jwks_uri.to_owned(),
            server,
        })
    }

    fn to_value(&self) -> Value {
        let mut provider = json!({
            "issuer": self.issuer,
            "payload_in_metadata": self.key,
            // The upstream may want to know more of it than we do; 3scale's gateway passes it on too.
            "forward": true,
            "require_expiration": true,
            "jwt_cache_config": {"jwt_cache_size": CACHED_TOKENS},
            "remote_jwks": {
                "http_uri": {"uri": self.jwks_uri, "cluster": self.key, "timeout": "5s"},
                "cache_duration": format!("{KEYS_SECS}s"),
                // An issuer that is away must not keep the gateway from starting.
                "async_fetch": {"fast_listener": true},
            },
        });
        if !self.audiences.is_empty() {
            provider["audiences"] = json!(self.audiences);
        }
        provider
    }
}

/// The HTTP filter, to stand before ours; none when there is nothing to verify.
pub(super) fn filter(providers: &[Provider]) -> Option<Value> {
    let passing = |provider: &Provider| {
        json!({"requires_any": {"requirements": [
            {"provider_name": provider.key},
            {"allow_missing_or_failed": {}},
        ]}})
    };
    // Each looks at the token on its own: the first that likes it must not keep the others from saying so too.
    let requires = match providers {
        [] => return None,
        [one] => passing(one),
        many => json!({"requires_all": {
            "requirements": many.iter().map(passing).collect::<Vec<_>>(),
        }}),
    };
    let by_key: serde_json::Map<String, Value> = providers
        .iter()
        .map(|provider| (provider.key.clone(), provider.to_value()))
        .collect();
    Some(
        json!({"name": "envoy.filters.http.jwt_authn", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": by_key,
            "rules": [{"match": {"prefix": "/"}, "requires": requires}],
        }}),
    )
}

/// Where the keys are fetched from, one cluster a provider.
pub(super) fn clusters<'a>(
    providers: impl Iterator<Item = &'a Provider>,
    ca_file: &Path,
) -> Vec<Value> {
    let mut clusters: Vec<Value> = Vec::new();
    for provider in providers {
        let cluster = clusters::fixed(&provider.key, &provider.server, ca_file);
        // Two listeners may have the same.
        if !clusters.contains(&cluster) {
            clusters.push(cluster);
        }
    }
    clusters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(key: &str, audiences: &[&str]) -> Provider {
        let audiences: Vec<String> = audiences.iter().map(ToString::to_string).collect();
        Provider::new(
            key.into(),
            "https://id.example.com",
            &audiences,
            "https://id.example.com:8443/keys?v=1",
        )
        .expect("a good address")
    }

    #[test]
    fn each_provider_may_fail() {
        assert_eq!(filter(&[]), None);
        let one = filter(&[provider("a", &[])]).expect("a filter");
        let config = &one["typed_config"];
        assert_eq!(
            config["rules"][0]["requires"]["requires_any"]["requirements"],
            json!([{"provider_name": "a"}, {"allow_missing_or_failed": {}}])
        );
        assert_eq!(config["providers"]["a"]["payload_in_metadata"], "a");
        assert!(config["providers"]["a"].get("audiences").is_none());
        let two = filter(&[provider("a", &[]), provider("b", &["mail"])]).expect("a filter");
        let all = &two["typed_config"]["rules"][0]["requires"]["requires_all"]["requirements"];
        assert_eq!(all.as_array().map(Vec::len), Some(2));
        assert_eq!(
            two["typed_config"]["providers"]["b"]["audiences"],
            json!(["mail"])
        );
    }

    #[test]
    fn keys_are_fetched_from_where_their_address_leads() {
        let all = [provider("a", &[]), provider("a", &[]), provider("b", &[])];
        let clusters = clusters(all.iter(), Path::new("/ca.pem"));
        assert_eq!(clusters.len(), 2);
        let at = clusters[0]
            .pointer("/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address");
        assert_eq!(
            at,
            Some(&json!({"address": "id.example.com", "port_value": 8443}))
        );
        assert_eq!(
            clusters[0]["transport_socket"]["typed_config"]["sni"],
            "id.example.com"
        );
        for bad in [
            "",
            "/keys",
            "ftp://a/keys",
            "https:///keys",
            "https://a b/keys",
        ] {
            assert!(Provider::new("a".into(), "i", &[], bad).is_err(), "{bad}");
        }
    }
}
