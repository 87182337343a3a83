//! How an application's requests were answered, for its developer to look at: counts that need not be exact, and decide nothing.
//!
//! Each VM tallies what it sees ([`Tally`]) and adds it, about once a second, to the process's record in shared data
//! ([`merge`]). The leader takes the record out ([`take`]) and reports it to the control plane.
//!
//! What is lost: the tallies of a VM that traps, a report that nobody took in time, and applications beyond
//! [`MOST_ROWS`] between two reports. Asking the host for a status costs more than a decision, so that of a busy
//! application only one request in sixteen is looked at, and counts for sixteen.

use crate::id::ApplicationId;
use crate::shared::{Keys, Lost, SharedData};
use crate::verdict::Reason;
use crate::wire::{Digest, TrafficOutcomeV1, TrafficRowV1, decode, encode};
use alloc::{collections::BTreeMap, vec::Vec};
use serde::{Deserialize, Serialize};

/// Seconds that counts are kept apart by.
pub const QUARTER_SECS: u64 = 900;
/// Upper bounds of all buckets of durations but the last, milliseconds.
pub const BOUNDS_MS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];
/// How many buckets of durations there are.
pub const BUCKETS: usize = BOUNDS_MS.len() + 1;
/// How many outcomes there are.
pub const OUTCOMES: usize = TrafficOutcomeV1::ALL.len();
/// Rows that a record and a report have at most.
pub const MOST_ROWS: usize = 2_048;

/// Of one application and tally so many answered requests are looked at one by one …
const EXACT: u32 = 32;
/// … and beyond them one of so many.
const SAMPLED: u32 = 16;
/// Keys of one application that a row names at most.
const MOST_KEYS: usize = 16;

/// What one VM has seen of one application since it last told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    answered: u32,
    outcomes: [u32; OUTCOMES],
    durations: [u32; BUCKETS],
    keys: Vec<Digest>,
}

/// What all VMs of a process have told, until the leader takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// Number of the report that was taken last.
    taken: u64,
    /// In order of quarter and application.
    rows: Vec<TrafficRowV1>,
}

/// The bucket that a duration falls into.
#[must_use]
pub fn bucket(duration_us: u64) -> usize {
    BOUNDS_MS
        .iter()
        .position(|bound| duration_us <= bound.saturating_mul(1_000))
        .unwrap_or(BOUNDS_MS.len())
}

/// The duration that so many per mille of the requests took at most, milliseconds: the upper bound of its bucket, and twice the
/// last bound for what took longer. None without requests.
#[must_use]
pub fn percentile_ms(counts: &[u64; BUCKETS], per_mille: u64) -> Option<u64> {
    let total = counts.iter().fold(0_u64, |sum, n| sum.saturating_add(*n));
    let wanted = u128::from(total)
        .saturating_mul(u128::from(per_mille.min(1_000)))
        .div_ceil(1_000)
        .max(1);
    let mut sum = 0_u128;
    let bounds = BOUNDS_MS.iter().copied().chain([10_000]);
    counts.iter().zip(bounds).find_map(|(count, bound)| {
        sum = sum.saturating_add(u128::from(*count));
        (sum >= wanted).then_some(bound)
    })
}

impl TrafficOutcomeV1 {
    /// All of them, in the order of their numbers on the wire.
    pub const ALL: [Self; 8] = [
        Self::Success,
        Self::Redirection,
        Self::ClientError,
        Self::ServerError,
        Self::RefusedCredentials,
        Self::RefusedMetric,
        Self::RefusedLimits,
        Self::RefusedNotReady,
    ];

    /// By the status that an upstream answered with; none for what is no final answer.
    #[must_use]
    pub const fn of_status(status: u64) -> Option<Self> {
        match status {
            200..=299 => Some(Self::Success),
            300..=399 => Some(Self::Redirection),
            400..=499 => Some(Self::ClientError),
            500..=599 => Some(Self::ServerError),
            _ => None,
        }
    }

    /// By the reason for a refusal; none where it is not known whose request it was.
    #[must_use]
    pub const fn of_refusal(reason: Reason) -> Option<Self> {
        match reason {
            Reason::AuthFailed => Some(Self::RefusedCredentials),
            Reason::MetricDisabled => Some(Self::RefusedMetric),
            Reason::LimitsExceeded => Some(Self::RefusedLimits),
            Reason::NotReady => Some(Self::RefusedNotReady),
            Reason::UnknownHost | Reason::AuthMissing | Reason::NoMatch => None,
        }
    }
}

impl Tally {
    /// A request was answered by the upstream. Returns for how many it counts if it is to be looked at ([`Tally::looked_at`]).
    pub fn answered(&mut self, key: Option<&Digest>) -> Option<u32> {
        if let Some(key) = key
            && self.keys.len() < MOST_KEYS
            && !self.keys.contains(key)
        {
            self.keys.push(*key);
        }
        self.answered = self.answered.saturating_add(1);
        match self.answered.checked_sub(EXACT) {
            None | Some(0) => Some(1),
            Some(beyond) if beyond.is_multiple_of(SAMPLED) => Some(SAMPLED),
            Some(_) => None,
        }
    }

    /// What was seen of a request that counts for so many.
    pub fn looked_at(&mut self, status: Option<u64>, duration_us: Option<u64>, counts_for: u32) {
        if let Some(outcome) = status.and_then(TrafficOutcomeV1::of_status) {
            self.add(outcome, counts_for);
        }
        if let Some(count) = duration_us.and_then(|us| self.durations.get_mut(bucket(us))) {
            *count = count.saturating_add(counts_for);
        }
    }

    /// A request was refused.
    pub fn refused(&mut self, reason: Reason) {
        if let Some(outcome) = TrafficOutcomeV1::of_refusal(reason) {
            self.add(outcome, 1);
        }
    }

    fn add(&mut self, outcome: TrafficOutcomeV1, n: u32) {
        if let Some(count) = self.outcomes.get_mut(outcome as usize) {
            *count = count.saturating_add(n);
        }
    }

    /// As it is told, for the quarter of an hour of `now_secs`.
    #[must_use]
    pub fn into_row(self, application: ApplicationId, now_secs: u64) -> TrafficRowV1 {
        let outcomes = TrafficOutcomeV1::ALL.into_iter().zip(self.outcomes);
        let durations = (0_u8..).zip(self.durations);
        TrafficRowV1 {
            application,
            quarter: u32::try_from(now_secs / QUARTER_SECS).unwrap_or(u32::MAX),
            outcomes: outcomes
                .filter(|(_, count)| *count > 0)
                .map(|(outcome, count)| (outcome, u64::from(count)))
                .collect(),
            durations: durations
                .filter(|(_, count)| *count > 0)
                .map(|(bucket, count)| (bucket, u64::from(count)))
                .collect(),
            keys: self.keys,
        }
    }
}

/// Adds rows to the process's record. What finds no room is dropped.
///
/// # Errors
/// [`Lost`] when another VM wrote it meanwhile: try again, with the next tick at the latest.
pub fn merge(data: &impl SharedData, keys: &Keys, rows: &[TrafficRowV1]) -> Result<(), Lost> {
    let (value, version) = data.get(&keys.traffic());
    let mut record = read(value.as_deref());
    let mut all: BTreeMap<(u32, ApplicationId), TrafficRowV1> = core::mem::take(&mut record.rows)
        .into_iter()
        .map(|row| ((row.quarter, row.application), row))
        .collect();
    for row in rows {
        let place = (row.quarter, row.application);
        if let Some(known) = all.get_mut(&place) {
            add(known, row);
        } else if all.len() < MOST_ROWS {
            all.insert(place, row.clone());
        }
    }
    record.rows = all.into_values().collect();
    data.set(&keys.traffic(), &encode(&record), version)
}

/// Takes all rows out of the record, as the report of the next number; none when there are none, or another VM was faster.
pub fn take(data: &impl SharedData, keys: &Keys) -> Option<(u64, Vec<TrafficRowV1>)> {
    let (value, version) = data.get(&keys.traffic());
    let record = read(value.as_deref());
    if record.rows.is_empty() {
        return None;
    }
    let number = record.taken.saturating_add(1);
    let rest = Record {
        taken: number,
        rows: Vec::new(),
    };
    data.set(&keys.traffic(), &encode(&rest), version).ok()?;
    Some((number, record.rows))
}

fn add(known: &mut TrafficRowV1, more: &TrafficRowV1) {
    sum(&mut known.outcomes, &more.outcomes);
    sum(&mut known.durations, &more.durations);
    for key in &more.keys {
        if known.keys.len() < MOST_KEYS && !known.keys.contains(key) {
            known.keys.push(*key);
        }
    }
}

fn sum<K: Copy + PartialEq>(known: &mut Vec<(K, u64)>, more: &[(K, u64)]) {
    for (what, count) in more {
        match known.iter_mut().find(|(known, _)| known == what) {
            Some((_, sum)) => *sum = sum.saturating_add(*count),
            None => known.push((*what, *count)),
        }
    }
}

fn read(bytes: Option<&[u8]>) -> Record {
    bytes
        .and_then(|bytes| decode(bytes).ok())
        .unwrap_or_default()
}
