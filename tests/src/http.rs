//! HTTP/1.1 by hand: what is sent is exactly what the test wrote, and what comes back is read with care.

use anyhow::{Context as _, Result, bail, ensure};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
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

#[derive(Debug)]
struct Reader {
    stream: OwnedReadHalf,
    unread: Vec<u8>,
    reusable: bool,
}

// === impl Answer ===

impl Answer {
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
        let reader = Reader {
            stream,
            unread: Vec::new(),
            reusable: true,
        };
        Ok(Self { writer, reader })
    }

    /// Whether the server keeps it open for another request.
    #[must_use]
    pub fn is_reusable(&self) -> bool {
        self.reader.reusable
    }

    /// Sends these bytes and reads one answer.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is not an answer.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer> {
        timeout(TIMEOUT, async {
            self.writer.write_all(request).await.context("sending")?;
            self.reader
                .read()
                .await?
                .context("closed without an answer")
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
            answer = timeout(TIMEOUT, reader.read()) => answer.context("no answer in time")?,
            never = sending => never,
        }
    }
}

// === impl Reader ===

impl Reader {
    /// One answer; `None` when the server closes before the first byte of one.
    async fn read(&mut self) -> Result<Option<Answer>> {
        let head_end = loop {
            if let Some(at) = find(&self.unread, b"\r\n\r\n") {
                break at;
            }
            match self.fill().await {
                Ok(0) if self.unread.is_empty() => return Ok(None),
                // Reset: it was closed while we were still sending.
                Err(_) if self.unread.is_empty() => return Ok(None),
                filled => ensure!(filled? > 0, "closed within an answer's head"),
            }
        };
        let head: Vec<u8> = self.unread.drain(..head_end + 4).collect();
        let head = String::from_utf8_lossy(&head[..head_end]).into_owned();
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("not a status line: {status_line:?}"))?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        if answer
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
        {
            self.reusable = false;
        }
        if answer
            .header("transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
        {
            answer.body = self.read_chunks().await?;
        } else if let Some(length) = answer.header("content-length") {
            let length = length.parse().context("content-length")?;
            answer.body = self.take(length).await?;
        } else if !self.reusable {
            while self.fill().await? > 0 {}
            answer.body = std::mem::take(&mut self.unread);
        }
        Ok(Some(answer))
    }

    async fn read_chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line_end = loop {
                if let Some(at) = find(&self.unread, b"\r\n") {
                    break at;
                }
                ensure!(self.fill().await? > 0, "closed within a chunked body");
            };
            let line = self.take(line_end + 2).await?;
            let size = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16)
                .context("chunk size")?;
            let chunk = self.take(size + 2).await?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return Ok(body);
            }
        }
    }

    async fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.unread.len() < length {
            ensure!(self.fill().await? > 0, "closed within a body");
        }
        Ok(self.unread.drain(..length).collect())
    }

    async fn fill(&mut self) -> Result<usize> {
        Ok(self.stream.read_buf(&mut self.unread).await?)
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

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
