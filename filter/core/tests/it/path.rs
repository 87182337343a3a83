//! Canonical paths and urlencoded pairs.

use proptest::prelude::*;
use std::borrow::Cow;
use tallygate_core::path::{canonical_path, pairs, split_target};

#[test]
fn canonical_paths() {
    let check = |raw: &str, canonical: &str| {
        let found = canonical_path(raw.as_bytes());
        assert_eq!(String::from_utf8_lossy(&found), canonical, "{raw}");
        let unchanged = matches!(found, Cow::Borrowed(_));
        assert_eq!(
            unchanged,
            raw == canonical,
            "{raw} is copied only when it must be"
        );
    };
    // slashes
    check("/", "/");
    check("", "/");
    check("//", "/");
    check("/a/b", "/a/b");
    check("/a/b/", "/a/b/");
    check("//a///b//", "/a/b/");
    check("a/b", "/a/b");
    check("*", "/*");
    // dot segments
    check("/.", "/");
    check("/..", "/");
    check("/a/.", "/a/");
    check("/a/./b", "/a/b");
    check("/a/..", "/");
    check("/a/b/..", "/a/");
    check("/a/b/../", "/a/");
    check("/a/../b", "/b");
    check("/public/../admin", "/admin");
    check("/a//../b", "/b");
    check("/../../a", "/a");
    check("/a/b/../../../c", "/c");
    check("/%2e%2E/a/%2e/b", "/a/b");
    check("/a/%2e%2e", "/");
    check("/...", "/...");
    check("/.a/..b/c..", "/.a/..b/c..");
    check("..", "/");
    check("./a", "/a");
    // one spelling for each byte
    check("/%66oo", "/foo");
    check("/%7Euser/%2D%5f%2E", "/~user/-_.");
    check("/a%3ab%2Bc%28", "/a:b+c(");
    check("/!$&'()*+,;=:@~", "/!$&'()*+,;=:@~");
    check("/a%2fb", "/a%2Fb");
    check("/a%2Fb", "/a%2Fb");
    check("/a%2F..%2Fb", "/a%2F..%2Fb");
    check("/12%2012", "/12%2012");
    check("/a b", "/a%20b");
    check("/%c3%a9", "/%C3%A9");
    check("/é", "/%C3%A9");
    check("/\"<>[]\\^`{|}", "/%22%3C%3E%5B%5D%5C%5E%60%7B%7C%7D");
    check("/\0\u{7f}", "/%00%7F");
    check("/a?b#c", "/a%3Fb%23c");
    // broken percent codes
    check("/%", "/%25");
    check("/%4", "/%254");
    check("/%zz", "/%25zz");
    check("/%%41", "/%25A");
    check("/%2", "/%252");
    check("/%25", "/%25");
    check("/%2541", "/%2541");
    check("/100%/x", "/100%25/x");
}

#[test]
fn targets() {
    let check = |target: &str, path: &str, query: Option<&str>| {
        let expected = (path.as_bytes(), query.map(str::as_bytes));
        assert_eq!(split_target(target.as_bytes()), expected, "{target}");
    };
    check("/a", "/a", None);
    check("/a?", "/a", Some(""));
    check("/a?b=c?d", "/a", Some("b=c?d"));
    check("/a#b?c", "/a", None);
    check("/a?b#c", "/a", Some("b"));
    check("", "", None);
    check("?", "", Some(""));
    check("#", "", None);
}

#[test]
fn urlencoded_pairs() {
    let check = |encoded: &str, expected: &[(&str, &str)]| {
        let found: Vec<_> = pairs(encoded.as_bytes()).collect();
        let found: Vec<_> = found
            .iter()
            .map(|(name, value)| {
                (
                    str::from_utf8(name).unwrap(),
                    str::from_utf8(value).unwrap(),
                )
            })
            .collect();
        assert_eq!(found, expected, "{encoded}");
    };
    check("", &[]);
    check("&&&", &[]);
    check("a=1&b=2", &[("a", "1"), ("b", "2")]);
    check("a=1&&b=2&", &[("a", "1"), ("b", "2")]);
    check("a", &[("a", "")]);
    check("a=", &[("a", "")]);
    check("=", &[("", "")]);
    check("=1", &[("", "1")]);
    check("a=b=c", &[("a", "b=c")]);
    check("a+b=c+d", &[("a b", "c d")]);
    check("%61%2B=%3d%26", &[("a+", "=&")]);
    check("a=%C3%A9", &[("a", "é")]);
    check("a=%", &[("a", "%")]);
    check("a=%4", &[("a", "%4")]);
    check("a=%zz%41", &[("a", "%zzA")]);
    check("a=%2541", &[("a", "%41")]);
}

proptest! {
    #[test]
    fn canonical_form_is_canonical(raw in bytes()) {
        let canonical = canonical_path(&raw).into_owned();
        prop_assert_eq!(&*canonical_path(&canonical), &*canonical, "twice is as good as once");
        let text = str::from_utf8(&canonical).unwrap();
        prop_assert!(text.starts_with('/'));
        prop_assert!(!text.contains("//"));
        prop_assert!(text.split('/').all(|segment| ![".", ".."].contains(&segment)));
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
    }

    #[test]
    fn spelling_does_not_matter(path in "(/[a-c.:+~-]{1,3}){1,4}", encoded in any::<u64>(), upper in any::<u64>()) {
        let respelled: String = path.bytes().enumerate().map(|(place, byte)| {
            let bit = |bits: u64| bits & (1 << (place % 64)) != 0;
            match (byte, bit(encoded), bit(upper)) {
                (b'/', true, _) => "//".to_owned(),
                (b'/', ..) | (_, false, _) => char::from(byte).to_string(),
                (_, true, true) => format!("%{byte:02X}"),
                (_, true, false) => format!("%{byte:02x}"),
            }
        }).collect();
        prop_assert_eq!(canonical_path(respelled.as_bytes()), canonical_path(path.as_bytes()));
    }

    #[test]
    fn pairs_never_fail(encoded in bytes()) {
        let parts = encoded.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
        prop_assert_eq!(pairs(&encoded).count(), parts.count());
    }
}

/// Bytes that often mean something in a path.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => prop::sample::select(b"//..%%&=+2eEfF4ax".to_vec()),
        1 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..48)
}
