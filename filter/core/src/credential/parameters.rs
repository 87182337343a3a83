//! Urlencoded parameters in place: names are compared and pairs removed without decoding or copying the rest.

use alloc::{borrow::Cow, vec::Vec};

/// The query of a target, without a fragment.
pub(super) fn query(target: &[u8]) -> Option<&[u8]> {
    let (_, query, _) = split(target)?;
    Some(query)
}

/// Names and values as they were sent.
pub(super) fn raw_pairs(pairs: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    pairs.split(|byte| *byte == b'&').map(|pair| {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        )
    })
}

/// Whether a name as sent means `name`, which holds no `%` and no `+`.
pub(super) fn is_named(raw: &[u8], name: &str) -> bool {
    let name = name.as_bytes();
    // Decoding only ever shortens, and only a percent code does.
    raw == name
        || (raw.len() > name.len() && raw.contains(&b'%') && decoded(raw).eq(name.iter().copied()))
}

/// A value as it was meant: `+` is a space, and a broken percent code stands for itself.
pub(super) fn decode(raw: &[u8]) -> Cow<'_, [u8]> {
    if raw.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        Cow::Owned(decoded(raw).collect())
    } else {
        Cow::Borrowed(raw)
    }
}

/// The target without the pairs that are named so, and without a `?` that nothing follows any more.
pub(super) fn strip_target(target: &[u8], is_unwanted: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let (path, query, fragment) = split(target)?;
    let kept = strip_pairs(query, is_unwanted)?;
    let mut stripped = Vec::with_capacity(target.len());
    stripped.extend_from_slice(path);
    if !kept.is_empty() {
        stripped.push(b'?');
        stripped.extend_from_slice(&kept);
    }
    stripped.extend_from_slice(fragment);
    Some(stripped)
}

/// The pairs that are not named so; none when that is all of them.
pub(super) fn strip_pairs(pairs: &[u8], is_unwanted: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    if !raw_pairs(pairs).any(|(name, _)| is_unwanted(name)) {
        return None;
    }
    let mut kept = Vec::with_capacity(pairs.len());
    let mut is_first = true;
    for pair in pairs.split(|byte| *byte == b'&') {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        if is_unwanted(name) {
            continue;
        }
        if !is_first {
            kept.push(b'&');
        }
        is_first = false;
        kept.extend_from_slice(pair);
    }
    Some(kept)
}

/// Path, query without `?`, and the fragment with its `#`, if there is a query.
fn split(target: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let end = target
        .iter()
        .position(|byte| *byte == b'#')
        .unwrap_or(target.len());
    let (target, fragment) = target.split_at_checked(end)?;
    let mark = target.iter().position(|byte| *byte == b'?')?;
    let (path, query) = target.split_at_checked(mark)?;
    Some((path, query.get(1..)?, fragment))
}

fn decoded(raw: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = raw;
    core::iter::from_fn(move || {
        let (first, after) = rest.split_first()?;
        rest = after;
        match (first, after) {
            (b'+', _) => Some(b' '),
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    Some(high << 4 | low)
                }
                _ => Some(b'%'),
            },
            (byte, _) => Some(*byte),
        }
    })
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
