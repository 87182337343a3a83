//! HTTP/1.1 by hand: what is sent is exactly what the test wrote, and what comes back is read with care.

mod incoming;
mod reader;

pub use incoming::{Incoming, Request};

use anyhow::{Context as _, Result, bail};
use reader::{Message, Reader};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::timeout;

/// Longer than any answer should take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// A connection that stays open between requests.
#[derive(Debug)]
pub struct Connection {
    writer: OwnedWriteHalf,
    reader: Reader,
}

// === impl Answer ===

impl Answer {
    fn of(message: Message) -> Result<Self> {
        let status = message.start.split(' ').nth(1);
        let status = status.and_then(|status| status.parse().ok());
        Ok(Self {
            status: status.with_context(|| format!("not a status line: {:?}", message.start))?,
            headers: message.headers,
            body: message.body,
        })
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| String::from_utf8_lossy(&self.body).into_owned())
    }
}

// === impl Connection ===

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = timeout(TIMEOUT, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        let (stream, writer) = stream.into_split();
        let reader = Reader::new(stream);
        Ok(Self { writer, reader })
    }

    /// Whether the server keeps it open for another request.
    #[must_use]
    pub fn is_reusable(&self) -> bool {
        self.reader.is_reusable()
    }

    /// Sends these bytes and reads one answer.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is not an answer.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer> {
        timeout(TIMEOUT, async {
            self.writer.write_all(request).await.context("sending")?;
            let answer = self.reader.answer().await?;
            Answer::of(answer.context("closed without an answer")?)
        })
        .await
        .context("no answer in time")?
    }

    /// Sends what it can (a server that has heard enough may answer and close before all is sent), says that no more
    /// will come if `then_end`, and reads one answer.
    ///
    /// # Errors
    /// When what comes is not an answer. `None`: closed without one.
    pub async fn send_hostile(&mut self, request: &[u8], then_end: bool) -> Result<Option<Answer>> {
        let Self { writer, reader } = self;
        let sending = async {
            let _ = writer.write_all(request).await;
            if then_end {
                let _ = writer.shutdown().await;
            }
            std::future::pending().await
        };
        tokio::select! {
            answer = timeout(TIMEOUT, reader.answer()) => {
                answer.context("no answer in time")??.map(Answer::of).transpose()
            }
            never = sending => never,
        }
    }
}

/// The bytes of a request; `host` is added unless given.
#[must_use]
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\n");
    if !headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("host"))
    {
        text.push_str("host: 127.0.0.1\r\n");
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A request on a connection of its own.
///
/// # Errors
/// When there is no answer.
pub async fn send_once(address: SocketAddr, request: &[u8]) -> Result<Answer> {
    Connection::open(address).await?.send(request).await
}

/// A GET on a connection of its own.
///
/// # Errors
/// When there is no answer.
pub async fn get(address: SocketAddr, target: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    send_once(address, &request("GET", target, headers, b"")).await
}

/// A POST of an urlencoded form on a connection of its own.
///
/// # Errors
/// When there is no answer.
pub async fn post_form(address: SocketAddr, target: &str, form: &str) -> Result<Answer> {
    let length = form.len().to_string();
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-length", length.as_str()),
    ];
    send_once(address, &request("POST", target, &headers, form.as_bytes())).await
}

/// The address in `http://ADDRESS`.
///
/// # Errors
/// When it is something else.
pub fn address_of(url: &str) -> Result<SocketAddr> {
    match url.strip_prefix("http://") {
        Some(address) => Ok(address.parse()?),
        None => bail!("{url} is not http://ADDRESS:PORT"),
    }
}
