//! `/admin/api/cms/sections`

use super::page;
use crate::admin_api::auth::{ReadContent, WriteContent};
use crate::admin_api::format::{Answer, List, Object, timestamp};
use crate::admin_api::params::Params;
use crate::admin_api::path::Segments;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::names;
use crate::store::cms::sections::{self, ROOT, Section};
use axum::extract::State;

/// `GET …/sections`
///
/// # Errors
/// See [`Error`].
pub async fn list(State(app): State<App>, mut call: ReadContent) -> Result<Answer, Error> {
    let page = page(&mut call.params)?;
    let mut tx = app.db.read().await?;
    let (rows, total) = sections::page(&mut tx, page).await?;
    Ok(Answer::ok(
        List::new("sections", "section", rows.iter().map(section))
            .collection()
            .paged(page.of(total)),
    ))
}

/// `GET …/sections/{id}`: by id or system name.
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    segments: Segments,
    _call: ReadContent,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    Ok(Answer::ok(section(&named(&mut tx, &segments).await?)))
}

/// `POST …/sections`
///
/// # Errors
/// See [`Error`].
pub async fn create(State(app): State<App>, mut call: WriteContent) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    let title = params.text("title", 255);
    let slug = names::slug(&title);
    let mut row = Section {
        id: 0,
        parent_id: sections::find(&mut tx, ROOT).await?.map(|root| root.id),
        partial_path: format!("/{slug}"),
        system_name: String::new(),
        title,
        public: true,
        created_at: 0,
        updated_at: 0,
    };
    if !params.has("system_name") {
        let taken = sections::system_names(&mut tx).await?;
        let wanted = if slug.is_empty() { "section" } else { &slug };
        row.system_name = names::free(wanted, &taken);
    }
    apply(&mut tx, params, &mut row).await?;
    params.check()?;
    let id = sections::insert(&mut tx, &row).await?;
    let row = sections::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::created(
        section(&row),
        format!("/admin/api/cms/sections/{id}"),
    ))
}

/// `PUT …/sections/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    segments: Segments,
    mut call: WriteContent,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    let mut row = named(&mut tx, &segments).await?;
    if let Some(title) = params.opt_filled("title", 255) {
        row.title = title;
    }
    apply(&mut tx, params, &mut row).await?;
    params.check()?;
    sections::update(&mut tx, &row).await?;
    let row = sections::get(&mut tx, row.id).await?;
    tx.commit().await?;
    Ok(Answer::ok(section(&row)))
}

/// `DELETE …/sections/{id}`: what is in it goes to its parent.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    segments: Segments,
    _call: WriteContent,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let row = named(&mut tx, &segments).await?;
    let Some(parent) = row.parent_id else {
        return Err(Error::invalid("base", "the root section can't be deleted"));
    };
    match sections::delete(&mut tx, row.id, parent).await {
        Err(error) if error.is_duplicate() => Err(Error::invalid(
            "base",
            "a section in it has the title of one beside it: rename one of them first",
        )),
        other => other,
    }?;
    tx.commit().await?;
    Ok(Answer::empty())
}

async fn named(tx: &mut Tx, segments: &Segments) -> Result<Section, Error> {
    match segments.id("id") {
        Ok(id) => sections::get(tx, id).await,
        Err(_) => sections::find(tx, segments.text("id")?)
            .await?
            .ok_or(Error::NotFound),
    }
}

/// Everything but the title, and whether the whole can be.
async fn apply(tx: &mut Tx, params: &mut Params, row: &mut Section) -> Result<(), Error> {
    if let Some(public) = params.opt_bool("public") {
        row.public = public;
    }
    if let Some(text) = params.opt_filled("system_name", names::MOST_CHARS)
        && text != row.system_name
    {
        if row.system_name == ROOT {
            params.error("system_name", "of the root can't be changed");
        } else if let Err(message) = names::check(&text) {
            params.error("system_name", message);
        } else if sections::find(tx, &text).await?.is_some() {
            params.error("system_name", "has already been taken");
        }
        row.system_name = text;
    }
    if let Some(text) = params.opt_filled("partial_path", 255) {
        row.partial_path = super::tidy(&text);
        if let Err(message) = super::check_path(&row.partial_path) {
            params.error("partial_path", message);
        }
    }
    if let Some(parent) = params.opt_id("parent_id")
        && Some(parent) != row.parent_id
    {
        let line = sections::ancestry(tx, parent).await?;
        if row.system_name == ROOT {
            params.error("parent_id", "of the root can't be set");
        } else if line.is_empty() {
            params.error("parent_id", "names no section");
        } else if row.id != 0 && line.contains(&row.id) {
            params.error("parent_id", "can't be the section itself or one below it");
        }
        row.parent_id = Some(parent);
    }
    if !params.is_noted("parent_id") && sections::is_title_taken(tx, row).await? {
        params.error("title", "has already been taken");
    }
    Ok(())
}

fn section(row: &Section) -> Object {
    Object::new("section")
        .unwrapped()
        .with("id", row.id)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .with("title", &row.title)
        .with("system_name", &row.system_name)
        .with("public", row.public)
        .with("parent_id", row.parent_id)
        .with("partial_path", &row.partial_path)
}
