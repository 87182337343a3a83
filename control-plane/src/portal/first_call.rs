//! A developer's first call of an API, ready to be pasted: in the shell and in three languages.
//!
//! What production follows says where the API is, what it is called with and what it offers; the application says with
//! which credentials, as far as they can still be shown.

mod code;

use crate::drop;
use crate::publish::Frozen;
use code::Call;
use tallygate_core::id::MetricId;
use tallygate_core::wire::{ConfigV1, CredentialKindV1, CredentialsV1, RuleV1, SourceV1};

drop! {
    /// A first call, ready to be pasted.
    pub struct FirstCallDrop as "first_call" {
        /// Where the API is.
        base_url: String,
        /// Whether the snippets hold the reader's own credentials; if not, words in capitals are to be replaced.
        has_credentials: bool,
        /// The same call in the shell and in three languages.
        snippets: Vec<SnippetDrop>,
    }
}

drop! {
    /// A call in one language.
    pub struct SnippetDrop as "snippet" {
        /// A word for the language, as in `python`.
        system_name: String,
        /// The language's name.
        language: String,
        /// The code.
        code: String,
    }
}

/// What an application calls with, as far as it can be shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown<'a> {
    /// Its `app_id`.
    pub app_id: Option<&'a str>,
    /// One of its keys, or its `user_key`.
    pub key: Option<&'a str>,
}

/// The call, if production serves the API and offers something to call.
///
/// `disabled` are metrics that the application's plan does not have: what counts for them is not shown.
#[must_use]
pub fn first_call(content: &str, shown: Shown<'_>, disabled: &[i64]) -> Option<FirstCallDrop> {
    let config = Frozen::read(content).ok()?.production;
    let base_url = base_url(content)?;
    let (method, path) = example(&config, disabled)?;
    let mut call = Call::new(method, format!("{base_url}{path}"));
    let has_credentials = sign(&mut call, &config.credentials, shown);
    let snippets = [
        ("curl", "cURL", call.curl()),
        ("javascript", "JavaScript", call.javascript()),
        ("python", "Python", call.python()),
        ("go", "Go", call.go()),
    ];
    Some(FirstCallDrop {
        base_url,
        has_credentials,
        snippets: snippets
            .into_iter()
            .map(|(system_name, language, code)| SnippetDrop {
                system_name: system_name.into(),
                language: language.into(),
                code,
            })
            .collect(),
    })
}

/// The public base URL that was frozen, without a slash at its end.
fn base_url(content: &str) -> Option<String> {
    let content: serde_json::Value = serde_json::from_str(content).ok()?;
    let url = content.pointer("/proxy/endpoint")?.as_str()?;
    let url = url.trim_end_matches('/');
    (!url.is_empty()).then(|| url.to_owned())
}

/// A method and a path that the API offers: one that only reads, and needs nothing filled in, if there is such a one.
fn example(config: &ConfigV1, disabled: &[i64]) -> Option<(String, String)> {
    let own = config.rules.iter().map(|rule| ("", rule));
    let of_backends = config.backends.iter().flat_map(|backend| {
        let path = backend.path.trim_end_matches('/');
        backend.rules.iter().map(move |rule| (path, rule))
    });
    own.chain(of_backends)
        .filter(|(_, rule)| allowed(rule, disabled))
        .min_by_key(|(_, rule)| (!reads(rule), rule.pattern.contains('{')))
        .map(|(path, rule)| {
            let method = match rule.methods.first() {
                Some(method) if !reads(rule) => method.clone(),
                _ => "GET".to_owned(),
            };
            (method, format!("{path}{}", filled(&rule.pattern)))
        })
}

fn allowed(rule: &RuleV1, disabled: &[i64]) -> bool {
    let mut metrics = rule.usages.iter();
    !metrics.any(|(MetricId(metric), _)| disabled.contains(metric))
}

fn reads(rule: &RuleV1) -> bool {
    let mut methods = rule.methods.iter();
    methods.any(|method| method == "GET" || method == "ANY")
}

/// A path that a pattern matches: what it leaves open is 1, what ends it is left out.
fn filled(pattern: &str) -> String {
    let mut path = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        path.push_str(before);
        path.push('1');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    path.push_str(rest);
    path.retain(|letter| letter != '$');
    path
}

/// Puts the credentials where the API looks for them; whether they are the application's own.
fn sign(call: &mut Call, credentials: &CredentialsV1, shown: Shown<'_>) -> bool {
    let (pairs, own) = match credentials.kind {
        CredentialKindV1::UserKey => (
            vec![(
                credentials.user_key.clone(),
                shown.key.unwrap_or("YOUR_USER_KEY").to_owned(),
            )],
            shown.key.is_some(),
        ),
        CredentialKindV1::AppIdAndKey => (
            vec![
                (
                    credentials.app_id.clone(),
                    shown.app_id.unwrap_or("YOUR_APP_ID").to_owned(),
                ),
                (
                    credentials.app_key.clone(),
                    shown.key.unwrap_or("YOUR_APP_KEY").to_owned(),
                ),
            ],
            shown.app_id.is_some() && shown.key.is_some(),
        ),
    };
    // The provider's order: what comes first is what it would have people use.
    for source in &credentials.sources {
        match (source, pairs.as_slice()) {
            (SourceV1::Query, _) => call.query(&pairs),
            (SourceV1::Headers, _) => call.headers.extend(pairs),
            (SourceV1::Form, _) => call.form.extend(pairs),
            (SourceV1::Basic, [(_, id), (_, key)]) => {
                call.basic = Some((id.clone(), key.clone()));
            }
            // Its user or its password may be the key.
            (SourceV1::Basic, [(_, key), ..]) => call.basic = Some((key.clone(), String::new())),
            (SourceV1::Bearer, [(_, key)]) => call.bearer(key),
            _ => continue,
        }
        return own;
    }
    // Tokens come from the issuer, with the key as the client's secret.
    call.bearer("YOUR_ACCESS_TOKEN");
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_filled_in() {
        for (pattern, path) in [
            ("/", "/"),
            ("/foo/{bar}/baz$", "/foo/1/baz"),
            ("/v1/word/{word}.json?lang={l}", "/v1/word/1.json?lang=1"),
            ("/T;{a};{b}", "/T;1;1"),
            ("/broken{", "/broken1"),
        ] {
            assert_eq!(filled(pattern), path);
        }
    }
}
