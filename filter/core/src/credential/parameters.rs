//! Urlencoded parameters in place: names are compared and pairs removed without copying the rest.

use crate::path::{decoded, raw_pairs};
use alloc::vec::Vec;

/// Whether a name as sent means `name`, which holds no `%` and no `+`.
pub(super) fn is_named(raw: &[u8], name: &str) -> bool {
    let name = name.as_bytes();
    // Decoding only ever shortens, and only a percent code does.
    raw == name
        || (raw.len() > name.len() && raw.contains(&b'%') && decoded(raw).eq(name.iter().copied()))
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
