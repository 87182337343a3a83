//! A client of our own admin API, for the commands that work on a running installation.
//!
//! Speaks JSON, sends its token by HTTP Basic (never in a URL, which logs keep), and turns a refusal
//! into an error with the server's own words. It never touches the database.

pub mod answers;

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use serde_json::Value;
use std::time::Duration;

/// Longer than any call of ours takes: a server that hangs should not hang the command.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A control plane's admin address and a token for it.
#[derive(Clone, Debug)]
pub struct AdminClient {
    agent: ureq::Agent,
    base: String,
    authorization: String,
}

/// The server knows of no such thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{method} {url} was refused (404): there is no such thing")]
pub struct NotFound {
    /// What was tried.
    pub method: String,
    /// On what.
    pub url: String,
}

// === impl AdminClient ===

impl AdminClient {
    /// A client for `http[s]://host[:port]`; nothing is sent yet.
    ///
    /// # Errors
    /// When the token is empty.
    pub fn new(admin_url: &str, token: &str) -> anyhow::Result<Self> {
        if token.is_empty() {
            bail!(
                "TALLYGATE_ACCESS_TOKEN is empty: give it an access token with the scope account_management"
            );
        }
        let tls = ureq::tls::TlsConfig::builder()
            // The system's certificates, so that a company's own authority works (`SSL_CERT_FILE` adds one).
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .build();
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .proxy(None)
            .tls_config(tls)
            .build()
            .new_agent();
        let credentials = base64::engine::general_purpose::STANDARD.encode(format!(":{token}"));
        Ok(Self {
            agent,
            base: admin_url.trim_end_matches('/').to_owned(),
            authorization: format!("Basic {credentials}"),
        })
    }

    /// GET: the answer's JSON.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send("GET", path, None).await
    }

    /// All items of a list, page by page, without their wrapping.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        for page in 1_i64.. {
            let answer = self.get(&format!("{path}?page={page}")).await?;
            all.extend(answers::items(&answer).cloned());
            let pages = answer.pointer("/metadata/total_pages");
            if pages
                .and_then(Value::as_i64)
                .is_none_or(|pages| page >= pages)
            {
                break;
            }
        }
        Ok(all)
    }

    /// The same; empty when there is no such list: its owner was deleted a moment ago, or the server is older.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn list_if_any(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        match self.list(path).await {
            Err(error) if error.is::<NotFound>() => Ok(Vec::new()),
            found => found,
        }
    }

    /// POST with a JSON body.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send("POST", path, Some(body)).await
    }

    /// PUT with a JSON body.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send("PUT", path, Some(body)).await
    }

    /// PATCH with a JSON body.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send("PATCH", path, Some(body)).await
    }

    /// DELETE.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.send("DELETE", path, None).await
    }

    async fn send(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.base);
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(&url)
            .header("accept", "application/json")
            .header("authorization", &self.authorization);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request
            .body(body)
            .with_context(|| format!("`{url}` is not an address to send to"))?;
        let agent = self.agent.clone();
        let (status, text) = tokio::task::spawn_blocking(move || {
            let mut answer = agent.run(request)?;
            let text = answer.body_mut().read_to_string()?;
            Ok::<_, ureq::Error>((answer.status().as_u16(), text))
        })
        .await?
        .with_context(|| format!("could not reach {url}; is the control plane running there?"))?;
        answer(method, &url, status, &text)
    }
}

fn answer(method: &str, url: &str, status: u16, text: &str) -> anyhow::Result<Value> {
    let json: Option<Value> = if text.trim().is_empty() {
        Some(Value::Null)
    } else {
        serde_json::from_str(text).ok()
    };
    match (status, json) {
        (200..=299, Some(json)) => Ok(json),
        (200..=299, None) => Err(anyhow!(
            "{method} {url} was not answered by a Tallygate control plane: the answer is not JSON"
        )),
        (403, _) => Err(anyhow!(
            "{method} {url} was refused (403): the access token is unknown, expired or lacks the scope or permission for this"
        )),
        (404, _) => Err(anyhow!(NotFound {
            method: method.to_owned(),
            url: url.to_owned(),
        })),
        (_, json) => {
            let words =
                json.map_or_else(|| text.chars().take(200).collect(), |json| json.to_string());
            Err(anyhow!("{method} {url} was refused ({status}): {words}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn a_refusal_carries_the_servers_words() {
        let check = |status, text: &str| match answer("POST", "http://cp/x", status, text) {
            Ok(json) => json.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(check(200, r#"{"a":1}"#), r#"{"a":1}"#);
        assert_eq!(check(200, ""), "null");
        assert!(check(200, "<html>").contains("not answered by a Tallygate"));
        assert!(check(403, "").contains("lacks the scope"));
        assert!(
            check(422, r#"{"errors":{"name":["can't be blank"]}}"#)
                .contains(r#"{"name":["can't be blank"]}"#)
        );
        assert!(check(502, "bad gateway").ends_with("(502): bad gateway"));
    }
}
