//! What comes through: bytes in both directions, as the switches say.

use super::{Call, Counts, Road, Switch};
use anyhow::{Result, bail};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// What each connection needs.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) control_plane: SocketAddr,
    pub(super) watched: watch::Receiver<Switch>,
    pub(super) counts: Arc<Counts>,
}

// === impl Way ===

impl Way {
    /// Takes connections, for ever.
    pub(super) async fn serve(self, listener: TcpListener) {
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

/// What was read; an error at the connection's end.
fn some(buffer: &[u8], count: usize) -> Result<&[u8]> {
    match buffer.get(..count) {
        Some(bytes) if count > 0 => Ok(bytes),
        _ => bail!("closed"),
    }
}
