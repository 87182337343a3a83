//! `Idempotency-Key`: a call that is repeated is answered as it was the first time, and done once.
//!
//! The answer is kept for 24 hours, sealed, and written in the very transaction that did what it tells of.
//! What is stored of key and request are digests; the request's covers the key too, so that a password
//! in it cannot be guessed from the database.

use super::auth::Caller;
use super::format::{Answer, Format, Rendered};
use super::params::Params;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::secrets::{Place, Secret};
use crate::store::idempotency as rows;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// How long answers are kept.
const KEEP_MS: i64 = 24 * 60 * 60 * 1000;
/// A call that has not ended after this long never will: requests are cut off after 60 seconds.
const ABANDONED_MS: i64 = 90 * 1000;
const SEALED: Place = Place("idempotency.body");
const HEADER: &str = "idempotency-key";

/// What to do with a call.
pub enum Begun {
    /// Do it; nobody asked for more.
    Plain,
    /// Do it, and keep the answer.
    Keep(Attempt),
    /// It was done: this is the answer.
    Done(Rendered),
}

/// A call in flight.
#[derive(Debug)]
pub struct Attempt {
    key_digest: Vec<u8>,
    began_ms: i64,
}

/// Begins a call to `path`.
///
/// # Errors
/// 422 when the key is malformed or was used for another request, 409 while that request is in flight.
pub async fn begin(
    app: &App,
    headers: &HeaderMap,
    caller: Caller,
    path: &str,
    format: Format,
    params: &Params,
) -> Result<Begun, Error> {
    let Some(key) = headers.get(HEADER) else {
        return Ok(Begun::Plain);
    };
    let key = key
        .to_str()
        .ok()
        .filter(|key| (1..=255).contains(&key.len()))
        .ok_or_else(|| {
            Error::invalid(
                "Idempotency-Key",
                "must be 1 to 255 printable ASCII characters",
            )
        })?;
    let caller = match caller {
        Caller::Provider => "provider".to_owned(),
        Caller::Token(id) => id.to_string(),
    };
    let key_digest = Sha256::digest(format!("{caller}\n{path}\n{format:?}\n{key}")).to_vec();
    let request_digest = request_digest(key, params);

    let mut tx = app.db.begin_aside().await?;
    let now_ms = tx.now_ms().await?;
    rows::sweep(&mut tx, now_ms - KEEP_MS).await?;
    let attempt = Attempt {
        key_digest,
        began_ms: now_ms,
    };
    if rows::begin(&mut tx, &attempt.key_digest, &request_digest, now_ms).await? {
        tx.commit().await?;
        return Ok(Begun::Keep(attempt));
    }
    let kept = rows::find(&mut tx, &attempt.key_digest)
        .await?
        .ok_or(Error::Busy)?;
    if kept.request_digest != request_digest {
        return Err(Error::invalid(
            "Idempotency-Key",
            "was used for a request with other parameters: take a new one for each request",
        ));
    }
    match (kept.status, kept.body) {
        (Some(status), Some(body)) => Ok(Begun::Done(replay(app, status, &body, format)?)),
        _ if kept.created_at < now_ms - ABANDONED_MS
            && rows::take_over(&mut tx, &attempt.key_digest, kept.created_at, now_ms).await? =>
        {
            tx.commit().await?;
            Ok(Begun::Keep(attempt))
        }
        _ => Err(Error::conflict(
            "A request with this Idempotency-Key is still being served",
        )),
    }
}

impl Attempt {
    /// Keeps the answer, in the transaction that did what it tells of.
    ///
    /// # Errors
    /// 409 when the call was taken for dead and another took its place: then this one must not be done.
    pub async fn finish(
        &self,
        app: &App,
        tx: &mut Tx,
        answer: &Answer,
        format: Format,
    ) -> Result<(), Error> {
        let rendered = answer.render(format);
        let copy = json!({ "location": rendered.location, "body": rendered.body });
        let sealed = app.secrets.seal(SEALED, &Secret::new(copy.to_string()))?;
        let status = i64::from(rendered.status.as_u16());
        if rows::finish(tx, &self.key_digest, self.began_ms, status, &sealed).await? {
            Ok(())
        } else {
            Err(Error::conflict(
                "This request took too long, and another with the same Idempotency-Key replaced it",
            ))
        }
    }

    /// Forgets the call, since it failed: the same key may be used once what was wrong is right.
    pub async fn abandon(&self, app: &App) {
        let forgotten = async {
            let mut tx = app.db.begin_aside().await?;
            rows::abandon(&mut tx, &self.key_digest, self.began_ms).await?;
            tx.commit().await
        };
        if let Err(error) = forgotten.await {
            tracing::warn!(%error, "an Idempotency-Key stays taken until it expires");
        }
    }
}

fn request_digest(key: &str, params: &Params) -> Vec<u8> {
    let mut pairs: Vec<(&str, String)> = params
        .iter()
        .map(|(name, value)| (name, value.to_string()))
        .collect();
    pairs.sort();
    let mut hash = Sha256::new().chain_update(key);
    for (name, value) in pairs {
        hash.update(format!("\n{}:{name}={}:{value}", name.len(), value.len()));
    }
    hash.finalize().to_vec()
}

fn replay(app: &App, status: i64, sealed: &[u8], format: Format) -> Result<Rendered, Error> {
    let broken = || Error::internal("an unreadable kept answer");
    let copy = app.secrets.open(SEALED, sealed)?;
    let copy: Value = serde_json::from_str(copy.reveal()).map_err(|_| broken())?;
    let text = |name: &str| copy.get(name).and_then(Value::as_str).map(str::to_owned);
    let status = u16::try_from(status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or_else(broken)?;
    Ok(Rendered {
        status,
        location: text("location"),
        body: text("body"),
        format,
    })
}
