//! What of a product's version matters to whoever runs a gateway for it: where clients reach it, and where it leads.

use super::{ControlPlane, Environment};
use crate::oidc::Issuer;
use crate::publish::Frozen;
use anyhow::Context as _;
use serde_json::Value;
use tallygate_core::wire::UpstreamV1;

/// A product as one environment's gateways meet it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The product's system name.
    pub product: String,
    /// The environment.
    pub environment: Environment,
    /// The version that it follows.
    pub version: u64,
    /// Where clients reach it: (host, base path).
    pub public: Vec<(String, String)>,
    /// Where admitted requests go, the longest path first; nowhere when the product has neither a private base URL nor
    /// backends.
    pub upstreams: Vec<Private>,
    /// Whose tokens its requests carry.
    pub issuer: Option<Issuer>,
}

/// A private base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Private {
    /// What is below this path of the product's goes there: `/`, or `/…` without a final slash.
    pub path: String,
    /// The server.
    pub server: ControlPlane,
    /// What is put before the path; empty, or `/…` without a final slash.
    pub path_prefix: String,
    /// Sent as the host.
    pub host: String,
}

// === impl Site ===

impl Site {
    /// From a version's content, as it is stored and as the API shows it.
    ///
    /// # Errors
    /// When it is not a content of ours.
    pub fn of_content(content: &Value, environment: Environment) -> anyhow::Result<Self> {
        let frozen = Frozen::read(&content.to_string())?;
        let config = match environment {
            Environment::Staging => frozen.staging,
            Environment::Production => frozen.production,
        };
        let product = content["system_name"]
            .as_str()
            .context("the content names no product")?;
        let mut upstreams = config
            .backends
            .into_iter()
            .map(|backend| Private::new(backend.path, backend.upstream))
            .collect::<anyhow::Result<Vec<_>>>()?;
        // Backends take the place of the product's own.
        if upstreams.is_empty()
            && let Some(upstream) = config.upstream
        {
            upstreams.push(Private::new("/".to_owned(), upstream)?);
        }
        upstreams.sort_by(|a, b| (b.path.len(), &a.path).cmp(&(a.path.len(), &b.path)));
        Ok(Self {
            product: product.to_owned(),
            environment,
            version: config.version,
            public: config
                .public_urls
                .into_iter()
                .map(|url| (url.host, url.base_path))
                .collect(),
            upstreams,
            issuer: Issuer::of_content(content),
        })
    }

    /// Its name where only lower-case letters, digits and dashes may stand.
    #[must_use]
    pub fn label(&self) -> String {
        let dashed: String = self
            .product
            .chars()
            .map(|letter| match letter.to_ascii_lowercase() {
                letter @ ('a'..='z' | '0'..='9') => letter,
                _ => '-',
            })
            .take(40)
            .collect();
        format!(
            "tallygate-{}-{}",
            dashed.trim_matches('-'),
            self.environment
        )
    }
}

// === impl Private ===

impl Private {
    fn new(path: String, upstream: UpstreamV1) -> anyhow::Result<Self> {
        let scheme = if upstream.tls { "https" } else { "http" };
        let server = ControlPlane::parse(&format!("{scheme}://{}", upstream.authority))?;
        Ok(Self {
            path,
            server,
            path_prefix: upstream.path_prefix,
            host: upstream.host_rewrite.unwrap_or(upstream.authority),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_kubernetes_takes() {
        let label = |product: &str| {
            Site {
                product: product.to_owned(),
                environment: Environment::Production,
                version: 1,
                public: Vec::new(),
                upstreams: Vec::new(),
                issuer: None,
            }
            .label()
        };
        assert_eq!(label("my_API.v2"), "tallygate-my-api-v2-production");
        assert_eq!(label("_é_"), "tallygate--production");
        assert!(label(&"x".repeat(200)).len() < 64);
    }
}
