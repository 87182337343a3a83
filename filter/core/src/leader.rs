//! Which VM of a process talks to the control plane: a lease in shared data, taken by compare-and-swap.
//!
//! It settles on a VM that serves no traffic, so that no decoding ever holds up a worker, and on the newest
//! plugin configuration. It only saves work: two leaders at once do no harm.

use crate::shared::{Keys, SharedData};
use crate::wire::{decode, encode};
use serde::{Deserialize, Serialize};

/// How long a leader that has stopped ticking is waited for, in milliseconds.
pub const LEASE_MS: u64 = 2_000;

/// The lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    /// Grows with every change of holder: who wrote what for whom.
    pub fence: u64,
    /// The holder's plugin configuration.
    pub generation: u64,
    /// The holder: a random number per VM.
    pub holder: u64,
    /// Whether the holder serves traffic.
    pub serving: bool,
    /// When the lease ends unless renewed, milliseconds since 1970.
    pub until_ms: u64,
    /// The holder is decoding an answer; one that never gets to clear this has trapped.
    pub busy: bool,
    /// Holders in a row that trapped while decoding.
    pub traps: u32,
}

/// A VM that could lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// A random number per VM.
    pub id: u64,
    /// Its plugin configuration.
    pub generation: u64,
    /// Whether it has seen a request.
    pub serving: bool,
}

/// What a VM's turn at the lease came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It leads, with this fence; `new` when it has only just begun.
    Leader {
        /// The fence.
        fence: u64,
        /// Whether it has only just begun.
        new: bool,
        /// Leaders before it that trapped while decoding.
        traps: u32,
    },
    /// Another one leads.
    Follower,
}

/// Renews, takes or leaves the lease.
pub fn campaign(data: &impl SharedData, keys: &Keys, me: &Candidate, now_ms: u64) -> Role {
    let key = keys.leader();
    let (value, version) = data.get(&key);
    let current = value
        .as_deref()
        .and_then(|bytes| decode::<Leader>(bytes).ok());
    let Some(next) = next(current, me, now_ms) else {
        return match current {
            Some(leader) if leader.holder == me.id => Role::Leader {
                fence: leader.fence,
                new: false,
                traps: leader.traps,
            },
            _ => Role::Follower,
        };
    };
    if data.set(&key, &encode(&next), version).is_err() {
        return Role::Follower;
    }
    let new = current.is_none_or(|leader| leader.fence != next.fence);
    Role::Leader {
        fence: next.fence,
        new,
        traps: next.traps,
    }
}

/// The lease as `me` would write it, or nothing when there is nothing to write.
fn next(current: Option<Leader>, me: &Candidate, now_ms: u64) -> Option<Leader> {
    let mine = Leader {
        // Higher than any before, should shared data have been wiped: fences grow by far less than one a millisecond.
        fence: now_ms.max(1),
        generation: me.generation,
        holder: me.id,
        serving: me.serving,
        until_ms: now_ms.saturating_add(LEASE_MS),
        busy: false,
        traps: 0,
    };
    let Some(leader) = current else {
        return Some(mine);
    };
    // It cannot end later than this, unless the clock has stepped back since.
    let from_the_future = leader.until_ms > now_ms.saturating_add(2 * LEASE_MS);
    if leader.holder == me.id {
        let due = leader.until_ms < now_ms.saturating_add(LEASE_MS / 2) || from_the_future;
        let changed = leader.serving != me.serving || leader.generation != me.generation;
        return (due || changed).then_some(Leader {
            fence: leader.fence,
            busy: leader.busy,
            traps: leader.traps,
            ..mine
        });
    }
    let expired = leader.until_ms <= now_ms || from_the_future;
    let newer = me.generation > leader.generation;
    let quieter = me.generation == leader.generation && leader.serving && !me.serving;
    (expired || newer || quieter).then_some(Leader {
        fence: leader.fence.saturating_add(1),
        traps: if expired && leader.busy {
            leader.traps.saturating_add(1)
        } else {
            leader.traps
        },
        ..mine
    })
}

/// Whether the lease still has this fence: asked before each write on the control plane's behalf.
pub fn still(data: &impl SharedData, keys: &Keys, fence: u64) -> bool {
    let (value, _) = data.get(&keys.leader());
    value
        .as_deref()
        .and_then(|bytes| decode::<Leader>(bytes).ok())
        .is_some_and(|leader| leader.fence == fence)
}

/// Whether a newer plugin configuration leads, and its lease has not run out.
pub fn is_led_by_newer(data: &impl SharedData, keys: &Keys, generation: u64, now_ms: u64) -> bool {
    let (value, _) = data.get(&keys.leader());
    value
        .as_deref()
        .and_then(|bytes| decode::<Leader>(bytes).ok())
        .is_some_and(|leader| leader.generation > generation && leader.until_ms > now_ms)
}

/// Notes that an answer is being decoded, or that it went well (which forgets earlier traps).
pub fn mark_busy(data: &impl SharedData, keys: &Keys, fence: u64, busy: bool) {
    let key = keys.leader();
    let (value, version) = data.get(&key);
    if let Some(leader) = value
        .as_deref()
        .and_then(|bytes| decode::<Leader>(bytes).ok())
        .filter(|leader| leader.fence == fence)
    {
        let traps = if busy { leader.traps } else { 0 };
        // Lost to a new leader: then it is that one's business.
        let _ = data.set(
            &key,
            &encode(&Leader {
                busy,
                traps,
                ..leader
            }),
            version,
        );
    }
}
