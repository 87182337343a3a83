//! From the outbox to the mail server, at least once each.
//!
//! As webhooks are: a mail is tried by whoever claims it. One that is not taken is tried again later and later; one that the
//! server will never take is given up at once. What was given up is listed.

use super::compose;
use super::smtp::Mailer;
use super::trial;
use crate::app::App;
use crate::error::Error;
use crate::store::mails::{self as outbox, Due};
use std::time::Duration;
use tokio::task::JoinSet;

/// How often the outbox is looked at.
const POLL: Duration = Duration::from_secs(1);
/// Mails tried at once.
const BATCH: i64 = 8;
/// After so long an attempt whose end nobody noted was cut off: it is made again.
const CLAIM_MS: i64 = 300_000;
/// How long the next attempt waits after each failed one, in seconds, and up to a fifth more. After the last the mail is
/// given up: a day and a half in all.
const WAITS_SECS: [i64; 8] = [15, 60, 300, 1_800, 7_200, 14_400, 43_200, 64_800];

/// How often trials that end are looked for, and what is old is forgotten.
const SWEEP: Duration = Duration::from_secs(3_600);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long failures are listed, in days.
const FAILURES_DAYS: i64 = 30;
/// How long mails wait for somebody to name a mail server, in days. Older ones would only confuse.
const UNSENT_DAYS: i64 = 3;

/// Delivers for ever, or until the stop.
pub async fn run(app: App) {
    let mailer = match app.config.smtp_url.as_ref().map(Mailer::new) {
        Some(Ok(mailer)) => {
            app.metrics.register(|registry| mailer.register(registry));
            Some(mailer)
        }
        Some(Err(problem)) => {
            tracing::error!("TALLYGATE_SMTP_URL {problem}: no mails are sent");
            None
        }
        None => {
            tracing::warn!(
                "TALLYGATE_SMTP_URL is not set: mails wait in the database for {UNSENT_DAYS} days, then they are forgotten"
            );
            None
        }
    };
    let mut sweeps = tokio::time::interval(SWEEP);
    let mut polls = tokio::time::interval(POLL);
    loop {
        tokio::select! {
            () = app.stopped() => return,
            _ = sweeps.tick() => {
                if let Err(error) = trial::notice(&app).await {
                    tracing::warn!(%error, "nobody is told of trials that end");
                }
                if let Err(error) = sweep(&app, mailer.is_some()).await {
                    tracing::warn!(%error, "old mails are not forgotten");
                }
            }
            _ = polls.tick() => {
                if let Some(mailer) = &mailer
                    && let Err(error) = deliver_all(&app, mailer).await
                {
                    tracing::warn!(%error, "cannot look for mails to send");
                }
            }
        }
    }
}

/// Tries what is due, until nothing is.
async fn deliver_all(app: &App, mailer: &Mailer) -> Result<(), Error> {
    while !app.is_stopping() && deliver(app, mailer).await? > 0 {}
    Ok(())
}

/// Tries some of what is due. Returns how many mails were tried.
///
/// # Errors
/// When the database does not answer.
pub async fn deliver(app: &App, mailer: &Mailer) -> Result<usize, Error> {
    let mut tx = app.db.read().await?;
    let now_ms = app.db.now_ms().await?;
    let due = outbox::due(&mut tx, now_ms, BATCH).await?;
    drop(tx);
    if due.is_empty() {
        return Ok(0);
    }
    let mut attempts = JoinSet::new();
    for due in claim(app, due).await? {
        let (app, mailer) = (app.clone(), mailer.clone());
        attempts.spawn(async move {
            if let Err(error) = attempt(&app, &mailer, &due).await {
                tracing::warn!(mail = due.mail_id, kind = due.kind, %error, "what became of a mail is not noted: it is sent again");
            }
        });
    }
    Ok(attempts.join_all().await.len())
}

async fn claim(app: &App, due: Vec<Due>) -> Result<Vec<Due>, Error> {
    let mut tx = app.db.begin_aside().await?;
    let until_ms = tx.now_ms().await? + CLAIM_MS;
    let mut claimed = Vec::new();
    for mail in due {
        if outbox::claim(&mut tx, &mail, until_ms).await? {
            claimed.push(mail);
        }
    }
    tx.commit().await?;
    Ok(claimed)
}

/// Writes a mail and sends it, and notes what came of it.
async fn attempt(app: &App, mailer: &Mailer, due: &Due) -> Result<(), Error> {
    let (error, is_final) = match compose::message(app, due).await {
        Ok(Some(message)) => match mailer.send(message).await {
            Ok(()) => return done(app, due).await,
            Err(refusal) => (refusal.error, refusal.is_final),
        },
        // Whom it was to, or what it was about, is gone.
        Ok(None) => return done(app, due).await,
        Err(error) => (error.to_string(), false),
    };
    let mut tx = app.db.begin_aside().await?;
    let now_ms = tx.now_ms().await?;
    let wait_ms = wait_ms(due.attempts).filter(|_| !is_final);
    if wait_ms.is_none() {
        tracing::warn!(
            mail = due.mail_id,
            kind = due.kind,
            error,
            "a mail could not be sent, and is given up"
        );
    }
    outbox::failed(&mut tx, due.id, &error, wait_ms.map(|ms| now_ms + ms)).await?;
    tx.commit().await
}

async fn done(app: &App, due: &Due) -> Result<(), Error> {
    let mut tx = app.db.begin_aside().await?;
    outbox::done(&mut tx, due.id).await?;
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

async fn sweep(app: &App, is_sending: bool) -> Result<(), Error> {
    let mut tx = app.db.begin_aside().await?;
    let now_ms = tx.now_ms().await?;
    outbox::forget_failures(&mut tx, Some(now_ms - FAILURES_DAYS * DAY_MS)).await?;
    if !is_sending {
        outbox::forget_unsent(&mut tx, now_ms - UNSENT_DAYS * DAY_MS).await?;
    }
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_wait_longer_and_longer_and_end() {
        let mut least = 0;
        for n in 0..8 {
            let wait = wait_ms(n).unwrap();
            assert!(wait > least, "{n}: {wait}");
            least = wait;
        }
        assert_eq!(wait_ms(8), None);
        assert_eq!(wait_ms(i64::MAX), None);
    }
}
