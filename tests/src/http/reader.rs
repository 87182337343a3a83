//! Reading messages of HTTP/1.1, answers on one side and requests on the other.

use anyhow::{Context as _, Result, ensure};
use tokio::io::AsyncReadExt as _;
use tokio::net::tcp::OwnedReadHalf;

/// One message.
#[derive(Debug)]
pub(super) struct Message {
    /// Request line or status line.
    pub(super) start: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Reader {
    stream: OwnedReadHalf,
    unread: Vec<u8>,
    reusable: bool,
}

// === impl Message ===

impl Message {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn says(&self, name: &str, word: &str) -> bool {
        self.header(name)
            .is_some_and(|value| value.eq_ignore_ascii_case(word))
    }
}

// === impl Reader ===

impl Reader {
    pub(super) fn new(stream: OwnedReadHalf) -> Self {
        Self {
            stream,
            unread: Vec::new(),
            reusable: true,
        }
    }

    /// Whether another message may follow.
    pub(super) fn is_reusable(&self) -> bool {
        self.reusable
    }

    /// One answer; `None` when the server closes before the first byte of one.
    pub(super) async fn answer(&mut self) -> Result<Option<Message>> {
        let Some(mut answer) = self.message().await? else {
            return Ok(None);
        };
        let has_length = answer.header("content-length").is_some()
            || answer.says("transfer-encoding", "chunked");
        if !has_length && !self.reusable {
            while self.fill().await? > 0 {}
            answer.body = std::mem::take(&mut self.unread);
        }
        Ok(Some(answer))
    }

    /// One request; `None` when the client closes before the first byte of one.
    pub(super) async fn request(&mut self) -> Result<Option<Message>> {
        self.message().await
    }

    async fn message(&mut self) -> Result<Option<Message>> {
        let head_end = loop {
            if let Some(at) = find(&self.unread, b"\r\n\r\n") {
                break at;
            }
            match self.fill().await {
                Ok(0) if self.unread.is_empty() => return Ok(None),
                // Reset: it was closed while we were still sending.
                Err(_) if self.unread.is_empty() => return Ok(None),
                filled => ensure!(filled? > 0, "closed within a head"),
            }
        };
        let head: Vec<u8> = self.unread.drain(..head_end + 4).collect();
        let head = String::from_utf8_lossy(&head[..head_end]).into_owned();
        let mut lines = head.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut message = Message {
            start,
            headers,
            body: Vec::new(),
        };
        if message.says("connection", "close") {
            self.reusable = false;
        }
        if message.says("transfer-encoding", "chunked") {
            message.body = self.read_chunks().await?;
        } else if let Some(length) = message.header("content-length") {
            let length = length.parse().context("content-length")?;
            message.body = self.take(length).await?;
        }
        Ok(Some(message))
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

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
