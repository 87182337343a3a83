//! Which patterns are taken, and what the others are told.

use tallygate_core::mapping::{Pattern, PatternError};

#[test]
fn valid_patterns() {
    for text in [
        "/",
        "/$",
        "/test/",
        "/foo//bar",
        "/foo/{bar}/baz/{foo}/quux",
        "/foo/{x}.json",
        "/foo.ext1/bar.ext2",
        "/foo$",
        "/foo$?bar=baz",
        "/foo{lal}/",
        "/foo/{bar}k/baz",
        "/{a}{b}",
        "/T;{a};{b},{c}",
        "/service1.svc/data/Tick;16122016;GBPJPY;,JSON,Username",
        "/runtime/com.example.demos:Build60Min:3.0/withvars",
        "/http://www.example.com/something.asmx/",
        "/v1/word/{word}.json?app_id={app_id}&app_key={app_key}",
        "/say-hello+$",
        "/f(test)$",
        "/bad(",
        "/a!b~c*d'e@f&g=h",
        "/foo%20/bar/",
        "/caf%c3%a9",
        "/.well-known/x",
        "/...",
        "/x?",
        "/x?a=",
        "/x?a=b=c",
        "/x?a=1&",
        "/x?filter[name]={v}&page[size]=10",
        "/x?a=$",
        "/x?a={same}&b={same}",
        "/x?next=/path?y",
    ] {
        let pattern = Pattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(pattern.as_str(), text);
    }
}

#[test]
fn invalid_patterns() {
    let check = |text: &str, error: PatternError| {
        assert_eq!(Pattern::parse(text), Err(error), "{text}");
    };
    let repeated = |name: &str| PatternError::Repeated(name.to_owned());

    check("", PatternError::Blank);
    check("  ", PatternError::Blank);
    check("foo", PatternError::NotAbsolute);
    check("?a=b", PatternError::NotAbsolute);
    check("http://example.com/x", PatternError::NotAbsolute);
    check(" /x", PatternError::Space);
    check("/x ", PatternError::Space);
    check("/x HTTP/1.1", PatternError::Space);
    check("/foo /bar", PatternError::Space);
    check("/x\n", PatternError::Space);
    check("/x?a=b c", PatternError::Space);
    check("/micro$oft", PatternError::Dollar);
    check("/$$", PatternError::Dollar);
    check("/foo/{bar}/baz/{bar}", repeated("bar"));
    check("/x?a={f}&a={g}", repeated("a"));
    check("/x?a=foo&a={bar}", repeated("a"));
    check("/x?a=1&%61=2", repeated("a"));
    check("/{a}?a=1", repeated("a"));
    check("/foo?{a}=bar", PatternError::QueryName);
    check("/foo?a", PatternError::QueryPart);
    check("/foo?=1", PatternError::QueryPart);
    check("/foo?a=x{b}", PatternError::Placeholder);
    check("/foo?a={b}x", PatternError::QueryValue("a".to_owned()));
    check("/foo?a={b", PatternError::Placeholder);
    check("/{", PatternError::Placeholder);
    check("/}", PatternError::Placeholder);
    check("/{}", PatternError::Placeholder);
    check("/{a-b}", PatternError::Placeholder);
    check("/{a/b}", PatternError::Placeholder);
    check("/{é}", PatternError::Placeholder);
    check("/{{a}}", PatternError::Placeholder);
    check("/50%", PatternError::Percent);
    check("/50%2", PatternError::Percent);
    check("/50%zz", PatternError::Percent);
    check("/50%é", PatternError::Percent);
    check("/x?a=50%", PatternError::Percent);
    check("/x?50%=a", PatternError::Percent);
    check("/a/./b", PatternError::DotSegment);
    check("/a/../b", PatternError::DotSegment);
    check("/a/..", PatternError::DotSegment);
    check("/a/%2e%2E/b", PatternError::DotSegment);
    for (text, character) in [
        ("/a#b", '#'),
        ("/a\"b", '"'),
        ("/a<b", '<'),
        ("/a\\b", '\\'),
        ("/a^b", '^'),
        ("/a|b", '|'),
        ("/a[0]", '['),
        ("/café", 'é'),
        ("/a\0", '\0'),
        ("/x?a=\"", '"'),
        ("/x?a#b=1", '#'),
    ] {
        check(text, PatternError::Character(character));
    }
}

#[test]
fn the_longest_pattern() {
    let text = |chars: usize| format!("/{}", "x".repeat(chars - 1));
    assert!(Pattern::parse(&text(255)).is_ok());
    assert_eq!(Pattern::parse(&text(256)), Err(PatternError::TooLong(256)));
    assert_eq!(
        PatternError::TooLong(256).to_string(),
        "shorten it to 255 characters: it has 256"
    );
}

#[test]
fn messages_say_what_to_do() {
    let check = |text: &str, message: &str| {
        assert_eq!(
            Pattern::parse(text).unwrap_err().to_string(),
            message,
            "{text}"
        );
    };
    check(
        "/{a",
        "write placeholders as {name}, with letters, digits and _ in the name",
    );
    check(
        "/x?a",
        "write query parts as name=value or name={placeholder}, joined by &",
    );
    check(
        "/a#",
        "write '#' percent-encoded; it cannot be part of a request's path or query as it is",
    );
    check(
        "/a b",
        "remove the white space; a space within a path is written %20",
    );
}
