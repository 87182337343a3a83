//! `/admin/api/cms/files`: uploads, as `multipart/form-data`, or as base64 in any other form.

use super::{page, path, section, templates};
use crate::admin_api::auth::{ReadContent, WriteContent};
use crate::admin_api::format::{Answer, List, Object, timestamp};
use crate::admin_api::params::{Params, Upload};
use crate::admin_api::path::Ids;
use crate::app::App;
use crate::error::Error;
use crate::store::cms::Place;
use crate::store::cms::files::{self, File};
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The biggest file.
pub const FILE_BYTES: usize = 5 * 1024 * 1024;

/// `GET …/files`: of all sections or of one.
///
/// # Errors
/// See [`Error`].
pub async fn list(State(app): State<App>, mut call: ReadContent) -> Result<Answer, Error> {
    let section_id = call.params.opt_id("section_id");
    let page = page(&mut call.params)?;
    let mut tx = app.db.read().await?;
    let (rows, total) = files::page(&mut tx, section_id, page).await?;
    let items = rows.iter().map(|row| file(&app, row));
    Ok(Answer::ok(
        List::new("files", "file", items)
            .collection()
            .paged(page.of(total)),
    ))
}

/// `GET …/files/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: ReadContent,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    Ok(Answer::ok(file(&app, &files::get(&mut tx, id).await?)))
}

/// `POST …/files`
///
/// # Errors
/// See [`Error`].
pub async fn create(State(app): State<App>, mut call: WriteContent) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    if !params.has("path") {
        params.error("path", "can't be blank");
    }
    let path = path(&mut tx, params, Place::New).await?.unwrap_or_default();
    let attachment = attachment(params);
    if attachment.is_none() && !params.is_noted("attachment") {
        params.error("attachment", "can't be blank");
    }
    let section_id = section(&mut tx, params).await?;
    let downloadable = params.opt_bool("downloadable").unwrap_or(false);
    params.check()?;
    let attachment = attachment.unwrap_or_default();
    let row = File {
        id: 0,
        section_id,
        title: title(&attachment, &path),
        content_type: content_type(&attachment, &path),
        path,
        downloadable,
        created_at: 0,
        updated_at: 0,
    };
    let id = files::insert(&mut tx, &row, &attachment.content).await?;
    let row = files::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::created(
        file(&app, &row),
        format!("/admin/api/cms/files/{id}"),
    ))
}

/// `PUT …/files/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: WriteContent,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    let mut row = files::get(&mut tx, id).await?;
    if let Some(path) = path(&mut tx, params, Place::File(id)).await? {
        row.path = path;
    }
    if let Some(section) = super::given_section(&mut tx, params).await? {
        row.section_id = section;
    }
    if let Some(downloadable) = params.opt_bool("downloadable") {
        row.downloadable = downloadable;
    }
    let attachment = attachment(params);
    if let Some(attachment) = &attachment {
        row.title = title(attachment, &row.path);
        row.content_type = content_type(attachment, &row.path);
    }
    params.check()?;
    let content = attachment
        .as_ref()
        .map(|attachment| attachment.content.as_slice());
    files::update(&mut tx, &row, content).await?;
    let row = files::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(file(&app, &row)))
}

/// `DELETE …/files/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: WriteContent,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    files::delete(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// The uploaded file; notes when it is too big or cannot be read.
fn attachment(params: &mut Params) -> Option<Upload> {
    let upload = match params.upload("attachment") {
        Some(upload) => upload,
        None => {
            let text = params.opt_filled("attachment", usize::MAX)?;
            match STANDARD.decode(text.as_bytes()) {
                Ok(content) => Upload {
                    content,
                    ..Upload::default()
                },
                Err(_) => {
                    params.error(
                        "attachment",
                        "must be sent as multipart/form-data, or be base64",
                    );
                    return None;
                }
            }
        }
    };
    if upload.content.len() > FILE_BYTES {
        params.error(
            "attachment",
            format!("is too large (maximum is {FILE_BYTES} bytes)"),
        );
        return None;
    }
    Some(upload)
}

/// The uploaded file's own name, or the last part of its path.
fn title(attachment: &Upload, path: &str) -> String {
    let own: String = attachment
        .file_name
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or("")
        .chars()
        .filter(|letter| !letter.is_control())
        .take(255)
        .collect();
    if own.is_empty() {
        path.rsplit('/').next().unwrap_or("").to_owned()
    } else {
        own
    }
}

const UNKNOWN: &str = "application/octet-stream";

/// What it was uploaded as, or what its path's extension says.
fn content_type(attachment: &Upload, path: &str) -> String {
    let given = &attachment.content_type;
    // What curl and browsers say of a kind that they do not know.
    if given != UNKNOWN
        && !given.is_empty()
        && given.len() <= 255
        && templates::is_media_type(given)
    {
        return given.clone();
    }
    let extension = path
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("html" | "htm") => "text/html",
        Some("txt" | "md") => "text/plain",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("pdf") => "application/pdf",
        _ => UNKNOWN,
    }
    .into()
}

fn file(app: &App, row: &File) -> Object {
    Object::new("file")
        .unwrapped()
        .with("id", row.id)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .with("section_id", row.section_id)
        .with("path", &row.path)
        .with("downloadable", row.downloadable)
        .with("url", format!("{}{}", app.config.portal_url, row.path))
        .with("title", &row.title)
        .with("content_type", &row.content_type)
}
