//! What the upstream gets to see.

use super::*;

#[test]
fn queries_lose_their_credentials_and_nothing_else() {
    let sources = sources(AppIdAndKey, &[Query, Form]);
    let check = |target: &str, expected: Option<&str>| {
        let stripped = sources.strip_target(target.as_bytes());
        let stripped = stripped.map(|target| String::from_utf8(target).expect("UTF-8"));
        assert_eq!(stripped.as_deref(), expected, "{target}");
    };
    check("/x?api_user=i&api_key=k", Some("/x"));
    check(
        "/x?a=1&api_user=i&b=%zz+&api_key=k&c",
        Some("/x?a=1&b=%zz+&c"),
    );
    check("/x?api_user=i&a=1", Some("/x?a=1"));
    check("/x?a=1&api_key", Some("/x?a=1"));
    check("/x?a=1&api%5fkey=k", Some("/x?a=1"));
    check("/x?a=1&&api_user=i&&", Some("/x?a=1&&&"));
    check("/x?api_user=i#f?api_user=i", Some("/x#f?api_user=i"));
    check("/x?a?api_user=i&api_key=k", Some("/x?a?api_user=i"));
    check("/x?a=1&user_key=k&API_KEY=k", None);
    check("/api_user=i", None);
    check("/x?", None);
    check("/x", None);
    check("/x#?api_key=k", None);
    check("", None);
}

#[test]
fn forms_lose_their_credentials_and_nothing_else() {
    let stripping = sources(UserKey, &[Query, Form]);
    assert_eq!(
        stripping.strip_form(b"a=1&user_key=k&b=+"),
        Some(b"a=1&b=+".to_vec())
    );
    assert_eq!(stripping.strip_form(b"user_key=k"), Some(vec![]));
    assert_eq!(stripping.strip_form(b"a=1"), None);
    assert_eq!(stripping.strip_form(b""), None);
    let elsewhere = sources(UserKey, &[Query]);
    assert_eq!(elsewhere.strip_form(b"user_key=k"), None);
}

#[test]
fn headers_of_configured_sources_are_removed() {
    let check = |kind, configured: &[SourceV1], expected: &[&str]| {
        assert_eq!(
            sources(kind, configured).headers_to_strip(),
            expected,
            "{configured:?}"
        );
    };
    check(UserKey, &[Query, Form], &[]);
    check(UserKey, &[InHeaders], &["user_key", "user-key"]);
    check(UserKey, &[Basic, Bearer], &["authorization"]);
    check(
        AppIdAndKey,
        &[InHeaders, Basic],
        &[
            "api_user",
            "api-user",
            "api_key",
            "api-key",
            "authorization",
        ],
    );
    // The token is not ours: `jwt_authn` decides whether it goes on.
    check(AppIdAndKey, &[Jwt], &[]);
}

#[test]
fn nothing_is_stripped_unless_asked_for() {
    let all = [Query, InHeaders, Basic, Form];
    let config = CredentialsV1 {
        strip: false,
        ..config(UserKey, &all)
    };
    let sources = Sources::try_from(&config).expect("valid");
    assert_eq!(sources.strip_target(b"/x?user_key=k"), None);
    assert_eq!(sources.strip_form(b"user_key=k"), None);
    assert!(sources.headers_to_strip().is_empty());
}

#[test]
fn a_source_that_is_not_configured_keeps_its_parameters() {
    let sources = sources(UserKey, &[Basic]);
    assert_eq!(sources.strip_target(b"/x?user_key=k"), None);
}
