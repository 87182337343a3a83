//! One transaction, on either database.

use super::scope::Scope;
use super::{Handle, NOW_MS, local_now_ms};
use crate::error::Error;
use crate::secrets::Secrets;
use crate::{on, run};
use sqlx::{PgConnection, PgTransaction, SqliteConnection, SqliteTransaction};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// A transaction. Dropped without [`Tx::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Tx {
    inner: Handle<SqliteTransaction<'static>, PgTransaction<'static>>,
    revision: Option<i64>,
    revisions: watch::Sender<i64>,
    secrets: Arc<OnceLock<Secrets>>,
    /// The call it is a transaction of.
    pub(super) scope: Option<Arc<Scope>>,
    /// See [`super::Db::pass_time`].
    ahead: Arc<AtomicI64>,
}

/// The name of PostgreSQL's advisory lock on limits, in this database.
const LIMITS: i64 = 0x7461_6c6c_7967_6174;

impl Tx {
    pub(super) fn new(
        inner: Handle<SqliteTransaction<'static>, PgTransaction<'static>>,
        revisions: watch::Sender<i64>,
        secrets: Arc<OnceLock<Secrets>>,
        ahead: Arc<AtomicI64>,
    ) -> Self {
        Self {
            inner,
            revision: None,
            revisions,
            secrets,
            scope: None,
            ahead,
        }
    }

    /// What queries run on.
    pub fn handle(&mut self) -> Handle<&mut SqliteConnection, &mut PgConnection> {
        match &mut self.inner {
            Handle::Sqlite(tx) => Handle::Sqlite(tx),
            Handle::Postgres(tx) => Handle::Postgres(tx),
        }
    }

    /// What seals events ([`super::Db::seal_with`]).
    #[must_use]
    pub fn secrets(&self) -> Option<Secrets> {
        self.secrets.get().cloned()
    }

    /// Lets the statements of this transaction take their time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_time(&mut self) -> Result<(), Error> {
        if let Handle::Postgres(tx) = &mut self.inner {
            for statement in [
                "set local statement_timeout = 0",
                "set local lock_timeout = 0",
            ] {
                sqlx::query(statement).execute(&mut **tx).await?;
            }
        }
        Ok(())
    }

    /// The database's clock, milliseconds since 1970.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn now_ms(&mut self) -> Result<i64, Error> {
        let now_ms: i64 = match &mut self.inner {
            Handle::Sqlite(_) => local_now_ms(),
            Handle::Postgres(tx) => sqlx::query_scalar(NOW_MS).fetch_one(&mut **tx).await?,
        };
        Ok(now_ms + self.ahead.load(Ordering::Relaxed))
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

    /// Keeps credit from being granted by limits that this transaction is about to change: a plan's, or those that an
    /// application moves to. It comes after [`Self::hold_revision`] and waits for grants under way, never the other
    /// way round.
    ///
    /// A lock of its own and not that of the rows: it costs who grants nothing per row, and who changes limits is not
    /// kept waiting by grants that come later.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hold_limits(&mut self) -> Result<(), Error> {
        match &mut self.inner {
            // One writer at a time, by nature.
            Handle::Sqlite(_) => {}
            Handle::Postgres(tx) => {
                sqlx::query("select pg_advisory_xact_lock($1)")
                    .bind(LIMITS)
                    .execute(&mut **tx)
                    .await?;
            }
        }
        Ok(())
    }

    /// Keeps limits as they are until this transaction ends, if nobody is changing any at the moment; never waits.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn share_limits(&mut self) -> Result<bool, Error> {
        match &mut self.inner {
            Handle::Sqlite(_) => Ok(true),
            Handle::Postgres(tx) => Ok(sqlx::query_scalar(
                "select pg_try_advisory_xact_lock_shared($1)",
            )
            .bind(LIMITS)
            .fetch_one(&mut **tx)
            .await?),
        }
    }

    /// Makes it durable, then wakes whoever waits for revisions; in a call, once that is answered ([`super::scope`]).
    ///
    /// # Errors
    /// When the database could not; nothing is written then.
    pub async fn commit(mut self) -> Result<(), Error> {
        if let Some(scope) = self.scope.take() {
            scope.hold(self);
            return Ok(());
        }
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
