//! The directory of applications: buckets of shared data, one copy per process however many workers.
//!
//! A request's ident picks the bucket. An entry is as compact as a million of them asks for:
//!
//! ```text
//! ident [16] · application i64 · plan i64 · revision i64 · flags u8 · keys u8 · keys × [16]
//! and with referrer filters: filters u8 · filters × (length u8 · bytes)
//! and with keys that end: ending u8 · ending × ([16] · end u64)
//! ```

use crate::id::{ApplicationId, PlanId};
use crate::key::same;
use crate::wire::{ApplicationV1, Digest, EndingKeyV1};
use alloc::{
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

const FIXED: usize = 42;
/// Flag of an application that may call.
const LIVE: u8 = 1;
/// Flag of an application with referrer filters.
const REFERRERS: u8 = 2;
/// Flag of an application with keys that end.
const ENDING: u8 = 4;
/// Bytes of such a key.
const ENDING_KEY: usize = 24;
/// Entries a bucket is planned for.
pub(crate) const PER_BUCKET: u64 = 32;

/// An application as the edge knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Its plan.
    pub plan: PlanId,
    /// Revision of its last change.
    pub revision: i64,
    /// Whether it may call.
    pub live: bool,
    /// Digests of its keys that do not end.
    pub keys: Vec<Digest>,
    /// Those that do.
    pub ending: Vec<EndingKeyV1>,
    /// Hosts that its requests may come from ([`crate::referrer`]); any when empty.
    pub referrers: Vec<String>,
}

impl Application {
    /// Whether it has any key, ended or not.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty() || !self.ending.is_empty()
    }

    /// Whether this is one of its keys, at a moment. Every key is compared, whichever fits: the time tells nothing.
    #[must_use]
    pub fn has_key(&self, key: &Digest, now_secs: u64) -> bool {
        let found = self
            .keys
            .iter()
            .fold(false, |found, known| found | same(known, key));
        self.ending.iter().fold(found, |found, known| {
            found | (same(&known.key, key) & (now_secs < known.end_secs))
        })
    }
}

/// What a look-up came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// There it is.
    Found(Arc<Application>),
    /// There is none.
    Unknown,
    /// The directory is not loaded: nobody can say.
    NotReady,
}

/// How many bits of an ident pick the bucket, for so many applications.
#[must_use]
pub fn bucket_bits(applications: u64) -> u8 {
    let buckets = applications
        .div_ceil(PER_BUCKET)
        .max(64)
        .next_power_of_two();
    u8::try_from(buckets.trailing_zeros()).unwrap_or(20).min(20)
}

/// The bucket of an ident.
#[must_use]
pub fn bucket_of(ident: &Digest, bits: u8) -> u32 {
    let [a, b, c, d, ..] = *ident;
    u32::from_be_bytes([a, b, c, d]) >> 32_u32.saturating_sub(u32::from(bits)).min(31)
}

/// Looks an ident up in its bucket.
#[must_use]
pub fn find(bucket: &[u8], ident: &Digest) -> Option<Application> {
    Entries(bucket)
        .find(|entry| entry.ident == ident)
        .map(|entry| entry.application())
}

/// A bucket with changed applications written into it. An entry never replaces one of a newer revision.
#[must_use]
pub fn updated(bucket: &[u8], changes: &[&ApplicationV1]) -> Vec<u8> {
    let mut out = Vec::with_capacity(
        bucket
            .len()
            .saturating_add(changes.len().saturating_mul(FIXED + 16)),
    );
    let older = |entry: &Entry<'_>| {
        changes
            .iter()
            .any(|change| change.ident == *entry.ident && change.revision >= entry.revision)
    };
    for entry in Entries(bucket).filter(|entry| !older(entry)) {
        out.extend_from_slice(entry.bytes);
    }
    for (n, change) in changes.iter().enumerate() {
        let newer = Entries(bucket)
            .any(|entry| *entry.ident == change.ident && entry.revision > change.revision);
        // Of several changes to one ident in a page the last of the newest revision counts.
        let again = changes
            .iter()
            .skip(n.saturating_add(1))
            .any(|later| later.ident == change.ident && later.revision >= change.revision)
            || changes
                .iter()
                .take(n)
                .any(|earlier| earlier.ident == change.ident && earlier.revision > change.revision);
        if !newer && !again {
            write(&mut out, change);
        }
    }
    out
}

/// How many entries a bucket holds.
#[must_use]
pub fn len(bucket: &[u8]) -> usize {
    Entries(bucket).count()
}

fn write(out: &mut Vec<u8>, application: &ApplicationV1) {
    let keys = application
        .keys
        .get(..application.keys.len().min(255))
        .unwrap_or_default();
    out.extend_from_slice(&application.ident);
    out.extend_from_slice(&application.id.0.to_le_bytes());
    out.extend_from_slice(&application.plan.0.to_le_bytes());
    out.extend_from_slice(&application.revision.to_le_bytes());
    let live = if application.live { LIVE } else { 0 };
    let referrers = if application.referrers.is_empty() {
        0
    } else {
        REFERRERS
    };
    let ending = if application.ending.is_empty() {
        0
    } else {
        ENDING
    };
    out.push(live | referrers | ending);
    out.push(u8::try_from(keys.len()).unwrap_or_default());
    out.extend(keys.iter().flatten());
    if referrers != 0 {
        write_referrers(out, &application.referrers);
    }
    if ending != 0 {
        write_ending(out, &application.ending);
    }
}

/// As many as there are bytes to count them with.
fn write_ending(out: &mut Vec<u8>, ending: &[EndingKeyV1]) {
    let ending = ending.get(..ending.len().min(255)).unwrap_or_default();
    out.push(u8::try_from(ending.len()).unwrap_or_default());
    for key in ending {
        out.extend_from_slice(&key.key);
        out.extend_from_slice(&key.end_secs.to_le_bytes());
    }
}

/// Keys that end, and what follows them.
fn read_ending(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*count).saturating_mul(ENDING_KEY))
}

fn ending_key(bytes: &[u8; ENDING_KEY]) -> Option<EndingKeyV1> {
    let (key, end) = bytes.split_first_chunk()?;
    Some(EndingKeyV1 {
        key: *key,
        end_secs: u64::from_le_bytes(*end.first_chunk()?),
    })
}

/// As many as there are bytes to count them with; one that is too long is cut short, and fits no host then.
fn write_referrers(out: &mut Vec<u8>, referrers: &[String]) {
    let referrers = referrers
        .get(..referrers.len().min(255))
        .unwrap_or_default();
    out.push(u8::try_from(referrers.len()).unwrap_or_default());
    for referrer in referrers {
        let bytes = referrer.as_bytes();
        let bytes = bytes.get(..bytes.len().min(255)).unwrap_or_default();
        out.push(u8::try_from(bytes.len()).unwrap_or_default());
        out.extend_from_slice(bytes);
    }
}

/// Filters as they were written, and what follows them.
fn read_referrers(bytes: &[u8]) -> Option<(Vec<&[u8]>, &[u8])> {
    let (count, mut rest) = bytes.split_first()?;
    let mut referrers = Vec::new();
    for _ in 0..*count {
        let (length, behind) = rest.split_first()?;
        let (referrer, behind) = behind.split_at_checked(usize::from(*length))?;
        referrers.push(referrer);
        rest = behind;
    }
    Some((referrers, rest))
}

struct Entry<'a> {
    bytes: &'a [u8],
    ident: &'a Digest,
    id: i64,
    plan: i64,
    revision: i64,
    live: bool,
    keys: &'a [u8],
    referrers: Vec<&'a [u8]>,
    ending: &'a [u8],
}

impl Entry<'_> {
    fn application(&self) -> Application {
        Application {
            id: ApplicationId(self.id),
            plan: PlanId(self.plan),
            revision: self.revision,
            live: self.live,
            keys: self.keys.as_chunks().0.to_vec(),
            ending: self
                .ending
                .as_chunks()
                .0
                .iter()
                .filter_map(ending_key)
                .collect(),
            referrers: self
                .referrers
                .iter()
                .map(|bytes| String::from_utf8_lossy(bytes).to_string())
                .collect(),
        }
    }
}

struct Entries<'a>(&'a [u8]);

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let whole = self.0;
        let (ident, rest) = whole.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (plan, rest) = rest.split_first_chunk()?;
        let (revision, rest) = rest.split_first_chunk()?;
        let (&[flags, keys], rest) = rest.split_first_chunk()?;
        let (keys, rest) = rest.split_at_checked(usize::from(keys).saturating_mul(16))?;
        let (referrers, rest) = if flags & REFERRERS == 0 {
            (Vec::new(), rest)
        } else {
            read_referrers(rest)?
        };
        let (ending, rest) = if flags & ENDING == 0 {
            (<&[u8]>::default(), rest)
        } else {
            read_ending(rest)?
        };
        self.0 = rest;
        Some(Entry {
            bytes: whole.get(..whole.len().saturating_sub(rest.len()))?,
            ident,
            id: i64::from_le_bytes(*id),
            plan: i64::from_le_bytes(*plan),
            revision: i64::from_le_bytes(*revision),
            live: flags & LIVE != 0,
            keys,
            referrers,
            ending,
        })
    }
}
