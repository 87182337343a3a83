//! Every setting, in one place: its variable, what it means, its default and its check.
//!
//! Each can be given as an environment variable or as a flag. Never read elsewhere.

use crate::db;
use crate::mail::smtp;
use crate::secrets::Secret;
use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use lettre::message::Mailbox;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Which database, and the key that seals secrets in it. All commands that touch the database take these.
#[derive(Args, Clone, Debug)]
pub struct DatabaseConfig {
    /// The database: `sqlite://FILE`, or `postgres://USER:PASSWORD@HOST/NAME`.
    #[arg(long, env = "TALLYGATE_DATABASE_URL", value_name = "URL", hide_env_values = true, default_value = "sqlite://tallygate.db", value_parser = database_url)]
    pub database_url: String,

    /// Connections to the database (SQLite: readers beside the one writer).
    #[arg(long, env = "TALLYGATE_DATABASE_CONNECTIONS", value_name = "N", default_value = "8", value_parser = clap::value_parser!(u32).range(2..=500))]
    pub database_connections: u32,

    /// File with the key that seals stored secrets: 64 hexadecimal digits. With SQLite the default is a file
    /// beside the database, made on first start; with PostgreSQL it must be given.
    #[arg(long, env = "TALLYGATE_SECRET_KEY_FILE", value_name = "FILE")]
    pub secret_key_file: Option<PathBuf>,
}

/// What `serve` needs besides.
#[derive(Args, Clone, Debug)]
pub struct ServerConfig {
    /// Where the developers' portal listens.
    #[arg(long, env = "TALLYGATE_PORTAL_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000", value_parser = portal_listen)]
    pub portal_listen: SocketAddr,

    /// Where the APIs for providers and gateways listen. Gateways must reach it; the public should not.
    #[arg(long, env = "TALLYGATE_ADMIN_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3001", value_parser = admin_listen)]
    pub admin_listen: SocketAddr,

    /// The portal's address as developers see it [default: http:// and the listener].
    #[arg(long, env = "TALLYGATE_PORTAL_URL", value_name = "URL", value_parser = portal_url)]
    pub portal_url: Option<String>,

    /// The Account Management API's address as its clients see it [default: http:// and the listener].
    #[arg(long, env = "TALLYGATE_ADMIN_URL", value_name = "URL", value_parser = admin_url)]
    pub admin_url: Option<String>,

    /// Where this control plane reaches a staging gateway, for tests of the integration; the product's host goes into the
    /// request. Needed where its address is private [default: the address that each product has in staging].
    #[arg(long, env = "TALLYGATE_STAGING_GATEWAY_URL", value_name = "URL", value_parser = staging_gateway_url)]
    pub staging_gateway_url: Option<String>,

    /// Where this control plane reaches a production gateway, for calls that developers try in the portal; the product's host
    /// goes into the request. Needed where its address is private [default: the address that each product has in production].
    #[arg(long, env = "TALLYGATE_PRODUCTION_GATEWAY_URL", value_name = "URL", value_parser = production_gateway_url)]
    pub production_gateway_url: Option<String>,

    /// Whether webhooks may go to private addresses: loopback, local networks, the cloud's metadata.
    #[arg(long, env = "TALLYGATE_WEBHOOKS_PRIVATE", value_name = "BOOL", default_value = "false", action = clap::ArgAction::Set)]
    pub webhooks_private: bool,

    /// How many reverse proxies stand before the portal, each of which adds to `X-Forwarded-For`. With 0 that header is not
    /// believed, and attempts to sign in are counted by the address that connects.
    #[arg(
        long,
        env = "TALLYGATE_TRUSTED_PROXIES",
        value_name = "N",
        default_value = "0"
    )]
    pub trusted_proxies: u8,

    /// Whether providers that developers sign in with (OpenID Connect) may have private addresses.
    #[arg(long, env = "TALLYGATE_SIGN_IN_PRIVATE", value_name = "BOOL", default_value = "false", action = clap::ArgAction::Set)]
    pub sign_in_private: bool,

    /// The server that takes e-mails: `smtp://USER:PASSWORD@HOST:PORT` (TLS by STARTTLS, unless `?tls=none`) or `smtps://…`;
    /// what is not a letter or a digit in USER and PASSWORD is percent-encoded. Without it mails wait in the database.
    #[arg(long, env = "TALLYGATE_SMTP_URL", value_name = "URL", hide_env_values = true, value_parser = smtp_url)]
    pub smtp_url: Option<String>,

    /// File with that address, in place of it: it may hold a password.
    #[arg(
        long,
        env = "TALLYGATE_SMTP_URL_FILE",
        value_name = "FILE",
        conflicts_with = "smtp_url"
    )]
    pub smtp_url_file: Option<PathBuf>,

    /// Whom e-mails are from, and where the mail server returns those that it cannot deliver, as in
    /// `Acme <noreply@acme.example>` [default: the provider's own address].
    #[arg(long, env = "TALLYGATE_MAIL_FROM", value_name = "ADDRESS", value_parser = mail_from)]
    pub mail_from: Option<Mailbox>,
}

/// Whether whoever reads a terminal's text wants it coloured: not with `NO_COLOR` (<https://no-color.org>), nor where
/// `TERM` is `dumb`.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "here is where settings are read")]
pub fn terminal_has_colours() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !unwanted && !dumb
}

/// How we log.
#[derive(Args, Clone, Debug)]
pub struct LogConfig {
    /// What is logged: `error`, `warn`, `info`, `debug`, or a filter such as `info,sqlx=debug`.
    #[arg(long, env = "TALLYGATE_LOG", value_name = "FILTER", global = true, default_value = "info", value_parser = log_filter)]
    pub log: String,

    /// How it is written [default: text on a terminal, else JSON].
    #[arg(
        long,
        env = "TALLYGATE_LOG_FORMAT",
        value_name = "FORMAT",
        global = true
    )]
    pub log_format: Option<LogFormat>,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one object per line.
    Json,
}

/// Settings as the running server uses them.
#[derive(Clone, Debug)]
pub struct Config {
    /// Public address of the portal, without a final slash.
    pub portal_url: String,
    /// Public address of the Account Management API, without a final slash.
    pub admin_url: String,
    /// Where a staging gateway is reached, when that is not each product's `sandbox_endpoint`; without a final slash.
    pub staging_gateway: Option<String>,
    /// Where a production gateway is reached, when that is not each product's `endpoint`; without a final slash.
    pub production_gateway: Option<String>,
    /// Whether webhooks may go to addresses that are not on the Internet.
    pub webhooks_private: bool,
    /// Reverse proxies before the portal.
    pub trusted_proxies: u8,
    /// Whether identity providers may have addresses that are not on the Internet.
    pub sign_in_private: bool,
    /// The mail server's address, with its password.
    pub smtp_url: Option<Secret>,
    /// Whom mails are from, and where they come back to.
    pub mail_from: Option<Mailbox>,
}

impl DatabaseConfig {
    /// The key file to use, and whether to make it when it is missing.
    ///
    /// # Errors
    /// With PostgreSQL, when none is named: several replicas must share one.
    pub fn key_file(&self) -> anyhow::Result<(PathBuf, bool)> {
        match (&self.secret_key_file, db::sqlite_file(&self.database_url)) {
            (Some(file), sqlite) => Ok((file.clone(), sqlite.is_some())),
            (None, Some(database)) => Ok((database.with_extension("key"), true)),
            (None, None) => bail!(
                "with PostgreSQL, TALLYGATE_SECRET_KEY_FILE must name the file with the key that seals secrets \
                 (make one with `openssl rand -hex 32 > tallygate.key`, and give every replica the same)"
            ),
        }
    }
}

impl ServerConfig {
    /// Fills in the defaults that follow from other settings, and reads what is in files.
    ///
    /// # Errors
    /// When a file cannot be read, or has something else in it.
    pub fn resolve(&self) -> anyhow::Result<Config> {
        let url = |given: &Option<String>, listen: SocketAddr| {
            given.clone().unwrap_or_else(|| format!("http://{listen}"))
        };
        Ok(Config {
            portal_url: url(&self.portal_url, self.portal_listen),
            admin_url: url(&self.admin_url, self.admin_listen),
            staging_gateway: self.staging_gateway_url.clone(),
            production_gateway: self.production_gateway_url.clone(),
            webhooks_private: self.webhooks_private,
            trusted_proxies: self.trusted_proxies,
            sign_in_private: self.sign_in_private,
            smtp_url: self.smtp_url()?,
            mail_from: self.mail_from.clone(),
        })
    }

    fn smtp_url(&self) -> anyhow::Result<Option<Secret>> {
        let Some(file) = &self.smtp_url_file else {
            return Ok(self.smtp_url.as_deref().map(Secret::new));
        };
        let named = || format!("TALLYGATE_SMTP_URL_FILE {}", file.display());
        let text = std::fs::read_to_string(file).with_context(named)?;
        match smtp_url(text.trim()) {
            Ok(url) => Ok(Some(Secret::new(url))),
            Err(problem) => bail!("{}: {problem}", named()),
        }
    }
}

/// Variables of ours that set nothing here: of `make run`, of `gateway-config`, of the tests.
const ELSEWHERE: &[&str] = &[
    "TALLYGATE_ACCESS_TOKEN",
    "TALLYGATE_DEMO_DIR",
    "TALLYGATE_ENVOY_ADMIN_PORT",
    "TALLYGATE_GATEWAY_PORT",
    "TALLYGATE_STAGING_PORT",
    "TALLYGATE_UPSTREAM_PORT",
    "TALLYGATE_PORTAL_PORT",
    "TALLYGATE_ADMIN_PORT",
    "TALLYGATE_TEST_POSTGRES_URL",
];

/// `TALLYGATE_…` variables that mean nothing to `known` (the command's own) nor elsewhere: misspelt, likely.
#[must_use]
pub fn unknown_variables(known: &[String]) -> Vec<String> {
    std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("TALLYGATE_"))
        .filter(|name| !known.contains(name) && !ELSEWHERE.contains(&name.as_str()))
        .collect()
}

fn database_url(value: &str) -> Result<String, String> {
    if value.starts_with("sqlite:")
        || value.starts_with("postgres://")
        || value.starts_with("postgresql://")
    {
        Ok(value.into())
    } else {
        Err("TALLYGATE_DATABASE_URL must begin with sqlite:// or postgres://".into())
    }
}

fn listen(name: &str, value: &str) -> Result<SocketAddr, String> {
    value
        .parse()
        .map_err(|_| format!("{name} must be an address and a port, as in 127.0.0.1:3000"))
}

fn portal_listen(value: &str) -> Result<SocketAddr, String> {
    listen("TALLYGATE_PORTAL_LISTEN", value)
}

fn admin_listen(value: &str) -> Result<SocketAddr, String> {
    listen("TALLYGATE_ADMIN_LISTEN", value)
}

fn url(name: &str, value: &str) -> Result<String, String> {
    let trimmed = value.trim_end_matches('/');
    let uri = trimmed.parse::<axum::http::Uri>().ok();
    match uri {
        Some(uri)
            if matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
                && uri.query().is_none() =>
        {
            Ok(trimmed.into())
        }
        _ => Err(format!(
            "{name} must be an address such as https://example.com"
        )),
    }
}

fn portal_url(value: &str) -> Result<String, String> {
    url("TALLYGATE_PORTAL_URL", value)
}

fn admin_url(value: &str) -> Result<String, String> {
    url("TALLYGATE_ADMIN_URL", value)
}

fn staging_gateway_url(value: &str) -> Result<String, String> {
    url("TALLYGATE_STAGING_GATEWAY_URL", value)
}

fn production_gateway_url(value: &str) -> Result<String, String> {
    url("TALLYGATE_PRODUCTION_GATEWAY_URL", value)
}

fn smtp_url(value: &str) -> Result<String, String> {
    match smtp::check(value) {
        Ok(()) => Ok(value.into()),
        Err(problem) => Err(format!("TALLYGATE_SMTP_URL {problem}")),
    }
}

fn mail_from(value: &str) -> Result<Mailbox, String> {
    value.parse().map_err(|_| {
        "TALLYGATE_MAIL_FROM must be an e-mail address, as in Acme <noreply@acme.example>".into()
    })
}

fn log_filter(value: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(value)
        .map(|_| value.into())
        .map_err(|error| format!("TALLYGATE_LOG is not a filter: {error}"))
}
