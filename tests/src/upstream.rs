//! An upstream that keeps a record: who called what in which second. What came this far was admitted.
//!
//! Cheaper than the demo's, which shows what it got, and so fit for loads.

use crate::clock;
use crate::http::{Incoming, Request};
use crate::ports;
use anyhow::Result;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A running upstream; it ends when this is dropped.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    record: Arc<Mutex<Record>>,
    server: JoinHandle<()>,
}

/// What an upstream saw.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Requests by credential and path, and by the second they came in.
    seen: BTreeMap<(String, String), BTreeMap<u64, u64>>,
    /// The longest body, in bytes.
    pub longest_body: usize,
}

// === impl Upstream ===

impl Upstream {
    /// Listens and serves in the background.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(ports::free()?).await?;
        let address = listener.local_addr()?;
        let record = Arc::<Mutex<Record>>::default();
        let server = tokio::spawn(serve(listener, record.clone()));
        Ok(Self {
            address,
            record,
            server,
        })
    }

    /// Its address for the gateways.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has seen so far.
    #[must_use]
    pub fn record(&self) -> Record {
        self.record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, record: Arc<Mutex<Record>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let record = record.clone();
        connections.spawn(async move {
            // A connection that breaks is the gateway's to notice.
            let _ = answer_all(stream, &record).await;
        });
    }
}

async fn answer_all(stream: TcpStream, record: &Mutex<Record>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut incoming = Incoming::new(stream);
    while let Some(request) = incoming.next().await? {
        let second = clock::now()?.as_secs();
        record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(&request, second);
        incoming.answer("ok\n").await?;
    }
    Ok(())
}

// === impl Record ===

impl Record {
    fn add(&mut self, request: &Request, second: u64) {
        let (path, query) = request.target.split_once('?').unwrap_or_default();
        let who = query.strip_prefix("user_key=").unwrap_or(query);
        let of_caller = (who.to_owned(), path.to_owned());
        *self
            .seen
            .entry(of_caller)
            .or_default()
            .entry(second)
            .or_default() += 1;
        self.longest_body = self.longest_body.max(request.body.len());
    }

    /// Requests of this caller in these minutes (of any, by default), whatever the path.
    #[must_use]
    pub fn requests(&self, user_key: &str, minutes: Range<u64>) -> u64 {
        let of_caller = self.seen.iter().filter(|((who, _), _)| who == user_key);
        of_caller.map(|(_, seconds)| count(seconds, &minutes)).sum()
    }

    /// Requests of this caller for this path.
    #[must_use]
    pub fn requests_for(&self, user_key: &str, path: &str, minutes: Range<u64>) -> u64 {
        let of_caller = self.seen.get(&(user_key.to_owned(), path.to_owned()));
        of_caller.map_or(0, |seconds| count(seconds, &minutes))
    }
}

/// Every minute there is.
pub const EVER: Range<u64> = 0..u64::MAX / 60;

fn count(seconds: &BTreeMap<u64, u64>, minutes: &Range<u64>) -> u64 {
    let seconds = seconds.range(minutes.start * 60..minutes.end * 60);
    seconds.map(|(_, count)| count).sum()
}
