//! The key of an installation, held against the database that it seals secrets in.
//!
//! A database remembers its key by a sealed text in the setting [`CHECK`]. Another key, or a new one in place of
//! a lost file, would break every sealed secret one by one, later; so nothing starts with it. Commands that open
//! or seal secrets get their [`Secrets`] here.

use super::{PROXY_SECRET_TOKEN, Place, Secret, Secrets};
use crate::config::DatabaseConfig;
use crate::db::{Db, Tx};
use crate::error::Error;
use crate::store::settings;
use crate::{on, provider, run};
use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;

/// The setting that holds the sealed text.
pub const CHECK: &str = "secret_key_check";
const CHECK_PLACE: Place = Place("setting.secret_key_check");
const CHECK_TEXT: &str = "tallygate";

/// The secrets of a migrated database. A key file is made only for a database without a provider, where settings
/// allow it.
///
/// # Errors
/// When the key file is missing, damaged, or not the one this database was made with.
pub async fn open(db: &Db, config: &DatabaseConfig) -> anyhow::Result<Secrets> {
    let (file, create) = config.key_file()?;
    // One connection may be all there is: one question after the other.
    let in_use = known(db).await?.is_some() || provider::exists(db).await?;
    if in_use && !file.try_exists().unwrap_or(true) {
        bail!(
            "the secret key file {} (TALLYGATE_SECRET_KEY_FILE) is missing, and what this database holds is sealed \
             with the key in it: put the file back, from the backup of it",
            file.display()
        );
    }
    let secrets = Secrets::load(&file, create && !in_use)?;
    check(db, &secrets, &file).await?;
    Ok(secrets)
}

async fn check(db: &Db, secrets: &Secrets, file: &Path) -> anyhow::Result<()> {
    let wrong = || {
        format!(
            "{} holds another key than the one this database was made with: TALLYGATE_SECRET_KEY_FILE must name \
             the file with that one",
            file.display()
        )
    };
    let known = match known(db).await? {
        Some(known) => known,
        None => {
            let mut tx = db.begin().await?;
            // Made before keys were checked: what it sealed tells.
            if let Some(sealed) = any_sealed(&mut tx).await? {
                secrets
                    .open(PROXY_SECRET_TOKEN, &sealed)
                    .with_context(wrong)?;
            }
            let sealed = secrets.seal(CHECK_PLACE, &Secret::new(CHECK_TEXT))?;
            remember(&mut tx, &STANDARD.encode(sealed)).await?;
            // Another replica may have been first.
            let known = settings::text(&mut tx, CHECK).await?;
            tx.commit().await?;
            known.context("the check of the secret key was not stored")?
        }
    };
    let opened = STANDARD
        .decode(known)
        .context("setting secret_key_check is damaged")
        .and_then(|sealed| secrets.open(CHECK_PLACE, &sealed))
        .with_context(wrong)?;
    if opened.reveal() != CHECK_TEXT {
        bail!(wrong());
    }
    Ok(())
}

async fn known(db: &Db) -> Result<Option<String>, Error> {
    let mut tx = db.read().await?;
    settings::text(&mut tx, CHECK).await
}

async fn any_sealed(tx: &mut Tx) -> Result<Option<Vec<u8>>, Error> {
    Ok(on!(tx, |c| sqlx::query_scalar(
        "select secret_token from proxy order by product_id limit 1"
    )
    .fetch_optional(c))?)
}

async fn remember(tx: &mut Tx, check: &str) -> Result<(), Error> {
    run!(tx, |c| sqlx::query(
        "insert into setting (name, value) values ($1, $2) on conflict (name) do nothing"
    )
    .bind(CHECK)
    .bind(check)
    .execute(c))?;
    Ok(())
}
