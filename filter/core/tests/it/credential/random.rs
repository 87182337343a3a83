//! Any bytes at all, against a model that decodes everything first.

use super::*;
use proptest::prelude::*;

/// Decodes byte by byte, without any of the shortcuts.
fn decode(raw: &[u8]) -> Vec<u8> {
    let digit = |at: usize| raw.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < raw.len() {
        let code = match raw[at] {
            b'%' => digit(at + 1).zip(digit(at + 2)),
            _ => None,
        };
        match code {
            Some((high, low)) => {
                decoded.push(u8::try_from(high * 16 + low).expect("two digits"));
                at += 3;
            }
            None => {
                decoded.push(if raw[at] == b'+' { b' ' } else { raw[at] });
                at += 1;
            }
        }
    }
    decoded
}

/// All non-empty values of a parameter.
fn values(pairs: &[u8], name: &str) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    for pair in pairs.split(|byte| *byte == b'&') {
        let end = pair
            .iter()
            .position(|byte| *byte == b'=')
            .unwrap_or(pair.len());
        let value = decode(pair.get(end + 1..).unwrap_or_default());
        if decode(&pair[..end]) == name.as_bytes() && !value.is_empty() {
            values.push(value);
        }
    }
    values
}

/// What the query alone should come to.
fn model(query: &[u8]) -> Found {
    let mut app_ids = values(query, "api_user");
    let mut app_keys = values(query, "api_key");
    app_ids.dedup();
    app_keys.dedup();
    match (app_ids.as_slice(), app_keys.as_slice()) {
        ([_, _, ..], _) | (_, [_, _, ..]) => Found::Conflict,
        ([app_id], [app_key]) => pair(app_id, app_key),
        _ => Found::None,
    }
}

/// Pieces that are likely to mean something once they are put together.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "&", "=", "%", "+", "?", "api_user", "api_key", "api%5Fuser", "api_k%65y", "API_KEY", "%2", "%41", "A",
            "i", "k", "&api_user=i", "&api_key=k",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>().prop_filter("ends the query", |byte| *byte != b'#'), 0..3),
    ]
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..14).prop_map(|pieces| pieces.concat())
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![pieces(), prop::collection::vec(any::<u8>(), 0..80)]
}

fn authorization() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "(Basic|bearer|BASIC)[ ,]{0,2}[A-Za-z0-9+/=]{0,12}(, ?Basic aTpr)?"
            .prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn queries_agree_with_a_model(query in pieces()) {
        let target = [b"/x?".as_slice(), &query].concat();
        let found = Request::to(target).find(&sources(AppIdAndKey, &[Query]));
        prop_assert_eq!(found, model(&query));
        let form = Request::to("/x").form(&query).find(&sources(AppIdAndKey, &[Form]));
        prop_assert_eq!(form, model(&query));
    }

    #[test]
    fn hostile_requests_give_whole_credentials_or_none(
        target in hostile(),
        header in hostile(),
        authorizations in prop::collection::vec(authorization(), 0..3),
        form in prop::option::of(hostile()),
        claim in prop::option::of(".{0,3}"),
        chosen in prop::sample::subsequence(vec![Query, InHeaders, Basic, Bearer, Form, Jwt], 1..=6),
        is_user_key in any::<bool>(),
    ) {
        let kind = if is_user_key { UserKey } else { AppIdAndKey };
        let chosen: Vec<_> = chosen.into_iter().filter(|source| is_user_key || *source != Bearer).collect();
        prop_assume!(!chosen.is_empty());
        let sources = sources(kind, &chosen);
        let mut request = Request::to(&target).header("user_key", &header).header("api_key", &header);
        for value in &authorizations {
            request = request.authorization(value);
        }
        request.form = form.clone();
        request.claim = claim.map(String::into_bytes);
        match request.find(&sources) {
            Found::Credentials(Presented::UserKey(key)) => prop_assert!(is_user_key && !key.is_empty()),
            Found::Credentials(Presented::AppIdAndKey { app_id, app_key }) => {
                prop_assert!(!is_user_key && !app_id.is_empty() && !app_key.is_empty());
            }
            Found::Credentials(Presented::Verified { identifier }) => {
                prop_assert!(chosen.contains(&Jwt) && !identifier.is_empty());
            }
            Found::NeedBody => prop_assert!(false, "the body was given"),
            Found::None | Found::Conflict => {}
        }
        let _ = sources.strip_target(&target);
        let _ = sources.strip_form(&form.unwrap_or_default());
    }

    #[test]
    fn stripping_keeps_all_other_pairs_byte_for_byte(
        pairs in prop::collection::vec(
            prop_oneof![
                "[a-z%+=?;]{0,6}".prop_map(|other| (other, false)),
                "(api_user|api_key|api%5fkey|%61pi_user)(=[a-z%+=]{0,4})?".prop_map(|ours| (ours, true)),
            ],
            1..8,
        ),
    ) {
        let sources = sources(AppIdAndKey, &[Query, Form]);
        let join = |pairs: &mut dyn Iterator<Item = &(String, bool)>| {
            pairs.map(|(text, _)| text.as_str()).collect::<Vec<_>>().join("&")
        };
        let all = join(&mut pairs.iter());
        let kept = join(&mut pairs.iter().filter(|(_, is_ours)| !is_ours));
        let has_ours = pairs.iter().any(|(_, is_ours)| *is_ours);
        prop_assert_eq!(sources.strip_form(all.as_bytes()), has_ours.then(|| kept.clone().into_bytes()));
        let expected = if kept.is_empty() { "/x".to_string() } else { format!("/x?{kept}") };
        let stripped = sources.strip_target(format!("/x?{all}").as_bytes());
        prop_assert_eq!(&stripped, &has_ours.then(|| expected.into_bytes()));
        if let Some(stripped) = stripped {
            prop_assert_eq!(Request::to(&stripped).find(&sources), Found::None);
            prop_assert_eq!(sources.strip_target(&stripped), None);
        }
    }
}
