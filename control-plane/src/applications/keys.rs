//! Keys of an application: added, named, rotated with an overlap, given an end, taken away.
//!
//! A key with an `expires_at` is one until then and none from then on: everybody who decides compares with the clock, gateways
//! that are cut off too. Its row goes later ([`sweep`]).

use super::{most_keys, takes_user_key};
use crate::credentials::{self, Fresh, MOST_KEYS, Sealer};
use crate::db::{Db, Tx};
use crate::error::Error;
use crate::events;
use crate::mail::{self, Kind};
use crate::promote::freeze::OIDC;
use crate::secrets::{self, APPLICATION_KEY_VALUE, Secret, Secrets};
use crate::store::applications as rows;
use crate::store::keys::{self, Key, NewKey};

/// Overlaps that pages offer, in seconds: none, an hour, a day, a week, 30 days.
pub const OVERLAPS_SECS: [i64; 5] = [0, 3_600, 86_400, 604_800, 2_592_000];
/// The longest overlap, in seconds: a year.
pub const MOST_OVERLAP_SECS: i64 = 366 * 86_400;
/// The longest label, in characters.
pub const MOST_LABEL: usize = 255;

/// Keys an application may have while some of them are being replaced.
const MOST_WITH_OVERLAP: usize = 2 * MOST_KEYS;
/// Expired keys removed in one transaction.
const SWEEP_ROWS: i64 = 500;
/// 9999-12-31T23:59:59Z, milliseconds since 1970: the last moment that answers can show.
const LAST_MS: i64 = 253_402_300_799_000;

/// A key to be added.
#[derive(Debug, Default)]
pub struct AddKey {
    /// The key itself; made up when there is none.
    pub chosen: Option<Secret>,
    /// What the developer calls it.
    pub label: String,
    /// From when on it is none, milliseconds since 1970.
    pub expires_at: Option<i64>,
}

/// How a key is replaced by another.
#[derive(Debug, Default)]
pub struct Rotation {
    /// The new key; made up when there is none.
    pub chosen: Option<Secret>,
    /// What the new key is called; as the old one when there is none.
    pub label: Option<String>,
    /// How long the old key still works, in seconds; with 0 it is revoked at once.
    pub overlap_secs: i64,
}

/// What is to be changed of a key; what is none stays.
#[derive(Debug, Default)]
pub struct KeyChange {
    /// Its label; empty for none.
    pub label: Option<String>,
    /// From when on it is none, milliseconds since 1970; inner none for never.
    pub expires_at: Option<Option<i64>>,
}

/// Gives an application one more key: the chosen one, or a new one.
///
/// # Errors
/// 404 when there is no such application, 422 when it cannot have this key or any more.
pub async fn add_key(
    tx: &mut Tx,
    secrets: &Secrets,
    account_id: i64,
    id: i64,
    add: AddKey,
) -> Result<Fresh, Error> {
    tx.hold_revision().await?;
    let application = rows::get(tx, Some(account_id), id).await?;
    if takes_user_key(&application.backend_version) {
        return Err(Error::invalid("key", super::TAKES_USER_KEY));
    }
    let had = keys::of(tx, &[id]).await?;
    let key = fresh(add.chosen, &had, "key")?;
    let expires_at = match add.expires_at {
        Some(moment) => Some(expiry(tx, moment).await?),
        None => None,
    };
    let most = most_keys(&application.backend_version);
    if had.len() >= most {
        return Err(Error::invalid(
            "key",
            format!("cannot be added: an application has at most {most} keys, delete one first"),
        ));
    }
    let sealer = Sealer::load(tx, secrets).await?;
    insert(tx, &sealer, id, &key, label(&add.label)?, expires_at).await?;
    rows::stamp(tx, id).await?;
    mail::about_application(tx, Kind::KeyCreated, account_id, id).await?;
    events::record(tx, events::APPLICATION_KEY_CREATED, id).await?;
    Ok(Fresh(vec![key]))
}

/// Replaces a key, named by its value or by what is shown of it, by a new one; the old one works for the overlap. It never
/// works longer than it would have anyway.
///
/// # Errors
/// 404 when there is no such application or key; 422 when it cannot have the new key, or too many keys are being replaced.
pub async fn rotate_key(
    tx: &mut Tx,
    secrets: &Secrets,
    account_id: i64,
    id: i64,
    old: &Secret,
    rotation: Rotation,
) -> Result<Fresh, Error> {
    tx.hold_revision().await?;
    let application = rows::get(tx, Some(account_id), id).await?;
    let had = keys::of(tx, &[id]).await?;
    let old = named(&had, old)?;
    let overlap_secs = rotation.overlap_secs;
    if !(0..=MOST_OVERLAP_SECS).contains(&overlap_secs) {
        let message = format!("must be from 0 to {MOST_OVERLAP_SECS} seconds");
        return Err(Error::invalid("overlap", message));
    }
    if overlap_secs > 0 && application.backend_version == OIDC {
        let message = "must be 0: the key is the client's secret, and the issuer knows one";
        return Err(Error::invalid("overlap", message));
    }
    if overlap_secs > 0 && had.len() >= MOST_WITH_OVERLAP {
        let message = format!(
            "must be 0: an application has at most {MOST_WITH_OVERLAP} keys while some are replaced"
        );
        return Err(Error::invalid("overlap", message));
    }
    let key = fresh(rotation.chosen, &had, "new_key")?;
    let label = match &rotation.label {
        Some(text) => label(text)?,
        None => old.label.as_str(),
    };
    let sealer = Sealer::load(tx, secrets).await?;
    insert(tx, &sealer, id, &key, label, None).await?;
    if overlap_secs == 0 {
        keys::delete(tx, id, &old.digest).await?;
    } else {
        let end = whole_secs(tx.now_ms().await?).saturating_add(overlap_secs * 1_000);
        let end = old.expires_at.unwrap_or(end).min(end);
        keys::update(tx, old, &old.label, Some(end)).await?;
    }
    rows::stamp(tx, id).await?;
    mail::about_application(tx, Kind::KeyCreated, account_id, id).await?;
    if overlap_secs == 0 {
        mail::about_application(tx, Kind::KeyDeleted, account_id, id).await?;
    }
    events::record(tx, events::APPLICATION_KEY_UPDATED, id).await?;
    Ok(Fresh(vec![key]))
}

/// Names a key, named by its value or by what is shown of it, or gives it another end.
///
/// # Errors
/// 404 when there is no such application or key; 422 when the label is too long, or the end has passed.
pub async fn change_key(
    tx: &mut Tx,
    account_id: i64,
    id: i64,
    key: &Secret,
    change: KeyChange,
) -> Result<(), Error> {
    tx.hold_revision().await?;
    rows::get(tx, Some(account_id), id).await?;
    let had = keys::of(tx, &[id]).await?;
    let key = named(&had, key)?;
    let label = match &change.label {
        Some(text) => label(text)?,
        None => key.label.as_str(),
    };
    let expires_at = match change.expires_at {
        Some(Some(moment)) => Some(expiry(tx, moment).await?),
        Some(None) => None,
        None => key.expires_at,
    };
    let permanent = |key: &&Key| key.expires_at.is_none();
    if key.expires_at.is_some() && expires_at.is_none() {
        let most = MOST_KEYS;
        if had.iter().filter(permanent).count() >= most {
            let message = format!("cannot be taken away: an application has at most {most} keys");
            return Err(Error::invalid("expires_at", message));
        }
    }
    keys::update(tx, key, label, expires_at).await?;
    if expires_at != key.expires_at {
        // Gateways do not know of labels.
        rows::stamp(tx, id).await?;
    }
    Ok(())
}

/// Names a key, itself named by its value or by what is shown of it. An empty label is none.
///
/// # Errors
/// As [`change_key`].
pub async fn label_key(
    tx: &mut Tx,
    account_id: i64,
    id: i64,
    key: &Secret,
    label: &str,
) -> Result<(), Error> {
    let change = KeyChange {
        label: Some(label.to_owned()),
        ..KeyChange::default()
    };
    change_key(tx, account_id, id, key, change).await
}

/// Takes a key from an application, named by its value or by what is shown of it.
///
/// # Errors
/// 404 when there is no such application or key.
pub async fn remove_key(
    tx: &mut Tx,
    account_id: i64,
    id: i64,
    value: &Secret,
) -> Result<(), Error> {
    tx.hold_revision().await?;
    rows::get(tx, Some(account_id), id).await?;
    let had = keys::of(tx, &[id]).await?;
    let key = named(&had, value)?;
    keys::delete(tx, id, &key.digest).await?;
    rows::stamp(tx, id).await?;
    mail::about_application(tx, Kind::KeyDeleted, account_id, id).await?;
    events::record(tx, events::APPLICATION_KEY_DELETED, id).await
}

/// Removes keys that have expired: gateways forget them, and who listens is told. Returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(db: &Db) -> Result<usize, Error> {
    let mut tx = db.read().await?;
    let now_ms = tx.now_ms().await?;
    let any = !keys::expired(&mut tx, now_ms, 1).await?.is_empty();
    drop(tx);
    if !any {
        return Ok(0);
    }
    let mut tx = db.begin_aside().await?;
    tx.hold_revision().await?;
    let now_ms = tx.now_ms().await?;
    let expired = keys::expired(&mut tx, now_ms, SWEEP_ROWS).await?;
    for key in &expired {
        keys::delete(&mut tx, key.application_id, &key.digest).await?;
        rows::stamp(&mut tx, key.application_id).await?;
        events::record(&mut tx, events::APPLICATION_KEY_DELETED, key.application_id).await?;
    }
    tx.commit().await?;
    Ok(expired.len())
}

/// Keeps a key.
pub(super) async fn insert(
    tx: &mut Tx,
    sealer: &Sealer<'_>,
    application_id: i64,
    key: &Secret,
    label: &str,
    expires_at: Option<i64>,
) -> Result<(), Error> {
    let sealed = sealer.seal(APPLICATION_KEY_VALUE, key)?;
    let new = NewKey {
        application_id,
        digest: &credentials::key_digest(key),
        sealed: sealed.as_deref(),
        label,
        expires_at,
        now_ms: tx.now_ms().await?,
    };
    keys::insert(tx, new).await
}

/// The chosen key, if it can be one more beside the others; or a new one.
fn fresh(chosen: Option<Secret>, had: &[Key], field: &'static str) -> Result<Secret, Error> {
    let key = chosen.unwrap_or_else(secrets::new_application_key);
    if let Some(problem) = credentials::app_key_problem(key.reveal()) {
        return Err(Error::invalid(field, problem));
    }
    let digest = credentials::key_digest(&key);
    if had.iter().any(|had| had.digest == digest) {
        return Err(Error::invalid(field, "has already been taken"));
    }
    Ok(key)
}

/// The one that has this value, or of which this is shown.
fn named<'a>(had: &'a [Key], value: &Secret) -> Result<&'a Key, Error> {
    let digest = credentials::key_digest(value);
    had.iter()
        .find(|key| {
            secrets::same(&key.digest, &digest)
                || credentials::masked(&key.digest) == value.reveal()
        })
        .ok_or(Error::NotFound)
}

fn label(text: &str) -> Result<&str, Error> {
    let text = text.trim();
    if text.chars().count() > MOST_LABEL {
        let message = format!("is too long (maximum is {MOST_LABEL} characters)");
        return Err(Error::invalid("label", message));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid("label", "may not have control characters"));
    }
    Ok(text)
}

/// An end that is still to come, in whole seconds: so everybody who decides by it agrees.
async fn expiry(tx: &mut Tx, moment_ms: i64) -> Result<i64, Error> {
    let end = whole_secs(moment_ms);
    if end <= tx.now_ms().await? || end > LAST_MS {
        return Err(Error::invalid("expires_at", "must be in the future"));
    }
    Ok(end)
}

/// The next whole second, milliseconds since 1970.
fn whole_secs(ms: i64) -> i64 {
    ms.saturating_add(999)
        .div_euclid(1_000)
        .saturating_mul(1_000)
}
