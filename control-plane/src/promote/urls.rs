//! Base URLs, taken apart as gateways need them. Errors say what to write.

use axum::http::Uri;
use tallygate_core::path::canonical_path;
use tallygate_core::product::PublicUrl;
use tallygate_core::wire::{PublicUrlV1, UpstreamV1};

/// Where clients reach a product: `https://api.example.com/v1`, or with `*.` for any name below.
///
/// # Errors
/// When it is no such URL.
pub fn public(text: &str) -> Result<PublicUrlV1, String> {
    let (_, uri) = parts(text)?;
    let host = uri.host().unwrap_or("").to_ascii_lowercase();
    let url = PublicUrlV1 {
        host: host.trim_end_matches('.').to_owned(),
        base_path: prefix(&uri)?.unwrap_or_else(|| "/".into()),
    };
    PublicUrl::try_from(&url).map_err(|error| {
        let text = error.to_string();
        text.trim_start_matches("the public base URL's ").to_owned()
    })?;
    Ok(url)
}

/// Where admitted requests go: `https://origin.example.com:8443/prefix`.
///
/// # Errors
/// When it is no such URL.
pub fn private(text: &str, host_rewrite: &str) -> Result<UpstreamV1, String> {
    let (tls, uri) = parts(text)?;
    let host = uri.host().unwrap_or("").to_ascii_lowercase();
    if host.contains('*') {
        return Err("must name one host".into());
    }
    let own_port = if tls { 443 } else { 80 };
    let authority = match uri.port_u16() {
        Some(port) if port != own_port => format!("{host}:{port}"),
        _ => host,
    };
    Ok(UpstreamV1 {
        tls,
        authority,
        path_prefix: prefix(&uri)?.unwrap_or_default(),
        host_rewrite: Some(host_rewrite.to_owned()).filter(|host| !host.is_empty()),
    })
}

/// A host that requests may be sent under, with or without a port.
#[must_use]
pub fn is_host(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    !text.is_empty()
        && text.bytes().all(is_plain)
        && text
            .parse::<axum::http::uri::Authority>()
            .is_ok_and(|authority| !authority.host().is_empty())
}

fn parts(text: &str) -> Result<(bool, Uri), String> {
    const SHAPE: &str =
        "must be an address such as https://api.example.com or http://10.0.0.5:8080/base";
    if text.contains(['#', ' ']) {
        return Err(SHAPE.into());
    }
    let uri: Uri = text.parse().map_err(|_| SHAPE)?;
    let tls = match uri.scheme_str() {
        Some("https" | "wss") => true,
        Some("http" | "ws") => false,
        _ => return Err(SHAPE.into()),
    };
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    if !has_host || authority.contains('@') {
        return Err(SHAPE.into());
    }
    // `Uri` takes a port out of range, or an empty one, for none at all.
    let after_host = authority.rsplit(']').next().unwrap_or(authority);
    if let Some((_, port)) = after_host.split_once(':')
        && port.parse::<u16>().ok().is_none_or(|port| port == 0)
    {
        return Err("has a port that is not between 1 and 65535".into());
    }
    if uri.query().is_some() {
        return Err("must not have a query".into());
    }
    Ok((tls, uri))
}

/// The path without its final slash; none when there is only that.
fn prefix(uri: &Uri) -> Result<Option<String>, String> {
    let path = String::from_utf8(canonical_path(uri.path().as_bytes()).into_owned())
        .map_err(|_| "has a path that is not UTF-8")?;
    let path = path.trim_end_matches('/');
    Ok(Some(path.to_owned()).filter(|path| !path.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_urls() {
        for (text, host, base_path) in [
            ("https://API.Example.com", "api.example.com", "/"),
            ("https://api.example.com:443/", "api.example.com", "/"),
            ("http://localhost:8080", "localhost", "/"),
            ("https://*.example.com/v1//x/", "*.example.com", "/v1/x"),
            ("http://127.0.0.1:8080/a", "127.0.0.1", "/a"),
        ] {
            let url = public(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(
                (url.host.as_str(), url.base_path.as_str()),
                (host, base_path),
                "{text}"
            );
        }
        for text in [
            "",
            "api.example.com",
            "ftp://a.example",
            "https://",
            "https://u:p@a.example",
            "https://a.example?x=1",
            "https://a.example#x",
            "https://a b",
            "https://a.example:99999",
            "https://a.example:",
            "https://a.example:0",
            "https://*",
            "https://a.*.example",
            "/x",
            "https:///x",
            "mailto:a@b.c",
        ] {
            assert!(public(text).is_err(), "{text}");
        }
    }

    #[test]
    fn private_urls() {
        for (text, tls, authority, path_prefix) in [
            ("https://origin.example.com", true, "origin.example.com", ""),
            (
                "https://origin.example.com:443/",
                true,
                "origin.example.com",
                "",
            ),
            (
                "http://origin.example.com:443/a/",
                false,
                "origin.example.com:443",
                "/a",
            ),
            ("http://127.0.0.1:9000", false, "127.0.0.1:9000", ""),
            ("ws://h/x/../y", false, "h", "/y"),
        ] {
            let url = private(text, "").unwrap_or_else(|error| panic!("{text}: {error}"));
            let got = (url.tls, url.authority.as_str(), url.path_prefix.as_str());
            assert_eq!(got, (tls, authority, path_prefix), "{text}");
        }
        assert_eq!(
            private("http://h", "api.example").map(|url| url.host_rewrite),
            Ok(Some("api.example".into()))
        );
        assert!(private("http://*.example.com", "").is_err());
    }

    #[test]
    fn hosts() {
        for host in ["example.com", "example.com:8080", "10.0.0.1", "[::1]:80"] {
            assert!(is_host(host), "{host}");
        }
        for host in ["", "a/b", "a b", "a@b", "é.example", "a?b", ":80"] {
            assert!(!is_host(host), "{host}");
        }
    }
}
