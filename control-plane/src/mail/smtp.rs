//! One delivery to the mail server that the operator names.
//!
//! The address says how safe the way there is: `smtps://` is TLS from the first byte. `smtp://` takes STARTTLS where it is
//! offered, and insists on it when a password is sent; `?tls=none` is for servers on the same machine.

use crate::secrets::Secret;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::response::Severity;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use std::time::Duration;

/// How long the server may take for each step.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Connections at once, and how long one is kept for the next mail.
const CONNECTIONS: u32 = 4;
const IDLE: Duration = Duration::from_secs(20);
/// The most of an error's text that is kept, in characters.
const ERROR_CHARS: usize = 500;
/// Codes that are about us and not about the mail: credentials that are wrong, or wanted.
const OF_CREDENTIALS: &[u16] = &[530, 534, 535, 538];

/// Sends mails, and counts them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sent: Counter,
    refused: Counter,
}

/// Why a mail was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For people.
    pub error: String,
    /// Whether the server would say the same again.
    pub is_final: bool,
}

impl Mailer {
    /// For the server at this address, as in `smtp://user:password@mail.example.com:587`. Nothing is asked of it yet. Must be
    /// called where a runtime is.
    ///
    /// # Errors
    /// Says what is wrong with the address, without its password.
    pub fn new(url: &Secret) -> Result<Self, String> {
        let url = explicit(url.reveal())?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&url)
            .map_err(|_| String::from(WRONG))?;
        let pool = PoolConfig::new()
            .min_idle(0)
            .max_size(CONNECTIONS)
            .idle_timeout(IDLE);
        Ok(Self {
            transport: builder.timeout(Some(TIMEOUT)).pool_config(pool).build(),
            sent: Counter::default(),
            refused: Counter::default(),
        })
    }

    /// Made known to `/metrics`.
    pub fn register(&self, registry: &mut Registry) {
        let help = "E-mails that the mail server took";
        registry.register("mails_sent", help, self.sent.clone());
        let help = "Attempts to send an e-mail that failed";
        registry.register("mails_refused", help, self.refused.clone());
    }

    /// Sends it: done when the server has taken it.
    ///
    /// # Errors
    /// Says why it was not taken.
    pub async fn send(&self, message: Message) -> Result<(), Refusal> {
        let Err(error) = self.transport.send(message).await else {
            self.sent.inc();
            return Ok(());
        };
        self.refused.inc();
        let code = error.status();
        let of_credentials = code.is_some_and(|code| OF_CREDENTIALS.contains(&code.into()));
        let refused =
            code.is_some_and(|code| code.severity == Severity::PermanentNegativeCompletion);
        // A client's error: the server cannot take such addresses, now or ever.
        let is_final = (refused && !of_credentials) || error.is_client();
        Err(Refusal {
            error: told(&error),
            is_final,
        })
    }
}

const WRONG: &str = "must be an address such as smtp://user:password@mail.example.com:587 or \
                     smtps://mail.example.com";

/// Checks the address of a mail server.
///
/// # Errors
/// Says what is wrong with it, without its password.
pub fn check(url: &str) -> Result<(), String> {
    let url = explicit(url)?;
    AsyncSmtpTransport::<Tokio1Executor>::from_url(&url)
        .map(drop)
        .map_err(|_| WRONG.into())
}

/// With the choice of TLS written out, in lettre's words.
fn explicit(url: &str) -> Result<String, String> {
    let Some(rest) = url.strip_prefix("smtp://") else {
        return if url.starts_with("smtps://") {
            Ok(url.into())
        } else {
            Err(WRONG.into())
        };
    };
    match rest.split_once('?') {
        Some((rest, "tls=none")) => Ok(format!("smtp://{rest}")),
        Some((_, "tls=required" | "tls=opportunistic")) => Ok(url.into()),
        Some(_) => Err("takes tls=required, tls=opportunistic or tls=none".into()),
        None if rest.contains('@') => Ok(format!("{url}?tls=required")),
        None => Ok(format!("{url}?tls=opportunistic")),
    }
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text.chars().take(ERROR_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_go_over_tls_unless_somebody_says_otherwise() {
        for (given, explicit_url) in [
            (
                "smtp://me:secret@mail",
                "smtp://me:secret@mail?tls=required",
            ),
            ("smtp://me:secret@mail?tls=none", "smtp://me:secret@mail"),
            (
                "smtp://127.0.0.1:25",
                "smtp://127.0.0.1:25?tls=opportunistic",
            ),
            ("smtp://mail?tls=required", "smtp://mail?tls=required"),
            ("smtps://me:secret@mail", "smtps://me:secret@mail"),
        ] {
            assert_eq!(explicit(given).as_deref(), Ok(explicit_url));
            assert_eq!(check(given), Ok(()), "{given}");
        }
        for wrong in [
            "",
            "mail",
            "http://mail",
            "smtp://",
            "smtps://",
            "smtp://mail?tls=perhaps",
            "smtp://me:secret@:x",
        ] {
            let problem = check(wrong).unwrap_err();
            assert!(!problem.contains("secret"), "{problem}");
        }
    }
}
