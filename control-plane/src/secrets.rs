//! Keys, tokens and passwords: made, sealed, digested and compared here and nowhere else.
//!
//! What authenticates is a digest. A value that must be shown or sent again is *sealed* (XChaCha20-Poly1305)
//! with the table and column it belongs to, so that a sealed value moved elsewhere does not open.
//! Never here: logging, and any `Debug` that shows a secret.

pub mod installation;

use anyhow::{Context as _, bail};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;

/// Seals and opens values, and hashes passwords.
#[derive(Clone)]
pub struct Secrets {
    cipher: Arc<XChaCha20Poly1305>,
    /// Argon2 takes 19 MiB and a core: more at once would starve everything else.
    hashing: Arc<Semaphore>,
}

/// Where a sealed value lives: part of what is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(pub &'static str);

/// `proxy.secret_token`.
pub const PROXY_SECRET_TOKEN: Place = Place("proxy.secret_token");
/// `proxy.debug_secret`.
pub const PROXY_DEBUG_SECRET: Place = Place("proxy.debug_secret");
/// Secrets inside `proxy_version.content`.
pub const VERSION_SECRET: Place = Place("proxy_version.content");
/// `service_token.value`.
pub const SERVICE_TOKEN_VALUE: Place = Place("service_token.value");
/// `application.user_key`.
pub const APPLICATION_USER_KEY: Place = Place("application.user_key");
/// `webhook.secret`.
pub const WEBHOOK_SECRET: Place = Place("webhook.secret");
/// `webhook_event.body`.
pub const WEBHOOK_BODY: Place = Place("webhook_event.body");
/// `mail.texts`.
pub const MAIL_TEXTS: Place = Place("mail.texts");
/// `application_key.value`.
pub const APPLICATION_KEY_VALUE: Place = Place("application_key.value");

/// `authentication_provider.client_secret`.
pub const AUTHENTICATION_PROVIDER_SECRET: Place = Place("authentication_provider.client_secret");
/// A message from one page of the portal to the next.
pub const PORTAL_FLASH: Place = Place("portal.flash");
/// What is remembered while somebody signs in elsewhere.
pub const PORTAL_SIGN_IN: Place = Place("portal.sign_in");

/// That a browser sees drafts.
pub const PORTAL_PREVIEW: Place = Place("portal.preview");

/// A secret in clear, for as long as it takes to show or send it. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

/// Format of sealed values: this byte, 24 bytes of nonce, ciphertext and tag.
const SEALED_V1: u8 = 1;
const NONCE_BYTES: usize = 24;

impl Secrets {
    /// From the 32 bytes of the installation's key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            cipher: Arc::new(XChaCha20Poly1305::new(key.into())),
            hashing: Arc::new(Semaphore::new(2)),
        }
    }

    /// From the key file; made, readable by its owner alone, when `create` is set and it does not exist.
    ///
    /// # Errors
    /// When it cannot be read, written, or holds no key.
    pub fn load(file: &Path, create: bool) -> anyhow::Result<Self> {
        if create && !file.exists() {
            write_key_file(file)?;
        }
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("reading TALLYGATE_SECRET_KEY_FILE {}", file.display()))?;
        let mut key = [0; 32];
        if hex::decode_to_slice(text.trim(), &mut key).is_err() {
            bail!(
                "TALLYGATE_SECRET_KEY_FILE {} must hold 64 hexadecimal digits (make one with `openssl rand -hex 32`)",
                file.display()
            );
        }
        Ok(Self::new(&key))
    }

    /// Seals a value for one place.
    ///
    /// # Errors
    /// Never for values of the sizes we have.
    pub fn seal(&self, place: Place, value: &Secret) -> anyhow::Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        rand::fill(&mut nonce);
        let payload = Payload {
            msg: value.0.as_bytes(),
            aad: place.0.as_bytes(),
        };
        let Ok(ciphertext) = self.cipher.encrypt(&XNonce::from(nonce), payload) else {
            bail!("cannot seal {}", place.0);
        };
        Ok([&[SEALED_V1][..], &nonce, &ciphertext].concat())
    }

    /// Opens what [`Self::seal`] made for the same place.
    ///
    /// # Errors
    /// When it was sealed with another key or for another place.
    pub fn open(&self, place: Place, sealed: &[u8]) -> anyhow::Result<Secret> {
        let opened = match sealed {
            [SEALED_V1, rest @ ..] => rest.split_first_chunk::<NONCE_BYTES>(),
            _ => None,
        }
        .and_then(|(nonce, ciphertext)| {
            let payload = Payload {
                msg: ciphertext,
                aad: place.0.as_bytes(),
            };
            self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()
        })
        .and_then(|bytes| String::from_utf8(bytes).ok());
        opened.map(Secret).with_context(|| {
            format!(
                "{} was sealed with another key: is TALLYGATE_SECRET_KEY_FILE the one this database was made with?",
                place.0
            )
        })
    }

    /// Hashes a password (argon2id), off the async threads.
    ///
    /// # Errors
    /// When hashing fails.
    pub async fn hash_password(&self, password: Secret) -> anyhow::Result<String> {
        let _permit = self.hashing.acquire().await?;
        tokio::task::spawn_blocking(move || {
            Argon2::default()
                .hash_password(password.0.as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|error| anyhow::anyhow!("hashing a password: {error}"))
        })
        .await?
    }

    /// Whether the password is the hashed one.
    ///
    /// # Errors
    /// When the hash is not one of ours.
    pub async fn verify_password(&self, password: Secret, hash: String) -> anyhow::Result<bool> {
        let _permit = self.hashing.acquire().await?;
        tokio::task::spawn_blocking(move || {
            let hash = PasswordHash::new(&hash)
                .map_err(|error| anyhow::anyhow!("a stored password hash: {error}"))?;
            Ok(Argon2::default()
                .verify_password(password.0.as_bytes(), &hash)
                .is_ok())
        })
        .await?
    }

    /// Whether a password is the one of this hash. Without one it takes as long, and is not: how long an answer takes
    /// tells nobody whether a user exists.
    ///
    /// # Errors
    /// When the hash is not one of ours.
    pub async fn password_fits(
        &self,
        password: Secret,
        hash: Option<String>,
    ) -> anyhow::Result<bool> {
        match hash {
            Some(hash) => self.verify_password(password, hash).await,
            None => {
                self.hash_password(password).await?;
                Ok(false)
            }
        }
    }
}

/// What access tokens, provider keys and gateway tokens are known by: SHA-256.
#[must_use]
pub fn token_digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Whether two byte strings are equal, in a time that does not depend on where they differ.
#[must_use]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// `prefix` and `bytes` random bytes in hexadecimal.
#[must_use]
pub fn random_token(prefix: &str, bytes: usize) -> Secret {
    let mut random = vec![0; bytes];
    rand::fill(random.as_mut_slice());
    Secret(format!("{prefix}{}", hex::encode(random)))
}

/// A provider key: 32 hexadecimal digits, as 3scale's.
#[must_use]
pub fn new_provider_key() -> Secret {
    random_token("", 16)
}

/// An access token: 96 hexadecimal digits, as 3scale's.
#[must_use]
pub fn new_access_token() -> Secret {
    random_token("", 48)
}

/// A gateway's token.
#[must_use]
pub fn new_gateway_token() -> Secret {
    random_token("tgg_", 24)
}

/// A product's service token: 64 hexadecimal digits, as 3scale's.
#[must_use]
pub fn new_service_token() -> Secret {
    random_token("", 32)
}

/// An application's key or `user_key`: 32 hexadecimal digits, as 3scale's.
#[must_use]
pub fn new_application_key() -> Secret {
    random_token("", 16)
}

/// An application's `app_id`: 8 hexadecimal digits, as 3scale's. It is a name, not a secret.
#[must_use]
pub fn new_app_id() -> String {
    random_token("", 4).0
}

/// What the upstream knows its gateway by.
#[must_use]
pub fn new_secret_token() -> Secret {
    random_token("Shared_secret_sent_from_proxy_to_API_backend_", 8)
}

fn write_key_file(file: &Path) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let making = || format!("making the secret key file {}", file.display());
    let mut key = options.open(file).with_context(making)?;
    key.write_all(format!("{}\n", random_token("", 32).0).as_bytes())
        .and_then(|()| key.sync_all())
        .with_context(making)
}
