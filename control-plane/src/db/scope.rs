//! What surrounds the transactions of one call: others are kept out from its first transaction on, and the last one
//! becomes durable only once the call's answer is known, so that both can be written down in it.
//!
//! Inside [`run`], [`Db::begin`] is in this order with all other calls that run so, in this process and in others, and
//! [`Tx::commit`] only promises: the transaction is held until the call ends (or wants another one). Nothing here
//! knows what a call is; that is in its [`Hooks`].

use super::{ACQUIRE_TIMEOUT, Db, Handle, Tx};
use crate::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;

/// What a hook does, in its time.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a call wants done at the edges of its transactions.
pub trait Hooks: Send + Sync {
    /// Once, when the first transaction has begun and nobody else can write. An error ends that transaction.
    fn opened(&self) -> Work<'_, Result<(), Error>>;

    /// In each transaction, last before it becomes durable.
    fn closing<'a>(&'a self, tx: &'a mut Tx) -> Work<'a, Result<(), Error>>;
}

/// One call's transactions.
pub(super) struct Scope {
    hooks: Arc<dyn Hooks>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_open: bool,
    /// Committed as far as the call knows. Never refers back to the scope: both could not be dropped then.
    held: Option<Tx>,
    /// Our place in the line of this process, so that those who wait for others' commits hold no connections.
    turn: Option<OwnedMutexGuard<()>>,
}

tokio::task_local! {
    static SCOPE: Arc<Scope>;
}

/// The scope of the call that this code runs in.
pub(super) fn current() -> Option<Arc<Scope>> {
    SCOPE.try_with(Arc::clone).ok()
}

/// Runs a call, then makes durable what it committed. `answered` learns of the call's result before that.
///
/// # Errors
/// When what it committed cannot be made durable: then nothing of it is.
pub async fn run<T>(
    hooks: Arc<dyn Hooks>,
    call: impl Future<Output = T>,
    answered: impl FnOnce(&T),
) -> Result<T, Error> {
    let scope = Arc::new(Scope {
        hooks,
        state: Mutex::default(),
    });
    let result = SCOPE.scope(Arc::clone(&scope), call).await;
    answered(&result);
    scope.settle().await?;
    Ok(result)
}

impl Scope {
    /// A transaction of this call.
    pub(super) async fn begin(self: Arc<Self>, db: &Db) -> Result<Tx, Error> {
        self.settle().await?;
        if self.state().turn.is_none() {
            let turn = timeout(ACQUIRE_TIMEOUT, Arc::clone(&db.turns).lock_owned()).await;
            self.state().turn = Some(turn.map_err(|_| Error::Busy)?);
        }
        let mut tx = db.begin_plain().await?;
        if matches!(tx.handle(), Handle::Postgres(_)) {
            // SQLite has one writer, and this is it.
            tx.hold_revision().await?;
        }
        if !self.state().is_open {
            self.hooks.opened().await?;
            self.state().is_open = true;
        }
        tx.scope = Some(self);
        Ok(tx)
    }

    /// Takes what was committed, to make it durable later.
    pub(super) fn hold(&self, tx: Tx) {
        self.state().held = Some(tx);
    }

    /// Makes durable what is held.
    pub(super) async fn settle(&self) -> Result<(), Error> {
        let held = self.state().held.take();
        if let Some(mut tx) = held {
            self.hooks.closing(&mut tx).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scope(…)")
    }
}
