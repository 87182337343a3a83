//! When the control plane was last heard of: how long credit is good, and whether it is away.
//!
//! One value of shared data, by this machine's clock, written by whoever calls; every VM reads it on its tick.

use crate::lease::{AWAY_MS, MARGIN_MS, TTL_MS};
use crate::shared::{Keys, SharedData};
use crate::wire::{decode, encode};
use serde::{Deserialize, Serialize};

/// Answers that come closer upon another are not noted, in milliseconds.
const HEARD_EVERY_MS: u64 = 500;

/// How it stands between this gateway and the control plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// When the last sync that was answered was sent, milliseconds since 1970.
    pub sent_ms: u64,
    /// When the control plane answered anything for the last time.
    pub answered_ms: u64,
    /// The ledger's epoch, as that answer told it.
    pub epoch: i64,
    /// A call has failed since: it was refused a connection, took too long, or met an error.
    pub failed: bool,
    /// The control plane answers, and refuses this gateway: its token was revoked.
    pub refused: bool,
}

impl Contact {
    /// What is known; nothing before the first answer.
    #[must_use]
    pub fn read(data: &impl SharedData, keys: &Keys) -> Self {
        let (value, _) = data.get(&keys.contact());
        value
            .as_deref()
            .and_then(|bytes| decode(bytes).ok())
            .unwrap_or_default()
    }

    /// Notes a sync that was answered. An answer to an earlier one changes nothing, unless the clock was set back since.
    pub fn answered(data: &impl SharedData, keys: &Keys, epoch: i64, sent_ms: u64, now_ms: u64) {
        Self::change(data, keys, |known| {
            (sent_ms > known.sent_ms || known.sent_ms > now_ms).then_some(Self {
                sent_ms,
                answered_ms: now_ms,
                epoch,
                failed: false,
                refused: false,
            })
        });
    }

    /// Notes that a call of another kind was answered: the control plane is there, however long a sync takes.
    pub fn heard(data: &impl SharedData, keys: &Keys, now_ms: u64) {
        Self::change(data, keys, |known| {
            let old = now_ms >= known.answered_ms.saturating_add(HEARD_EVERY_MS);
            let ever = known.answered_ms != 0;
            (ever && (old || known.failed)).then_some(Self {
                answered_ms: now_ms.max(known.answered_ms),
                failed: false,
                ..known
            })
        });
    }

    /// Notes that a call has failed. When nothing has been answered for long enough, the control plane is away.
    pub fn failed(data: &impl SharedData, keys: &Keys) {
        Self::change(data, keys, |known| {
            (!known.failed).then_some(Self {
                failed: true,
                ..known
            })
        });
    }

    /// Notes that the control plane refuses this gateway.
    pub fn refused(data: &impl SharedData, keys: &Keys) {
        Self::change(data, keys, |known| {
            (!known.refused).then_some(Self {
                refused: true,
                ..known
            })
        });
    }

    /// Whether credit may be spent.
    #[must_use]
    pub fn credit_is_valid(&self, now_ms: u64) -> bool {
        // A clock that was set back tells nothing of how long it was: the next answer does, within a second.
        self.sent_ms <= now_ms.saturating_add(MARGIN_MS)
            && now_ms < self.sent_ms.saturating_add(TTL_MS - MARGIN_MS)
    }

    /// Whether the control plane answers nobody any more: a call has failed, and nothing was answered for long enough. One
    /// that refuses is there, one that is slow is there, and of one that nobody has called (because the leader's VM has
    /// trapped) nothing is known.
    #[must_use]
    pub fn is_away(&self, now_ms: u64) -> bool {
        let ever = self.answered_ms != 0;
        ever && self.failed && !self.refused && now_ms >= self.answered_ms.saturating_add(AWAY_MS)
    }

    fn change(data: &impl SharedData, keys: &Keys, next: impl Fn(Self) -> Option<Self>) {
        let key = keys.contact();
        loop {
            let (value, version) = data.get(&key);
            let known = value
                .as_deref()
                .and_then(|bytes| decode(bytes).ok())
                .unwrap_or_default();
            let Some(next) = next(known) else { return };
            if data.set(&key, &encode(&next), version).is_ok() {
                return;
            }
        }
    }
}
