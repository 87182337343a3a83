//! SQL of instances: which batch of each gateway process was the last.

use crate::db::{Handle, Tx};
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// What is known of an instance in this epoch.
    #[derive(Clone, Debug)]
    pub struct Instance {
        /// The last batch that was taken.
        pub last_seq: i64,
        /// SHA-256 of its rows.
        pub last_digest: Option<Vec<u8>>,
        /// The gateway it belongs to.
        pub gateway_id: i64,
        /// Nothing more is taken from it.
        pub fenced: bool,
    }
}

/// A batch on its way in.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The gateway process.
    pub instance: &'a [u8],
    /// The ledger's epoch.
    pub epoch: i64,
    /// The batch's number.
    pub seq: i64,
    /// SHA-256 of its rows.
    pub digest: &'a [u8],
    /// The gateway whose token brought it.
    pub gateway: i64,
    /// Whether the gateway is being drained.
    pub draining: bool,
}

/// Takes the next batch of a known instance: the conditional update that makes batches count once.
///
/// # Errors
/// When the database does not answer.
pub async fn take_next(tx: &mut Tx, batch: Batch<'_>, now_ms: i64) -> Result<bool, Error> {
    let taken = run!(tx, |c| {
        sqlx::query(
        "update instance set last_seq = $1, last_digest = $2, last_seen_at = $3, draining = $4
         where instance = $5 and epoch = $6 and last_seq = $1 - 1 and gateway_id = $7 and not fenced"
    )
    .bind(batch.seq)
    .bind(batch.digest)
    .bind(now_ms)
    .bind(batch.draining)
    .bind(batch.instance)
    .bind(batch.epoch)
    .bind(batch.gateway)
    .execute(c)
    })?;
    Ok(taken == 1)
}

/// Locks an instance; none when it was never heard of. Who is refused is not heard of by asking.
///
/// # Errors
/// When the database does not answer.
pub async fn lock_instance(tx: &mut Tx, batch: Batch<'_>) -> Result<Option<Instance>, Error> {
    macro_rules! select {
        ($lock:literal) => {
            concat!(
                "select last_seq, last_digest, gateway_id, fenced from instance where instance = $1 and epoch = $2",
                $lock
            )
        };
    }
    Ok(match tx.handle() {
        // One writer at a time, by nature.
        Handle::Sqlite(c) => {
            sqlx::query_as(select!(""))
                .bind(batch.instance)
                .bind(batch.epoch)
                .fetch_optional(c)
                .await?
        }
        Handle::Postgres(c) => {
            sqlx::query_as(select!(" for no key update"))
                .bind(batch.instance)
                .bind(batch.epoch)
                .fetch_optional(c)
                .await?
        }
    })
}

/// The last batch that was taken of an instance in this or an earlier epoch; 0 when none was.
///
/// # Errors
/// When the database does not answer.
pub async fn last_seq(tx: &mut Tx, instance: &[u8], epoch: i64) -> Result<u64, Error> {
    let last_seq = on!(tx, |c| sqlx::query_scalar::<_, i64>(
        "select last_seq from instance where instance = $1 and epoch = $2"
    )
    .bind(instance)
    .bind(epoch)
    .fetch_optional(c))?;
    Ok(last_seq.unwrap_or_default().unsigned_abs())
}

/// Enters an instance heard of for the first time; false when somebody else just did.
///
/// # Errors
/// When the database does not answer.
pub async fn enter_instance(tx: &mut Tx, batch: Batch<'_>, now_ms: i64) -> Result<bool, Error> {
    let gaps = (batch.seq - 1).max(0);
    let digest = (batch.seq > 0).then_some(batch.digest);
    let entered = run!(tx, |c| {
        sqlx::query(
        "insert into instance (instance, epoch, last_seq, last_digest, gateway_id, first_seen_at, last_seen_at, draining, gaps)
         values ($1, $2, $3, $4, $5, $6, $6, $7, $8) on conflict (instance, epoch) do nothing"
    )
    .bind(batch.instance)
    .bind(batch.epoch)
    .bind(batch.seq)
    .bind(digest)
    .bind(batch.gateway)
    .bind(now_ms)
    .bind(batch.draining)
    .bind(gaps)
    .execute(c)
    })?;
    Ok(entered == 1)
}

/// Moves a locked instance on to this batch, and to this gateway.
///
/// # Errors
/// When the database does not answer.
pub async fn move_instance(
    tx: &mut Tx,
    batch: Batch<'_>,
    gaps: i64,
    now_ms: i64,
) -> Result<(), Error> {
    run!(tx, |c| {
        sqlx::query(
        "update instance set last_seq = $1, last_digest = $2, draining = $3, gateway_id = $4, gaps = gaps + $5,
         last_seen_at = $8 where instance = $6 and epoch = $7"
    )
    .bind(batch.seq)
    .bind(batch.digest)
    .bind(batch.draining)
    .bind(batch.gateway)
    .bind(gaps)
    .bind(batch.instance)
    .bind(batch.epoch)
    .bind(now_ms)
    .execute(c)
    })?;
    Ok(())
}

/// Notes of a locked instance that it was heard of, and what a call without a batch says.
///
/// # Errors
/// When the database does not answer.
pub async fn note_instance(tx: &mut Tx, batch: Batch<'_>, now_ms: i64) -> Result<(), Error> {
    run!(tx, |c| {
        sqlx::query(
        "update instance set draining = $1, gateway_id = $2, last_seen_at = $3 where instance = $4 and epoch = $5"
    )
    .bind(batch.draining)
    .bind(batch.gateway)
    .bind(now_ms)
    .bind(batch.instance)
    .bind(batch.epoch)
    .execute(c)
    })?;
    Ok(())
}

/// Takes nothing more from a locked instance.
///
/// # Errors
/// When the database does not answer.
pub async fn fence(tx: &mut Tx, batch: Batch<'_>) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "update instance set fenced = true where instance = $1 and epoch = $2"
    )
    .bind(batch.instance)
    .bind(batch.epoch)
    .execute(c))?;
    Ok(())
}

/// Whether a gateway has been removed.
///
/// # Errors
/// When the database does not answer.
pub async fn gateway_is_removed(tx: &mut Tx, gateway: i64) -> Result<bool, Error> {
    let removed = on!(tx, |c| sqlx::query_scalar::<_, Option<i64>>(
        "select deleted_at from gateway where id = $1"
    )
    .bind(gateway)
    .fetch_optional(c))?;
    Ok(removed.is_none_or(|deleted_at| deleted_at.is_some()))
}
