//! `/admin/api/active_docs`: API specifications for the portal, validated when they are uploaded.

use super::access::Access;
use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::page::Page;
use super::params::Params;
use super::path::Ids;
use super::services::choose_system_name;
use crate::api_spec;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::store::active_docs::{self, ActiveDoc};
use crate::store::products;
use axum::extract::State;
use serde_json::Value;

/// The longest specification, in characters.
pub const BODY_CHARS: usize = 4_000_000;

/// `GET /admin/api/active_docs`
///
/// # Errors
/// See [`Error`].
pub async fn list(State(app): State<App>, mut call: Read) -> Result<Answer, Error> {
    let page = Page::from_params(&mut call.params)?;
    let mut tx = app.db.read().await?;
    let (rows, total) = active_docs::list(&mut tx, call.access.products(), page).await?;
    let items = rows.iter().map(|row| active_doc(&app, row));
    Ok(Answer::ok(
        List::new("api_docs", "api_doc", items).paged(page.of(total)),
    ))
}

/// `GET /admin/api/active_docs/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn show(State(app): State<App>, Ids([id]): Ids<1>, call: Read) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    let row = reached(&mut tx, &call.access, id).await?;
    Ok(Answer::ok(active_doc(&app, &row)))
}

/// `POST /admin/api/active_docs`
///
/// # Errors
/// See [`Error`].
pub async fn create(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    let name = params.text("name", 255);
    let taken = active_docs::system_names(&mut tx).await?;
    let mut row = ActiveDoc {
        id: 0,
        system_name: choose_system_name(params, &name, "api_doc", &taken),
        name,
        description: String::new(),
        product_id: None,
        body: String::new(),
        format: String::new(),
        published: false,
        skip_swagger_validations: false,
        created_at: 0,
        updated_at: 0,
    };
    if !params.has("body") {
        params.error("body", "can't be blank");
    }
    apply(&mut tx, params, &call.access, &mut row).await?;
    params.check()?;
    let id = active_docs::insert(&mut tx, &row).await?;
    let row = active_docs::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::created(
        active_doc(&app, &row),
        format!("/admin/api/active_docs/{id}"),
    ))
}

/// `PUT /admin/api/active_docs/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    let mut row = reached(&mut tx, &call.access, id).await?;
    if let Some(name) = params.opt_filled("name", 255) {
        row.name = name;
    }
    apply(&mut tx, params, &call.access, &mut row).await?;
    params.check()?;
    active_docs::update(&mut tx, &row).await?;
    let row = active_docs::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(active_doc(&app, &row)))
}

/// `DELETE /admin/api/active_docs/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    reached(&mut tx, &call.access, id).await?;
    active_docs::delete(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// A specification of no product, or of one that the caller may reach.
async fn reached(tx: &mut Tx, access: &Access, id: i64) -> Result<ActiveDoc, Error> {
    let row = active_docs::get(tx, id).await?;
    match row.product_id {
        Some(product_id) if !access.products().has(product_id) => Err(Error::NotFound),
        _ => Ok(row),
    }
}

/// Everything but the names.
async fn apply(
    tx: &mut Tx,
    params: &mut Params,
    access: &Access,
    row: &mut ActiveDoc,
) -> Result<(), Error> {
    if let Some(text) = params.opt_text("description", 65_535) {
        row.description = text;
    }
    if let Some(published) = params.opt_bool("published") {
        row.published = published;
    }
    if params.has("service_id") {
        row.product_id = params.opt_id("service_id");
        if row.product_id.is_some_and(|id| !access.products().has(id)) {
            return Err(Error::NotFound);
        }
        if let Some(id) = row.product_id
            && matches!(products::get(tx, id).await, Err(Error::NotFound))
        {
            params.error("service_id", "names no product");
        }
    }
    let validated = !row.skip_swagger_validations;
    if let Some(skip) = params.opt_bool("skip_swagger_validations") {
        row.skip_swagger_validations = skip;
    }
    if let Some(body) = specification(params) {
        row.body = body;
        validate(params, row);
    } else if validated == row.skip_swagger_validations {
        validate(params, row);
    }
    Ok(())
}

/// `body`: JSON in a text, as 3scale's clients send it, or the JSON itself.
fn specification(params: &mut Params) -> Option<String> {
    let body = match params.take("body")? {
        Value::String(text) => text,
        body @ Value::Object(_) => body.to_string(),
        _ => String::new(),
    };
    if body.trim().is_empty() {
        params.error("body", "can't be blank");
        return None;
    }
    if body.chars().count() > BODY_CHARS {
        params.error(
            "body",
            format!("is too long (maximum is {BODY_CHARS} characters)"),
        );
        return None;
    }
    Some(body)
}

/// Notes what is wrong with the specification. That it is JSON is never skipped: nothing could show it.
fn validate(params: &mut Params, row: &mut ActiveDoc) {
    row.format.clear();
    if row.body.is_empty() {
        return;
    }
    let spec = match api_spec::parse(&row.body) {
        Ok(spec) => spec,
        Err(problem) => {
            params.error("body", problem.to_string());
            return;
        }
    };
    match api_spec::check(&spec) {
        Ok(format) => row.format = format.as_str().into(),
        Err(_) if row.skip_swagger_validations => {}
        Err(problems) => {
            for problem in problems {
                params.error("body", problem.to_string());
            }
        }
    }
}

fn active_doc(app: &App, row: &ActiveDoc) -> Object {
    Object::new("api_doc")
        .with("id", row.id)
        .with("system_name", &row.system_name)
        .with("name", &row.name)
        .with("description", &row.description)
        .with("service_id", row.product_id)
        .with("published", row.published)
        .with("skip_swagger_validations", row.skip_swagger_validations)
        .with("body", &row.body)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .links([(
            "self",
            format!("{}/admin/api/active_docs/{}", app.config.admin_url, row.id),
        )])
}
