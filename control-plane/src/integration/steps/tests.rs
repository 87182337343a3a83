//! Every way that a test can end, by what comes back.

use super::super::caller::Credentials;
use super::*;
use crate::secrets::Secret;

const PROOF: (&str, &str) = ("x-tallygate-probe", "proof");
const VERSION: (&str, &str) = ("x-tallygate-version", "3");
const PRODUCT: (&str, &str) = ("x-tallygate-product", "mail");
const MATCHED: (&str, &str) = ("x-tallygate-matched-rules", "/v2");
const ADMITTED: [(&str, &str); 6] = [
    PROOF,
    VERSION,
    PRODUCT,
    MATCHED,
    ("x-tallygate-usage", "hits=1"),
    ("x-tallygate-application", "5"),
];

const LIVELY: Fleet = Fleet {
    gateways: 1,
    silent_secs: Some(1),
    behind: 0,
};

fn known() -> Known {
    Known {
        id: 5,
        name: "App".into(),
        state: "live".into(),
        account_state: "approved".into(),
        plan: "Bronze".into(),
        disabled: vec!["sends".into()],
        key_fits: true,
    }
}

/// The step that failed, its detail and advice; or none.
fn failing(
    caller: &Caller,
    fleet: Fleet,
    upstream: Option<&UpstreamV1>,
    seen: Result<Seen, Unanswered>,
) -> Option<Step> {
    judged(caller, fleet, upstream, false, seen)
}

fn judged(
    caller: &Caller,
    fleet: Fleet,
    upstream: Option<&UpstreamV1>,
    lacks_backend: bool,
    seen: Result<Seen, Unanswered>,
) -> Option<Step> {
    let sent = Sent {
        method: "GET".into(),
        url: "https://staging.example.com/v2".into(),
        application_id: None,
    };
    let steps = judge(
        &Expected {
            version: 3,
            sent: &sent,
            rules: 4,
            lacks_backend,
            proof: "proof".into(),
            upstream,
            takes_tokens_only: false,
            caller,
            fleet,
        },
        &seen,
    );
    assert_eq!(steps.iter().map(|step| step.name).collect::<Vec<_>>(), ALL);
    let mut failed = steps.iter().filter(|step| step.outcome == Outcome::Failed);
    let first = failed.next().cloned();
    assert_eq!(failed.next(), None, "one step is the reason");
    let is_after = steps
        .iter()
        .skip_while(|step| step.outcome != Outcome::Failed)
        .skip(1);
    for step in is_after {
        assert_eq!(step.outcome, Outcome::Skipped, "{}", step.name);
    }
    first
}

fn upstream_at(tls: bool) -> UpstreamV1 {
    UpstreamV1 {
        tls,
        authority: "origin.example.com".into(),
        path_prefix: String::new(),
        host_rewrite: None,
    }
}

#[test]
fn all_is_well() {
    let mut headers = ADMITTED.to_vec();
    headers.push(("x-tallygate-upstream", "via_upstream"));
    for status in [200, 301, 404] {
        let seen = Ok(Seen::new(status, &headers, ""));
        let caller = Caller::default();
        assert_eq!(
            failing(&caller, LIVELY, Some(&upstream_at(false)), seen),
            None,
            "{status}"
        );
    }
}

#[test]
fn nothing_or_something_else_answers() {
    let caller = Caller::default();
    let dead = |fleet| {
        failing(
            &caller,
            fleet,
            None,
            Err(Unanswered::Because("It is dead.".into())),
        )
        .expect("a failure")
    };
    let step = dead(LIVELY);
    assert_eq!(step.name, GATEWAY_REACHED);
    assert!(
        step.detail.ends_with("was not reached. It is dead."),
        "{}",
        step.detail
    );
    for (fleet, words) in [
        (LIVELY, "TALLYGATE_STAGING_GATEWAY_URL"),
        (Fleet::default(), "gateway-config"),
        (
            Fleet {
                silent_secs: None,
                ..LIVELY
            },
            "never called",
        ),
        (
            Fleet {
                silent_secs: Some(90),
                ..LIVELY
            },
            "for 90 s",
        ),
        (
            Fleet {
                behind: 2,
                ..LIVELY
            },
            "2 revisions behind",
        ),
    ] {
        let advice = dead(fleet).advice;
        assert!(advice.contains(words), "{advice}");
    }
    // Whoever only says so is not believed.
    let forged = [
        ("x-tallygate-probe", "other"),
        VERSION,
        PRODUCT,
        MATCHED,
        ("x-tallygate-upstream", "via_upstream"),
    ];
    for seen in [
        Seen::new(200, &[], "hello"),
        Seen::new(200, &forged, ""),
        Seen::new(200, &[], r#"{"code":"unknown_host"}"#),
        Seen::new(500, &[], r#"{"code":7}"#),
    ] {
        let step = failing(&caller, LIVELY, None, Ok(seen)).expect("a failure");
        assert_eq!(step.name, GATEWAY_REACHED);
        assert!(step.detail.contains("did not prove"), "{}", step.detail);
    }
}

#[test]
fn a_gateway_that_does_not_know_the_product() {
    let caller = Caller::default();
    let old = [PROOF, ("x-tallygate-version", "2"), PRODUCT];
    for (seen, words) in [
        (
            Seen::new(404, &[], r#"{"code":"unknown_host"}"#),
            "serves no product",
        ),
        (
            Seen::new(503, &[], r#"{"code":"not_ready"}"#),
            "any configuration",
        ),
        (
            Seen::new(200, &old, ""),
            "decides by version 2; staging follows 3",
        ),
    ] {
        let step = failing(&caller, LIVELY, None, Ok(seen)).expect("a failure");
        assert_eq!(step.name, PRODUCT_FOUND, "{words}");
        assert!(
            step.detail.contains(words) && !step.advice.is_empty(),
            "{step:?}"
        );
    }
}

#[test]
fn no_rule() {
    let headers = [PROOF, VERSION, PRODUCT, ("x-tallygate-refused", "no_match")];
    let step = failing(
        &Caller::default(),
        LIVELY,
        None,
        Ok(Seen::new(404, &headers, "")),
    )
    .expect("a failure");
    let told = Seen::new(404, &headers, "");
    let other = judged(&Caller::default(), LIVELY, None, true, Ok(told)).expect("a failure");
    assert_eq!(
        other.detail,
        "No backend of the product is for https://staging.example.com/v2."
    );
    assert_eq!(step.name, RULE_MATCHED);
    assert_eq!(
        step.detail,
        "None of the 4 mapping rules of version 3 matches GET https://staging.example.com/v2."
    );
}

#[test]
fn not_authorised() {
    let of = |application: Known| Caller {
        credentials: Some(Credentials::UserKey(Secret::new("key"))),
        application: Some(application),
        lacking: None,
    };
    let lacking = Caller {
        lacking: Some("There is no application.".into()),
        ..Caller::default()
    };
    let token = Caller {
        credentials: Some(Credentials::Token(Secret::new("a.b.c"))),
        ..Caller::default()
    };
    for (refused, caller, words) in [
        (
            "auth_missing",
            lacking,
            "There is no application. The gateway found no credentials.",
        ),
        ("auth_missing", token, "did not accept the token"),
        (
            "auth_failed",
            Caller::default(),
            "No application of the product",
        ),
        (
            "auth_failed",
            of(Known {
                state: "suspended".into(),
                ..known()
            }),
            "App is suspended",
        ),
        (
            "auth_failed",
            of(Known {
                account_state: "pending".into(),
                ..known()
            }),
            "account of the application App is pending",
        ),
        (
            "auth_failed",
            of(Known {
                key_fits: false,
                ..known()
            }),
            "none of the application App",
        ),
        ("auth_failed", of(known()), "though it may call"),
        (
            "metric_disabled",
            of(known()),
            "plan Bronze does not include a metric of this call: its limit is 0 for sends",
        ),
        (
            "limits_exceeded",
            of(known()),
            "There is room again in 17 s.",
        ),
        ("not_ready", of(known()), "cannot decide yet"),
    ] {
        let headers = [
            PROOF,
            VERSION,
            PRODUCT,
            MATCHED,
            ("x-tallygate-refused", refused),
            ("retry-after", "17"),
        ];
        let step =
            failing(&caller, LIVELY, None, Ok(Seen::new(403, &headers, ""))).expect("a failure");
        assert_eq!(step.name, AUTHORIZED);
        assert!(
            step.detail.contains(words) && !step.advice.is_empty(),
            "{refused}: {step:?}"
        );
    }
}

#[test]
fn the_upstream_does_not_answer() {
    let plain = upstream_at(false);
    let tls = upstream_at(true);
    for (upstream, status, details, failure, words) in [
        (Some(&plain), 500, "via_upstream", "", "answered with 500"),
        (None, 503, "cluster_not_found", "", "no private base URL"),
        (
            Some(&plain),
            503,
            "dns_resolution_failure",
            "",
            "could not be resolved",
        ),
        (
            Some(&plain),
            503,
            "upstream_reset_before_response_started{remote_connection_failure}",
            "",
            "could not be connected to",
        ),
        (
            Some(&tls),
            503,
            "upstream_reset_before_response_started{remote_connection_failure}",
            "TLS_error: CERTIFICATE_VERIFY_FAILED",
            "No secure connection",
        ),
        (Some(&plain), 504, "response_timeout", "", "in time"),
        (Some(&plain), 503, "", "", "was not reached"),
    ] {
        let mut headers = ADMITTED.to_vec();
        headers.extend([
            ("x-tallygate-upstream", details),
            ("x-tallygate-upstream-failure", failure),
        ]);
        let seen = Ok(Seen::new(status, &headers, ""));
        let step = failing(&Caller::default(), LIVELY, upstream, seen).expect("a failure");
        assert_eq!(step.name, UPSTREAM_ANSWERED);
        assert!(
            step.detail.contains(words) && !step.advice.is_empty(),
            "{details}: {step:?}"
        );
    }
}
