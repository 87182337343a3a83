//! Referrer filters: which hosts an application's requests may come from.
//!
//! Browsers say where a request comes from, in `Origin` or `Referer`; anybody else can say what he likes. It keeps a key
//! that web pages show from being used on other pages, and nothing more.

use crate::request::Headers;
use alloc::string::String;

/// Whether a request says that it comes from hosts which these filters have, and from no other.
#[must_use]
pub fn comes_from(filters: &[String], headers: &dyn Headers) -> bool {
    let mut named = false;
    let mut all_fit = true;
    for header in ["origin", "referer"] {
        headers.each(header, &mut |value| {
            if let Some(host) = host(value) {
                named = true;
                all_fit &= filters.iter().any(|filter| fits(filter.as_bytes(), host));
            }
        });
    }
    named && all_fit
}

/// The host in a URL or origin, without port; nothing in `null` and relative references.
#[must_use]
pub fn host(value: &[u8]) -> Option<&[u8]> {
    let begin = value
        .windows(3)
        .position(|three| three == b"://")
        .map_or(0, |scheme| scheme.saturating_add(3));
    let rest = value.get(begin..)?;
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\'))
        .unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    let host_and_port = authority
        .rsplit(|byte| *byte == b'@')
        .next()
        .unwrap_or_default();
    let end = if host_and_port.first() == Some(&b'[') {
        host_and_port
            .iter()
            .position(|byte| *byte == b']')
            .map_or(0, |bracket| bracket.saturating_add(1))
    } else {
        host_and_port
            .iter()
            .position(|byte| *byte == b':')
            .unwrap_or(host_and_port.len())
    };
    host_and_port
        .get(..end)
        .filter(|host| !host.is_empty() && *host != b"null")
}

/// Whether a host is one that a filter has: `*` stands for any characters, also none; case does not matter.
#[must_use]
pub fn fits(filter: &[u8], host: &[u8]) -> bool {
    let (mut at, mut read) = (0_usize, 0_usize);
    // Where to go on when what follows the last `*` does not fit: behind it, one character later.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(byte) = host.get(read) {
        match filter.get(at) {
            Some(b'*') => {
                at = at.saturating_add(1);
                retry = Some((at, read));
            }
            Some(wanted) if wanted.eq_ignore_ascii_case(byte) => {
                at = at.saturating_add(1);
                read = read.saturating_add(1);
            }
            _ => {
                let Some((behind, from)) = retry else {
                    return false;
                };
                let from = from.saturating_add(1);
                retry = Some((behind, from));
                (at, read) = (behind, from);
            }
        }
    }
    filter
        .get(at..)
        .is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}
