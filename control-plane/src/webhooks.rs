//! Delivers events from the outbox, at least once each.
//!
//! Every control plane runs [`run`]; an event is tried by whoever claims it. A failed one is tried again later and later,
//! and then listed as failed. Order is not promised: events carry an id and a time.

pub mod send;

use crate::app::App;
use crate::error::Error;
use crate::secrets::{Secret, WEBHOOK_BODY, WEBHOOK_SECRET};
use crate::store::webhook_events::{self as outbox, Due};
use crate::store::{alerts, audit, webhooks};
use send::{Delivery, Sender};
use std::time::Duration;
use tokio::task::JoinSet;

/// How often the outbox is looked at.
const POLL: Duration = Duration::from_secs(1);
/// Events tried at once.
const BATCH: i64 = 8;
/// After so long an attempt whose end nobody noted was cut off: it is made again.
const CLAIM_MS: i64 = 90_000;
/// How long the next attempt waits after each failed one, in seconds, and up to a fifth more. After the last the event
/// is given up: nine hours in all.
const WAITS_SECS: [i64; 7] = [10, 30, 120, 600, 1_800, 7_200, 21_600];

/// How often what is old is forgotten.
const SWEEP: Duration = Duration::from_secs(3_600);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long the audit log and alerts are kept, in days.
const KEPT_DAYS: i64 = 400;
/// How long failures are listed, in days.
const FAILURES_DAYS: i64 = 30;

/// Delivers for ever, or until the stop.
pub async fn run(app: App) {
    let sender = Sender::new(app.config.webhooks_private);
    let mut sweeps = tokio::time::interval(SWEEP);
    let mut polls = tokio::time::interval(POLL);
    loop {
        tokio::select! {
            () = app.stopped() => return,
            _ = sweeps.tick() => {
                if let Err(error) = sweep(&app).await {
                    tracing::warn!(%error, "old entries of the audit log and old alerts are not forgotten");
                }
            }
            _ = polls.tick() => {
                if let Err(error) = deliver(&app, &sender).await {
                    tracing::warn!(%error, "cannot look for events to deliver");
                }
            }
        }
    }
}

/// Tries what is due. Returns how many events were tried.
///
/// # Errors
/// When the database does not answer.
pub async fn deliver(app: &App, sender: &Sender) -> Result<usize, Error> {
    let mut tx = app.db.read().await?;
    let now_ms = app.db.now_ms().await?;
    let due = outbox::due(&mut tx, now_ms, BATCH).await?;
    let webhook = if due.is_empty() {
        None
    } else {
        webhooks::get(&mut tx).await?
    };
    drop(tx);
    let Some(webhook) = webhook.filter(|webhook| webhook.active && !webhook.url.is_empty()) else {
        return Ok(0);
    };
    let secret = app.secrets.open(WEBHOOK_SECRET, &webhook.secret)?;
    let mut attempts = JoinSet::new();
    for due in claim(app, due).await? {
        let (app, sender) = (app.clone(), sender.clone());
        let (url, secret) = (webhook.url.clone(), secret.clone());
        attempts.spawn(async move {
            if let Err(error) = attempt(&app, &sender, &due, url, secret).await {
                tracing::warn!(event = due.event_id, %error, "what became of an event is not noted: it is sent again");
            }
        });
    }
    Ok(attempts.join_all().await.len())
}

async fn claim(app: &App, due: Vec<Due>) -> Result<Vec<Due>, Error> {
    let mut tx = app.db.begin_aside().await?;
    let until_ms = tx.now_ms().await? + CLAIM_MS;
    let mut claimed = Vec::new();
    for event in due {
        if outbox::claim(&mut tx, &event, until_ms).await? {
            claimed.push(event);
        }
    }
    tx.commit().await?;
    Ok(claimed)
}

/// Sends an event, and notes what came of it.
async fn attempt(
    app: &App,
    sender: &Sender,
    due: &Due,
    url: String,
    secret: Secret,
) -> Result<(), Error> {
    let Ok(body) = app.secrets.open(WEBHOOK_BODY, &due.body) else {
        let mut tx = app.db.begin_aside().await?;
        outbox::failed(&mut tx, due.id, &url, "sealed with another key", None).await?;
        return tx.commit().await;
    };
    let delivery = Delivery {
        url: url.clone(),
        event_id: due.event_id.clone(),
        sent_at_secs: app.db.now_ms().await?.div_euclid(1_000),
        body,
        secret,
    };
    let sent = sender.send(delivery).await;
    let mut tx = app.db.begin_aside().await?;
    match sent {
        Ok(()) => outbox::delivered(&mut tx, due.id).await?,
        Err(error) => {
            let now_ms = tx.now_ms().await?;
            let again_ms = wait_ms(due.attempts).map(|wait_ms| now_ms + wait_ms);
            if again_ms.is_none() {
                tracing::warn!(
                    event = due.event_id,
                    error,
                    "an event could not be delivered, and is given up"
                );
            }
            outbox::failed(&mut tx, due.id, &url, &error, again_ms).await?;
        }
    }
    tx.commit().await
}

/// How long to wait after an attempt failed before which there were so many; none when that was the last.
fn wait_ms(attempts_before: i64) -> Option<i64> {
    let wait_secs = *usize::try_from(attempts_before)
        .ok()
        .and_then(|n| WAITS_SECS.get(n))?;
    let wait_ms = wait_secs * 1_000;
    Some(wait_ms + rand::random_range(0..=wait_ms / 5))
}

async fn sweep(app: &App) -> Result<(), Error> {
    let mut tx = app.db.begin_aside().await?;
    let now_ms = tx.now_ms().await?;
    audit::sweep(&mut tx, now_ms - KEPT_DAYS * DAY_MS).await?;
    alerts::sweep(&mut tx, now_ms - KEPT_DAYS * DAY_MS).await?;
    outbox::forget_failures(&mut tx, Some(now_ms - FAILURES_DAYS * DAY_MS)).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_wait_longer_and_longer_and_end() {
        let mut least = 0;
        for n in 0..7 {
            let wait = wait_ms(n).unwrap();
            assert!(wait > least, "{n}: {wait}");
            least = wait;
        }
        assert_eq!(wait_ms(7), None);
        assert_eq!(wait_ms(i64::MAX), None);
    }
}
