//! Sends the request and keeps what is needed of the answer.
//!
//! A provider names the address that is called, so it could be one that only this machine reaches: only what is on the
//! Internet is called, unless the operator named it. What comes back is never shown; redirects are not followed.

use super::request::Request;
use crate::addresses::is_public;
use std::fmt;
use std::io::Read as _;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// How long the whole request may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How much of a body is read, to learn why a gateway that does not know the product refuses.
const BODY_BYTES: u64 = 4096;

/// What came back.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) duration_ms: i64,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Seen {
    /// A header's value; empty when there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The `code` of a problem document.
    pub(super) fn code(&self) -> Option<String> {
        let problem: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        Some(problem.get("code")?.as_str()?.to_owned())
    }

    #[cfg(test)]
    pub(super) fn new(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            status,
            duration_ms: 12,
            headers: headers.iter().map(owned).collect(),
            body: body.into(),
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The address is not on the Internet, and the operator did not name it.
    Private,
    /// A sentence.
    Because(String),
}

/// The resolver's word for [`Unanswered::Private`].
#[derive(Debug)]
struct Private;

impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address is not on the Internet")
    }
}

impl std::error::Error for Private {}

/// Refuses what must not be called.
#[derive(Debug)]
struct Guarded(DefaultResolver);

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.resolve(uri, config, timeout)?;
        if found.iter().any(|address| !may_be_called(address.ip())) {
            return Err(ureq::Error::Other(Box::new(Private)));
        }
        Ok(found)
    }
}

/// What is on the Internet. IPv4 behind a translator or a tunnel is not: where it ends is the operator's network to say.
fn may_be_called(address: IpAddr) -> bool {
    let is_translated = match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(ip) => matches!(ip.segments(), [0x64, 0xff9b, ..] | [0x2002, ..]),
    };
    !is_translated && is_public(address)
}

/// Sends it; or says why there was no answer.
pub(super) async fn send(request: Request) -> Result<Seen, Unanswered> {
    let began = Instant::now();
    let tls = ureq::tls::TlsConfig::builder()
        .root_certs(ureq::tls::RootCerts::PlatformVerifier)
        .build();
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true)
        .proxy(None)
        .user_agent("tallygate-integration-test")
        .tls_config(tls)
        .build();
    let agent = if request.by_operator {
        config.new_agent()
    } else {
        let resolver = Guarded(DefaultResolver::default());
        ureq::Agent::with_parts(config, DefaultConnector::new(), resolver)
    };
    let mut built = ureq::http::Request::builder()
        .method(request.method.as_str())
        .uri(&request.url);
    for (name, value) in &request.headers {
        built = built.header(name.as_str(), value.as_str());
    }
    let built = built
        .body(request.body)
        .map_err(|error| Unanswered::Because(format!("The request cannot be made: {error}.")))?;
    let called = tokio::task::spawn_blocking(move || {
        let mut answer = agent.run(built)?;
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let mut body = Vec::new();
        // A body that breaks off says no less than none.
        let _ = answer
            .body_mut()
            .as_reader()
            .take(BODY_BYTES)
            .read_to_end(&mut body);
        Ok::<_, ureq::Error>((answer.status().as_u16(), headers, body))
    });
    let (status, headers, body) = match called.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(ureq::Error::Other(error))) if error.is::<Private>() => {
            return Err(Unanswered::Private);
        }
        Ok(Err(error)) => return Err(Unanswered::Because(sentence(&error))),
        Err(_) => return Err(Unanswered::Because("The request was given up.".into())),
    };
    Ok(Seen {
        status,
        duration_ms: i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX),
        headers,
        body,
    })
}

fn sentence(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "The host's name has no address.".into(),
        ureq::Error::Timeout(_) => format!("There was no answer within {} s.", TIMEOUT.as_secs()),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "The connection was refused: nothing listens there.".into()
        }
        other => format!("The connection failed: {other}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_is_called() {
        for (address, allowed) in [
            ("8.8.8.8", true),
            ("2606:2800:220:1::1", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("100.64.0.1", false),
            ("169.254.169.254", false),
            ("::ffff:169.254.169.254", false),
            ("::ffff:127.0.0.1", false),
            ("::1", false),
            ("fc00::1", false),
            ("fd00::1", false),
            ("fe80::1", false),
            ("64:ff9b::10.0.0.1", false),
            ("64:ff9b::8.8.8.8", false),
            ("2002:a00:1::", false),
            ("2002:808:808::", false),
            ("0.0.0.0", false),
            ("::", false),
            ("255.255.255.255", false),
            ("224.0.0.1", false),
            ("ff02::1", false),
        ] {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(may_be_called(address), allowed, "{address}");
        }
    }
}
