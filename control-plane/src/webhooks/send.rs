//! One delivery over HTTP: signed, and only to addresses that the provider may have us call.
//!
//! The URL is the provider's, the network is ours: no redirects are followed, and a name is resolved once, checked, and
//! called at the address that was checked.

use crate::addresses::is_public;
use crate::secrets::Secret;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::io;
use std::time::Duration;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most of an error's text that is kept, in characters.
const ERROR_CHARS: usize = 500;

/// Header with the id that is the same in every attempt.
pub const ID_HEADER: &str = "x-tallygate-event-id";
/// Header with the time of the attempt, seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "x-tallygate-timestamp";
/// Header with the signature.
pub const SIGNATURE_HEADER: &str = "x-tallygate-signature";

/// Sends deliveries. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sender(ureq::Agent);

/// What is sent, and where to.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where to.
    pub url: String,
    /// What receivers know the event by.
    pub event_id: String,
    /// The time of the attempt, seconds since 1970.
    pub sent_at_secs: i64,
    /// The XML.
    pub body: Secret,
    /// What it is signed with.
    pub secret: Secret,
}

/// Resolves names, and refuses what is not on the Internet unless it was allowed.
#[derive(Debug)]
struct Guarded {
    resolver: DefaultResolver,
    private: bool,
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.resolver.resolve(uri, config, timeout)?;
        if !self.private && found.iter().any(|address| !is_public(address.ip())) {
            let refusal = "the address is private: TALLYGATE_WEBHOOKS_PRIVATE=true allows it";
            return Err(ureq::Error::Io(io::Error::new(
                io::ErrorKind::PermissionDenied,
                refusal,
            )));
        }
        Ok(found)
    }
}

impl Sender {
    /// `private` allows addresses that are not on the Internet.
    #[must_use]
    pub fn new(private: bool) -> Self {
        let tls = ureq::tls::TlsConfig::builder()
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .build();
        let config = Config::builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .proxy(None)
            .user_agent(concat!("tallygate/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        let resolver = Guarded {
            resolver: DefaultResolver::default(),
            private,
        };
        Self(ureq::Agent::with_parts(
            config,
            DefaultConnector::default(),
            resolver,
        ))
    }

    /// Sends it: taken is what is answered with 2xx.
    ///
    /// # Errors
    /// Says why it was not taken.
    pub async fn send(&self, delivery: Delivery) -> Result<(), String> {
        let agent = self.0.clone();
        let sent = tokio::task::spawn_blocking(move || post(&agent, &delivery)).await;
        sent.unwrap_or_else(|error| Err(error.to_string()))
            .map_err(|error| error.chars().take(ERROR_CHARS).collect())
    }
}

fn post(agent: &ureq::Agent, delivery: &Delivery) -> Result<(), String> {
    let sent_at = delivery.sent_at_secs.to_string();
    let body = delivery.body.reveal();
    let signature = signature(&delivery.secret, &sent_at, &delivery.event_id, body);
    let answer = agent
        .post(&delivery.url)
        .header("content-type", "application/xml; charset=utf-8")
        .header(ID_HEADER, &delivery.event_id)
        .header(TIMESTAMP_HEADER, &sent_at)
        .header(SIGNATURE_HEADER, signature)
        .send(body)
        .map_err(|error| error.to_string())?;
    let status = answer.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(format!("answered with {status}"))
    }
}

/// `v1=` and the HMAC-SHA256 of `timestamp.id.body` in hexadecimal.
#[must_use]
pub fn signature(secret: &Secret, timestamp: &str, event_id: &str, body: &str) -> String {
    // A key may have any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else {
        return String::new();
    };
    for part in [timestamp, ".", event_id, ".", body] {
        mac.update(part.as_bytes());
    }
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_all_that_is_sent() {
        let secret = Secret::new("secret");
        let signed = signature(&secret, "1700000000", "evt_1", "<event/>");
        // printf '1700000000.evt_1.<event/>' | openssl dgst -sha256 -hmac secret
        assert_eq!(
            signed,
            "v1=f5ed2b7427bbb5497e1a9e9329c89faf93843741cc9c3157ad8273b81511d9f9"
        );
        for other in [
            signature(&Secret::new("other"), "1700000000", "evt_1", "<event/>"),
            signature(&secret, "1700000001", "evt_1", "<event/>"),
            signature(&secret, "1700000000", "evt_2", "<event/>"),
            signature(&secret, "1700000000", "evt_1", "<event />"),
        ] {
            assert_ne!(signed, other);
        }
    }
}
