//! Exactly once: which batch of an instance is the next.
//!
//! An instance numbers its batches from 1 in each epoch of the ledger and sends one until it is
//! acknowledged. `last_seq` moves in the transaction that applies the batch, by a conditional update.

use super::Delivery;
use crate::db::Tx;
use crate::error::Error;
use crate::store::ledger::instances::{self, Batch, Instance};
use crate::store::ledger::quarantine;
use axum::http::StatusCode;
use sha2::{Digest as _, Sha256};

/// What became of a delivery.
#[derive(Debug)]
pub(super) enum Claim {
    /// It is the next batch: apply it.
    Next {
        /// How many batches before it are missing: history was lost.
        lost: u64,
    },
    /// Nothing to apply.
    Known {
        /// The last batch in the ledger.
        ack: u64,
        /// What was rejected of it.
        rejected: Vec<(u32, String)>,
        /// There was a batch, and it had been applied before.
        again: bool,
    },
    /// Nothing is taken from this instance.
    Refused(Error),
}

/// Finds out, and moves the instance on.
pub(super) async fn claim(
    tx: &mut Tx,
    epoch: i64,
    now_ms: i64,
    delivery: &Delivery,
) -> Result<Claim, Error> {
    let sync = &delivery.sync;
    // Of another epoch: the sender learns ours, and numbers its batches again.
    let seq = if sync.epoch == epoch { sync.seq } else { 0 };
    let Ok(seq) = i64::try_from(seq) else {
        return Ok(Claim::Refused(Error::invalid("seq", "is too large")));
    };
    let digest = Sha256::digest(&sync.rows);
    let batch = Batch {
        instance: &sync.instance,
        epoch,
        seq,
        digest: &digest,
        gateway: delivery.gateway,
        draining: sync.draining,
    };
    if seq > 0 && instances::take_next(tx, batch, now_ms).await? {
        return Ok(Claim::Next { lost: 0 });
    }
    let mut claim = match instances::lock_instance(tx, batch).await? {
        Some(instance) => of_known(tx, batch, instance, now_ms).await?,
        None => first_contact(tx, batch, now_ms).await?,
    };
    if sync.epoch != epoch
        && let Claim::Known { ack, .. } = &mut claim
    {
        // The backup may have some of what still waits there, unacknowledged: that must not come again.
        *ack = instances::last_seq(tx, &sync.instance, sync.epoch).await?;
    }
    Ok(claim)
}

async fn first_contact(tx: &mut Tx, batch: Batch<'_>, now_ms: i64) -> Result<Claim, Error> {
    if !instances::enter_instance(tx, batch, now_ms).await? {
        // Another replica entered it between two statements of ours.
        return match instances::lock_instance(tx, batch).await? {
            Some(instance) => of_known(tx, batch, instance, now_ms).await,
            None => Ok(Claim::Refused(Error::Busy)),
        };
    }
    Ok(if batch.seq == 0 {
        Claim::Known {
            ack: 0,
            rejected: Vec::new(),
            again: false,
        }
    } else {
        next(batch, batch.seq - 1)
    })
}

async fn of_known(
    tx: &mut Tx,
    batch: Batch<'_>,
    instance: Instance,
    now_ms: i64,
) -> Result<Claim, Error> {
    // A gateway that was given a new token goes on under it; nobody else may speak for it.
    if instance.gateway_id != batch.gateway
        && !instances::gateway_is_removed(tx, instance.gateway_id).await?
    {
        return Ok(Claim::Refused(anothers()));
    }
    if instance.fenced {
        return Ok(Claim::Refused(fenced()));
    }
    if batch.seq > instance.last_seq {
        let lost = batch.seq - instance.last_seq - 1;
        instances::move_instance(tx, batch, lost, now_ms).await?;
        return Ok(next(batch, lost));
    }
    let same_again = batch.seq > 0 && batch.seq == instance.last_seq;
    if same_again && instance.last_digest.as_deref() != Some(batch.digest) {
        tracing::error!(
            instance = hex::encode(batch.instance),
            gateway = batch.gateway,
            seq = batch.seq,
            "two processes report usage under one instance name: nothing more is taken from it; start them with empty shared data"
        );
        instances::fence(tx, batch).await?;
        return Ok(Claim::Refused(fenced()));
    }
    instances::note_instance(tx, batch, now_ms).await?;
    let rejected = if same_again {
        quarantine::of_batch(tx, batch)
            .await?
            .into_iter()
            .map(|row| (u32::try_from(row.row_index).unwrap_or(u32::MAX), row.reason))
            .collect()
    } else {
        Vec::new()
    };
    Ok(Claim::Known {
        ack: instance.last_seq.unsigned_abs(),
        rejected,
        again: batch.seq > 0,
    })
}

fn next(batch: Batch<'_>, lost: i64) -> Claim {
    if lost > 0 {
        tracing::error!(
            instance = hex::encode(batch.instance),
            gateway = batch.gateway,
            seq = batch.seq,
            lost,
            "usage batches are missing from the ledger: was the database restored from a backup?"
        );
    }
    Claim::Next {
        lost: lost.unsigned_abs(),
    }
}

/// The instance is another gateway's.
pub(crate) fn anothers() -> Error {
    Error::Forbidden(
        "this instance reports under another gateway's token: remove that gateway if this one has taken its place",
    )
}

/// Nothing is taken from the instance any more.
pub(crate) fn fenced() -> Error {
    Error::Refused(
        StatusCode::CONFLICT,
        "another process reports usage under this instance name: start the gateway anew".into(),
    )
}
