//! `/admin/api/settings`: the provider's choices.

use super::auth::{Read, Write};
use super::format::{Answer, Object};
use super::params::Params;
use crate::app::App;
use crate::brand;
use crate::db::Tx;
use crate::error::Error;
use crate::store::authentication_providers::{self, AccountType};
use crate::store::settings::{self, AnySetting};
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
    let params = &mut call.params;
    let changes: Vec<(AnySetting, String)> = settings::ALL
        .iter()
        .filter_map(|setting| Some((*setting, read(params, *setting)?)))
        .collect();
    params.check()?;
    let mut tx = app.db.begin().await?;
    // Whoever seals a credential holds the revision: none is kept after the copies are forgotten.
    tx.hold_revision().await?;
    for (setting, value) in changes {
        if setting == AnySetting::Flag(settings::ENFORCE_SSO) && value == "true" {
            refuse_locking_out(&mut tx).await?;
        }
        settings::set_text(&mut tx, name(setting), &value).await?;
        if setting == AnySetting::Flag(settings::CREDENTIALS_RETRIEVABLE) && value == "false" {
            settings::forget_sealed_credentials(&mut tx).await?;
        }
    }
    let object = object(&mut tx).await?;
    tx.commit().await?;
    Ok(Answer::ok(object))
}

fn name(setting: AnySetting) -> &'static str {
    match setting {
        AnySetting::Flag(flag) => flag.name,
        AnySetting::Word(word) => word.name,
        AnySetting::Color(color) => color.name,
    }
}

fn read(params: &mut Params, setting: AnySetting) -> Option<String> {
    match setting {
        AnySetting::Flag(flag) => params.opt_bool(flag.name).map(|value| value.to_string()),
        AnySetting::Word(word) => params.opt_choice(word.name, word.words).map(str::to_owned),
        AnySetting::Color(color) => {
            let text = params.opt_text(color.name, 7)?;
            if let Err(message) = brand::check(color, &text) {
                params.error(color.name, message);
            }
            Some(text)
        }
    }
}

async fn refuse_locking_out(tx: &mut Tx) -> Result<(), Error> {
    if authentication_providers::count_published(tx, AccountType::Provider).await? == 0 {
        return Err(Error::invalid(
            settings::ENFORCE_SSO.name,
            "needs a published authentication provider of the console: nobody could sign in",
        ));
    }
    Ok(())
}

async fn object(tx: &mut Tx) -> Result<Object, Error> {
    let mut object = Object::new("settings");
    for setting in settings::ALL {
        object = match setting {
            AnySetting::Flag(flag) => object.with(flag.name, settings::get(tx, *flag).await?),
            AnySetting::Word(word) => object.with(word.name, settings::word(tx, *word).await?),
            AnySetting::Color(color) => object.with(color.name, settings::color(tx, *color).await?),
        };
    }
    Ok(object)
}
