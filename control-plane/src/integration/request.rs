//! The request: where to, what for, and with which credentials.

use super::caller::{Caller, Credentials};
use super::{Deployed, Wanted};
use crate::error::Error;
use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tallygate_core::wire::{BackendV1, ConfigV1, RuleV1, SourceV1};

/// Methods that can be tried.
pub const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// What is sent.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// Below the public base URL, without the query.
    pub(super) path: String,
    /// Where to connect, with path and query.
    pub(super) url: String,
    /// The same as a client has it, without credentials.
    pub(super) shown_url: String,
    /// Whether the operator named the address, or the provider did.
    pub(super) by_operator: bool,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// Puts it together.
///
/// # Errors
/// 422 when the path cannot be sent.
pub(super) fn build(
    deployed: &Deployed,
    wanted: &Wanted,
    caller: &Caller,
    gateway: Option<&str>,
    signature: &str,
) -> Result<Request, Error> {
    let (method, path) = match &wanted.path {
        Some(path) => ("GET".into(), checked(path)?),
        None => example(&deployed.config),
    };
    let method = wanted.method.map_or(method, str::to_owned);
    // Any host below a wildcard is as good as another.
    let endpoint = deployed.endpoint.replacen("*.", "test.", 1);
    let endpoint = endpoint.trim_end_matches('/');
    let shown_url = format!("{endpoint}{path}");
    let mut request = Request {
        method,
        path: path.split('?').next().unwrap_or_default().to_owned(),
        url: shown_url.clone(),
        shown_url,
        by_operator: gateway.is_some(),
        headers: vec![("x-tallygate-debug".into(), signature.into())],
        body: String::new(),
    };
    if let Some(gateway) = gateway {
        let uri: Uri = endpoint
            .parse()
            .map_err(|_| Error::internal("a public base URL that is none"))?;
        let host = uri.authority().map_or("", |authority| authority.as_str());
        let base = Some(uri.path()).filter(|path| *path != "/").unwrap_or("");
        request.headers.push(("host".into(), host.into()));
        request.url = format!("{}{base}{path}", gateway.trim_end_matches('/'));
    }
    if let Some(credentials) = &caller.credentials {
        add(&mut request, deployed, credentials);
    }
    Ok(request)
}

fn checked(path: &str) -> Result<String, Error> {
    let is_path = path.starts_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#')
        && path.parse::<Uri>().is_ok();
    if is_path {
        Ok(path.to_owned())
    } else {
        Err(Error::invalid(
            "path",
            "must begin with / and hold only printable ASCII, as in /v2/mails?limit=1",
        ))
    }
}

/// A request that the first mapping rule counts; of a backend's rules where the product's own serve no backend.
fn example(config: &ConfigV1) -> (String, String) {
    let served = |path: &String| config.backends.is_empty() || backend_of(config, path).is_some();
    let own = config.rules.iter();
    let own = own.map(|rule| (method_of(rule), path_of(&rule.pattern)));
    let of_backends = config.backends.iter().flat_map(|backend| {
        backend.rules.iter().map(move |rule| {
            let below = path_of(&rule.pattern);
            let prefix = backend.path.trim_end_matches('/');
            (method_of(rule), format!("{prefix}{below}"))
        })
    });
    own.chain(of_backends)
        .find(|(_, path)| served(path))
        .unwrap_or_else(|| ("GET".into(), "/".into()))
}

/// The backend that a path is for: the one with the longest path that it begins with.
pub(super) fn backend_of<'a>(config: &'a ConfigV1, path: &str) -> Option<&'a BackendV1> {
    let path = path.split('?').next().unwrap_or_default();
    let is_for = |backend: &&BackendV1| {
        let below = path.strip_prefix(backend.path.trim_end_matches('/'));
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    };
    let backends = config.backends.iter().filter(is_for);
    backends.max_by_key(|backend| backend.path.trim_end_matches('/').len())
}

fn method_of(rule: &RuleV1) -> String {
    let method = rule.methods.first().map_or("GET", String::as_str);
    let known = METHODS.iter().find(|known| **known == method);
    (*known.unwrap_or(&"GET")).to_owned()
}

/// A path that a pattern matches: `/users/{id}.json$` → `/users/1.json`.
fn path_of(pattern: &str) -> String {
    let (path, query) = pattern.split_once('?').unwrap_or((pattern, ""));
    let mut example = filled(path.trim_end_matches('$'));
    if !query.is_empty() {
        example.push('?');
        example.push_str(&filled(query));
    }
    example
}

/// With 1 for every placeholder.
fn filled(pattern: &str) -> String {
    let mut example = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        example.push_str(before);
        example.push('1');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    example.push_str(rest);
    example
}

/// Where the product looks first, of the places that any request has.
fn add(request: &mut Request, deployed: &Deployed, credentials: &Credentials) {
    let config = &deployed.config.credentials;
    let pairs: Vec<(&str, &str)> = match credentials {
        Credentials::Token(token) => {
            let value = format!("Bearer {}", token.reveal());
            request.headers.push(("authorization".into(), value));
            return;
        }
        Credentials::UserKey(key) => vec![(&config.user_key, key.reveal())],
        Credentials::AppIdAndKey(app_id, key) => {
            vec![(&config.app_id, app_id), (&config.app_key, key.reveal())]
        }
    };
    let has = |source| config.sources.contains(&source);
    let encoded = || {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&pairs)
            .finish()
    };
    let first = pairs.first().map_or("", |(_, value)| value);
    let second = pairs.get(1).map_or("", |(_, value)| value);
    if has(SourceV1::Query) {
        let separator = if request.url.contains('?') { '&' } else { '?' };
        request.url = format!("{}{separator}{}", request.url, encoded());
    } else if has(SourceV1::Headers) {
        let headers = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        request.headers.extend(headers);
    } else if has(SourceV1::Basic) {
        let value = format!("Basic {}", STANDARD.encode(format!("{first}:{second}")));
        request.headers.push(("authorization".into(), value));
    } else if has(SourceV1::Bearer) {
        request
            .headers
            .push(("authorization".into(), format!("Bearer {first}")));
    } else if has(SourceV1::Form) {
        request.body = encoded();
        let form = "application/x-www-form-urlencoded".into();
        request.headers.push(("content-type".into(), form));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_examples() {
        for (pattern, path) in [
            ("/", "/"),
            ("/v2/{id}.json$", "/v2/1.json"),
            ("/{a}/{b}", "/1/1"),
            ("/search?q={term}&kind=x", "/search?q=1&kind=x"),
            ("/{open", "/1"),
        ] {
            assert_eq!(path_of(pattern), path, "{pattern}");
        }
    }

    #[test]
    fn backends_are_found_by_path() {
        let rule = |pattern: &str| serde_json::json!({"methods": ["POST"], "pattern": pattern, "usages": [[1, 1]], "last": false});
        let upstream = serde_json::json!({"tls": false, "authority": "a", "path_prefix": "", "host_rewrite": null});
        let backend = |id: i64, path: &str, pattern: &str| serde_json::json!({"id": id, "path": path, "upstream": upstream, "cluster": null, "rules": [rule(pattern)]});
        let config = |rules: serde_json::Value, backends: serde_json::Value| -> ConfigV1 {
            serde_json::from_value(serde_json::json!({
                "version": 1, "public_urls": [], "rules": rules, "errors": "problem", "upstream": upstream,
                "credentials": {"kind": "user_key", "sources": ["query"], "user_key": "user_key", "app_id": "", "app_key": "", "jwt_claim": [], "strip": false},
                "secret_token": "", "debug_secret": null, "rate_limit_headers": true, "form_in_rules": false, "backends": backends,
            }))
            .expect("a configuration")
        };
        let two = serde_json::json!([
            backend(1, "/mail", "/send"),
            backend(2, "/mail/archive", "/{id}")
        ]);
        let routed = config(serde_json::json!([]), two.clone());
        for (path, id) in [
            ("/mail", Some(1)),
            ("/mail/x?y", Some(1)),
            ("/mail/archive/7", Some(2)),
            ("/mailbox", None),
            ("/", None),
        ] {
            assert_eq!(
                backend_of(&routed, path).map(|backend| backend.id.0),
                id,
                "{path}"
            );
        }
        assert_eq!(example(&routed), ("POST".into(), "/mail/send".into()));
        let own = config(serde_json::json!([rule("/nowhere"), rule("/mail/x")]), two);
        assert_eq!(
            example(&own).1,
            "/mail/x",
            "what no backend serves is no example"
        );
        let all = config(
            serde_json::json!([rule("/v1")]),
            serde_json::json!([backend(3, "/", "/")]),
        );
        assert_eq!(
            backend_of(&all, "/any").map(|backend| backend.id.0),
            Some(3)
        );
        assert_eq!(example(&all).1, "/v1");
        let none = config(serde_json::json!([]), serde_json::json!([]));
        assert_eq!(example(&none), ("GET".into(), "/".into()));
    }

    #[test]
    fn paths() {
        for good in ["/", "/a/b?c=d", "/a%20b"] {
            assert_eq!(checked(good).ok().as_deref(), Some(good));
        }
        for bad in ["", "a", "/a b", "/a#b", "/\u{e9}", "http://a/", "/\r\nx"] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
