//! Ports that nobody listens on, outside the range from which the kernel takes ports for outgoing connections.

use anyhow::{Result, bail};
use rand::RngExt as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// A loopback address that was free a moment ago.
///
/// # Errors
/// When none is found.
pub fn free() -> Result<SocketAddr> {
    for _ in 0..200 {
        let port = rand::rng().random_range(15_000..30_000);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no free port between 15000 and 30000")
}
