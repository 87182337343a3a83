//! `WWW-Authenticate`: what a client without credentials is asked for.

use super::{Name, Names};
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
        challenges.push(match names {
            Names::UserKey(Name { parameter, .. }) => {
                format!("ApiKey realm=\"API\", parameters=\"{parameter}\"")
            }
            Names::AppIdAndKey { app_id, app_key } => format!(
                "ApiKey realm=\"API\", parameters=\"{} {}\"",
                app_id.parameter, app_key.parameter
            ),
        });
    }
    challenges.join(", ")
}
