//! A small OpenID Connect issuer: describes itself, publishes its key, and signs what it is asked to (ES256).

use crate::clock;
use crate::http::Incoming;
use crate::ports;
use anyhow::{Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The name of its only key.
const KEY_ID: &str = "one";

/// A running issuer; it ends when this is dropped.
#[derive(Debug)]
pub struct Issuer {
    address: SocketAddr,
    key: EcdsaKeyPair,
    server: JoinHandle<()>,
}

// === impl Issuer ===

impl Issuer {
    /// Listens and serves in the background, with a key of its own.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(ports::free()?).await?;
        let address = listener.local_addr()?;
        let key = new_key()?;
        let url = format!("http://{address}");
        let description = json!({"issuer": url, "jwks_uri": format!("{url}/keys")}).to_string();
        let keys = json!({"keys": [public(&key)]}).to_string();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (description, keys) = (description.clone(), keys.clone());
                tokio::spawn(async move {
                    let mut incoming = Incoming::new(stream);
                    while let Ok(Some(request)) = incoming.next().await {
                        let body = match request.target.as_str() {
                            "/.well-known/openid-configuration" => &description,
                            _ => &keys,
                        };
                        if incoming.answer(body).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Ok(Self {
            address,
            key,
            server,
        })
    }

    /// What it is called.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Claims of a token that is good for an hour.
    ///
    /// # Errors
    /// When the clock is before 1970.
    pub fn claims(&self, client: &str, audience: &str) -> Result<Value> {
        let now_secs = clock::now()?.as_secs();
        Ok(json!({
            "iss": self.url(), "sub": "somebody", "azp": client, "aud": audience,
            "iat": now_secs, "exp": now_secs + 3_600,
        }))
    }

    /// A token with these claims.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign(&self, claims: &Value) -> Result<String> {
        signed(&self.key, claims)
    }

    /// A token with these claims that somebody else signed in its name.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn forge(&self, claims: &Value) -> Result<String> {
        signed(&new_key()?, claims)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn new_key() -> Result<EcdsaKeyPair> {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 =
        EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| anyhow!("no new key"))?;
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random)
        .map_err(|error| anyhow!("a new key: {error}"))
}

/// The key as others may see it: a point, uncompressed (4, then x and y).
fn public(key: &EcdsaKeyPair) -> Value {
    let point = key.public_key().as_ref();
    let (x, y) = point.get(1..).unwrap_or_default().split_at(point.len() / 2);
    let encode = |bytes| URL_SAFE_NO_PAD.encode(bytes);
    json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY_ID, "x": encode(x), "y": encode(y)})
}

fn signed(key: &EcdsaKeyPair, claims: &Value) -> Result<String> {
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": KEY_ID});
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let text = format!("{}.{}", encode(&header), encode(claims));
    let signature = key
        .sign(&SystemRandom::new(), text.as_bytes())
        .map_err(|_| anyhow!("not signed"))?;
    Ok(format!(
        "{text}.{}",
        URL_SAFE_NO_PAD.encode(signature.as_ref())
    ))
}

/// A token that claims to need no signature.
#[must_use]
pub fn unsigned(claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}.", encode(&json!({"alg": "none"})), encode(claims))
}
