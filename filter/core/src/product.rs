//! Which product a request is for: by the host it was sent to and the path it begins with.
//!
//! Exact hosts come before wildcards, and longer wildcards before shorter ones; on the same host the longest
//! base path wins. Built from the products' public base URLs whenever one changes.

mod host;

use crate::path::canonical_path;
use crate::wire::PublicUrlV1;
use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use host::HostKey;

/// All public base URLs of one environment.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    exact: BTreeMap<Box<[u8]>, Vec<BasePath>>,
    /// By what follows `*.`.
    wildcard: BTreeMap<Box<[u8]>, Vec<BasePath>>,
}

/// Where a request belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The product.
    pub product: usize,
    /// How many bytes of the canonical path its base path takes.
    pub base_len: usize,
}

/// A base path on some host, and the product it leads to. Kept longest first.
#[derive(Clone, Debug)]
struct BasePath {
    /// Canonical, without a final slash: empty for all paths.
    path: Box<[u8]>,
    product: usize,
}

/// A public base URL, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    host: HostPattern,
    base_path: Box<[u8]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Exact(Box<[u8]>),
    /// Any name below this one.
    Below(Box<[u8]>),
}

/// Why a public base URL can lead nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlError {
    /// Neither a name nor an address.
    #[error(
        "the public base URL's host must be a name, an address, or * followed by a name, as in *.example.com"
    )]
    Host,
    /// It would never be the beginning of a path.
    #[error("the public base URL's path must begin with / and have no query or fragment")]
    BasePath,
}

// === impl Hosts ===

impl Hosts {
    /// The index of all these URLs, each with its product. Unusable ones are left out: the control plane
    /// refuses them. Where two are the same, the first one wins.
    #[must_use]
    pub fn build<'a>(urls: impl IntoIterator<Item = (&'a PublicUrlV1, usize)>) -> Self {
        let mut hosts = Self::default();
        for (wire, product) in urls {
            let Ok(url) = PublicUrl::try_from(wire) else {
                continue;
            };
            let base_paths = match url.host {
                HostPattern::Exact(host) => hosts.exact.entry(host),
                HostPattern::Below(host) => hosts.wildcard.entry(host),
            }
            .or_default();
            base_paths.push(BasePath {
                path: url.base_path,
                product,
            });
        }
        for base_paths in hosts.exact.values_mut().chain(hosts.wildcard.values_mut()) {
            // A stable sort: among equal paths the first one stays in front.
            base_paths.sort_by_key(|base| core::cmp::Reverse(base.path.len()));
        }
        hosts
    }

    /// The product for a request's authority (with or without a port) and canonical path.
    ///
    /// A host that matches while none of its base paths does is as good as no match: the search goes on with
    /// the next wildcard.
    #[must_use]
    pub fn find(&self, authority: &[u8], path: &[u8]) -> Option<usize> {
        self.locate(authority, path).map(|place| place.product)
    }

    /// The same, with the length of the base path.
    #[must_use]
    pub fn locate(&self, authority: &[u8], path: &[u8]) -> Option<Place> {
        let key = HostKey::of(authority)?;
        let host = key.as_bytes();
        let product = self
            .exact
            .get(host)
            .and_then(|base_paths| longest(base_paths, path));
        if product.is_some() || self.wildcard.is_empty() || !key.is_name() {
            return product;
        }
        host::names_above(host).find_map(|above| longest(self.wildcard.get(above)?, path))
    }
}

fn longest(base_paths: &[BasePath], path: &[u8]) -> Option<Place> {
    let is_below = |base: &&BasePath| {
        path.strip_prefix(&*base.path)
            .is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
    };
    let base = base_paths.iter().find(is_below)?;
    Some(Place {
        product: base.product,
        base_len: base.path.len(),
    })
}

// === impl PublicUrl ===

impl TryFrom<&PublicUrlV1> for PublicUrl {
    type Error = PublicUrlError;

    fn try_from(wire: &PublicUrlV1) -> Result<Self, PublicUrlError> {
        let (is_wildcard, name) = match wire.host.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, wire.host.as_str()),
        };
        let key = HostKey::of(name.as_bytes()).ok_or(PublicUrlError::Host)?;
        let host = match (is_wildcard, key.is_name()) {
            (true, true) => HostPattern::Below(key.as_bytes().into()),
            (true, false) => return Err(PublicUrlError::Host),
            (false, _) => HostPattern::Exact(key.as_bytes().into()),
        };
        Ok(Self {
            host,
            base_path: base_path(&wire.base_path)?,
        })
    }
}

fn base_path(text: &str) -> Result<Box<[u8]>, PublicUrlError> {
    if !(text.is_empty() || text.starts_with('/')) || text.contains(['?', '#']) {
        return Err(PublicUrlError::BasePath);
    }
    let path = canonical_path(text.as_bytes());
    Ok(path.strip_suffix(b"/").unwrap_or(&path).into())
}
