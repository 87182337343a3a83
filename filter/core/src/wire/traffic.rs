//! How requests were answered, on its way to whom it interests: approximate, and nothing that a limit is held against.

use super::{Digest, Instance};
use crate::id::ApplicationId;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// `POST /gateway/v1/traffic`: what the leader of a gateway sends every few seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficV1 {
    /// The gateway process.
    pub instance: Instance,
    /// Grows with every report of an instance: each is applied at most once.
    pub number: u64,
    /// At most [`crate::traffic::MOST_ROWS`].
    pub rows: Vec<TrafficRowV1>,
}

/// One application in one quarter of an hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficRowV1 {
    /// Who called.
    pub application: ApplicationId,
    /// Quarters of an hour since 1970, UTC.
    pub quarter: u32,
    /// How often each came about.
    pub outcomes: Vec<(TrafficOutcomeV1, u64)>,
    /// How many requests fell into each bucket of [`crate::traffic::BOUNDS_MS`], by its number.
    pub durations: Vec<(u8, u64)>,
    /// Digests of keys that were called with.
    pub keys: Vec<Digest>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrafficOutcomeV1 {
    /// The upstream answered with 2xx.
    Success,
    /// … with 3xx.
    Redirection,
    /// … with 4xx.
    ClientError,
    /// … with 5xx.
    ServerError,
    /// Refused by the gateway: a wrong key, a wrong referrer, or it may not call.
    RefusedCredentials,
    /// … because its plan has none of a metric.
    RefusedMetric,
    /// … because a limit was exceeded.
    RefusedLimits,
    /// … because the gateway could not decide.
    RefusedNotReady,
}

/// The answer: nothing to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficAnswerV1 {
    /// Whether the report was applied; not when it had been before, or nobody knows the instance.
    pub applied: bool,
}
