//! The way between one gateway and its control plane, with switches: it can be cut, be slow, and lose answers.
//!
//! A TCP proxy. It looks at requests only so far as to tell which call of the gateway API they are.

mod way;

use crate::ports;
use anyhow::Result;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use way::Way;

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
