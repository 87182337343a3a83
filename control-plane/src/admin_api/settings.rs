//! `/admin/api/settings`: the provider's choices.

use super::auth::{Read, Write};
use super::format::{Answer, Object};
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::store::settings::{self, Setting};
use axum::extract::State;

/// `GET /admin/api/settings`
///
/// # Errors
/// See [`Error`].
pub async fn show(State(app): State<App>, _call: Read) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    Ok(Answer::ok(object(&mut tx).await?))
}

/// `PUT /admin/api/settings`: what is given changes.
///
/// Turning `credentials_retrievable` off forgets, for ever, every copy by which credentials could be shown.
///
/// # Errors
/// See [`Error`].
pub async fn update(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let changes: Vec<(Setting, bool)> = settings::ALL
        .iter()
        .filter_map(|setting| Some((*setting, call.params.opt_bool(setting.name)?)))
        .collect();
    call.params.check()?;
    let mut tx = app.db.begin().await?;
    // Whoever seals a credential holds the revision: none is kept after the copies are forgotten.
    tx.hold_revision().await?;
    for (setting, value) in changes {
        settings::set(&mut tx, setting, value).await?;
        if setting == settings::CREDENTIALS_RETRIEVABLE && !value {
            settings::forget_sealed_credentials(&mut tx).await?;
        }
    }
    let object = object(&mut tx).await?;
    tx.commit().await?;
    Ok(Answer::ok(object))
}

async fn object(tx: &mut Tx) -> Result<Object, Error> {
    let mut object = Object::new("settings");
    for setting in settings::ALL {
        object = object.with(setting.name, settings::get(tx, *setting).await?);
    }
    Ok(object)
}
