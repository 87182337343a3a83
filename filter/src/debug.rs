//! What a response tells of the decision, to who may know: the holder of the product's debug secret, and the control
//! plane when it tests the way through this gateway ([`tallygate_core::probe`]).

use crate::envoy::{self, RequestHeaders};
use crate::request::ResponseHeaders;
use tallygate_core::backend::Routed;
use tallygate_core::compiled::Product;
use tallygate_core::key::{digest, same};
use tallygate_core::mapping::Matches;
use tallygate_core::probe;
use tallygate_core::verdict::Reason;

/// Asks for it.
const DEBUG: &str = "x-tallygate-debug";
/// Where a response says that all of it is there.
const PRODUCT: &str = "x-tallygate-product";

/// What is known before the limits are asked; nothing unless the request may know.
pub(crate) fn headers(
    headers: &RequestHeaders,
    product: Option<&Product>,
    matches: Option<&Matches>,
    routed: Option<&Routed<'_>>,
    now_secs: u64,
) -> ResponseHeaders {
    let (Some(product), Some(secret)) = (product, headers.get(DEBUG)) else {
        return Vec::new();
    };
    let token = product.secret_token.as_bytes();
    let is_probe = probe::is_signed(secret, token, product.id, now_secs);
    let is_known = product
        .debug_secret
        .is_some_and(|known| same(&known, &digest(secret)));
    if !is_probe && !is_known {
        return Vec::new();
    }
    let rules = matches
        .into_iter()
        .flat_map(Matches::iter)
        .filter_map(|n| product.rules.rule(n));
    let mut patterns: Vec<_> = rules.map(|rule| rule.pattern.as_str().to_owned()).collect();
    let mut told = vec![
        (PRODUCT, product.system_name.clone()),
        ("x-tallygate-version", product.version.to_string()),
    ];
    if let Some(Routed { backend, matches }) = routed {
        let path = String::from_utf8_lossy(backend.path());
        let rules = matches.iter().filter_map(|n| backend.rules.rule(n));
        patterns.extend(rules.map(|rule| format!("{path}{}", rule.pattern)));
        told.push(("x-tallygate-backend", backend.id.to_string()));
    }
    told.push(("x-tallygate-matched-rules", patterns.join(", ")));
    if is_probe {
        told.push(("x-tallygate-probe", probe::answer(token, secret)));
    }
    told
}

/// Why a request was refused, in a word, when the response is to tell.
pub(crate) fn refused(told: &ResponseHeaders, reason: Reason) -> Option<(&'static str, String)> {
    is_told(told).then(|| ("x-tallygate-refused", reason.as_str().to_owned()))
}

/// What became of a request that went on, when the response is to tell.
pub(crate) fn upstream(response: &ResponseHeaders) -> ResponseHeaders {
    if !is_told(response) {
        return Vec::new();
    }
    let details = envoy::text_property(&["response", "code_details"]);
    let mut told = vec![(
        "x-tallygate-upstream",
        details.unwrap_or_else(|| "unknown".into()),
    )];
    for (name, path) in [
        ("x-tallygate-upstream-address", ["upstream", "address"]),
        (
            "x-tallygate-upstream-failure",
            ["upstream", "transport_failure_reason"],
        ),
    ] {
        told.extend(envoy::text_property(&path).map(|text| (name, text)));
    }
    told
}

fn is_told(response: &ResponseHeaders) -> bool {
    response.iter().any(|(name, _)| *name == PRODUCT)
}
