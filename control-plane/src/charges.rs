//! Charges: what agents that are not our gateways ask for, and what they report, counted in the very cells that gateways
//! hold credit of.
//!
//! A charge comes in by `agent_api`, waits here for its turn, and is decided with all others that wait, in one
//! transaction. All agents together stand for one more process beside the gateways' ([`AGENTS`]) that holds nothing from
//! one transaction to the next: what is granted to it is spent at once, and its usage counted beside it. So
//! `used + leased ≤ limit` holds for a charge as it does for a grant, and credit that is held by gateways is recalled when
//! an agent is short of it.
//!
//! 1. [`once`]: has it been done under its `Idempotency-Key` before?
//! 2. [`work`]: which cells it meets, by the plan as it is now.
//! 3. [`mod@apply`]: sums of the series are locked, then the cells; usage that was reported is counted, and what is asked for
//!    is decided, one after the other ([`decide`]); what was admitted is counted in the series.
//!
//! Locks are taken in the ledger's order: sums of applications, cells by their key, applications, sums of products.

mod apply;
mod counters;
mod decide;
pub mod once;
pub mod standing;
mod work;

use crate::db::Db;
use crate::error::Error;
use once::Once;
use standing::Standing;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tallygate_core::metric::Usage;
use tallygate_core::wire::Instance;
use tokio::sync::{mpsc, oneshot};

pub use counters::Counters;

/// What an agent's call asks for.
#[derive(Clone, Debug)]
pub struct Charge {
    /// What is to be done.
    pub what: What,
    /// Under which key it is done once, if the agent has named one.
    pub once: Option<Once>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum What {
    /// Admit so much of an application's metrics now, on all of their limits or not at all.
    Admit(i64, Usage),
    /// Nothing is taken; but if gateways hold what the limits would have left, they are asked for it.
    Want(i64, Usage),
    /// Count what was used already, whatever the limits say.
    Count(Vec<Line>),
}

/// Usage of an application, methods added to their parents.
#[derive(Clone, Debug)]
pub struct Line {
    /// The application.
    pub application: i64,
    /// When, seconds since 1970.
    pub at_secs: u64,
    /// How much.
    pub usage: Usage,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is done and durable: how the cells stand that it met.
    Taken(Vec<Standing>),
    /// It was done before, under the same key.
    Again,
    /// A limit is in the way: nothing was taken.
    Short {
        /// How the cells stand.
        standings: Vec<Standing>,
        /// Gateways hold what is missing, and have been asked for it: it may be had in a moment.
        soon: bool,
    },
    /// The application may not call.
    NotLive,
}

/// Takes charges from any number of callers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Charges {
    db: Db,
    counters: Counters,
    queue: Arc<OnceLock<mpsc::Sender<Waiting>>>,
}

#[derive(Debug)]
struct Waiting {
    charge: Charge,
    answer: oneshot::Sender<Result<Outcome, Error>>,
}

/// All agents, as cells know who holds or waits.
pub const AGENTS: Instance = *b"tallygate agents";

/// Charges that wait in line before callers are told to come back.
const QUEUE: usize = 2_048;
/// Charges decided in one transaction.
const GROUP: usize = 256;
/// How long a group may take.
const LONGEST: Duration = Duration::from_secs(10);

// === impl What ===

impl What {
    /// How many applications it names, with repetitions.
    fn lines(&self) -> usize {
        match self {
            Self::Admit(..) | Self::Want(..) => 1,
            Self::Count(lines) => lines.len(),
        }
    }
}

// === impl Charges ===

impl Charges {
    /// One for this database.
    #[must_use]
    pub fn new(db: Db, counters: Counters) -> Self {
        Self {
            db,
            counters,
            queue: Arc::default(),
        }
    }

    /// Decides a charge; when this returns an outcome, what it took is durable.
    ///
    /// # Errors
    /// 503 when the database does not answer or limits are being changed, 409 and 422 when the key is taken.
    pub async fn take(&self, charge: Charge) -> Result<Outcome, Error> {
        let (answer, answered) = oneshot::channel();
        self.queue()
            .try_send(Waiting { charge, answer })
            .map_err(|_| Error::Busy)?;
        let outcome = answered.await.unwrap_or(Err(Error::Busy));
        self.counters.count(&outcome);
        outcome
    }

    /// What was done, and refused, for `/metrics`.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The line to the one task that decides, started by who comes first.
    fn queue(&self) -> &mpsc::Sender<Waiting> {
        self.queue.get_or_init(|| {
            let (queue, waiting) = mpsc::channel(QUEUE);
            tokio::spawn(run(self.db.clone(), self.counters.clone(), waiting));
            queue
        })
    }
}

/// Decides what waits, group by group.
async fn run(db: Db, counters: Counters, mut queue: mpsc::Receiver<Waiting>) {
    let mut group = Vec::new();
    while let Some(first) = queue.recv().await {
        let mut lines = first.charge.what.lines();
        group.push(first);
        while lines < GROUP
            && let Ok(next) = queue.try_recv()
        {
            lines += next.charge.what.lines();
            group.push(next);
        }
        let (charges, senders): (Vec<_>, Vec<_>) = group
            .drain(..)
            // Who has gone away would never learn that it was charged.
            .filter(|waiting| !waiting.answer.is_closed())
            .map(|waiting| (waiting.charge, waiting.answer))
            .unzip();
        // In a task of its own, so that a panic costs one group its answers and not all that come after it.
        let (db, counters) = (db.clone(), counters.clone());
        let decided = tokio::spawn(async move {
            let decided = db
                .within(LONGEST, decide_group(&db, &counters, &charges))
                .await;
            decided.unwrap_or_else(|| {
                tracing::error!(
                    "a group of charges took too long: its agents are told to come back"
                );
                Vec::new()
            })
        })
        .await;
        for (sender, outcome) in senders.into_iter().zip(decided.unwrap_or_default()) {
            let _gone = sender.send(outcome);
        }
    }
}

/// Decides a group; when that fails, each charge by itself, so that none can hold up the others.
async fn decide_group(
    db: &Db,
    counters: &Counters,
    charges: &[Charge],
) -> Vec<Result<Outcome, Error>> {
    match apply::apply(db, charges).await {
        Ok(outcomes) => outcomes,
        Err(error) if charges.len() < 2 => vec![Err(error)],
        Err(error) => {
            counters.count_retry();
            tracing::warn!(%error, charges = charges.len(), "a group of charges failed, deciding them one by one");
            let mut outcomes = Vec::with_capacity(charges.len());
            for charge in charges {
                let alone = apply::apply(db, std::slice::from_ref(charge)).await;
                outcomes
                    .push(alone.and_then(|mut outcome| outcome.pop().unwrap_or(Err(Error::Busy))));
            }
            outcomes
        }
    }
}
