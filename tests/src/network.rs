//! The way between one gateway and its control plane, with switches: it can be cut, be slow, and lose answers.
//!
//! A TCP proxy. It looks at requests only so far as to tell which call of the gateway API they are.

use crate::ports;
use anyhow::{Result, bail};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

/// One way. It ends when this is dropped.
#[derive(Debug)]
pub struct Link {
    /// What the gateway takes for the control plane.
    pub address: SocketAddr,
    switch: watch::Sender<Switch>,
    counts: Arc<Counts>,
    server: JoinHandle<()>,
}

/// Whether anything comes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// It does.
    Open,
    /// Whoever connects is turned away at once.
    Refused,
    /// Nothing comes back, not even a refusal, as through a cable that was cut.
    Silent,
}

/// A call of the gateway API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The long poll for changes.
    Snapshot,
    /// Usage, once a second.
    Sync,
    /// A request waits for credit.
    Leases,
}

#[derive(Clone, Copy, Debug)]
struct Switch {
    road: Road,
    delayed: Option<(Call, Duration)>,
    losing: Option<Call>,
}

#[derive(Debug, Default)]
struct Counts {
    asked: [AtomicU64; 3],
    lost: AtomicU64,
}

// === impl Link ===

impl Link {
    /// Opens one to `control_plane`.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn open(control_plane: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(ports::free()?).await?;
        let address = listener.local_addr()?;
        let (switch, watched) = watch::channel(Switch {
            road: Road::Open,
            delayed: None,
            losing: None,
        });
        let counts = Arc::<Counts>::default();
        let way = Way {
            control_plane,
            watched,
            counts: counts.clone(),
        };
        Ok(Self {
            address,
            switch,
            counts,
            server: tokio::spawn(way.serve(listener)),
        })
    }

    /// Its address for the gateway.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts it: connections that are open break, or hang.
    pub fn cut(&self, road: Road) {
        self.switch.send_modify(|switch| switch.road = road);
    }

    /// Opens it again. Connections that hung break.
    pub fn restore(&self) {
        self.cut(Road::Open);
    }

    /// Holds back the answers to this call for so long, or no longer any.
    pub fn delay(&self, delayed: Option<(Call, Duration)>) {
        self.switch.send_modify(|switch| switch.delayed = delayed);
    }

    /// Loses the answers to this call, or no longer any: the control plane has done what was asked of it, and the
    /// gateway sees its connection close.
    pub fn lose_answers(&self, losing: Option<Call>) {
        self.switch.send_modify(|switch| switch.losing = losing);
    }

    /// How many answers were lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.counts.lost.load(Relaxed)
    }

    /// How often the gateway has made this call.
    #[must_use]
    pub fn asked(&self, call: Call) -> u64 {
        self.counts.asked[call as usize].load(Relaxed)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.server.abort();
    }
}

// === impl Call ===

impl Call {
    /// Of the first bytes of a request; Envoy sends a head in one piece, and one request after another.
    fn of(bytes: &[u8]) -> Option<Self> {
        let calls = [
            (&b"GET /gateway/v1/snapshot"[..], Self::Snapshot),
            (b"POST /gateway/v1/sync", Self::Sync),
            (b"POST /gateway/v1/leases", Self::Leases),
        ];
        let found = calls.iter().find(|(begin, _)| bytes.starts_with(begin));
        found.map(|(_, call)| *call)
    }
}

/// What each connection needs.
#[derive(Clone)]
struct Way {
    control_plane: SocketAddr,
    watched: watch::Receiver<Switch>,
    counts: Arc<Counts>,
}

// === impl Way ===

impl Way {
    async fn serve(self, listener: TcpListener) {
        // Dropped with this task: its connections end with it.
        let mut connections = JoinSet::new();
        while let Ok((gateway, _)) = listener.accept().await {
            while connections.try_join_next().is_some() {}
            let way = self.clone();
            connections.spawn(async move {
                // However it ends, both sides see their connection close.
                let _ = way.carry(gateway).await;
            });
        }
    }

    async fn carry(mut self, mut gateway: TcpStream) -> Result<()> {
        let switch = *self.watched.borrow_and_update();
        if switch.road != Road::Open {
            return self.hold(gateway).await;
        }
        let mut control_plane = TcpStream::connect(self.control_plane).await?;
        for stream in [&gateway, &control_plane] {
            stream.set_nodelay(true)?;
        }
        let (mut asked, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
        let mut call = None;
        loop {
            tokio::select! {
                count = gateway.read(&mut asked) => {
                    let bytes = some(&asked, count?)?;
                    if let Some(next) = Call::of(bytes) {
                        self.counts.asked[next as usize].fetch_add(1, Relaxed);
                        call = Some(next);
                    }
                    control_plane.write_all(bytes).await?;
                }
                count = control_plane.read(&mut answered) => {
                    let bytes = some(&answered, count?)?;
                    let switch = *self.watched.borrow();
                    if call.is_some() && switch.losing == call {
                        self.counts.lost.fetch_add(1, Relaxed);
                        bail!("an answer is lost");
                    }
                    if let Some((_, time)) = switch.delayed.filter(|(slow, _)| Some(*slow) == call) {
                        sleep(time).await;
                    }
                    gateway.write_all(bytes).await?;
                }
                changed = self.watched.changed() => {
                    changed?;
                    if self.watched.borrow_and_update().road != Road::Open {
                        return self.hold(gateway).await;
                    }
                }
            }
        }
    }

    /// A connection that leads nowhere: it breaks at once, or when the road is no longer silent.
    async fn hold(mut self, gateway: TcpStream) -> Result<()> {
        let silent = |switch: &Switch| switch.road == Road::Silent;
        if silent(&self.watched.borrow()) {
            self.watched.wait_for(|switch| !silent(switch)).await?;
        }
        drop(gateway);
        Ok(())
    }
}

/// What was read; an error at the connection's end.
fn some(buffer: &[u8], count: usize) -> Result<&[u8]> {
    match buffer.get(..count) {
        Some(bytes) if count > 0 => Ok(bytes),
        _ => bail!("closed"),
    }
}
