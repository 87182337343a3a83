//! How often something was tried within a window of time.

use crate::db::Tx;
use crate::error::Error;
use crate::{on, row, run};

row! {
    /// A counter.
    #[derive(Clone, Copy, Debug)]
    pub struct Counted {
        /// How often, this time included.
        pub count: i64,
        /// When it begins anew, milliseconds since 1970.
        pub window_end: i64,
    }
}

/// Counts once more; a window that has ended begins anew, and ends at `window_end`.
///
/// # Errors
/// When the database does not answer.
pub async fn count(
    tx: &mut Tx,
    digest: &[u8],
    now_ms: i64,
    window_end: i64,
) -> Result<Counted, Error> {
    Ok(on!(tx, |c| {
        sqlx::query_as::<_, Counted>(
        "insert into throttle (digest, count, window_end) values ($1, 1, $2)
         on conflict (digest) do update
         set count = case when throttle.window_end <= $3 then 1 else throttle.count + 1 end,
             window_end = case when throttle.window_end <= $3 then excluded.window_end else throttle.window_end end
         returning count, window_end"
    )
    .bind(digest)
    .bind(window_end)
    .bind(now_ms)
    .fetch_one(c)
    })?)
}

/// Begins anew.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(tx: &mut Tx, digest: &[u8]) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from throttle where digest = $1"
    )
    .bind(digest)
    .execute(c))?;
    Ok(())
}

/// Forgets windows that have ended.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(tx: &mut Tx, now_ms: i64) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "delete from throttle where window_end <= $1"
    )
    .bind(now_ms)
    .execute(c))?;
    Ok(())
}
