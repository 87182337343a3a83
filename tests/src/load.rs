//! A load that keeps count: every request's status, every broken connection, and when things went wrong.

use crate::http::Connection;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// What is sent, by how many clients, how often each.
#[derive(Clone, Debug)]
pub struct Load {
    /// To whom.
    pub target: SocketAddr,
    /// One request's bytes.
    pub request: Vec<u8>,
    /// Clients, each with a connection that stays open.
    pub clients: u32,
    /// Between two requests of one client.
    pub pause: Duration,
}

/// A load under way.
#[derive(Debug)]
pub struct Running {
    stop: Arc<AtomicBool>,
    so_far: Arc<Mutex<BTreeMap<u16, u64>>>,
    clients: JoinSet<Tally>,
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Answers by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests without a whole answer, and why.
    pub broken: Vec<String>,
    /// When each answer other than 200, and each broken request, came.
    pub bad_at: Vec<Instant>,
    /// Clients that got such an answer or none.
    pub clients_hit: u32,
    /// The longest that an answer took.
    pub longest: Duration,
}

// === impl Load ===

impl Load {
    /// Begins.
    #[must_use]
    pub fn start(self) -> Running {
        let stop = Arc::new(AtomicBool::new(false));
        let so_far = Arc::<Mutex<BTreeMap<u16, u64>>>::default();
        let mut clients = JoinSet::new();
        for number in 0..self.clients {
            let load = self.clone();
            let (stop, so_far) = (stop.clone(), so_far.clone());
            clients.spawn(async move {
                // Spread over the pause, so that the load is even.
                sleep(load.pause * number / load.clients.max(1)).await;
                load.client(&stop, &so_far).await
            });
        }
        Running {
            stop,
            so_far,
            clients,
        }
    }

    async fn client(&self, stop: &AtomicBool, so_far: &Mutex<BTreeMap<u16, u64>>) -> Tally {
        let mut tally = Tally::default();
        let mut connection = None;
        let mut ticks = interval(self.pause.max(Duration::from_micros(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.load(Ordering::Relaxed) {
            ticks.tick().await;
            let began = Instant::now();
            let answer = async {
                let mut open = match connection.take() {
                    Some(open) => open,
                    None => Connection::open(self.target).await?,
                };
                let answer = open.send(&self.request).await?;
                if open.is_reusable() {
                    connection = Some(open);
                }
                anyhow::Ok(answer)
            }
            .await;
            tally.longest = tally.longest.max(began.elapsed());
            match answer {
                Ok(answer) => {
                    *tally.by_status.entry(answer.status).or_default() += 1;
                    let mut so_far = so_far.lock().unwrap_or_else(PoisonError::into_inner);
                    *so_far.entry(answer.status).or_default() += 1;
                    if answer.status != 200 {
                        tally.bad_at.push(Instant::now());
                    }
                }
                Err(error) => {
                    tally.broken.push(format!("{error:#}"));
                    tally.bad_at.push(Instant::now());
                }
            }
        }
        tally.clients_hit = u32::from(!tally.bad_at.is_empty());
        tally
    }
}

// === impl Running ===

impl Running {
    /// How many were answered so, so far.
    #[must_use]
    pub fn count(&self, status: u16) -> u64 {
        let so_far = self.so_far.lock().unwrap_or_else(PoisonError::into_inner);
        so_far.get(&status).copied().unwrap_or_default()
    }

    /// Ends after the requests under way, and gives back the count of all.
    pub async fn finish(self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        let tallies = self.clients.join_all().await;
        tallies.into_iter().fold(Tally::default(), Tally::and)
    }
}

// === impl Tally ===

impl Tally {
    /// This and another.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (status, count) in other.by_status {
            *self.by_status.entry(status).or_default() += count;
        }
        self.broken.extend(other.broken);
        self.bad_at.extend(other.bad_at);
        self.bad_at.sort_unstable();
        self.clients_hit += other.clients_hit;
        self.longest = self.longest.max(other.longest);
        self
    }

    /// Requests admitted.
    #[must_use]
    pub fn admitted(&self) -> u64 {
        self.by_status.get(&200).copied().unwrap_or_default()
    }

    /// Whether every request was answered with 200.
    #[must_use]
    pub fn is_all_good(&self) -> bool {
        self.broken.is_empty() && self.by_status.keys().all(|status| *status == 200)
    }

    /// From the first to the last answer that was not 200.
    #[must_use]
    pub fn bad_for(&self) -> Duration {
        match (self.bad_at.first(), self.bad_at.last()) {
            (Some(first), Some(last)) => *last - *first,
            _ => Duration::ZERO,
        }
    }
}
