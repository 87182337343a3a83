//! Answers to refused requests, and the limit headers.

use proptest::prelude::*;
use serde_json::{Value, json};
use tallygate_core::credential::Sources;
use tallygate_core::period::Period;
use tallygate_core::verdict::{
    Errors, ErrorsError, LimitState, Reason, Refusal, Reply, limit_name, most_constrained,
    rate_limit_headers, retry_after_secs,
};
use tallygate_core::wire::{CredentialKindV1, CredentialsV1, ErrorTextV1, ErrorsV1, SourceV1};

const PER_MINUTE: LimitState<'_> = LimitState {
    name: "hits-minute",
    limit: 600,
    remaining: 599,
    elsewhere: false,
    delta: 1,
    reset_secs: Some(42),
    window_secs: Some(60),
};

fn sources(sources: &[SourceV1]) -> Sources {
    let wire = CredentialsV1 {
        kind: CredentialKindV1::AppIdAndKey,
        sources: sources.to_vec(),
        user_key: "user_key".into(),
        app_id: "api_user".into(),
        app_key: "api_key".into(),
        jwt_claim: vec!["azp".into()],
        strip: false,
    };
    Sources::try_from(&wire).expect("valid")
}

fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    let mut values = reply.headers.iter().filter(|(other, _)| other == name);
    let value = values.next().map(|(_, value)| value.as_str());
    assert!(values.next().is_none(), "{name} comes once at most");
    value
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).expect("JSON")
}

#[test]
fn default_answers_are_problem_documents() {
    let basic = sources(&[SourceV1::Query, SourceV1::Basic, SourceV1::Form]);
    let check = |refusal: Refusal<'_>, expected: Value| {
        let reply = refusal.reply(&Errors::default(), Some(&basic));
        assert_eq!(
            header(&reply, "content-type"),
            Some("application/problem+json")
        );
        assert_eq!(body(&reply), expected);
        assert_eq!(expected["status"], reply.status);
        assert_eq!(expected["code"], refusal.reason().as_str());
        let challenged = header(&reply, "www-authenticate").is_some();
        assert_eq!(challenged, reply.status == 401, "{refusal:?}");
        let retryable = matches!(reply.status, 429 | 503);
        assert_eq!(
            header(&reply, "retry-after").is_some(),
            retryable,
            "{refusal:?}"
        );
    };
    check(
        Refusal::UnknownHost,
        json!({"type": "about:blank", "title": "Not Found", "status": 404, "code": "unknown_host",
               "detail": "No API is served at this address."}),
    );
    check(
        Refusal::AuthMissing,
        json!({"type": "about:blank", "title": "Unauthorized", "status": 401, "code": "auth_missing",
               "detail": "Send an application's `api_user` and `api_key` as query parameters, \
                          as form fields or by HTTP Basic."}),
    );
    check(
        Refusal::AuthFailed,
        json!({"type": "about:blank", "title": "Forbidden", "status": 403, "code": "auth_failed",
               "detail": "These credentials do not give access. Check them and the state of the application."}),
    );
    check(
        Refusal::NoMatch,
        json!({"type": "about:blank", "title": "Not Found", "status": 404, "code": "no_match",
               "detail": "The API has no such method and path."}),
    );
    check(
        Refusal::MetricDisabled,
        json!({"type": "about:blank", "title": "Forbidden", "status": 403, "code": "metric_disabled",
               "detail": "The application's plan does not include this call."}),
    );
    let exceeded = LimitState {
        remaining: 0,
        ..PER_MINUTE
    };
    let other = LimitState {
        name: "hits-day",
        ..PER_MINUTE
    };
    check(
        Refusal::LimitsExceeded(&[other, exceeded]),
        json!({"type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
               "title": "Request cannot be satisfied as assigned quota has been exceeded",
               "status": 429, "code": "limits_exceeded",
               "detail": "The application has used up a limit of its plan.",
               "violated-policies": ["hits-minute"]}),
    );
    check(
        Refusal::NotReady {
            retry_after_secs: 2,
        },
        json!({"type": "about:blank", "title": "Service Unavailable", "status": 503, "code": "not_ready",
               "detail": "The gateway cannot decide on requests yet. Try again shortly."}),
    );
}

#[test]
fn reasons_have_words_of_their_own() {
    let mut words: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), Reason::ALL.len());
}

#[test]
fn a_401_asks_for_what_the_product_takes() {
    let check = |configured: &[SourceV1], challenge: &str, detail: &str| {
        let sources = sources(configured);
        let reply = Refusal::AuthMissing.reply(&Errors::default(), Some(&sources));
        assert_eq!(header(&reply, "www-authenticate"), Some(challenge));
        assert_eq!(body(&reply)["detail"], detail);
    };
    check(
        &[SourceV1::Basic],
        "Basic realm=\"API\", charset=\"UTF-8\"",
        "Send an application's `api_user` and `api_key` by HTTP Basic.",
    );
    check(
        &[SourceV1::Basic, SourceV1::Jwt],
        "Basic realm=\"API\", charset=\"UTF-8\", Bearer realm=\"API\"",
        "Send an application's `api_user` and `api_key` by HTTP Basic or in a claim of a signed bearer token.",
    );
    check(
        &[SourceV1::Query],
        "ApiKey realm=\"API\", parameters=\"api_user api_key\"",
        "Send an application's `api_user` and `api_key` as query parameters.",
    );
    let nobody = Refusal::AuthMissing.reply(&Errors::default(), None);
    assert_eq!(header(&nobody, "www-authenticate"), None);
}

fn text(status: u16, body: &str) -> ErrorTextV1 {
    ErrorTextV1 {
        status,
        content_type: "text/plain; charset=us-ascii".into(),
        body: body.into(),
    }
}

fn custom() -> ErrorsV1 {
    ErrorsV1::Custom {
        auth_missing: text(403, "Authentication parameters missing"),
        auth_failed: text(401, "Authentication failed"),
        no_match: text(200, "No Mapping Rule matched"),
        limits_exceeded: text(429, "Usage limit exceeded"),
    }
}

#[test]
fn custom_texts_replace_the_configurable_answers_only() {
    let errors = Errors::try_from(&custom()).expect("valid");
    let sources = sources(&[SourceV1::Query, SourceV1::Basic]);
    let check = |refusal: Refusal<'_>, status: u16, text: &str, challenged: bool| {
        let reply = refusal.reply(&errors, Some(&sources));
        assert_eq!(reply.status, status, "{refusal:?}");
        assert_eq!(reply.body, text.as_bytes());
        assert_eq!(
            header(&reply, "content-type"),
            Some("text/plain; charset=us-ascii")
        );
        assert_eq!(
            header(&reply, "www-authenticate").is_some(),
            challenged,
            "{refusal:?}"
        );
    };
    check(
        Refusal::AuthMissing,
        403,
        "Authentication parameters missing",
        false,
    );
    check(Refusal::AuthFailed, 401, "Authentication failed", true);
    check(Refusal::MetricDisabled, 401, "Authentication failed", true);
    check(Refusal::NoMatch, 200, "No Mapping Rule matched", false);
    check(
        Refusal::LimitsExceeded(&[]),
        429,
        "Usage limit exceeded",
        false,
    );
    for refusal in [
        Refusal::UnknownHost,
        Refusal::NotReady {
            retry_after_secs: 0,
        },
    ] {
        let reply = refusal.reply(&errors, None);
        assert_eq!(
            header(&reply, "content-type"),
            Some("application/problem+json")
        );
    }
}

#[test]
fn texts_that_cannot_be_sent_are_refused_by_name() {
    let check = |change: fn(&mut ErrorTextV1), expected: Result<(), ErrorsError>| {
        let mut wire = custom();
        if let ErrorsV1::Custom { no_match, .. } = &mut wire {
            change(no_match);
        }
        assert_eq!(Errors::try_from(&wire).map(|_| ()), expected);
    };
    check(|_| {}, Ok(()));
    check(|text| text.status = 200, Ok(()));
    check(|text| text.status = 599, Ok(()));
    check(|text| text.body = "\u{0}ü".into(), Ok(()));
    for status in [0, 100, 199, 600, u16::MAX] {
        let mut wire = custom();
        if let ErrorsV1::Custom { no_match, .. } = &mut wire {
            no_match.status = status;
        }
        assert_eq!(
            Errors::try_from(&wire),
            Err(ErrorsError::Status("no_match"))
        );
    }
    let refused = Err(ErrorsError::ContentType("no_match"));
    check(|text| text.content_type = String::new(), refused);
    check(
        |text| text.content_type = "text/plain\r\nx: y".into(),
        refused,
    );
    check(|text| text.content_type = "text/plän".into(), refused);
    check(|text| text.content_type = "x".repeat(256), refused);
    let message = ErrorsError::Status("no_match").to_string();
    assert_eq!(message, "no_match: the status must be between 200 and 599");
}

#[test]
fn headers_of_one_limit() {
    let check = |limit: LimitState<'_>, policy: &str, standing: &str| {
        let [(policy_name, sent_policy), (name, sent)] =
            rate_limit_headers(&[limit]).expect("one limit");
        assert_eq!((policy_name, name), ("ratelimit-policy", "ratelimit"));
        assert_eq!((sent_policy.as_str(), sent.as_str()), (policy, standing));
    };
    check(
        PER_MINUTE,
        r#""hits-minute";q=600;w=60"#,
        r#""hits-minute";r=599;t=42"#,
    );
    check(
        LimitState {
            name: "hits-eternity",
            reset_secs: None,
            window_secs: None,
            ..PER_MINUTE
        },
        r#""hits-eternity";q=600"#,
        r#""hits-eternity";r=599"#,
    );
    check(
        LimitState {
            limit: u64::MAX,
            remaining: u64::MAX,
            ..PER_MINUTE
        },
        r#""hits-minute";q=999999999999999;w=60"#,
        r#""hits-minute";r=999999999999999;t=42"#,
    );
    check(
        LimitState {
            name: "a\"\\ü\n-day",
            ..PER_MINUTE
        },
        r#""a\"\\__-day";q=600;w=60"#,
        r#""a\"\\__-day";r=599;t=42"#,
    );
    assert_eq!(rate_limit_headers(&[]), None);
    assert_eq!(limit_name("web_api", Period::Month), "web_api-month");
}

#[test]
fn the_most_constrained_limit_allows_the_fewest_calls() {
    let limit = |name, remaining, delta, window_secs| LimitState {
        name,
        remaining,
        delta,
        window_secs,
        ..PER_MINUTE
    };
    let check = |limits: &[LimitState<'_>], expected: &str| {
        assert_eq!(
            most_constrained(limits).map(|limit| limit.name),
            Some(expected)
        );
    };
    check(
        &[limit("a", 5, 1, Some(60)), limit("b", 4, 1, Some(60))],
        "b",
    );
    // 9 calls of 10 units are fewer than 10 of one.
    check(
        &[limit("a", 99, 10, Some(60)), limit("b", 10, 1, Some(60))],
        "a",
    );
    // Ties go to the longer period, eternity being the longest.
    check(
        &[limit("a", 5, 1, Some(60)), limit("b", 5, 1, Some(3_600))],
        "b",
    );
    check(
        &[limit("a", 5, 1, Some(3_600)), limit("b", 5, 1, Some(60))],
        "a",
    );
    check(
        &[limit("a", 5, 1, Some(3_600)), limit("b", 5, 1, None)],
        "b",
    );
    check(
        &[limit("a", 0, 3, Some(60)), limit("b", 2, 3, Some(3_600))],
        "b",
    );
    // What costs nothing constrains nothing.
    check(
        &[limit("a", 0, 0, None), limit("b", 1_000, 1, Some(60))],
        "b",
    );
    assert_eq!(most_constrained(&[]), None);
}

#[test]
fn retry_after_waits_for_the_longest_exceeded_window() {
    let limit = |remaining, delta, reset_secs| LimitState {
        remaining,
        delta,
        reset_secs,
        ..PER_MINUTE
    };
    let check = |limits: &[LimitState<'_>], expected: Option<u64>| {
        assert_eq!(retry_after_secs(limits), expected, "{limits:?}");
        let reply = Refusal::LimitsExceeded(limits).reply(&Errors::default(), None);
        let sent = header(&reply, "retry-after").map(|secs| secs.parse().expect("a number"));
        assert_eq!(sent, expected);
    };
    check(&[limit(0, 1, Some(42))], Some(42));
    check(
        &[limit(0, 1, Some(42)), limit(0, 1, Some(3_000))],
        Some(3_000),
    );
    check(&[limit(0, 1, Some(42)), limit(1, 1, Some(3_000))], Some(42));
    check(&[limit(2, 3, Some(42))], Some(42));
    check(&[limit(0, 1, Some(0))], Some(1));
    // Waiting does not help against eternity, nor when one call costs more than the whole limit.
    check(&[limit(0, 1, None)], None);
    check(&[limit(0, 1, Some(42)), limit(0, 1, None)], None);
    check(&[limit(0, 1, Some(42)), limit(1, 1, None)], Some(42));
    check(&[limit(600, 601, Some(42))], None);
    // What others hold comes back at once, in an eternity as well; what nobody holds does not.
    let elsewhere = |limit| LimitState {
        elsewhere: true,
        ..limit
    };
    check(&[elsewhere(limit(0, 1, Some(42)))], Some(1));
    check(&[elsewhere(limit(0, 1, None))], Some(1));
    check(
        &[elsewhere(limit(0, 1, None)), limit(0, 1, Some(42))],
        Some(42),
    );
    check(&[elsewhere(limit(0, 1, Some(42))), limit(0, 1, None)], None);
    check(&[elsewhere(limit(600, 601, Some(42)))], None);
}

proptest! {
    #[test]
    fn any_policy_name_makes_valid_json_and_a_valid_field(name in ".{0,20}|[\"\\\\\\x00-\\x1f]{1,9}") {
        let limits = [LimitState { name: &name, remaining: 0, ..PER_MINUTE }];
        let reply = Refusal::LimitsExceeded(&limits).reply(&Errors::default(), None);
        prop_assert_eq!(&body(&reply)["violated-policies"], &json!([name]));
        for (_, value) in rate_limit_headers(&limits).expect("one limit") {
            prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            let quoted = value.rsplit_once('"').expect("a string").0;
            let inner = quoted.strip_prefix('"').expect("a string");
            prop_assert!(!inner.replace("\\\\", "").replace("\\\"", "").contains('"'));
        }
    }
}
