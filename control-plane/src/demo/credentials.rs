//! What the demo must remember between runs, because the control plane shows it once: keys and tokens.
//!
//! `credentials.json` in the demo's folder, readable by its owner alone.

use crate::db::Db;
use crate::gateway_config::Environment;
use crate::provider;
use crate::secrets::installation;
use anyhow::{Context as _, anyhow, bail};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The demo provider's secrets.
#[derive(Debug)]
pub struct Credentials {
    file: PathBuf,
    is_new: bool,
    kept: Kept,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    provider_key: String,
    access_token: String,
    /// Of the Bronze account's user, for the portal.
    portal_password: String,
    staging_gateway_token: Option<String>,
    production_gateway_token: Option<String>,
}

// === impl Credentials ===

impl Credentials {
    /// Reads them, or makes the provider of an empty database.
    ///
    /// # Errors
    /// When the folder holds one of database and credentials without the other.
    pub async fn load_or_create(
        folder: &Path,
        database: &crate::config::DatabaseConfig,
    ) -> anyhow::Result<Self> {
        let file = folder.join("credentials.json");
        match std::fs::read(&file) {
            Ok(bytes) => {
                let kept = serde_json::from_slice(&bytes).with_context(|| {
                    format!(
                        "{} is damaged: `make clean-demo` begins anew",
                        file.display()
                    )
                })?;
                Ok(Self {
                    file,
                    is_new: false,
                    kept,
                })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Self::create(file, database).await
            }
            Err(error) => Err(error).with_context(|| file.display().to_string()),
        }
    }

    async fn create(
        file: PathBuf,
        database: &crate::config::DatabaseConfig,
    ) -> anyhow::Result<Self> {
        let db = Db::connect(&database.database_url, database.database_connections).await?;
        db.migrate().await?;
        if provider::exists(&db).await? {
            bail!(
                "there is a database but no {} with its credentials: `make clean-demo` begins anew",
                file.display()
            );
        }
        let secrets = installation::open(&db, database).await?;
        let created = provider::create(&db, &secrets, "Mail Company", "api@mail.example")
            .await
            .map_err(|error| anyhow!(error.public_message()))?;
        db.close().await;
        let kept = Kept {
            provider_key: created.provider_key.reveal().to_owned(),
            access_token: created.access_token.reveal().to_owned(),
            portal_password: crate::secrets::random_token("", 10).reveal().to_owned(),
            staging_gateway_token: None,
            production_gateway_token: None,
        };
        let credentials = Self {
            file,
            is_new: true,
            kept,
        };
        credentials.save()?;
        Ok(credentials)
    }

    /// Whether this run made them.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The provider key: authorises everything.
    #[must_use]
    pub fn provider_key(&self) -> &str {
        &self.kept.provider_key
    }

    /// An access token with all scopes.
    #[must_use]
    pub fn access_token(&self) -> &str {
        &self.kept.access_token
    }

    /// The portal password of the Bronze account's user.
    #[must_use]
    pub fn portal_password(&self) -> &str {
        &self.kept.portal_password
    }

    /// The gateway token for an environment, once there is one.
    #[must_use]
    pub fn gateway_token(&self, environment: Environment) -> Option<&str> {
        match environment {
            Environment::Staging => self.kept.staging_gateway_token.as_deref(),
            Environment::Production => self.kept.production_gateway_token.as_deref(),
        }
    }

    /// Keeps a new gateway token.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_gateway_token(
        &mut self,
        environment: Environment,
        token: String,
    ) -> anyhow::Result<()> {
        match environment {
            Environment::Staging => self.kept.staging_gateway_token = Some(token),
            Environment::Production => self.kept.production_gateway_token = Some(token),
        }
        self.save()
    }

    fn save(&self) -> anyhow::Result<()> {
        write_private(&self.file, &serde_json::to_vec_pretty(&self.kept)?)
    }
}

/// Writes a file that only its owner may read, whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn write_private(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let fresh = file.with_extension("new");
    let write = || {
        // One left behind may have other permissions.
        let _ = std::fs::remove_file(&fresh);
        let mut out = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)?;
        out.write_all(bytes)?;
        std::fs::rename(&fresh, file)
    };
    write().with_context(|| format!("writing {}", file.display()))
}
