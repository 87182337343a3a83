//! OpenID Connect: whose tokens a product takes, and under which name gateways keep what such a token says.
//!
//! Envoy's `jwt_authn` verifies a token against its issuer's keys and leaves the claims under [`Issuer::key`]; the
//! filter looks for the client id there and nowhere else. The key stands for issuer *and* audiences, so a token that is
//! good for one product says nothing to another, whatever other providers verified on the way.

pub mod discovery;

use crate::admin_client::AdminClient;
use crate::promote::urls;
use crate::publish::Environment;
use anyhow::Context as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What names the application unless configured, as in 3scale: the party that the token was issued to.
pub const DEFAULT_CLAIM: &str = "azp";

/// Where a product's tokens come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Issuer {
    /// Below it lies `/.well-known/openid-configuration`; without a final slash.
    pub endpoint: String,
    /// Whom a token must be meant for, sorted; empty when that does not matter.
    pub audiences: Vec<String>,
    /// Where its keys are, when that is not looked up at the endpoint.
    pub jwks_uri: Option<String>,
}

// === impl Issuer ===

impl Issuer {
    /// The issuer that a configuration's content (3scale's keys) names; none unless it is one for OpenID Connect.
    #[must_use]
    pub fn of_content(content: &Value) -> Option<Self> {
        let text = |name: &str| {
            let text = content.get("proxy")?.get(name)?.as_str()?;
            Some(text).filter(|text| !text.is_empty())
        };
        let audiences = text("oidc_audiences").unwrap_or_default();
        Some(Self {
            endpoint: text("oidc_issuer_endpoint")?.to_owned(),
            audiences: self::audiences(audiences),
            jwks_uri: text("oidc_jwks_uri").map(str::to_owned),
        })
    }

    /// The name of its provider in `jwt_authn`, and of the claims in the request's metadata.
    #[must_use]
    pub fn key(&self) -> String {
        let all = json!([self.endpoint, self.audiences, self.jwks_uri]);
        let hash = Sha256::digest(all.to_string().as_bytes());
        let short = hash.get(..8).unwrap_or_default();
        format!("tallygate_oidc_{}", hex::encode(short))
    }
}

/// A comma list of audiences, sorted, each once.
#[must_use]
pub fn audiences(list: &str) -> Vec<String> {
    let mut audiences: Vec<String> = list
        .split(',')
        .map(|audience| audience.trim().to_owned())
        .filter(|audience| !audience.is_empty())
        .collect();
    audiences.sort_unstable();
    audiences.dedup();
    audiences
}

/// The issuer's address as it is kept: without the client id and secret that 3scale has in it (nothing here registers
/// clients with the issuer), and without a final slash.
///
/// # Errors
/// What is wrong with it.
pub fn endpoint(text: &str) -> Result<String, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let bare = format!("{scheme}://{host}{path}");
    let bare = bare.trim_end_matches('/');
    urls::private(bare, "")?;
    Ok(bare.to_owned())
}

/// The path of a claim below a token's payload: a name with dots in it goes down a level at each, unless it is one long
/// name such as `https://example.com/client_id`.
///
/// # Errors
/// What is wrong with it.
pub fn claim_path(claim: &str, is_liquid: bool) -> Result<Vec<String>, String> {
    let name = if is_liquid {
        claim
            .strip_prefix("{{")
            .and_then(|rest| rest.strip_suffix("}}"))
            .map(str::trim)
            .filter(|name| !name.contains(['{', '}', '|', ' ']))
            .ok_or("may only be a claim in braces, as in {{ azp }}")?
    } else {
        claim
    };
    // Without an issuer of ours the operator's own `jwt_authn` puts the payload there, and the prefix used to be given.
    let name = name.strip_prefix("jwt_payload.").unwrap_or(name);
    let parts: Vec<String> = if name.contains(['/', ':']) {
        vec![name.to_owned()]
    } else {
        name.split('.').map(str::to_owned).collect()
    };
    if parts.iter().any(String::is_empty) {
        return Err("must be a claim's name, as in azp or resource.client".into());
    }
    Ok(parts)
}

/// The issuers of all products, as an environment's gateways meet them.
///
/// # Errors
/// When the control plane does not answer or refuses.
pub async fn of_environment(
    client: &AdminClient,
    environment: Environment,
) -> anyhow::Result<Vec<Issuer>> {
    const PER_PAGE: usize = 500;
    let mut issuers = Vec::new();
    for page in 1.. {
        let path = format!(
            "/admin/api/account/proxy_configs/{}.json?version=latest&per_page={PER_PAGE}&page={page}",
            environment.of_configs()
        );
        let answer = client.get(&path).await?;
        let configs = answer["proxy_configs"]
            .as_array()
            .context("an answer without proxy_configs")?;
        let contents = configs
            .iter()
            .filter_map(|config| config.pointer("/proxy_config/content"));
        issuers.extend(contents.filter_map(Issuer::of_content));
        if configs.len() < PER_PAGE {
            break;
        }
    }
    issuers.sort_unstable();
    issuers.dedup();
    Ok(issuers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        for (text, kept) in [
            ("https://id.example.com", "https://id.example.com"),
            (
                "https://id.example.com/realms/a/",
                "https://id.example.com/realms/a",
            ),
            (
                "https://client:s3cret@id.example.com:8443/x",
                "https://id.example.com:8443/x",
            ),
        ] {
            assert_eq!(endpoint(text).as_deref(), Ok(kept), "{text}");
        }
        for text in [
            "",
            "id.example.com",
            "ftp://id.example.com",
            "https://",
            "https://u:p@",
            "https://a b",
            "https://a?x=1",
        ] {
            assert!(endpoint(text).is_err(), "{text}");
        }
    }

    #[test]
    fn claims() {
        let path = |claim: &str| claim_path(claim, false).map(|path| path.join(">"));
        assert_eq!(path("azp"), Ok("azp".into()));
        assert_eq!(path("jwt_payload.azp"), Ok("azp".into()));
        assert_eq!(path("resource.client"), Ok("resource>client".into()));
        assert_eq!(
            path("https://example.com/client_id"),
            Ok("https://example.com/client_id".into())
        );
        for wrong in ["", ".", "a..b", "a."] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
        let liquid = |claim: &str| claim_path(claim, true).map(|path| path.join(">"));
        assert_eq!(liquid("{{ azp }}"), Ok("azp".into()));
        assert_eq!(liquid("{{a.b}}"), Ok("a>b".into()));
        for wrong in [
            "azp",
            "{{ azp | upcase }}",
            "{% if azp %}x{% endif %}",
            "{{a}}{{b}}",
            "{{}}",
        ] {
            assert!(liquid(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_difference_makes_another_key() {
        let issuer = |proxy: Value| Issuer::of_content(&json!({"proxy": proxy}));
        let endpoint = "https://id.example.com";
        let all = [
            json!({"oidc_issuer_endpoint": endpoint}),
            json!({"oidc_issuer_endpoint": "https://id2.example.com"}),
            json!({"oidc_issuer_endpoint": endpoint, "oidc_audiences": "a"}),
            json!({"oidc_issuer_endpoint": endpoint, "oidc_audiences": "a,b"}),
            json!({"oidc_issuer_endpoint": endpoint, "oidc_jwks_uri": "a"}),
            json!({"oidc_issuer_endpoint": endpoint, "oidc_jwks_uri": "a", "oidc_audiences": "b"}),
        ];
        let mut keys: Vec<String> = all
            .into_iter()
            .filter_map(|proxy| Some(issuer(proxy)?.key()))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 6);
        let one = issuer(json!({"oidc_issuer_endpoint": endpoint, "oidc_audiences": "b, a"}));
        let other = issuer(json!({"oidc_issuer_endpoint": endpoint, "oidc_audiences": "a,b,a"}));
        assert_eq!(one, other);
        assert_eq!(issuer(json!({"oidc_issuer_endpoint": ""})), None);
    }
}
