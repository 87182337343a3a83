//! Shared data of one Envoy process, as the core sees it: keys, values and compare-and-swap.
//!
//! It outlives VMs and listener updates, can be neither listed nor deleted from, and every operation is
//! atomic by itself. All keys begin with a namespace, so that another layout or installation finds nothing.

use crate::decimal::push_decimal;
use crate::wire::Instance;
use alloc::{format, string::String, vec::Vec};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core::fmt::Write as _;

/// Layout of everything below; a change of any codec changes it, and with it the namespace.
pub const LAYOUT: u8 = 4;
/// Characters of a namespace. A slot's key, which every request reads and writes, then has at most 15: what a string
/// of Envoy's holds without asking for memory.
const NAMESPACE: usize = 7;
/// Queues of dirty slots; more than one, so that workers rarely meet.
pub const QUEUES: u32 = 4;

/// What a key held when it was read, for the compare-and-swap that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Nothing yet: a write creates it, if nobody else did.
    Absent,
    /// This change of it.
    At(u32),
}

/// Someone else wrote the key since it was read: read again and decide again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// The process-wide key-value store of proxy-wasm, narrowed to what is safe under many writers.
pub trait SharedData {
    /// Reads a key.
    fn get(&self, key: &str) -> (Option<Vec<u8>>, Version);

    /// Writes a key if it still is at `version`.
    ///
    /// # Errors
    /// [`Lost`] when it is not.
    fn set(&self, key: &str, value: &[u8], version: Version) -> Result<(), Lost>;
}

/// Names of the keys of one installation and environment.
#[derive(Clone, Debug)]
pub struct Keys {
    namespace: String,
    slots: u32,
}

impl Keys {
    /// Keys for `parts` (control-plane cluster, authority, environment) with `slots` application slots.
    #[must_use]
    pub fn new(parts: &[&str], slots: u32) -> Self {
        let mut text = String::new();
        for part in parts {
            let _ = write!(text, "{}:{part};", part.len());
        }
        let _ = write!(text, "{slots}");
        let digest = crate::key::digest(text.as_bytes());
        let mut namespace = format!("{LAYOUT}{}", URL_SAFE_NO_PAD.encode(digest));
        namespace.truncate(NAMESPACE);
        Self {
            namespace,
            slots: slots.max(1),
        }
    }

    /// How many application slots there are.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// The process's name for itself.
    #[must_use]
    pub fn instance(&self) -> String {
        self.named("instance")
    }

    /// Who talks to the control plane.
    #[must_use]
    pub fn leader(&self) -> String {
        self.named("leader")
    }

    /// Which plugin configuration is the newest.
    #[must_use]
    pub fn generation(&self) -> String {
        self.named("generation")
    }

    /// How far the database's clock is ahead.
    #[must_use]
    pub fn clock(&self) -> String {
        self.named("clock")
    }

    /// When the control plane was last heard of.
    #[must_use]
    pub fn contact(&self) -> String {
        self.named("contact")
    }

    /// How requests were answered, until it is reported.
    #[must_use]
    pub fn traffic(&self) -> String {
        self.named("traffic")
    }

    /// What the directory and the products stand at.
    #[must_use]
    pub fn header(&self) -> String {
        self.named("header")
    }

    /// Sealed batches on their way to the ledger.
    #[must_use]
    pub fn outbox(&self) -> String {
        self.named("outbox")
    }

    /// A product of one layer of the snapshot.
    #[must_use]
    pub fn product(&self, layer: u32, id: i64) -> String {
        format!("{}product.{layer}.{id}", self.namespace)
    }

    /// A bucket of applications of one layer of the snapshot.
    #[must_use]
    pub fn bucket(&self, layer: u32, bucket: u32) -> String {
        let mut name = String::from("bucket.");
        push_decimal(&mut name, u64::from(layer));
        name.push('.');
        self.numbered(&name, bucket)
    }

    /// A slot of application records.
    #[must_use]
    pub fn slot(&self, slot: u32) -> String {
        self.numbered("s", slot)
    }

    /// A queue of dirty slots.
    #[must_use]
    pub fn queue(&self, queue: u32) -> String {
        self.numbered("dirty.", queue)
    }

    fn named(&self, name: &str) -> String {
        let mut key = String::with_capacity(self.namespace.len().saturating_add(name.len()));
        key.push_str(&self.namespace);
        key.push_str(name);
        key
    }

    fn numbered(&self, name: &str, number: u32) -> String {
        let mut key = String::with_capacity(self.namespace.len().saturating_add(32));
        key.push_str(&self.namespace);
        key.push_str(name);
        push_decimal(&mut key, u64::from(number));
        key
    }
}

/// The process's instance; made from `fresh` (128 random bits) by whoever finds it absent.
///
/// Creating is a compare-and-swap, so all VMs agree on one.
pub fn instance(
    data: &impl SharedData,
    keys: &Keys,
    fresh: impl FnOnce() -> Instance,
) -> Option<Instance> {
    let key = keys.instance();
    let (value, version) = data.get(&key);
    if let Some(instance) = value.as_deref().and_then(|bytes| bytes.try_into().ok()) {
        return Some(instance);
    }
    let instance = fresh();
    match data.set(&key, &instance, version) {
        Ok(()) => Some(instance),
        Err(Lost) => data
            .get(&key)
            .0
            .as_deref()
            .and_then(|bytes| bytes.try_into().ok()),
    }
}
