//! Calls to an identity provider: bounded, without redirects, and to public addresses unless the operator allows others.

use super::{Door, failed};
use crate::addresses::guarded;
use crate::error::Error;
use crate::secrets::Secret;
use serde_json::Value;
use std::time::Duration;

/// How long one may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const MOST_BYTES: u64 = 256 * 1024;

impl Door {
    /// JSON at an address, perhaps with an access token. Blocks.
    pub(super) fn get(&self, url: &str, token: Option<&Secret>) -> Result<Value, Error> {
        let mut request = ureq::http::Request::builder()
            .uri(url)
            .header("accept", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {}", token.reveal()));
        }
        self.call(request.body(String::new()).map_err(failed)?)
    }

    /// JSON that a form is answered with. Blocks.
    pub(super) fn post(
        &self,
        url: &str,
        form: &[(&str, &str)],
        authorization: Option<&Secret>,
    ) -> Result<Value, Error> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let mut request = ureq::http::Request::builder()
            .method("POST")
            .uri(url)
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization.reveal());
        }
        self.call(request.body(body).map_err(failed)?)
    }

    fn call(&self, request: ureq::http::Request<String>) -> Result<Value, Error> {
        let tls = ureq::tls::TlsConfig::builder()
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .build();
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent("tallygate-portal")
            .tls_config(tls)
            .build();
        let agent = if self.may_be_private {
            config.new_agent()
        } else {
            guarded::agent(config)
        };
        let host = request.uri().host().unwrap_or_default().to_owned();
        let mut answer = agent
            .run(request)
            .map_err(|error| failed(format!("{host}: {error}")))?;
        if answer.status() != 200 {
            return Err(failed(format!("{host} answered {}", answer.status())));
        }
        let text = answer
            .body_mut()
            .with_config()
            .limit(MOST_BYTES)
            .read_to_string()
            .map_err(failed)?;
        serde_json::from_str(&text).map_err(failed)
    }
}
