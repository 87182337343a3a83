//! One transaction, on either database.

use super::{Handle, NOW_MS, local_now_ms};
use crate::error::Error;
use crate::{on, run};
use sqlx::{PgConnection, PgTransaction, SqliteConnection, SqliteTransaction};
use tokio::sync::watch;

/// A transaction. Dropped without [`Tx::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Tx {
    inner: Handle<SqliteTransaction<'static>, PgTransaction<'static>>,
    revision: Option<i64>,
    revisions: watch::Sender<i64>,
}

impl Tx {
    pub(super) fn new(
        inner: Handle<SqliteTransaction<'static>, PgTransaction<'static>>,
        revisions: watch::Sender<i64>,
    ) -> Self {
        Self {
            inner,
            revision: None,
            revisions,
        }
    }

    /// What queries run on.
    pub fn handle(&mut self) -> Handle<&mut SqliteConnection, &mut PgConnection> {
        match &mut self.inner {
            Handle::Sqlite(tx) => Handle::Sqlite(tx),
            Handle::Postgres(tx) => Handle::Postgres(tx),
        }
    }

    /// The database's clock, milliseconds since 1970.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn now_ms(&mut self) -> Result<i64, Error> {
        match &mut self.inner {
            Handle::Sqlite(_) => Ok(local_now_ms()),
            Handle::Postgres(tx) => Ok(sqlx::query_scalar(NOW_MS).fetch_one(&mut **tx).await?),
        }
    }

    /// The revision to stamp on what gateways must see; the same one throughout the transaction.
    ///
    /// It locks: revisions become visible in their order because the next one waits for this commit.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn next_revision(&mut self) -> Result<i64, Error> {
        if let Some(revision) = self.revision {
            return Ok(revision);
        }
        let revision = on!(self, |c| sqlx::query_scalar::<_, i64>(
            "update revision set n = n + 1 where one = 1 returning n"
        )
        .fetch_one(c))?;
        self.revision = Some(revision);
        Ok(revision)
    }

    /// Keeps others from taking a revision until this transaction ends, without taking one: changes which
    /// gateways do not see yet, but which must not overlap with those that they do.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hold_revision(&mut self) -> Result<(), Error> {
        run!(self, |c| sqlx::query(
            "update revision set n = n where one = 1"
        )
        .execute(c))?;
        Ok(())
    }

    /// Makes it durable, then wakes whoever waits for revisions.
    ///
    /// # Errors
    /// When the database could not; nothing is written then.
    pub async fn commit(self) -> Result<(), Error> {
        match self.inner {
            Handle::Sqlite(tx) => tx.commit().await?,
            Handle::Postgres(tx) => tx.commit().await?,
        }
        if let Some(revision) = self.revision {
            announce(&self.revisions, revision);
        }
        Ok(())
    }
}

/// Revisions only go forward, whoever learns of them first.
pub(super) fn announce(revisions: &watch::Sender<i64>, revision: i64) {
    revisions.send_if_modified(|newest| {
        let newer = revision > *newest;
        if newer {
            *newest = revision;
        }
        newer
    });
}
