//! `/admin/api/personal/notification_preferences`: what the caller wants to be told of.

use super::auth::{Read, Write};
use super::format::{Answer, Object};
use crate::app::App;
use crate::error::Error;
use crate::notifications::{ALL, Preferences};
use crate::store::provider_users as rows;
use axum::extract::State;

/// `GET /admin/api/personal/notification_preferences`
///
/// # Errors
/// See [`Error`].
pub async fn show(State(app): State<App>, call: Read) -> Result<Answer, Error> {
    let user_id = call.access.user_id()?;
    let mut tx = app.db.read().await?;
    let user = rows::get(&mut tx, user_id).await?;
    Ok(Answer::ok(shape(&Preferences::read(
        &user.notification_preferences,
    ))))
}

/// `PATCH /admin/api/personal/notification_preferences`: what is given changes.
///
/// # Errors
/// See [`Error`].
pub async fn update(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let user_id = call.access.user_id()?;
    let params = &mut call.params;
    let changes: Vec<(&str, bool)> = ALL
        .iter()
        .filter_map(|(name, _)| Some((*name, params.opt_bool(name)?)))
        .collect();
    params.check()?;
    let mut tx = app.db.begin().await?;
    rows::lock(&mut tx).await?;
    let user = rows::get(&mut tx, user_id).await?;
    let mut preferences = Preferences::read(&user.notification_preferences);
    for (name, wanted) in changes {
        preferences.set(name, wanted);
    }
    rows::set_notification_preferences(&mut tx, user_id, &preferences.to_json()).await?;
    tx.commit().await?;
    Ok(Answer::ok(shape(&preferences)))
}

fn shape(preferences: &Preferences) -> Object {
    ALL.iter().fold(
        Object::new("notification_preferences"),
        |object, (name, _)| object.with(name, preferences.wants(name)),
    )
}
