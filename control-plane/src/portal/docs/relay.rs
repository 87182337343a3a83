//! `POST /docs/{system_name}/try`: a call that a developer tries goes from the page to the portal, and from here to the
//! gateway, since a browser may not call another site with credentials from a page.
//!
//! It goes to the product's public base URL and nowhere else. The request says by `try-method` and `try-url` what it
//! stands for, and by `try-header-NAME` what to send: a form of another site can set none of these. The answer is JSON
//! about the gateway's answer, so that nothing of that (a cookie, a redirect, a page) means anything to the portal.

use super::spec;
use crate::addresses::guarded;
use crate::app::App;
use crate::error::Error;
use crate::portal::visitor::Member;
use crate::store::active_docs;
use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::io::Read as _;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How much of an answer is shown.
const ANSWER_BYTES: usize = 1024 * 1024;
/// Calls under way at once, of all developers: each holds a thread.
static UNDER_WAY: Semaphore = Semaphore::const_new(16);
/// Headers that say something about a connection or where a request comes from, and are not the developer's to say.
const NOT_SENT: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// A call to be made.
#[derive(Debug)]
struct Call {
    method: Method,
    /// Where to connect, with path and query.
    url: String,
    headers: HeaderMap,
    body: Bytes,
    /// Whether the operator named the address.
    by_operator: bool,
}

/// Makes the call, and says what came of it.
///
/// # Errors
/// 401 for who is not signed in, 404 when no such specification is published, 422 for what cannot be called, 502 when
/// there is no answer.
pub async fn relay(
    member: Option<Member>,
    Path(system_name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let member = member.ok_or_else(|| {
        let message = "Your session has ended. Sign in again to try calls.";
        Error::Refused(StatusCode::UNAUTHORIZED, message.into())
    })?;
    let app = &member.app;
    let mut tx = app.db.read().await?;
    let row = active_docs::published_by_name(&mut tx, &system_name).await?;
    let target = spec::target(&mut tx, &row, &spec::read(&row))
        .await?
        .ok_or_else(|| Error::invalid("base", "Nothing serves this API yet"))?;
    drop(tx);
    let call = call(app, &target.endpoint, &headers, body)?;
    let Ok(place) = UNDER_WAY.try_acquire() else {
        return Err(Error::Busy);
    };
    // The place is held as long as the work lasts: whoever hangs up does not end it.
    let answer = tokio::task::spawn_blocking(move || {
        let _place = place;
        send(call)
    })
    .await
    .map_err(|error| Error::internal(error.to_string()))?
    .map_err(|why| Error::Refused(StatusCode::BAD_GATEWAY, why))?;
    Ok(([("x-tallygate-try", "1")], Json(answer)).into_response())
}

fn call(app: &App, endpoint: &str, headers: &HeaderMap, body: Bytes) -> Result<Call, Error> {
    let said = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.ok_or_else(|| Error::invalid("base", format!("{name} is missing")))
    };
    let method = said("try-method")?
        .to_ascii_uppercase()
        .parse::<Method>()
        .ok()
        .filter(|method| !matches!(*method, Method::CONNECT | Method::TRACE))
        .ok_or_else(|| Error::invalid("try-method", "cannot be tried"))?;
    let elsewhere = || {
        let message = format!("is not below {endpoint}, where this API is served");
        Error::invalid("try-url", message)
    };
    let wanted: Uri = said("try-url")?.parse().map_err(|_| elsewhere())?;
    let served: Uri = endpoint.parse().map_err(|_| elsewhere())?;
    if !is_below(&wanted, &served) {
        return Err(elsewhere());
    }
    let mut sent = HeaderMap::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("try-header-") else {
            continue;
        };
        let theirs = !NOT_SENT.contains(&name)
            && !["proxy-", "sec-", "x-forwarded-", "x-tallygate-"]
                .iter()
                .any(|prefix| name.starts_with(prefix));
        if theirs && let Ok(name) = HeaderName::try_from(name) {
            sent.append(name, value.clone());
        }
    }
    // Of a form with files only the browser knows its boundary.
    if !sent.contains_key(header::CONTENT_TYPE)
        && !body.is_empty()
        && let Some(value) = headers.get(header::CONTENT_TYPE)
    {
        sent.insert(header::CONTENT_TYPE, value.clone());
    }
    let gateway = app.config.production_gateway.as_deref();
    let mut url = wanted.to_string();
    if let Some(gateway) = gateway {
        let host = wanted
            .authority()
            .map_or("", |authority| authority.as_str());
        sent.insert(
            header::HOST,
            HeaderValue::from_str(host).map_err(|_| elsewhere())?,
        );
        let path = wanted.path_and_query().map_or("/", |path| path.as_str());
        url = format!("{}{path}", gateway.trim_end_matches('/'));
    }
    Ok(Call {
        method,
        url,
        headers: sent,
        body,
        by_operator: gateway.is_some(),
    })
}

/// Whether an address is the one that is served, or below it; a host of `*.` stands for any name below.
fn is_below(wanted: &Uri, served: &Uri) -> bool {
    let port = |uri: &Uri| match (uri.port_u16(), uri.scheme_str()) {
        (None, Some("https")) => Some(443),
        (None, _) => Some(80),
        (port, _) => port,
    };
    let host = |uri: &Uri| uri.host().unwrap_or_default().to_ascii_lowercase();
    let (own, wanted_host) = (host(served), host(wanted));
    let same_host = match own.strip_prefix('*') {
        Some(suffix) => wanted_host
            .strip_suffix(suffix)
            .is_some_and(|rest| !rest.is_empty()),
        None => own == wanted_host,
    };
    let base = served.path().trim_end_matches('/');
    let below = wanted.path().strip_prefix(base);
    let no_user = wanted
        .authority()
        .is_some_and(|authority| !authority.as_str().contains('@'));
    wanted.scheme() == served.scheme()
        && same_host
        && no_user
        && port(wanted) == port(served)
        && below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// What was answered: `status`, `headers`, `text` or `base64`, and whether that is not all of it.
fn send(call: Call) -> Result<Value, String> {
    let tls = ureq::tls::TlsConfig::builder()
        .root_certs(ureq::tls::RootCerts::PlatformVerifier)
        .build();
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .proxy(None)
        .user_agent("tallygate-portal")
        .tls_config(tls)
        .build();
    let agent = if call.by_operator {
        config.new_agent()
    } else {
        guarded::agent(config)
    };
    let mut request = ureq::http::Request::builder()
        .method(call.method)
        .uri(call.url);
    if let Some(headers) = request.headers_mut() {
        *headers = call.headers;
    }
    let request = request
        .body(call.body.to_vec())
        .map_err(|error| format!("The call cannot be made: {error}."))?;
    let mut answer = agent.run(request).map_err(|error| why(&error))?;
    let mut headers = Map::new();
    for name in answer.headers().keys() {
        let values: Vec<String> = answer
            .headers()
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        headers.insert(name.to_string(), values.join(", ").into());
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(ANSWER_BYTES).unwrap_or(u64::MAX);
    // What breaks off is shown as far as it came.
    let _ = answer
        .body_mut()
        .as_reader()
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes);
    let is_cut = bytes.len() > ANSWER_BYTES;
    bytes.truncate(ANSWER_BYTES);
    let body = match String::from_utf8(bytes) {
        Ok(text) => ("text", text),
        Err(error) => ("base64", STANDARD.encode(error.into_bytes())),
    };
    Ok(json!({
        "status": answer.status().as_u16(),
        "headers": headers,
        body.0: body.1,
        "is_cut": is_cut,
    }))
}

fn why(error: &ureq::Error) -> String {
    match error {
        error if guarded::is_refusal(error) => {
            "The API's address is not on the Internet, so it cannot be tried from here.".into()
        }
        ureq::Error::HostNotFound => "The API's host has no address.".into(),
        ureq::Error::Timeout(_) => {
            format!("There was no answer within {} seconds.", TIMEOUT.as_secs())
        }
        other => format!("The connection failed: {other}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_go_where_the_api_is_served() {
        for (wanted, served, expected) in [
            (
                "https://api.acme.example/x?y=1",
                "https://api.acme.example",
                true,
            ),
            (
                "https://API.acme.example:443/x",
                "https://api.acme.example/",
                true,
            ),
            (
                "https://api.acme.example",
                "https://api.acme.example/",
                true,
            ),
            (
                "https://api.acme.example/v1/x",
                "https://api.acme.example/v1",
                true,
            ),
            ("https://a.acme.example/", "https://*.acme.example", true),
            (
                "https://api.acme.example/v10",
                "https://api.acme.example/v1",
                false,
            ),
            (
                "http://api.acme.example/",
                "https://api.acme.example",
                false,
            ),
            (
                "https://api.acme.example:8443/",
                "https://api.acme.example",
                false,
            ),
            (
                "https://api.acme.example@evil.example/",
                "https://api.acme.example",
                false,
            ),
            (
                "https://x@api.acme.example/",
                "https://api.acme.example",
                false,
            ),
            (
                "https://api.acme.example.evil/",
                "https://api.acme.example",
                false,
            ),
            ("https://evilacme.example/", "https://*.acme.example", false),
            ("https://.acme.example/", "https://*.acme.example", false),
            ("/x", "https://api.acme.example", false),
        ] {
            let (wanted, served): (Uri, Uri) = match (wanted.parse(), served.parse()) {
                (Ok(wanted), Ok(served)) => (wanted, served),
                _ => {
                    assert!(!expected, "{wanted}");
                    continue;
                }
            };
            assert_eq!(is_below(&wanted, &served), expected, "{wanted} {served}");
        }
    }
}
