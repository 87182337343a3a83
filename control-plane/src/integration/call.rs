//! Sends the request and keeps what is needed of the answer.
//!
//! A provider names the address that is called, so it could be one that only this machine reaches: only what is on the
//! Internet is called, unless the operator named it. What comes back is never shown; redirects are not followed.

use super::request::Request;
use crate::addresses::guarded;
use std::io::Read as _;
use std::time::{Duration, Instant};

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
        guarded::agent(config)
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
        Ok(Err(error)) if guarded::is_refusal(&error) => return Err(Unanswered::Private),
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
