//! A demand: how many requests of which application come to which gateway in how much time, to the last one.
//!
//! Each client has a connection that stays open and takes the next request of its gateway when it is due. A gateway
//! that answers late is asked later, and for all that was due.

use crate::http::Connection;
use crate::product::Application;
use anyhow::{Result, ensure};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Connections to each gateway.
const CLIENTS: usize = 24;

/// What is to be sent, in the order of time.
#[derive(Clone, Debug, Default)]
pub struct Demand {
    requests: Vec<Due>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    after: Duration,
    gateway: usize,
    request: usize,
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// How many, by request and status; status 0: no whole answer.
    by_status: BTreeMap<(usize, u16), u64>,
    /// How late the last answer was, against when its request was due.
    pub latest: Duration,
    /// Answers that are neither 200 nor 429, and broken connections, in words; the first of each client.
    pub odd: Vec<String>,
}

// === impl Demand ===

impl Demand {
    /// `count` more of a request (by its place in what [`Demand::send`] is given), evenly over the time, and spread
    /// over the gateways by their shares.
    #[must_use]
    pub fn with(mut self, request: usize, count: u64, shares: &[u32], over: Duration) -> Self {
        let all: u32 = shares.iter().sum();
        // Smooth: whoever is the furthest behind its share is next.
        let mut credit = vec![0_i64; shares.len()];
        for n in 0..count {
            for (credit, share) in credit.iter_mut().zip(shares) {
                *credit += i64::from(*share);
            }
            let most = (0..credit.len()).max_by_key(|at| (credit[*at], std::cmp::Reverse(*at)));
            let gateway = most.unwrap_or_default();
            credit[gateway] -= i64::from(all);
            self.push(over.mul_f64(n as f64 / count as f64), gateway, request);
        }
        self
    }

    /// One request more, at this moment, to this gateway.
    pub fn push(&mut self, after: Duration, gateway: usize, request: usize) {
        self.requests.push(Due {
            after,
            gateway,
            request,
        });
    }

    /// How many requests there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether nothing is to be sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Sends all of it.
    pub async fn send(mut self, gateways: &[SocketAddr], requests: Vec<Vec<u8>>) -> Answers {
        self.requests.sort();
        let requests = Arc::new(requests);
        let began = Instant::now();
        let mut clients = JoinSet::new();
        for (number, address) in gateways.iter().enumerate() {
            let due = self.requests.iter().filter(|due| due.gateway == number);
            let client = Client {
                gateway: *address,
                due: Arc::new(due.copied().collect()),
                next: Arc::default(),
                requests: requests.clone(),
                began,
            };
            for _ in 0..CLIENTS {
                clients.spawn(client.clone().send());
            }
        }
        clients
            .join_all()
            .await
            .into_iter()
            .fold(Answers::default(), Answers::and)
    }
}

#[derive(Clone)]
struct Client {
    gateway: SocketAddr,
    due: Arc<Vec<Due>>,
    /// The next one of `due` that nobody has taken.
    next: Arc<AtomicUsize>,
    requests: Arc<Vec<Vec<u8>>>,
    began: Instant,
}

// === impl Client ===

impl Client {
    async fn send(self) -> Answers {
        let mut answers = Answers::default();
        let mut connection = None;
        while let Some(due) = self.due.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            sleep_until(self.began + due.after).await;
            let status = self.ask(&mut connection, due.request).await;
            answers.add(due.request, status);
            let late = (self.began + due.after).elapsed();
            answers.latest = answers.latest.max(late);
        }
        answers
    }

    async fn ask(&self, connection: &mut Option<Connection>, request: usize) -> Result<u16> {
        let mut open = match connection.take() {
            Some(open) => open,
            None => Connection::open(self.gateway).await?,
        };
        let answer = open.send(&self.requests[request]).await?;
        if open.is_reusable() {
            *connection = Some(open);
        }
        Ok(answer.status)
    }
}

// === impl Answers ===

impl Answers {
    fn add(&mut self, request: usize, status: Result<u16>) {
        let odd = match &status {
            Ok(200 | 429) => None,
            Ok(status) => Some(status.to_string()),
            Err(error) => Some(format!("{error:#}")),
        };
        if self.odd.is_empty() {
            self.odd.extend(odd);
        }
        let status = status.unwrap_or_default();
        *self.by_status.entry((request, status)).or_default() += 1;
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        for (key, count) in others.by_status {
            *self.by_status.entry(key).or_default() += count;
        }
        self.odd.extend(others.odd);
        self.latest = self.latest.max(others.latest);
        self
    }

    /// How many of this request were answered so.
    #[must_use]
    pub fn count(&self, request: usize, status: u16) -> u64 {
        let found = self.by_status.get(&(request, status));
        found.copied().unwrap_or_default()
    }

    /// How many were answered so, whatever was asked.
    #[must_use]
    pub fn with_status(&self, status: u16) -> u64 {
        let found = self.by_status.iter().filter(|((_, it), _)| *it == status);
        found.map(|(_, count)| count).sum()
    }
}

/// Checks that all were admitted or refused, or told to come again in a second: a machine that is busy with other things
/// may let some wait too long, but not many.
///
/// # Errors
/// When there were others, or many of those.
pub fn check(answers: &Answers) -> Result<()> {
    let [admitted, refused, later] = [200, 429, 503].map(|status| answers.with_status(status));
    let all: u64 = answers.by_status.values().sum();
    ensure!(
        admitted + refused + later == all && later <= all / 20,
        "{admitted} times 200, {refused} times 429, {later} times 503 among {all} answers: {:?}",
        answers.odd
    );
    Ok(())
}

/// A request for one letter of each application.
#[must_use]
pub fn letters(applications: &[Application]) -> Vec<Vec<u8>> {
    applications.iter().map(|it| it.get("/letter")).collect()
}
