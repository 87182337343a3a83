//! Where credentials are found, when they contradict each other, and how they are taken out again.

mod random;
mod strip;

use tallygate_core::credential::{Found, Presented, Sources, SourcesError};
use tallygate_core::request::{FormBody, Headers, RequestView};
use tallygate_core::wire::{CredentialKindV1, CredentialsV1, SourceV1};

use CredentialKindV1::{AppIdAndKey, UserKey};
use SourceV1::{Basic, Bearer, Form, Headers as InHeaders, Jwt, Query};

const CLAIM: [&str; 2] = ["payload", "azp"];

/// A request as far as credentials are concerned.
#[derive(Clone, Debug, Default)]
struct Request {
    target: Vec<u8>,
    headers: Vec<(&'static str, Vec<u8>)>,
    claim: Option<Vec<u8>>,
    form: Option<Vec<u8>>,
}

impl Headers for Request {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        assert_eq!(name, name.to_ascii_lowercase());
        let values = self.headers.iter().filter(|(other, _)| *other == name);
        values.for_each(|(_, value)| visit(value));
    }

    fn claim(&self, path: &[String]) -> Option<Vec<u8>> {
        assert_eq!(path, CLAIM);
        self.claim.clone()
    }
}

impl Request {
    fn to(target: impl AsRef<[u8]>) -> Self {
        Self {
            target: target.as_ref().to_vec(),
            ..Self::default()
        }
    }

    fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name, value.as_ref().to_vec()));
        self
    }

    fn authorization(self, value: impl AsRef<[u8]>) -> Self {
        self.header("authorization", value)
    }

    fn basic(self, user_and_password: impl AsRef<[u8]>) -> Self {
        use base64::Engine as _;
        let token = base64::engine::general_purpose::STANDARD.encode(user_and_password);
        self.authorization(format!("Basic {token}"))
    }

    fn form(mut self, body: impl AsRef<[u8]>) -> Self {
        self.form = Some(body.as_ref().to_vec());
        self
    }

    fn claim(mut self, claim: &str) -> Self {
        self.claim = Some(claim.into());
        self
    }

    fn view<'a>(&'a self, form_body: FormBody<'a>) -> RequestView<'a> {
        RequestView {
            method: b"POST",
            authority: b"api.example.com",
            target: &self.target,
            headers: self,
            form_body,
        }
    }

    /// Finds as the filter does: the body is handed over when it is asked for.
    fn find(&self, sources: &Sources) -> Found {
        match &self.form {
            None => sources.find(&self.view(FormBody::Absent)),
            Some(body) => match sources.find(&self.view(FormBody::Unread)) {
                Found::NeedBody => sources.find(&self.view(FormBody::Read(body))),
                found => {
                    // Had the body been read for another reason, it would change nothing.
                    assert_eq!(sources.find(&self.view(FormBody::Read(body))), found);
                    found
                }
            },
        }
    }
}

fn config(kind: CredentialKindV1, sources: &[SourceV1]) -> CredentialsV1 {
    CredentialsV1 {
        kind,
        sources: sources.to_vec(),
        user_key: "user_key".into(),
        app_id: "api_user".into(),
        app_key: "api_key".into(),
        jwt_claim: CLAIM.map(String::from).to_vec(),
        strip: true,
    }
}

fn sources(kind: CredentialKindV1, sources: &[SourceV1]) -> Sources {
    Sources::try_from(&config(kind, sources)).expect("valid")
}

fn user_key(key: impl AsRef<[u8]>) -> Found {
    Found::Credentials(Presented::UserKey(key.as_ref().to_vec()))
}

fn pair(app_id: impl AsRef<[u8]>, app_key: impl AsRef<[u8]>) -> Found {
    Found::Credentials(Presented::AppIdAndKey {
        app_id: app_id.as_ref().to_vec(),
        app_key: app_key.as_ref().to_vec(),
    })
}

fn verified(identifier: &str) -> Found {
    Found::Credentials(Presented::Verified {
        identifier: identifier.into(),
    })
}

/// Every case is tried with only the named sources configured.
fn check(kind: CredentialKindV1, configured: &[SourceV1], request: Request, expected: Found) {
    let found = request.find(&sources(kind, configured));
    assert!(
        found == expected,
        "{configured:?} {request:?}: {found:?}, not {expected:?}"
    );
}

#[test]
fn in_the_query() {
    let one = |target: &str, expected| check(UserKey, &[Query], Request::to(target), expected);
    one("/x?user_key=k", user_key("k"));
    one("/x?a=1&user_key=k&b=2", user_key("k"));
    one("/x?user_key=a%20b+c%2B", user_key("a b c+"));
    one("/x?user%5Fkey=k", user_key("k"));
    one("/x?%75%73%65%72%5f%6b%65%79=k", user_key("k"));
    one("/x?user_key=a=b", user_key("a=b"));
    one("/x?user_key=%", user_key("%"));
    one("/x?user_key=%zz%4", user_key("%zz%4"));
    one("/x?user_key=%ff%00", user_key(b"\xff\0"));
    one("/x?user_key=k#user_key=other", user_key("k"));
    one("/x?user_key=k?user_key=other", user_key("k?user_key=other"));
    one("/user_key=k", Found::None);
    one("/x", Found::None);
    one("/x?", Found::None);
    one("/x?user_key", Found::None);
    one("/x?user_key=", Found::None);
    one("/x?USER_KEY=k", Found::None);
    one("/x?user+key=k", Found::None);
    one("/x?user_keys=k&xuser_key=k&user_ke=k", Found::None);
    one("/x?app_id=i&app_key=k&api_user=u&api_key=k", Found::None);
    one("/x#?user_key=k", Found::None);
    one("", Found::None);

    let two = |target: &str, expected| check(AppIdAndKey, &[Query], Request::to(target), expected);
    two("/x?api_user=i&api_key=k", pair("i", "k"));
    two("/x?api_key=k&api_user=i", pair("i", "k"));
    two("/x?api_user=i", Found::None);
    two("/x?api_user=i&api_key=", Found::None);
    two("/x?api_key=k", Found::None);
    two("/x?user_key=k", Found::None);
}

#[test]
fn given_twice() {
    let one = |target: &str, expected| check(UserKey, &[Query], Request::to(target), expected);
    one("/x?user_key=k&user_key=k", user_key("k"));
    one("/x?user_key=k&user_key=%6b", user_key("k"));
    one("/x?user_key=k&user_key=", user_key("k"));
    one("/x?user_key=&user_key=k", user_key("k"));
    one("/x?user_key=k&user_key=K", Found::Conflict);
    one("/x?user_key=a&user_key=b&user_key=a", Found::Conflict);

    let two = |target: &str, expected| check(AppIdAndKey, &[Query], Request::to(target), expected);
    two("/x?api_user=i&api_key=k&api_key=l", Found::Conflict);
    two("/x?api_user=i&api_user=j&api_key=k", Found::Conflict);
    // Even without the other half: somebody is trying something.
    two("/x?api_user=i&api_user=j", Found::Conflict);
    two(
        "/x?api_user=i&api_key=k&api_user=i&api_key=k",
        pair("i", "k"),
    );

    let header = |a: &str, b: &str| {
        Request::default()
            .header("user_key", a)
            .header("user_key", b)
    };
    check(UserKey, &[InHeaders], header("k", "k"), user_key("k"));
    check(UserKey, &[InHeaders], header("k", ""), user_key("k"));
    check(UserKey, &[InHeaders], header("k", "l"), Found::Conflict);

    let form = |body| Request::to("/x").form(body);
    check(
        UserKey,
        &[Form],
        form("user_key=k&user_key=k"),
        user_key("k"),
    );
    check(
        UserKey,
        &[Form],
        form("user_key=k&user_key=l"),
        Found::Conflict,
    );
}

#[test]
fn in_headers() {
    let header = |name, value: &[u8]| Request::default().header(name, value);
    check(
        UserKey,
        &[InHeaders],
        header("user_key", b"k"),
        user_key("k"),
    );
    check(
        UserKey,
        &[InHeaders],
        header("user_key", b"a+b%20c"),
        user_key("a+b%20c"),
    );
    check(
        UserKey,
        &[InHeaders],
        header("user_key", b"\xff"),
        user_key(b"\xff"),
    );
    check(UserKey, &[InHeaders], header("user_key", b""), Found::None);
    check(UserKey, &[InHeaders], header("api_key", b"k"), Found::None);
    let both = header("api_user", b"i").header("api_key", b"k");
    check(AppIdAndKey, &[InHeaders], both, pair("i", "k"));
    check(
        AppIdAndKey,
        &[InHeaders],
        header("api_key", b"k"),
        Found::None,
    );

    // Some clients and proxies do not pass underscores on.
    check(
        UserKey,
        &[InHeaders],
        header("user-key", b"k"),
        user_key("k"),
    );
    check(
        UserKey,
        &[InHeaders],
        header("user-key", b"k").header("user_key", b"l"),
        Found::Conflict,
    );
    let mixed_case = CredentialsV1 {
        user_key: "X-Api-Key".into(),
        ..config(UserKey, &[InHeaders])
    };
    let sources = Sources::try_from(&mixed_case).expect("valid");
    assert_eq!(header("x-api-key", b"k").find(&sources), user_key("k"));
}

#[test]
fn by_basic() {
    let raw = |value: &str| Request::default().authorization(value);
    let one = |request, expected| check(UserKey, &[Basic], request, expected);
    let basic = |text: &str| Request::default().basic(text);
    one(basic("key:"), user_key("key"));
    one(basic(":key"), user_key("key"));
    one(basic("key:ignored"), user_key("key"));
    one(basic(":"), Found::None);
    one(basic(""), Found::None);
    one(basic("key"), Found::None);

    let two = |request, expected| check(AppIdAndKey, &[Basic], request, expected);
    two(basic("i:k"), pair("i", "k"));
    // Split at the first colon: a key may hold colons, an id may not.
    two(basic("i:k:l"), pair("i", "k:l"));
    two(basic("i:"), Found::None);
    two(basic(":k"), Found::None);
    two(Request::default().basic(b"\xff:\0"), pair(b"\xff", b"\0"));
    two(raw("basic aTpr"), pair("i", "k"));
    two(raw("BASIC  aTpr "), pair("i", "k"));
    two(raw("Basic\taTpr"), pair("i", "k"));
    // "i:kl" with, without, and with half of its padding; and with bits set that no byte uses.
    two(raw("Basic aTprbA=="), pair("i", "kl"));
    two(raw("Basic aTprbA"), pair("i", "kl"));
    two(raw("Basic aTprbB"), pair("i", "kl"));
    for broken in [
        "Basic",
        "Basic ",
        "Basic aTp!",
        "Basic aTpr aTpr",
        "Basic a",
        "Basic =",
        "BasicaTpr",
    ] {
        two(raw(broken), Found::None);
    }
    two(raw("Basi"), Found::None);
    two(raw("Basic2 aTpr"), Found::None);
    two(raw("Bearer aTpr"), Found::None);
    two(raw("Digest aTpr"), Found::None);
    two(raw(""), Found::None);
    two(
        Request::default().authorization(b"Basic \xff\xfe"),
        Found::None,
    );
}

#[test]
fn by_basic_more_than_once() {
    let two = |request, expected| check(AppIdAndKey, &[Basic], request, expected);
    let basic = |text: &str| Request::default().basic(text);
    two(basic("i:k").basic("i:k"), pair("i", "k"));
    two(basic("i:k").basic("i:l"), Found::Conflict);
    two(basic("i:k").basic("j:k"), Found::Conflict);
    two(basic("i:k").authorization("Basic !!!"), pair("i", "k"));
    // As Envoy joins repeated headers.
    let joined = |value: &str| Request::default().authorization(value);
    two(joined("Basic aTpr,Basic aTpr"), pair("i", "k"));
    two(joined("Basic aTpr, Basic ajpr"), Found::Conflict);
}

#[test]
fn by_bearer() {
    let bearer = |value: &str| Request::default().authorization(value);
    let one = |request, expected| check(UserKey, &[Bearer], request, expected);
    one(bearer("Bearer k"), user_key("k"));
    one(bearer("bearer   k.-_~+/=  "), user_key("k.-_~+/="));
    one(bearer("Bearer"), Found::None);
    one(bearer("Bearer "), Found::None);
    one(bearer("Bearerk"), Found::None);
    one(bearer("Basic azo="), Found::None);
    one(bearer("Bearer k").authorization("Bearer k"), user_key("k"));
    one(
        bearer("Bearer k").authorization("Bearer l"),
        Found::Conflict,
    );
    one(bearer("Bearer k,Bearer l"), Found::Conflict);
    let both = [Basic, Bearer];
    check(UserKey, &both, bearer("Basic azo="), user_key("k"));
    check(UserKey, &both, bearer("Bearer k"), user_key("k"));
    check(
        UserKey,
        &both,
        bearer("Basic azo=").authorization("Bearer k"),
        user_key("k"),
    );
    check(
        UserKey,
        &both,
        bearer("Basic azo=").authorization("Bearer l"),
        Found::Conflict,
    );
}

#[test]
fn in_a_form() {
    let form = |target: &str, body: &str| Request::to(target).form(body);
    check(
        AppIdAndKey,
        &[Form],
        form("/x", "a=1&api_user=i&api_key=k"),
        pair("i", "k"),
    );
    check(
        AppIdAndKey,
        &[Form],
        form("/x", "api_user=a+b&api_key=%2B"),
        pair("a b", "+"),
    );
    check(AppIdAndKey, &[Form], form("/x", "api_user=i"), Found::None);
    check(AppIdAndKey, &[Form], form("/x", ""), Found::None);
    check(AppIdAndKey, &[Form], Request::to("/x"), Found::None);
    // A complete set elsewhere makes the body unimportant, an incomplete one does not complete it.
    let both = [Query, Form];
    check(
        AppIdAndKey,
        &both,
        form("/x?api_user=i&api_key=k", "api_user=j&api_key=l"),
        pair("i", "k"),
    );
    check(
        AppIdAndKey,
        &both,
        form("/x?api_user=i", "api_user=j&api_key=l"),
        pair("j", "l"),
    );
    check(
        AppIdAndKey,
        &both,
        form("/x?api_user=i", "api_key=k"),
        Found::None,
    );
    check(
        AppIdAndKey,
        &both,
        form("/x?api_user=i&api_user=j", "api_user=i&api_key=k"),
        Found::Conflict,
    );
}

#[test]
fn the_body_is_asked_for_only_when_it_may_decide() {
    let with_form = sources(AppIdAndKey, &[Query, Form]);
    let ask =
        |sources: &Sources, target: &str| sources.find(&Request::to(target).view(FormBody::Unread));
    assert_eq!(ask(&with_form, "/x"), Found::NeedBody);
    assert_eq!(ask(&with_form, "/x?api_user=i"), Found::NeedBody);
    assert_eq!(ask(&with_form, "/x?api_user=i&api_key=k"), pair("i", "k"));
    assert_eq!(ask(&with_form, "/x?api_key=k&api_key=l"), Found::Conflict);
    let without = sources(AppIdAndKey, &[Query, Basic]);
    assert_eq!(ask(&without, "/x"), Found::None);
}

#[test]
fn by_a_verified_claim() {
    let claim = |claim: &str| Request::to("/x").claim(claim);
    check(AppIdAndKey, &[Jwt], claim("i"), verified("i"));
    check(UserKey, &[Jwt], claim("k"), verified("k"));
    check(AppIdAndKey, &[Jwt], claim(""), Found::None);
    check(AppIdAndKey, &[Jwt], Request::to("/x"), Found::None);
    // Beside a key of the same application, that key has to be right.
    let both = [Jwt, Query];
    let with_query = |claim: &str| Request::to("/x?api_user=i&api_key=k&user_key=i").claim(claim);
    check(AppIdAndKey, &both, with_query("i"), pair("i", "k"));
    check(UserKey, &both, with_query("i"), user_key("i"));
    check(AppIdAndKey, &both, with_query("j"), Found::Conflict);
    check(UserKey, &both, with_query("j"), Found::Conflict);
}

#[test]
fn sources_that_differ_contradict_each_other() {
    let all = [Query, InHeaders, Basic, Form];
    let agreeing = Request::to("/x?api_user=i&api_key=k")
        .header("api_user", "i")
        .header("api_key", "k")
        .basic("i:k");
    check(AppIdAndKey, &all, agreeing.clone(), pair("i", "k"));
    check(AppIdAndKey, &all, agreeing.basic("i:l"), Found::Conflict);
    for differing in [
        Request::to("/x?api_user=i&api_key=k").basic("i:l"),
        Request::to("/x?api_user=i&api_key=k")
            .header("api_user", "j")
            .header("api_key", "k"),
        Request::to("/x")
            .basic("i:k")
            .header("api_user", "i")
            .header("api_key", "l"),
    ] {
        check(AppIdAndKey, &all, differing, Found::Conflict);
    }
    // An incomplete set says nothing.
    let half = Request::to("/x?api_user=j")
        .header("api_key", "l")
        .basic("i:k");
    check(AppIdAndKey, &all, half, pair("i", "k"));
}

#[test]
fn only_configured_sources_are_read() {
    let everywhere = Request::to("/x?user_key=query")
        .header("user_key", "headers")
        .basic("basic:")
        .authorization("Bearer bearer")
        .claim("jwt")
        .form("user_key=form");
    for (source, expected) in [
        (Query, user_key("query")),
        (InHeaders, user_key("headers")),
        (Basic, user_key("basic")),
        (Bearer, user_key("bearer")),
        (Form, user_key("form")),
        (Jwt, verified("jwt")),
    ] {
        check(UserKey, &[source], everywhere.clone(), expected);
    }
    check(UserKey, &[Query, InHeaders], everywhere, Found::Conflict);
}

#[test]
fn configurations_that_could_never_work_are_refused() {
    let refused =
        |config: CredentialsV1, expected| assert_eq!(Sources::try_from(&config), Err(expected));
    refused(config(UserKey, &[]), SourcesError::NoSources);
    refused(
        config(AppIdAndKey, &[Query, Bearer]),
        SourcesError::BearerNeedsUserKey,
    );
    refused(
        CredentialsV1 {
            jwt_claim: vec![],
            ..config(UserKey, &[Jwt])
        },
        SourcesError::NoClaim,
    );
    for name in [
        "",
        "a b",
        "a%62",
        "a+b",
        "a&b",
        "a=b",
        "a\0",
        "ü",
        "a\"",
        &"x".repeat(256),
    ] {
        let named = CredentialsV1 {
            app_key: name.into(),
            ..config(AppIdAndKey, &[Query])
        };
        refused(named, SourcesError::Name("auth_app_key"));
    }
    let bracketed = CredentialsV1 {
        user_key: "auth[key]".into(),
        ..config(UserKey, &[Query])
    };
    assert!(Sources::try_from(&bracketed).is_ok());
    let header = CredentialsV1 {
        sources: vec![Query, InHeaders],
        ..bracketed
    };
    refused(header, SourcesError::HeaderName("auth_user_key"));
    let same = CredentialsV1 {
        app_id: "api_key".into(),
        ..config(AppIdAndKey, &[Query])
    };
    refused(same, SourcesError::SameNames);
    let same_but_for_case = CredentialsV1 {
        app_id: "API_KEY".into(),
        ..config(AppIdAndKey, &[Query])
    };
    assert!(Sources::try_from(&same_but_for_case).is_ok());
    let in_headers = CredentialsV1 {
        sources: vec![InHeaders],
        ..same_but_for_case
    };
    refused(in_headers, SourcesError::SameNames);
    let same_but_for_underscore = CredentialsV1 {
        app_id: "api-key".into(),
        ..config(AppIdAndKey, &[InHeaders])
    };
    refused(same_but_for_underscore, SourcesError::SameNames);
    // Names that are not used may be anything.
    let unused = CredentialsV1 {
        app_id: String::new(),
        app_key: String::new(),
        ..config(UserKey, &[Query])
    };
    assert!(Sources::try_from(&unused).is_ok());
}

#[test]
fn credentials_do_not_show_in_debug_output() {
    for found in [user_key("hush"), pair("hush", "hush"), verified("hush")] {
        assert!(!format!("{found:?}").contains("hush"));
        assert!(!format!("{found:?}").contains("104"));
    }
}
