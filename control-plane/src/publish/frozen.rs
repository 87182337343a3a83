//! What a deploy freezes for gateways: the part of a version's content under `tallygate`.

use super::Environment;
use crate::secrets::{Secret, Secrets, VERSION_SECRET};
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tallygate_core::key;
use tallygate_core::wire::ConfigV1;

/// A configuration as it is kept: each environment's, without secrets, and the secrets sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// Followed by staging.
    pub staging: ConfigV1,
    /// Followed by production.
    pub production: ConfigV1,
    /// Sealed, in base64.
    pub secret_token: Option<String>,
    /// Sealed, in base64.
    pub debug_secret: Option<String>,
}

impl Frozen {
    /// The key of a version's content that it is kept under.
    pub const KEY: &'static str = "tallygate";

    /// Seals the secrets beside the configurations, which hold none from here on.
    ///
    /// # Errors
    /// When sealing fails.
    pub fn new(
        staging: ConfigV1,
        production: ConfigV1,
        secret_token: Option<&Secret>,
        debug_secret: Option<&Secret>,
        secrets: &Secrets,
    ) -> anyhow::Result<Self> {
        let bare = |config: ConfigV1| ConfigV1 {
            secret_token: String::new(),
            debug_secret: None,
            ..config
        };
        let seal = |secret: Option<&Secret>| {
            secret
                .map(|secret| {
                    secrets
                        .seal(VERSION_SECRET, secret)
                        .map(|sealed| STANDARD.encode(sealed))
                })
                .transpose()
        };
        Ok(Self {
            staging: bare(staging),
            production: bare(production),
            secret_token: seal(secret_token)?,
            debug_secret: seal(debug_secret)?,
        })
    }

    /// From a version's content.
    ///
    /// # Errors
    /// When it is not there or not of this shape.
    pub fn read(content: &str) -> anyhow::Result<Self> {
        let mut content: Value =
            serde_json::from_str(content).context("the content is not JSON")?;
        let frozen = content
            .get_mut(Self::KEY)
            .map(Value::take)
            .context("the content has no part for gateways")?;
        serde_json::from_value(frozen).context("the content's part for gateways")
    }

    /// What gateways of an environment are sent.
    ///
    /// # Errors
    /// When the secrets do not open.
    pub fn config(
        self,
        environment: Environment,
        version: i64,
        secrets: &Secrets,
    ) -> anyhow::Result<ConfigV1> {
        let open = |sealed: Option<String>| {
            sealed
                .map(|sealed| {
                    secrets.open(
                        VERSION_SECRET,
                        &STANDARD.decode(sealed).context("a sealed secret")?,
                    )
                })
                .transpose()
        };
        let config = match environment {
            Environment::Staging => self.staging,
            Environment::Production => self.production,
        };
        Ok(ConfigV1 {
            version: version.unsigned_abs(),
            secret_token: open(self.secret_token)?
                .map_or_else(String::new, |secret| secret.reveal().to_owned()),
            debug_secret: open(self.debug_secret)?
                .map(|secret| key::digest(secret.reveal().as_bytes())),
            ..config
        })
    }
}
