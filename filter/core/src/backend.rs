//! A product's backends: which one a request is for, by the path it begins with, and what that one's rules add.
//!
//! The longest path wins, whole segments at a time: `/mail` takes `/mail` and `/mail/…`, never `/mailbox`. Its rules see
//! the path without it, and so does the upstream. Rules of other backends take no part.

use crate::id::BackendId;
use crate::mapping::{Matches, RuleSet};
use crate::path::canonical_path;
use crate::wire::UpstreamV1;
use alloc::{boxed::Box, vec::Vec};

/// A backend within a product.
#[derive(Debug)]
pub struct Backend {
    /// Its id.
    pub id: BackendId,
    /// Canonical, without a final slash: empty for all paths.
    path: Box<[u8]>,
    /// Its private base URL.
    pub upstream: UpstreamV1,
    /// The operator's cluster that leads there, if it is not one of the gateway's own.
    pub cluster: Option<Box<str>>,
    /// Its mapping rules by position.
    pub rules: RuleSet,
}

/// All of a product's.
#[derive(Debug, Default)]
pub struct Backends {
    /// By path.
    by_path: Vec<Backend>,
    /// Bytes of the longest path.
    longest: usize,
}

/// The backend that a request is for, and which of its rules matched.
#[derive(Debug)]
pub struct Routed<'a> {
    /// The backend.
    pub backend: &'a Backend,
    /// The rules that matched; none when one of the product's own was the last.
    pub matches: Matches,
}

/// Why a path cannot be a backend's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must begin with / and hold only what a path can hold unencoded, as in /mail or /v2/mail")]
pub struct BackendPathError;

/// The path of a backend, in the one form that is compared: without a final slash, empty for all paths.
///
/// # Errors
/// When requests could not be told by it, or would not look like it.
pub fn backend_path(text: &str) -> Result<Box<[u8]>, BackendPathError> {
    let bytes = text.as_bytes();
    let path = bytes.strip_suffix(b"/").unwrap_or(bytes);
    let odd = |byte: &u8| matches!(byte, b'%' | b'{' | b'}' | b'?' | b'#' | b'$');
    let is_plain = bytes.starts_with(b"/") && !bytes.iter().any(odd);
    match (is_plain, path) {
        (true, b"") => Ok(path.into()),
        (true, path) if !path.ends_with(b"/") && *canonical_path(path) == *path => Ok(path.into()),
        _ => Err(BackendPathError),
    }
}

// === impl Backend ===

impl Backend {
    /// With its path as [`backend_path`] gives it.
    #[must_use]
    pub fn new(
        id: BackendId,
        path: Box<[u8]>,
        upstream: UpstreamV1,
        cluster: Option<&str>,
        rules: RuleSet,
    ) -> Self {
        Self {
            id,
            path,
            upstream,
            cluster: cluster.map(Box::from),
            rules,
        }
    }

    /// Its path: canonical, without a final slash; empty for all paths.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// A canonical path as its rules see it: without its own. Empty when the path is its own and no slash follows.
    #[must_use]
    pub fn below<'p>(&self, path: &'p [u8]) -> &'p [u8] {
        path.get(self.path.len()..).unwrap_or_default()
    }
}

// === impl Backends ===

impl Backends {
    /// Of two with the same path the first one stays.
    #[must_use]
    pub fn new(mut backends: Vec<Backend>) -> Self {
        backends.sort_by(|left, right| left.path.cmp(&right.path));
        backends.dedup_by(|later, first| later.path == first.path);
        Self {
            longest: backends
                .iter()
                .map(|backend| backend.path.len())
                .max()
                .unwrap_or_default(),
            by_path: backends,
        }
    }

    /// Whether the product has none: then there is nothing to choose.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_path.is_empty()
    }

    /// All of them, by path.
    pub fn iter(&self) -> impl Iterator<Item = &Backend> {
        self.by_path.iter()
    }

    /// The backend whose path is the longest that this canonical path is, or is below.
    #[must_use]
    pub fn route(&self, path: &[u8]) -> Option<&Backend> {
        // The path itself, then what is before each of its slashes; none longer than the longest there is.
        let mut end = path.len();
        loop {
            if end <= self.longest
                && let Some(backend) = self.at(path.get(..end)?)
            {
                return Some(backend);
            }
            let before = path.get(..end.min(self.longest + 1))?;
            end = before.iter().rposition(|byte| *byte == b'/')?;
        }
    }

    fn at(&self, path: &[u8]) -> Option<&Backend> {
        let found = self
            .by_path
            .binary_search_by(|backend| backend.path.as_ref().cmp(path));
        self.by_path.get(found.ok()?)
    }
}
