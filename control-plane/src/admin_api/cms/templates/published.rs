//! What is published of a template: now, before, and as it was shipped.

use super::{is_shipped, page, whole};
use crate::admin_api::auth::{ReadContent, WriteContent};
use crate::admin_api::format::{Answer, List, Object, timestamp};
use crate::admin_api::path::Ids;
use crate::app::App;
use crate::error::Error;
use crate::site;
use crate::store::cms::templates::{self, Version};
use axum::extract::State;

/// `PUT …/templates/{id}/publish`: without a draft nothing happens, as in 3scale.
///
/// # Errors
/// See [`Error`].
pub async fn publish(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: WriteContent,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let mut row = templates::get(&mut tx, id).await?;
    if let Some(draft) = row.draft.take() {
        templates::publish(&mut tx, row, draft).await?;
    }
    let row = templates::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(whole(&row)))
}

/// `GET …/templates/{id}/versions`: what was published, newest first.
///
/// # Errors
/// See [`Error`].
pub async fn versions(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: ReadContent,
) -> Result<Answer, Error> {
    let page = page(&mut call.params)?;
    let mut tx = app.db.read().await?;
    templates::get(&mut tx, id).await?;
    let (rows, total) = templates::versions(&mut tx, id, page).await?;
    Ok(Answer::ok(
        List::new("versions", "version", rows.iter().map(version))
            .collection()
            .paged(page.of(total)),
    ))
}

/// `PUT …/templates/{id}/revert`: publishes again what was published once. The draft stays.
///
/// # Errors
/// See [`Error`].
pub async fn revert(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: WriteContent,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    let row = templates::get(&mut tx, id).await?;
    let version_id = params.opt_id("version_id");
    if version_id.is_none() && !params.is_noted("version_id") {
        params.error("version_id", "can't be blank");
    }
    params.check()?;
    let version = templates::version(&mut tx, id, version_id.unwrap_or_default())
        .await?
        .ok_or_else(|| Error::invalid("version_id", "names no version of it"))?;
    if row.liquid_enabled {
        // What was a template once may use what later versions of the program do not have.
        site::check(&row.handler, &version.content)
            .map_err(|message| Error::invalid("version_id", message))?;
    }
    templates::publish(&mut tx, row, version.content).await?;
    let row = templates::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(whole(&row)))
}

/// `PUT …/templates/{id}/reset`: the shipped text is in force again. What was published stays among the versions.
///
/// # Errors
/// See [`Error`].
pub async fn reset(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: WriteContent,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let mut row = templates::get(&mut tx, id).await?;
    if !is_shipped(&row) {
        return Err(Error::invalid(
            "base",
            "does not come with the program: there is nothing to reset it to",
        ));
    }
    row.published = None;
    row.draft = None;
    row.layout_id = None;
    row.handler.clear();
    row.liquid_enabled = true;
    row.problem.clear();
    templates::update(&mut tx, &row).await?;
    let row = templates::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(whole(&row)))
}

fn version(row: &Version) -> Object {
    Object::new("version")
        .unwrapped()
        .with("id", row.id)
        .with("created_at", timestamp(row.created_at))
        .with("content", &row.content)
}
