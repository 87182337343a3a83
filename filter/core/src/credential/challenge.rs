//! What a client without credentials is asked for: `WWW-Authenticate`, and a sentence for people.

use super::Names;
use crate::wire::SourceV1;
use alloc::{format, string::String, vec::Vec};

/// One challenge per scheme that the product takes. Where it takes none, RFC 9110 still wants a challenge
/// with every 401, so that one names the parameters.
pub(super) fn challenge(names: &Names, basic: bool, bearer: bool) -> String {
    let mut challenges = Vec::new();
    if basic {
        challenges.push(String::from("Basic realm=\"API\", charset=\"UTF-8\""));
    }
    if bearer {
        challenges.push(String::from("Bearer realm=\"API\""));
    }
    if challenges.is_empty() {
        let parameters = match names {
            Names::UserKey(user_key) => user_key.parameter.clone(),
            Names::AppIdAndKey { app_id, app_key } => {
                format!("{} {}", app_id.parameter, app_key.parameter)
            }
        };
        challenges.push(format!("ApiKey realm=\"API\", parameters=\"{parameters}\""));
    }
    challenges.join(", ")
}

/// "Send an application's `api_user` and `api_key` as query parameters or by HTTP Basic."
pub(super) fn instructions(names: &Names, sources: &[SourceV1]) -> String {
    let (parameters, places) = match names {
        Names::UserKey(user_key) => (
            format!("`{}`", user_key.parameter),
            ["as a query parameter", "as a header", "as a form field"],
        ),
        Names::AppIdAndKey { app_id, app_key } => (
            format!("`{}` and `{}`", app_id.parameter, app_key.parameter),
            ["as query parameters", "as headers", "as form fields"],
        ),
    };
    let [query, headers, form] = places;
    let mut ways = Vec::new();
    for (source, way) in [
        (SourceV1::Query, query),
        (SourceV1::Headers, headers),
        (SourceV1::Form, form),
        (SourceV1::Basic, "by HTTP Basic"),
        (SourceV1::Bearer, "as a bearer token"),
        (SourceV1::Jwt, "in a claim of a signed bearer token"),
    ] {
        if sources.contains(&source) {
            ways.push(way);
        }
    }
    let last = ways.pop().unwrap_or_default();
    let ways = if ways.is_empty() {
        String::from(last)
    } else {
        format!("{} or {last}", ways.join(", "))
    };
    format!("Send an application's {parameters} {ways}.")
}
