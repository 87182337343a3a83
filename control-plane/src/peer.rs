//! Where a request comes from.
//!
//! The listener notes who is connected. Behind reverse proxies that is the last of them: only when the operator says how many
//! there are is `X-Forwarded-For` believed, and only what they wrote at its end.

use axum::http::{Extensions, HeaderMap};
use std::net::IpAddr;

/// Who is connected, as a request's extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address, as text; an IPv6 one without its lower half, which a client chooses itself.
#[must_use]
pub fn client(extensions: &Extensions, headers: &HeaderMap, proxies: u8) -> String {
    let peer = extensions.get::<Peer>().map(|peer| peer.0);
    let address = match proxies {
        0 => peer,
        proxies => forwarded_for(headers, proxies).or(peer),
    };
    match address.map(|address| address.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// What the outermost of these proxies saw.
fn forwarded_for(headers: &HeaderMap, proxies: u8) -> Option<IpAddr> {
    let lines: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    let items = lines.iter().flat_map(|line| line.split(','));
    let items: Vec<&str> = items.map(str::trim).collect();
    let seen = items.len().checked_sub(usize::from(proxies))?;
    items.get(seen)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], proxies: u8) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(Peer(peer.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        client(&extensions, &headers, proxies)
    }

    #[test]
    fn only_proxies_that_the_operator_has_are_believed() {
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"], 0), "192.0.2.1");
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"], 1), "198.51.100.7");
        let made_up = "10.0.0.1, 198.51.100.7";
        assert_eq!(seen("192.0.2.1", &[made_up], 1), "198.51.100.7");
        assert_eq!(
            seen("192.0.2.1", &["198.51.100.7", "203.0.113.5"], 2),
            "198.51.100.7"
        );
        // Less than the operator promised: nobody went past all proxies.
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"], 2), "192.0.2.1");
        assert_eq!(seen("192.0.2.1", &["unknown"], 1), "192.0.2.1");
    }

    #[test]
    fn neighbours_in_ipv6_are_one() {
        assert_eq!(seen("2001:db8:1:2:3:4:5:6", &[], 0), "2001:db8:1:2::/64");
        assert_eq!(seen("::ffff:192.0.2.1", &[], 0), "192.0.2.1");
    }
}
