//! Where a call says that it comes from, held against the application's referrer filters.

/// Whether one of the filters lets a referrer through: a host name or an address, or a URL that names one.
#[must_use]
pub fn is_allowed<'a>(mut filters: impl Iterator<Item = &'a str>, referrer: &str) -> bool {
    let host = host(referrer);
    filters.any(|filter| matches(filter.to_ascii_lowercase().as_bytes(), host.as_bytes()))
}

/// The host in a referrer, in lower case and without port.
fn host(referrer: &str) -> String {
    let (_, rest) = referrer.split_once("://").unwrap_or(("", referrer));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        // Several colons are an IPv6 address that was sent bare.
        None => match authority.split_once(':') {
            Some((host, port)) if !port.contains(':') => host,
            _ => authority,
        },
    };
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether a text is what a filter says, in which `*` stands for any characters.
fn matches(filter: &[u8], text: &[u8]) -> bool {
    let (mut filter, mut text) = (filter, text);
    // What is tried again, one letter later, when what follows the last `*` does not fit.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        match (filter, text) {
            ([b'*', rest @ ..], _) => {
                star = Some((rest, text));
                filter = rest;
            }
            ([a, more @ ..], [b, left @ ..]) if a == b => (filter, text) = (more, left),
            ([], []) => return true,
            _ => match star {
                Some((rest, [_, later @ ..])) => {
                    star = Some((rest, later));
                    (filter, text) = (rest, later);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_held_against_filters() {
        for (filter, referrer, expected) in [
            ("example.com", "example.com", true),
            (
                "example.com",
                "https://Example.COM:8443/a?b=https://evil.example",
                true,
            ),
            ("example.com", "https://user@example.com./", true),
            ("example.com", "https://example.com@evil.example/", false),
            ("example.com", "https://evil.example/example.com", false),
            ("example.com", "notexample.com", false),
            ("example.com", "example.com.evil.example", false),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*", "anything", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("a*bc", "abbc", true),
            ("10.0.0.*", "10.0.0.7", true),
            ("10.0.0.*", "10.0.1.7", false),
            ("example.com", "", false),
        ] {
            let allowed = is_allowed(std::iter::once(filter), referrer);
            assert_eq!(allowed, expected, "{filter} {referrer}");
        }
    }
}
