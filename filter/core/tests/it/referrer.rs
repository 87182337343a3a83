//! Referrer filters: where requests may come from.

use proptest::prelude::*;
use tallygate_core::referrer::{comes_from, fits, host};
use tallygate_core::request::Headers;

struct Sent<'a>(&'a [(&'a str, &'a str)]);

impl Headers for Sent<'_> {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        for (_, value) in self.0.iter().filter(|(known, _)| *known == name) {
            visit(value.as_bytes());
        }
    }

    fn claim(&self, _: &[String]) -> Option<Vec<u8>> {
        None
    }
}

#[test]
fn hosts_of_origins_and_urls() {
    for (value, expected) in [
        ("https://a.example", Some("a.example")),
        (
            "http://A.Example:8080/x?y=http://b.example",
            Some("A.Example"),
        ),
        ("https://user:pass@a.example/", Some("a.example")),
        ("https://b.example@a.example:1", Some("a.example")),
        ("https://a.example\\@b.example", Some("a.example")),
        ("https://a.example?@b.example", Some("a.example")),
        ("https://a.example#@b.example", Some("a.example")),
        ("https://[::1]:80/", Some("[::1]")),
        ("a.example/page", Some("a.example")),
        ("a.example:80", Some("a.example")),
        ("null", None),
        ("", None),
        ("/page", None),
        ("https://", None),
        ("https://:80/", None),
        ("https://[::1", None),
    ] {
        let found = host(value.as_bytes()).map(|host| std::str::from_utf8(host).expect("ASCII"));
        assert_eq!(found, expected, "{value}");
    }
}

#[test]
fn stars_stand_for_anything() {
    for (filter, host, expected) in [
        ("a.example", "a.example", true),
        ("a.example", "A.EXAMPLE", true),
        ("a.example", "a.example.org", false),
        ("a.example", "b.a.example", false),
        ("a.example", "aXexample", false),
        ("*.example", "a.example", true),
        ("*.example", "a.b.example", true),
        ("*.example", ".example", true),
        ("*.example", "example", false),
        ("*.example", "a.example.org", false),
        ("example.*", "example.org", true),
        ("example.*", "example.org.evil", true),
        ("*.a.*.c", "x.a.b.c", true),
        ("*.a.*.c", "x.a.c", false),
        ("*a*ab", "aaab", true),
        ("*", "anything", true),
        ("**", "anything", true),
        ("", "a", false),
        ("a", "", false),
    ] {
        let found = fits(filter.as_bytes(), host.as_bytes());
        assert_eq!(found, expected, "{filter} {host}");
    }
}

#[test]
fn all_hosts_that_are_named_must_fit() {
    let filters = ["*.example".to_owned(), "shop.org".to_owned()];
    for (headers, expected) in [
        (&[("origin", "https://a.example")][..], true),
        (&[("referer", "https://shop.org/cart?x=1")], true),
        (
            &[
                ("origin", "https://a.example"),
                ("referer", "https://shop.org/"),
            ],
            true,
        ),
        (
            &[("origin", "null"), ("referer", "https://shop.org/")],
            true,
        ),
        (
            &[
                ("origin", "https://a.example"),
                ("referer", "https://evil.org/"),
            ],
            false,
        ),
        (
            &[
                ("origin", "https://evil.org"),
                ("referer", "https://shop.org/"),
            ],
            false,
        ),
        (
            &[
                ("referer", "https://shop.org/"),
                ("referer", "https://evil.org/"),
            ],
            false,
        ),
        (&[("referer", "https://evil.org/?shop.org")], false),
        (&[("referer", "*")], false),
        (&[("origin", "null")], false),
        (&[("host", "shop.org")], false),
        (&[], false),
    ] {
        assert_eq!(
            comes_from(&filters, &Sent(headers)),
            expected,
            "{headers:?}"
        );
    }
}

proptest! {
    #[test]
    fn fitting_is_what_it_is_by_trying_everything(filter in "[ab*]{0,8}", host in "[abAB]{0,8}") {
        fn tried(filter: &[u8], host: &[u8]) -> bool {
            match filter {
                [] => host.is_empty(),
                [b'*', rest @ ..] => (0..=host.len()).any(|n| tried(rest, &host[n..])),
                [byte, rest @ ..] => host.first().is_some_and(|first| first.eq_ignore_ascii_case(byte)) && tried(rest, &host[1..]),
            }
        }
        prop_assert_eq!(fits(filter.as_bytes(), host.as_bytes()), tried(filter.as_bytes(), host.as_bytes()));
    }

    #[test]
    fn any_bytes_have_a_host_or_none(value in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Some(host) = host(&value) {
            prop_assert!(!host.is_empty() && host.len() <= value.len());
        }
    }
}
