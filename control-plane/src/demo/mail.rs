//! A mail server that delivers nothing: it keeps what it is sent, in a folder if it is given one. The demo's mails go here, and
//! those of the tests.
//!
//! It speaks as much SMTP as a client needs that sends one mail after the other, and can be told to refuse.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The longest line that is read, and the longest mail, in bytes.
const LINE_BYTES: u64 = 4_096;
const MAIL_BYTES: usize = 8 * 1024 * 1024;

/// A running mail server; it ends when this is dropped.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
}

/// A mail that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Where it goes back to when it cannot be delivered.
    pub from: String,
    /// Whom it is for, as the envelope says.
    pub to: Vec<String>,
    /// Headers and body, lines ended by `\n`.
    pub raw: String,
}

/// What is said to mails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// They are taken.
    #[default]
    Take,
    /// Not now: 451.
    Later,
    /// Not ever: 550.
    Never,
}

#[derive(Debug, Default)]
struct State {
    folder: Option<PathBuf>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    answer: Answer,
    taken: u64,
    received: Vec<Received>,
}

// === impl Sink ===

impl Sink {
    /// Listens and serves in the background; with port 0, at any that is free. Mails are written into the folder, which is
    /// made, as `.eml` files.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the folder cannot be made.
    pub async fn start(address: SocketAddr, folder: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("the mail server on {address}"))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            folder: folder.map(Path::to_owned),
            ..State::default()
        });
        let server = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self {
            address,
            state,
            server,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address, for `TALLYGATE_SMTP_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://{}?tls=none", self.address)
    }

    /// What is said to mails from now on.
    pub fn answer(&self, answer: Answer) {
        self.state.inner().answer = answer;
    }

    /// What was taken since this was last asked; what is written into a folder is there and not here.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        std::mem::take(&mut self.state.inner().received)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

// === impl Received ===

impl Received {
    /// A header, unfolded and decoded; blank when there is none. Of several the first.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        self.headers(name).into_iter().next().unwrap_or_default()
    }

    /// All headers of this name.
    #[must_use]
    pub fn headers(&self, name: &str) -> Vec<String> {
        let head = self.raw.split_once("\n\n").map_or("", |(head, _)| head);
        let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
        unfolded
            .lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| decoded_words(value.trim()))
            .collect()
    }

    /// The text, decoded.
    #[must_use]
    pub fn text(&self) -> String {
        let body = self.raw.split_once("\n\n").map_or("", |(_, body)| body);
        match self.header("content-transfer-encoding").as_str() {
            "quoted-printable" => quoted_printable(body),
            "base64" => base64_text(&body.replace('\n', "")),
            _ => body.to_owned(),
        }
    }
}

/// `=?utf-8?b?…?=` in clear.
fn decoded_words(value: &str) -> String {
    let mut decoded = String::new();
    let mut after_word = false;
    for part in value.split_inclusive(' ') {
        let word = part.trim_end();
        let inner = word
            .strip_prefix("=?utf-8?b?")
            .and_then(|rest| rest.strip_suffix("?="));
        match inner {
            Some(inner) => {
                // The space between two such words is none.
                if after_word {
                    decoded.truncate(decoded.trim_end_matches(' ').len());
                }
                decoded.push_str(&base64_text(inner));
                decoded.push_str(part.get(word.len()..).unwrap_or_default());
            }
            None => decoded.push_str(part),
        }
        after_word = inner.is_some();
    }
    decoded
}

fn base64_text(text: &str) -> String {
    let bytes = STANDARD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn quoted_printable(body: &str) -> String {
    let joined = body.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| hex::decode(code).ok());
        match (first, code) {
            (b'=', Some(code)) => {
                bytes.extend(code);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

// === impl State ===

impl State {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a mail.
    async fn take(&self, mail: Received) -> std::io::Result<()> {
        let number = {
            let mut inner = self.inner();
            inner.taken += 1;
            inner.taken
        };
        if let Some(folder) = &self.folder {
            let to: String = mail
                .to
                .first()
                .map_or("nobody", String::as_str)
                .chars()
                .take(60)
                .map(|c| {
                    if c.is_alphanumeric() || "@.-_+".contains(c) {
                        c
                    } else {
                        '_'
                    }
                })
                .collect();
            let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S");
            let file = folder.join(format!("{now}-{number:04}-{to}.eml"));
            tokio::fs::write(file, &mail.raw).await?;
        } else {
            self.inner().received.push(mail);
        }
        Ok(())
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let state = Arc::clone(&state);
            tokio::spawn(async move {
                // Who goes in the middle of a word has sent nothing.
                let _ = converse(stream, &state).await;
            });
        }
    }
}

async fn converse(stream: TcpStream, state: &State) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut from = String::new();
    let mut to = Vec::new();
    stream.write_all(b"220 sink ready\r\n").await?;
    while let Some(line) = line(&mut stream).await? {
        let word = line.split([' ', ':']).next().unwrap_or_default();
        let answer = match word.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" => "250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8",
            "MAIL" => {
                from = address(&line);
                to.clear();
                "250 OK"
            }
            "RCPT" => {
                let answer = state.inner().answer;
                match answer {
                    Answer::Take => {
                        to.push(address(&line));
                        "250 OK"
                    }
                    Answer::Later => "451 try again later",
                    Answer::Never => "550 no such mailbox",
                }
            }
            "DATA" => {
                stream.write_all(b"354 go ahead\r\n").await?;
                let raw = data(&mut stream).await?;
                let to = std::mem::take(&mut to);
                let from = std::mem::take(&mut from);
                match state.take(Received { from, to, raw }).await {
                    Ok(()) => "250 taken",
                    Err(_) => "452 no room to keep it",
                }
            }
            "RSET" | "NOOP" => "250 OK",
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "502 not here",
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.write_all(b"\r\n").await?;
    }
    Ok(())
}

/// Up to the lone dot.
async fn data(stream: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<String> {
    let mut raw = String::new();
    while let Some(line) = line(stream).await? {
        if line == "." {
            return Ok(raw);
        }
        if raw.len() > MAIL_BYTES {
            break;
        }
        raw.push_str(line.strip_prefix('.').unwrap_or(&line));
        raw.push('\n');
    }
    Err(std::io::ErrorKind::UnexpectedEof.into())
}

/// A line without its end; none at the end of all.
async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut limited = (&mut *stream).take(LINE_BYTES);
    limited.read_until(b'\n', &mut bytes).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// What stands between angle brackets.
fn address(line: &str) -> String {
    let inner = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(String::new, |(address, _)| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_are_read_as_people_see_them() {
        let mail = |raw: &str| Received {
            from: String::new(),
            to: Vec::new(),
            raw: raw.into(),
        };
        let plain = mail("Subject: a\n  b\nTo: x\n\nHello\n\nyou\n");
        assert_eq!(plain.header("subject"), "a  b");
        assert_eq!(plain.header("bcc"), "");
        assert_eq!(plain.text(), "Hello\n\nyou\n");
        let quoted = mail(
            "Subject: =?utf-8?b?w7w=?= =?utf-8?b?w7w=?= x\nContent-Transfer-Encoding: quoted-printable\n\n\
             long=3D1 =C3=BC=\n more = \n",
        );
        assert_eq!(quoted.header("subject"), "üü x");
        assert_eq!(quoted.text(), "long=1 ü more = \n");
        let encoded = mail("Content-Transfer-Encoding: base64\n\naGVs\nbG8=\n");
        assert_eq!(encoded.text(), "hello");
    }
}
