//! The other end: requests as a server sees them.

use super::reader::Reader;
use anyhow::{Context as _, Result};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

/// The server's side of a connection.
#[derive(Debug)]
pub struct Incoming {
    writer: OwnedWriteHalf,
    reader: Reader,
}

/// A request as a server sees it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Path and query.
    pub target: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

// === impl Incoming ===

impl Incoming {
    /// Of a connection that was accepted.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        let (stream, writer) = stream.into_split();
        Self {
            writer,
            reader: Reader::new(stream),
        }
    }

    /// The next request; none when the client closes.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is not a request.
    pub async fn next(&mut self) -> Result<Option<Request>> {
        let Some(message) = self.reader.request().await? else {
            return Ok(None);
        };
        let target = message.start.split(' ').nth(1);
        let target = target.with_context(|| format!("not a request: {:?}", message.start))?;
        Ok(Some(Request {
            target: target.to_owned(),
            headers: message.headers,
            body: message.body,
        }))
    }

    /// Answers it with 200.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn answer(&mut self, body: &str) -> Result<()> {
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Ok(self.writer.write_all(answer.as_bytes()).await?)
    }
}
