//! The wire between control plane and gateways: plain data in a version envelope, no behaviour.
//!
//! Gateways speak postcard, people and tools JSON; both come from the same types. Once released, a
//! version's bytes decode for ever (`tests/golden`). The gateway names what it reads in `Accept`.
//!
//! A shape keeps the name of the version that it first appeared in. What it gains stands at its end, and is left out
//! where an older version is written (`snapshot::version1`, `version2`).

pub(crate) mod bytes;
pub mod lease;
pub mod snapshot;
pub mod sync;
pub mod traffic;

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

pub use lease::*;
pub use snapshot::*;
pub use sync::*;
pub use traffic::*;

/// Media type of the compact form; the version is inside.
pub const COMPACT: &str = "application/vnd.tallygate.v1+postcard";
/// Media type of the compact form of version 2, which only snapshots have.
pub const COMPACT_V2: &str = "application/vnd.tallygate.v2+postcard";
/// Media type of the compact form of version 3, which only snapshots have.
pub const COMPACT_V3: &str = "application/vnd.tallygate.v3+postcard";
/// What gateways accept: the newest version of each message, and version 2 for control planes that write no newer one.
pub const ACCEPT: &str = "application/vnd.tallygate.v3+postcard, application/vnd.tallygate.v2+postcard, application/vnd.tallygate.v1+postcard";
/// Media type of the form for people and tools.
pub const JSON: &str = "application/json";
/// What a page of a snapshot, or the rows of a usage batch, should stay under, in bytes: Envoy drops
/// answers that pass its async buffer.
pub const PAGE_BYTES: usize = 256 * 1024;

/// The first 16 bytes of a SHA-256 (see [`crate::key`]).
pub type Digest = [u8; 16];
/// A gateway process's name for itself: 128 random bits.
pub type Instance = [u8; 16];

/// An answer to `GET /gateway/v1/snapshot`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Snapshot {
    /// Version 1: products have no backends.
    #[serde(with = "snapshot::version1")]
    V1(SnapshotV1),
    /// Version 2: keys do not end.
    #[serde(with = "snapshot::version2")]
    V2(SnapshotV1),
    /// Version 3.
    V3(SnapshotV1),
}

/// A `POST /gateway/v1/sync`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sync {
    /// Version 1.
    V1(SyncV1),
}

/// Its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncAnswer {
    /// Version 1.
    V1(SyncAnswerV1),
}

/// A `POST /gateway/v1/leases`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Version 1.
    V1(AskV1),
}

/// Its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskAnswer {
    /// Version 1.
    V1(AskAnswerV1),
}

/// A `POST /gateway/v1/traffic`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Traffic {
    /// Version 1.
    V1(TrafficV1),
}

/// Its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrafficAnswer {
    /// Version 1.
    V1(TrafficAnswerV1),
}

impl Snapshot {
    /// The page, whatever version it came in.
    #[must_use]
    pub fn into_page(self) -> SnapshotV1 {
        match self {
            Self::V1(page) | Self::V2(page) | Self::V3(page) => page,
        }
    }
}

/// Why bytes from the wire could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a message this version reads")]
pub struct Unreadable;

/// The compact form of a message.
#[must_use]
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    // Serialising plain data into memory has no way to fail; an empty message is refused by whoever reads it.
    postcard::to_allocvec(message).unwrap_or_default()
}

/// Reads the compact form. Trailing bytes are refused.
///
/// # Errors
/// When the bytes are not exactly one message.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Unreadable> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        _ => Err(Unreadable),
    }
}
