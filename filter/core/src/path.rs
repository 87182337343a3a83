//! The request target taken apart: path and query, and the one form in which paths are compared.
//!
//! Rules and requests meet in canonical form only, so that no spelling of a path slips past the rule that
//! its plain spelling matches. Where the filter
//! chooses the upstream, that gets the canonical form too: what was matched is what is served.

use alloc::{borrow::Cow, vec::Vec};

/// Splits a request target into its path and its query (without the `?`). A fragment is dropped.
#[must_use]
pub fn split_target(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    let target = split_once(target, b'#').map_or(target, |(before, _)| before);
    match split_once(target, b'?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

/// The canonical form of a path: starts with `/`, has neither empty nor dot segments, and writes each byte
/// in one way.
///
/// Bytes that a segment may hold as they are (RFC 3986 `pchar`) are never percent-encoded, all others always
/// are, in upper case: `%66` is `f`, `%2b` is `+`, `"` is `%22`, and `%2f` is `%2F`, which is not a slash. A `%`
/// that no two hex digits follow is `%25`. Applying it twice changes nothing.
#[must_use]
pub fn canonical_path(raw: &[u8]) -> Cow<'_, [u8]> {
    if is_canonical(raw) {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len() + 1);
    out.push(b'/');
    let mut rest = raw;
    while let Some((byte, tail)) = next_byte(rest) {
        match byte {
            PathByte::Slash => end_segment(&mut out, true),
            PathByte::Segment(byte) => push_segment_byte(&mut out, byte),
        }
        rest = tail;
    }
    end_segment(&mut out, false);
    Cow::Owned(out)
}

/// The pairs of a query string or urlencoded body, decoded: `+` is a space, a broken percent code stays as it is,
/// a part without `=` has an empty value, empty parts are skipped.
pub fn pairs(encoded: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    raw_pairs(encoded).map(|(name, value)| (decode(name), decode(value)))
}

/// The same pairs, still encoded.
pub(crate) fn raw_pairs(encoded: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    encoded
        .split(|byte| *byte == b'&')
        .filter(|part| !part.is_empty())
        .map(|part| split_once(part, b'=').unwrap_or((part, &[])))
}

/// The bytes that an urlencoded name or value stands for.
pub(crate) fn decoded(encoded: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = encoded;
    core::iter::from_fn(move || {
        let (first, tail) = rest.split_first()?;
        let (byte, tail) = match (first, percent_code(rest)) {
            (_, Some(decoded)) => decoded,
            (b'+', None) => (b' ', tail),
            (plain, None) => (*plain, tail),
        };
        rest = tail;
        Some(byte)
    })
}

/// [`decoded`], as one piece.
pub(crate) fn decode(encoded: &[u8]) -> Cow<'_, [u8]> {
    if encoded.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        let mut out = Vec::with_capacity(encoded.len());
        out.extend(decoded(encoded));
        Cow::Owned(out)
    } else {
        Cow::Borrowed(encoded)
    }
}

/// Appends a byte of a segment in its canonical spelling.
pub(crate) fn push_segment_byte(out: &mut Vec<u8>, byte: u8) {
    if is_pchar(byte) {
        out.push(byte);
    } else {
        out.extend_from_slice(&[b'%', hex_digit(byte >> 4), hex_digit(byte & 0xF)]);
    }
}

/// The byte of the percent code that `bytes` begins with, and what follows it.
pub(crate) fn percent_code(bytes: &[u8]) -> Option<(u8, &[u8])> {
    match bytes {
        [b'%', high, low, rest @ ..] => Some((hex_value(*high)? << 4 | hex_value(*low)?, rest)),
        _ => None,
    }
}

/// What a segment may hold unencoded: RFC 3986's `pchar` without percent codes.
pub(crate) const fn is_pchar(byte: u8) -> bool {
    matches!(byte,
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~'
        | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@')
}

/// One step through a raw path.
enum PathByte {
    Slash,
    /// A byte of a segment, decoded.
    Segment(u8),
}

fn next_byte(path: &[u8]) -> Option<(PathByte, &[u8])> {
    if let Some((byte, rest)) = percent_code(path) {
        return Some((PathByte::Segment(byte), rest));
    }
    let (first, rest) = path.split_first()?;
    let byte = match first {
        b'/' => PathByte::Slash,
        other => PathByte::Segment(*other),
    };
    Some((byte, rest))
}

/// Ends the last segment of `out`, which begins after a `/`: an empty one is given up, a dot segment is resolved.
fn end_segment(out: &mut Vec<u8>, slash_follows: bool) {
    let start = out
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |slash| slash + 1);
    match out.get(start..) {
        None | Some(b"") => {}
        Some(b".") => out.truncate(start),
        Some(b"..") => {
            let parent = out
                .get(..start.saturating_sub(1))
                .and_then(|before| before.iter().rposition(|byte| *byte == b'/'));
            out.truncate(parent.map_or(1, |slash| slash + 1));
        }
        Some(_) if slash_follows => out.push(b'/'),
        Some(_) => {}
    }
}

/// Whether [`canonical_path`] would change nothing: the common case, found without allocating.
fn is_canonical(path: &[u8]) -> bool {
    let Some((b'/', mut rest)) = path.split_first().map(|(first, rest)| (*first, rest)) else {
        return false;
    };
    let mut segment_start = rest;
    loop {
        let Some((byte, tail)) = rest.split_first() else {
            return !is_dot_segment(segment_start);
        };
        match byte {
            b'/' => {
                let segment_len = segment_start.len() - rest.len();
                if segment_len == 0
                    || is_dot_segment(segment_start.get(..segment_len).unwrap_or_default())
                {
                    return false;
                }
                segment_start = tail;
                rest = tail;
            }
            b'%' => match percent_code(rest) {
                Some((code, tail)) if !is_pchar(code) && !has_lower_hex(rest) => rest = tail,
                _ => return false,
            },
            byte if is_pchar(*byte) => rest = tail,
            _ => return false,
        }
    }
}

fn is_dot_segment(segment: &[u8]) -> bool {
    matches!(segment, b"." | b"..")
}

fn has_lower_hex(code: &[u8]) -> bool {
    code.iter().take(3).any(u8::is_ascii_lowercase)
}

fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == separator)?;
    let (before, rest) = bytes.split_at_checked(at)?;
    Some((before, rest.get(1..)?))
}

const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

const fn hex_digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'A' + (nibble - 10),
    }
}
