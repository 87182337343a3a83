//! Hosts and base paths against a table and a naive search.

use proptest::prelude::*;
use tallygate_core::product::{Hosts, PublicUrl, PublicUrlError};
use tallygate_core::wire::PublicUrlV1;

fn url(host: &str, base_path: &str) -> PublicUrlV1 {
    PublicUrlV1 {
        host: host.to_string(),
        base_path: base_path.to_string(),
    }
}

fn hosts(urls: &[PublicUrlV1]) -> Hosts {
    Hosts::build(urls.iter().enumerate().map(|(product, url)| (url, product)))
}

#[test]
fn the_most_specific_url_wins() {
    let urls = [
        url("api.example.com", "/"),
        url("api.example.com", "/v2"),
        url("api.example.com", "/v2/mail/"),
        url("*.example.com", "/"),
        url("*.eu.example.com", "/"),
        url("*.eu.example.com", "/v2"),
        url("only.example.com", "/v1"),
        url("API.Example.com", "/"), // the same as the first: too late
        url("[::1]", "/"),
        url("10.0.0.1", "/"),
        url("example.net.", "/"),
    ];
    let hosts = hosts(&urls);
    let check = |authority: &str, path: &str, expected: Option<usize>| {
        let found = hosts.find(authority.as_bytes(), path.as_bytes());
        assert_eq!(found, expected, "{authority} {path}");
    };
    // Exact hosts, whatever the letter case, the port, or a trailing dot.
    check("api.example.com", "/", Some(0));
    check("API.EXAMPLE.COM", "/x", Some(0));
    check("api.example.com:8080", "/x", Some(0));
    check("api.example.com:", "/x", Some(0));
    check("api.example.com.", "/x", Some(0));
    check("api.example.com.:443", "/x", Some(0));
    // The longest base path, by whole segments.
    check("api.example.com", "/v2", Some(1));
    check("api.example.com", "/v2/", Some(1));
    check("api.example.com", "/v2/x", Some(1));
    check("api.example.com", "/v20", Some(0));
    check("api.example.com", "/V2", Some(0));
    check("api.example.com", "/v2/mail", Some(2));
    check("api.example.com", "/v2/mail/send", Some(2));
    check("api.example.com", "/v2/mailing", Some(1));
    // Wildcards, one or more labels below.
    check("x.example.com", "/", Some(3));
    check("y.x.example.com", "/", Some(3));
    check("example.com", "/", None);
    check(".example.com", "/", None);
    check("x..example.com", "/", None);
    check("xexample.com", "/", None);
    check("a.eu.example.com", "/v1", Some(4));
    check("b.a.eu.example.com", "/v2/x", Some(5));
    check("eu.example.com", "/v2/x", Some(3));
    // A host whose base paths all differ leaves the request to the wildcard.
    check("only.example.com", "/v1/x", Some(6));
    check("only.example.com", "/v9", Some(3));
    // Addresses.
    check("[::1]", "/", Some(8));
    check("[::1]:8080", "/", Some(8));
    check("[0:0:0:0:0:0:0:1]:8080", "/", Some(8));
    check("[::2]", "/", None);
    check("[::1", "/", None);
    check("[::1]x", "/", None);
    check("[::1]:x", "/", None);
    check("::1", "/", None);
    check("10.0.0.1:80", "/", Some(9));
    check("example.net", "/", Some(10));
    // Nobody's.
    check("", "/", None);
    check(".", "/", None);
    check(":80", "/", None);
    check("api.example.com:80:80", "/", None);
    check("user@api.example.com", "/", None);
    check("api.example.com/", "/", None);
    check("*.example.com", "/", None);
    check("api.example.com", "", Some(0));
}

#[test]
fn an_address_is_never_below_a_name() {
    // The last bytes of this address spell ".com".
    let hosts = hosts(&[url("*.com", "/")]);
    assert_eq!(hosts.find(b"[2001:db8::612e:636f:6d]", b"/"), None);
    assert_eq!(hosts.find(b"[2001:db8::2e63:6f6d]", b"/"), None);
    assert_eq!(hosts.find(b"a.com", b"/"), Some(0));
}

#[test]
fn names_as_long_as_dns_allows() {
    let label = "a".repeat(49);
    let longest = [label.as_str(); 5].join(".") + ".abc";
    assert_eq!(longest.len(), 253);
    let hosts = hosts(&[url(&longest, "/"), url("*.abc", "/")]);
    assert_eq!(hosts.find(longest.as_bytes(), b"/"), Some(0));
    assert_eq!(
        hosts.find(format!("{longest}.:65535").as_bytes(), b"/"),
        Some(0)
    );
    assert_eq!(hosts.find(format!("x{longest}").as_bytes(), b"/"), None);
    assert_eq!(hosts.find("a.".repeat(100_000).as_bytes(), b"/"), None);
}

#[test]
fn base_paths_are_compared_in_canonical_form() {
    let hosts = hosts(&[url("h", "//a/./%62/"), url("h", "/c%2fd")]);
    assert_eq!(hosts.find(b"h", b"/a/b/x"), Some(0));
    assert_eq!(hosts.find(b"h", b"/c%2Fd/x"), Some(1));
    assert_eq!(hosts.find(b"h", b"/c/d/x"), None);
}

#[test]
fn unusable_urls_are_refused_and_left_out() {
    let check = |host: &str, base_path: &str, expected: PublicUrlError| {
        let url = url(host, base_path);
        assert_eq!(
            PublicUrl::try_from(&url),
            Err(expected),
            "{host} {base_path}"
        );
        let others = hosts(&[url, self::url("h", "/")]);
        assert_eq!(others.find(b"h", b"/"), Some(1));
    };
    for host in [
        "", "*", "*.", "*.*.com", "a b", "a..b", "http://h", "h/x", "*.[::1]", "[::g]", "ü.com",
        "a\0b",
    ] {
        check(host, "/", PublicUrlError::Host);
    }
    for base_path in ["v1", "/v1?x", "/v1#x"] {
        check("h2", base_path, PublicUrlError::BasePath);
    }
    assert!(PublicUrl::try_from(&url("h", "")).is_ok());
}

/// Every URL that fits, the best of them by the rules' own words.
fn naive(urls: &[PublicUrlV1], host: &str, path: &str) -> Option<usize> {
    let fits = |url: &PublicUrlV1| {
        let host_fits = match url.host.strip_prefix('*') {
            Some(end) => host.len() > end.len() && host.ends_with(end),
            None => host == url.host,
        };
        let base = url.base_path.trim_end_matches('/');
        let path_fits = path == base || path.starts_with(&format!("{base}/"));
        host_fits && path_fits
    };
    let rank = |url: &PublicUrlV1| {
        let is_exact = !url.host.starts_with('*');
        (
            is_exact,
            url.host.len(),
            url.base_path.trim_end_matches('/').len(),
        )
    };
    let best = urls.iter().filter(|url| fits(url)).map(rank).max()?;
    urls.iter().position(|url| fits(url) && rank(url) == best)
}

proptest! {
    #[test]
    fn find_agrees_with_a_naive_search(
        urls in prop::collection::vec(("(\\*\\.)?[ab](\\.[ab]){0,2}", "(/[xy]){0,2}/?"), 0..12),
        host in "[ab](\\.[ab]){0,3}",
        path in "(/[xy]{1,2}){0,3}/?",
    ) {
        let urls: Vec<_> = urls.iter().map(|(host, base_path)| url(host, base_path)).collect();
        let path = if path.is_empty() { "/" } else { &path };
        let found = hosts(&urls).find(host.as_bytes(), path.as_bytes());
        prop_assert_eq!(found, naive(&urls, &host, path));
    }

    #[test]
    fn hostile_authorities_find_nothing_or_something_but_never_panic(
        authority in prop::collection::vec(any::<u8>(), 0..400),
        brackets in "[\\[\\]:0-9a-f.*%]{0,60}",
        path in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let hosts = hosts(&[url("a.b", "/"), url("*.b", "/x"), url("[::1]", "/")]);
        let _ = hosts.find(&authority, &path);
        let _ = hosts.find(brackets.as_bytes(), &path);
        let _ = PublicUrl::try_from(&url(&String::from_utf8_lossy(&authority), &String::from_utf8_lossy(&path)));
    }
}
