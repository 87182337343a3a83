//! A client for addresses that providers name: it calls what is on the Internet, and nothing of the operator's own network.

use super::is_public;
use std::fmt;
use std::net::IpAddr;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// The resolver's refusal.
#[derive(Debug)]
struct Private;

impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address is not on the Internet")
    }
}

impl std::error::Error for Private {}

/// Refuses what must not be called. A name is resolved once, and called at the address that was looked at.
#[derive(Debug)]
struct Guarded(DefaultResolver);

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.resolve(uri, config, timeout)?;
        if found.iter().any(|address| !may_be_called(address.ip())) {
            return Err(ureq::Error::Other(Box::new(Private)));
        }
        Ok(found)
    }
}

/// What is on the Internet. IPv4 behind a translator or a tunnel is not: where it ends is the operator's network to say.
fn may_be_called(address: IpAddr) -> bool {
    let is_translated = match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(ip) => matches!(ip.segments(), [0x64, 0xff9b, ..] | [0x2002, ..]),
    };
    !is_translated && is_public(address)
}

/// A client with this configuration that calls public addresses only.
#[must_use]
pub fn agent(config: Config) -> ureq::Agent {
    let resolver = Guarded(DefaultResolver::default());
    ureq::Agent::with_parts(config, DefaultConnector::new(), resolver)
}

/// Whether a call was not made because of where it would have gone.
#[must_use]
pub fn is_refusal(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Other(error) if error.is::<Private>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_is_called() {
        for (address, allowed) in [
            ("8.8.8.8", true),
            ("2606:2800:220:1::1", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("100.64.0.1", false),
            ("169.254.169.254", false),
            ("::ffff:169.254.169.254", false),
            ("::ffff:127.0.0.1", false),
            ("::1", false),
            ("fc00::1", false),
            ("fd00::1", false),
            ("fe80::1", false),
            ("64:ff9b::10.0.0.1", false),
            ("64:ff9b::8.8.8.8", false),
            ("2002:a00:1::", false),
            ("2002:808:808::", false),
            ("0.0.0.0", false),
            ("::", false),
            ("255.255.255.255", false),
            ("224.0.0.1", false),
            ("ff02::1", false),
        ] {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(may_be_called(address), allowed, "{address}");
        }
    }
}
