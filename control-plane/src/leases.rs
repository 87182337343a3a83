//! Leases: credit for requests that wait for it at a gateway.
//!
//! An ask comes in by `gateway_api::leases`, waits here for its turn, and is decided with all others that wait, in one
//! transaction: cells that many requests meet are locked and written once, and the disk is waited for once. What is
//! granted beside a report of usage goes the ledger's way (`ledger::credit`), with the same [`account`].
//!
//! [`check`] refuses what makes no sense, [`terms`] says what may be granted, [`account`] holds the cells,
//! `tallygate_core::book` decides, [`ask`] leads through it.

pub mod account;
mod ask;
mod check;
mod counters;
pub(crate) mod elsewhere;
pub mod fleet;
pub mod key;
pub mod live;
pub mod terms;
pub mod wire;

use crate::db::Db;
use crate::error::Error;
use live::Live;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tallygate_core::wire::{AskAnswerV1, AskV1};
use tokio::sync::{mpsc, oneshot};

pub use counters::Counters;

/// What a gateway asks, and whose token it came with.
#[derive(Clone, Debug)]
pub struct Question {
    /// The gateway.
    pub gateway: i64,
    /// What it asks.
    pub ask: AskV1,
}

/// Takes questions from any number of callers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Leases {
    shared: Shared,
    queue: Arc<OnceLock<mpsc::Sender<Waiting>>>,
}

/// What every transaction has at hand.
#[derive(Clone, Debug)]
struct Shared {
    db: Db,
    live: Live,
    counters: Counters,
}

#[derive(Debug)]
struct Waiting {
    question: Question,
    answer: oneshot::Sender<Result<AskAnswerV1, Error>>,
}

/// Questions that wait in line before callers are told to come back.
const QUEUE: usize = 2_048;
/// Questions decided in one transaction.
const GROUP: usize = 256;

/// How long a group may take.
const LONGEST: Duration = Duration::from_secs(10);

// === impl Leases ===

impl Leases {
    /// One for this database.
    #[must_use]
    pub fn new(db: Db, live: Live, counters: Counters) -> Self {
        Self {
            shared: Shared { db, live, counters },
            queue: Arc::default(),
        }
    }

    /// Decides an ask; when this returns an answer, what it grants is durable.
    ///
    /// # Errors
    /// When the database does not answer, the ask makes no sense, or the instance is another gateway's or fenced.
    pub async fn ask(&self, question: Question) -> Result<AskAnswerV1, Error> {
        let answer = match check::sense(&question.ask) {
            Ok(()) => self.wait(question).await,
            Err(error) => Err(error),
        };
        self.shared.counters.count(&answer);
        answer
    }

    async fn wait(&self, question: Question) -> Result<AskAnswerV1, Error> {
        let (answer, answered) = oneshot::channel();
        self.queue()
            .try_send(Waiting { question, answer })
            .map_err(|_| Error::Busy)?;
        answered.await.unwrap_or(Err(Error::Busy))
    }

    /// The line to the one task that decides, started by who comes first.
    fn queue(&self) -> &mpsc::Sender<Waiting> {
        self.queue.get_or_init(|| {
            let (queue, waiting) = mpsc::channel(QUEUE);
            tokio::spawn(run(self.shared.clone(), waiting));
            queue
        })
    }
}

/// Decides what waits, group by group.
async fn run(shared: Shared, mut queue: mpsc::Receiver<Waiting>) {
    let mut group = Vec::new();
    while queue.recv_many(&mut group, GROUP).await > 0 {
        let (questions, senders): (Vec<_>, Vec<_>) = group
            .drain(..)
            // Who has gone away needs no credit.
            .filter(|waiting| !waiting.answer.is_closed())
            .map(|waiting| (waiting.question, waiting.answer))
            .unzip();
        if questions.is_empty() {
            continue;
        }
        // In a task of its own, so that a panic costs one group its answers and not all that come after it.
        let shared = shared.clone();
        let decided = tokio::spawn(async move {
            // A connection that has died without a word must not stop those that come after: all ask again.
            let decided = shared.db.within(LONGEST, decide(&shared, &questions)).await;
            decided.unwrap_or_else(|| {
                tracing::error!("a group of asks took too long: whoever still waits asks again");
                Vec::new()
            })
        })
        .await;
        for (sender, answer) in senders.into_iter().zip(decided.unwrap_or_default()) {
            let _gone = sender.send(answer);
        }
    }
}

/// Decides a group; when that fails, each question by itself, so that none can hold up the others.
async fn decide(shared: &Shared, questions: &[Question]) -> Vec<Result<AskAnswerV1, Error>> {
    match ask::apply(&shared.db, &shared.live, questions).await {
        Ok(answers) => answers,
        Err(error) if questions.len() == 1 => vec![Err(error)],
        Err(error) => {
            shared.counters.count_retry();
            tracing::warn!(%error, questions = questions.len(), "a group of asks failed, deciding them one by one");
            let mut answers = Vec::with_capacity(questions.len());
            for question in questions {
                let alone =
                    ask::apply(&shared.db, &shared.live, std::slice::from_ref(question)).await;
                answers.push(alone.and_then(|mut answer| answer.pop().unwrap_or(Err(Error::Busy))));
            }
            answers
        }
    }
}
