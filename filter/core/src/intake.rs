//! A snapshot's pages into shared data: products as they are, applications into their buckets, and a header that
//! says what stands there.
//!
//! The header is written last, so a reader that follows it finds what it names. While a full snapshot loads, it
//! goes into a layer of its own and the old one keeps serving; a leader that dies halfway leaves a cursor from
//! which the next goes on.

use crate::directory::{self, Lookup, PER_BUCKET, bucket_bits, bucket_of, updated};
use crate::id::ProductId;
use crate::leader::still;
use crate::shared::{Keys, SharedData};
use crate::wire::{ApplicationV1, Cursor, Digest, SnapshotV1, decode, encode};
use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};
use serde::{Deserialize, Serialize};

/// A bucket that has grown this many times over its plan asks for a new layer with more buckets.
const OVERFULL: u64 = 8;

/// What a process has of the control plane's snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// What requests are decided by; none before the first full snapshot.
    pub serving: Option<Layer>,
    /// A full snapshot on its way.
    pub loading: Option<Layer>,
    /// Number of the newest layer: names are never used twice.
    pub newest: u32,
}

/// One full snapshot and all changes since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Its number, part of its keys.
    pub number: u32,
    /// The ledger's epoch it was read in.
    pub epoch: i64,
    /// How far it has been read.
    pub cursor: Cursor,
    /// How many bits of an ident pick a bucket.
    pub bits: u8,
    /// Changes with every page: readers look again when it is not what they saw.
    pub changes: u64,
    /// Products and the revisions they stand at.
    pub products: Vec<(ProductId, i64)>,
}

/// Reads the header.
pub fn header(data: &impl SharedData, keys: &Keys) -> Header {
    read(data.get(&keys.header()).0.as_deref())
}

/// Looks an application up in a layer that a reader has seen in the header.
pub fn look_up(data: &impl SharedData, keys: &Keys, layer: &Layer, ident: &Digest) -> Lookup {
    let bucket = data
        .get(&keys.bucket(layer.number, bucket_of(ident, layer.bits)))
        .0;
    match bucket {
        Some(bucket) => directory::find(&bucket, ident).map_or(Lookup::Unknown, |application| {
            Lookup::Found(Arc::new(application))
        }),
        // Nobody's bucket, as long as it is the layer that serves; else it may just have gone with it.
        None => match header(data, keys).serving {
            Some(serving) if serving.number == layer.number => Lookup::Unknown,
            _ => Lookup::NotReady,
        },
    }
}

/// The cursor to ask the control plane for.
#[must_use]
pub fn cursor(header: &Header) -> Cursor {
    header
        .loading
        .as_ref()
        .or(header.serving.as_ref())
        .map(|layer| layer.cursor)
        .unwrap_or_default()
}

/// What taking in a page came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    /// It stands in shared data.
    Done,
    /// It was asked for by another cursor than the one that stands now, or another VM leads: ask again.
    Stale,
    /// Its epoch is new, or there are many more applications: all is read again from the beginning.
    Restart,
}

/// Takes in a page that was asked for `after` a cursor, as the leader with this fence.
///
/// It may be tried again from any point it broke off at, by any leader.
pub fn take(
    data: &impl SharedData,
    keys: &Keys,
    fence: u64,
    after: Cursor,
    page: &SnapshotV1,
) -> Intake {
    let (value, mut version) = data.get(&keys.header());
    let mut header = read(value.as_deref());
    if cursor(&header) != after {
        return Intake::Stale;
    }
    if needs_new_layer(&header, page) {
        // Its number is taken before anything is written under it: what an earlier leader left behind halfway, perhaps in
        // another epoch, is never taken for a part of it.
        header.newest = header.newest.saturating_add(1);
        header.loading = Some(Layer {
            number: header.newest,
            epoch: page.epoch,
            bits: bucket_bits(page.applications_total),
            ..Layer::default()
        });
        if !still(data, keys, fence) || data.set(&keys.header(), &encode(&header), version).is_err()
        {
            return Intake::Stale;
        }
        if after != Cursor::default() {
            return Intake::Restart;
        }
        let (value, now) = data.get(&keys.header());
        if read(value.as_deref()) != header {
            return Intake::Stale;
        }
        version = now;
    }
    let loading = header.loading.is_some();
    let layer = header.loading.take().or_else(|| header.serving.take());
    let Some(mut layer) = layer else {
        return Intake::Stale;
    };
    if write(data, keys, fence, &mut layer, page).is_err() {
        return Intake::Stale;
    }
    layer.cursor = page.next;
    layer.changes = layer.changes.saturating_add(1);
    if loading && !page.complete {
        header.loading = Some(layer);
    } else {
        header.serving = Some(layer);
    }
    if !still(data, keys, fence) {
        return Intake::Stale;
    }
    match data.set(&keys.header(), &encode(&header), version) {
        Ok(()) => Intake::Done,
        Err(_) => Intake::Stale,
    }
}

/// Whether this page cannot go where the earlier ones went.
fn needs_new_layer(header: &Header, page: &SnapshotV1) -> bool {
    let outgrown =
        |layer: &Layer| page.applications_total >> layer.bits.min(63) > OVERFULL * PER_BUCKET;
    match (&header.loading, &header.serving) {
        (Some(layer), _) => layer.epoch != page.epoch,
        (None, Some(layer)) => layer.epoch != page.epoch || outgrown(layer),
        (None, None) => true,
    }
}

fn write(
    data: &impl SharedData,
    keys: &Keys,
    fence: u64,
    layer: &mut Layer,
    page: &SnapshotV1,
) -> Result<(), NotLeading> {
    for product in &page.products {
        overwrite(
            data,
            keys,
            fence,
            &keys.product(layer.number, product.id.0),
            |_| encode(product),
        )?;
        layer.products.retain(|(id, _)| *id != product.id);
        if product.config.is_some() {
            layer.products.push((product.id, product.revision));
        }
    }
    let mut by_bucket: BTreeMap<u32, Vec<&ApplicationV1>> = BTreeMap::new();
    for application in &page.applications {
        by_bucket
            .entry(bucket_of(&application.ident, layer.bits))
            .or_default()
            .push(application);
    }
    for (bucket, changes) in by_bucket {
        overwrite(
            data,
            keys,
            fence,
            &keys.bucket(layer.number, bucket),
            |old| updated(old, &changes),
        )?;
    }
    Ok(())
}

struct NotLeading;

/// Reads the target, *then* makes sure of leading, then writes: a leader that was replaced in between loses.
fn overwrite(
    data: &impl SharedData,
    keys: &Keys,
    fence: u64,
    key: &str,
    change: impl Fn(&[u8]) -> Vec<u8>,
) -> Result<(), NotLeading> {
    loop {
        let (value, version) = data.get(key);
        if !still(data, keys, fence) {
            return Err(NotLeading);
        }
        if data
            .set(key, &change(value.as_deref().unwrap_or_default()), version)
            .is_ok()
        {
            return Ok(());
        }
    }
}

fn read(bytes: Option<&[u8]>) -> Header {
    bytes
        .and_then(|bytes| decode(bytes).ok())
        .unwrap_or_default()
}
