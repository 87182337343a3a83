//! One GET on a connection of its own, for its status alone: is a server there, and what does it say?

use std::time::Duration;

/// An answer that takes longer is none.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The status that `url` answers with.
pub(super) async fn status(url: &str, headers: &[(&str, &str)]) -> anyhow::Result<u16> {
    request("GET", url, headers).await
}

/// Sends a request without a body.
pub(super) async fn request(
    method: &'static str,
    url: &str,
    headers: &[(&str, &str)],
) -> anyhow::Result<u16> {
    // A new agent has no connection yet: behind an Envoy with several workers, any of them may answer.
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .new_agent();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(())?;
    Ok(tokio::task::spawn_blocking(move || agent.run(request))
        .await??
        .status()
        .as_u16())
}
