//! What a client learns of its limits: `RateLimit`, `RateLimit-Policy` and `Retry-After`.
//!
//! The fields follow draft-ietf-httpapi-ratelimit-headers-10. Windows are calendar windows, so `t` is the
//! time to the end of the window and not a rolling one.

use crate::decimal::push_decimal;
use crate::period::Period;
use alloc::{format, string::String};
use core::cmp::Reverse;

/// Problem type of a refusal over a limit.
pub(super) const QUOTA_EXCEEDED: &str =
    "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// Structured fields hold integers of at most 15 digits.
const GREATEST_FIELD_INTEGER: u64 = 999_999_999_999_999;

/// One limit that a request touches, as it stands after the request was admitted, or as it was when the
/// request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitState<'a> {
    /// Its policy name, as [`limit_name`] makes it.
    pub name: &'a str,
    /// The most that may be used in one window.
    pub limit: u64,
    /// What is left of it, as far as the gateway knows.
    pub remaining: u64,
    /// What is lacking is held by other gateways, which have been asked to return it.
    pub elsewhere: bool,
    /// What the request costs: at least 1.
    pub delta: u64,
    /// Seconds to the end of the window; none for eternity.
    pub reset_secs: Option<u64>,
    /// Length of the window; none for eternity.
    pub window_secs: Option<u64>,
}

/// The policy name of a limit: `hits-minute`.
#[must_use]
pub fn limit_name(metric: &str, period: Period) -> String {
    format!("{metric}-{}", period.as_str())
}

/// The limit that allows the fewest further requests like this one; of equals, the one with the longer period.
#[must_use]
pub fn most_constrained<'s, 'a>(limits: &'s [LimitState<'a>]) -> Option<&'s LimitState<'a>> {
    limits.iter().min_by_key(|limit| {
        let window_secs = limit.window_secs.unwrap_or(u64::MAX);
        (limit.remaining_calls(), Reverse(window_secs))
    })
}

/// `RateLimit-Policy` and `RateLimit` of the most constrained limit; none without limits.
#[must_use]
pub fn rate_limit_headers(limits: &[LimitState<'_>]) -> Option<[(&'static str, String); 2]> {
    let limit = most_constrained(limits)?;
    Some([
        ("ratelimit-policy", limit.policy()),
        ("ratelimit", limit.standing()),
    ])
}

/// When a refused request is worth sending again: at the end of the longest of the exceeded windows, at
/// least 1, and 1 where other gateways are returning what is lacking. None when it never is, because the limit is for
/// eternity or smaller than what the request costs.
#[must_use]
pub fn retry_after_secs(limits: &[LimitState<'_>]) -> Option<u64> {
    limits
        .iter()
        .filter(|limit| limit.is_exceeded())
        .try_fold(1, |longest_secs, limit| {
            if limit.delta > limit.limit {
                return None;
            }
            let reset_secs = if limit.elsewhere {
                1
            } else {
                limit.reset_secs?
            };
            Some(reset_secs.max(longest_secs))
        })
}

// === impl LimitState ===

impl LimitState<'_> {
    /// Of a refused request: whether it is this limit that had no room for it.
    #[must_use]
    pub const fn is_exceeded(&self) -> bool {
        self.delta > self.remaining
    }

    /// How many more requests like this one it allows.
    const fn remaining_calls(&self) -> u64 {
        match self.remaining.checked_div(self.delta) {
            Some(calls) => calls,
            None => u64::MAX,
        }
    }

    fn policy(&self) -> String {
        let mut text = field_string(self.name);
        push_parameter(&mut text, "q", Some(self.limit));
        push_parameter(&mut text, "w", self.window_secs);
        text
    }

    fn standing(&self) -> String {
        let mut text = field_string(self.name);
        push_parameter(&mut text, "r", Some(self.remaining));
        push_parameter(&mut text, "t", self.reset_secs);
        text
    }
}

fn push_parameter(text: &mut String, key: &str, value: Option<u64>) {
    if let Some(value) = value {
        text.push(';');
        text.push_str(key);
        text.push('=');
        push_decimal(text, value.min(GREATEST_FIELD_INTEGER));
    }
}

/// A structured-field string, which is printable ASCII in quotes; other characters become `_`.
fn field_string(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 48);
    text.push('"');
    if value
        .bytes()
        .all(|byte| matches!(byte, b'-'..=b'z' if byte != b'\\'))
    {
        text.push_str(value);
    } else {
        for c in value.chars() {
            match c {
                '"' | '\\' => text.extend(['\\', c]),
                ' '..='~' => text.push(c),
                _ => text.push('_'),
            }
        }
    }
    text.push('"');
    text
}
