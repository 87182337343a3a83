//! `/admin/api/cms/templates`: pages, layouts and partials, the provider's and those that come with the program.
//!
//! A shipped one has a row from the first call on. While it has nothing published, the shipped text is in force.

pub mod published;

use super::{page, path, section};
use crate::admin_api::auth::{ReadContent, WriteContent};
use crate::admin_api::format::{Answer, List, Object, timestamp};
use crate::admin_api::params::Params;
use crate::admin_api::path::Ids;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::names;
use crate::site::kind::{BUILTIN_PAGE, BUILTIN_PARTIAL, EMAIL, LAYOUT, PAGE, PARTIAL};
use crate::site::{self, Site};
use crate::store::cms::Place;
use crate::store::cms::templates::{self, Filter, Template};
use axum::extract::State;

/// The longest template, in characters.
pub const TEMPLATE_CHARS: usize = 500_000;

/// What may be made.
const TYPES: &[&str] = &[PAGE, LAYOUT, PARTIAL];
/// What there is.
const ALL_TYPES: &[&str] = &[PAGE, LAYOUT, PARTIAL, BUILTIN_PAGE, BUILTIN_PARTIAL, EMAIL];
const HANDLERS: &[&str] = &["markdown"];

/// `GET …/templates`: by `type` and `section_id`; with their texts when `content` says so.
///
/// # Errors
/// See [`Error`].
pub async fn list(State(app): State<App>, mut call: ReadContent) -> Result<Answer, Error> {
    let params = &mut call.params;
    let filter = Filter {
        kind: params.opt_choice("type", ALL_TYPES).map(str::to_owned),
        section_id: params.opt_id("section_id"),
    };
    let shape = match params.opt_bool("content") {
        Some(true) => whole,
        _ => summary,
    };
    let page = page(params)?;
    app.site.install(&app.db).await?;
    let mut tx = app.db.read().await?;
    let (rows, total) = templates::page(&mut tx, &filter, page).await?;
    Ok(Answer::ok(
        List::new("templates", "template", rows.iter().map(shape))
            .collection()
            .paged(page.of(total)),
    ))
}

/// `GET …/templates/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn show(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: ReadContent,
) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    Ok(Answer::ok(whole(&templates::get(&mut tx, id).await?)))
}

/// `POST …/templates`
///
/// # Errors
/// See [`Error`].
pub async fn create(State(app): State<App>, mut call: WriteContent) -> Result<Answer, Error> {
    let params = &mut call.params;
    let mut tx = app.db.begin().await?;
    Site::install_in(&mut tx).await?;
    let kind = params.opt_choice("type", TYPES);
    if kind.is_none() && !params.is_noted("type") {
        params.error("type", "can't be blank");
    }
    let mut row = Template {
        id: 0,
        kind: kind.unwrap_or_default().into(),
        system_name: String::new(),
        title: String::new(),
        path: None,
        section_id: None,
        layout_id: None,
        content_type: "text/html".into(),
        liquid_enabled: true,
        handler: String::new(),
        draft: None,
        published: None,
        problem: String::new(),
        created_at: 0,
        updated_at: 0,
    };
    if row.kind == PAGE {
        row.section_id = Some(section(&mut tx, params).await?);
        if !params.has("path") {
            params.error("path", "can't be blank");
        }
        if !params.has("title") {
            params.error("title", "can't be blank");
        }
    }
    apply(&mut tx, params, &mut row).await?;
    name(&mut tx, params, &mut row).await?;
    params.check()?;
    let id = templates::insert(&mut tx, &row).await?;
    let row = templates::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::created(
        whole(&row),
        format!("/admin/api/cms/templates/{id}"),
    ))
}

/// `PUT …/templates/{id}`
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
    let mut row = templates::get(&mut tx, id).await?;
    if row.kind == PAGE
        && let Some(section) = super::given_section(&mut tx, params).await?
    {
        row.section_id = Some(section);
    }
    apply(&mut tx, params, &mut row).await?;
    if is_shipped(&row) {
        if params
            .opt_text("system_name", names::MOST_CHARS)
            .is_some_and(|name| name != row.system_name)
        {
            params.error("system_name", "is what the program finds it by");
        }
    } else if params.has("system_name") {
        name(&mut tx, params, &mut row).await?;
    }
    params.check()?;
    templates::update(&mut tx, &row).await?;
    let row = templates::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(whole(&row)))
}

/// `DELETE …/templates/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: WriteContent,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    let row = templates::get(&mut tx, id).await?;
    if is_shipped(&row) {
        return Err(Error::invalid(
            "base",
            "comes with the program: reset it instead",
        ));
    }
    let pages = templates::count_in_layout(&mut tx, row.id).await?;
    if pages > 0 {
        return Err(Error::invalid(
            "base",
            format!(
                "{pages} {} in this layout: give them another first",
                if pages == 1 {
                    "page stands"
                } else {
                    "pages stand"
                }
            ),
        ));
    }
    templates::delete(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

/// Everything but type, section and system name.
async fn apply(tx: &mut Tx, params: &mut Params, row: &mut Template) -> Result<(), Error> {
    if let Some(title) = params.opt_text("title", 255) {
        if title.is_empty() && row.kind == PAGE {
            params.error("title", "can't be blank");
        }
        row.title = title;
    }
    if let Some(draft) = params.take("draft") {
        row.draft = text(params, draft);
    }
    if let Some(enabled) = params.opt_bool("liquid_enabled") {
        row.liquid_enabled = enabled;
    }
    if params.has("handler") && row.kind != EMAIL {
        row.handler = params
            .opt_choice("handler", HANDLERS)
            .unwrap_or_default()
            .into();
    }
    if let Some(draft) = row.draft.as_ref().filter(|_| row.liquid_enabled)
        && let Err(message) = site::check(&row.handler, draft)
    {
        params.error("draft", message);
    }
    if row.kind == BUILTIN_PAGE {
        return layout(tx, params, row).await;
    }
    if row.kind != PAGE {
        return Ok(());
    }
    if let Some(path) = path(tx, params, place(row)).await? {
        row.path = Some(path);
    }
    if let Some(content_type) = params.opt_filled("content_type", 255) {
        if !is_media_type(&content_type) {
            params.error("content_type", "must be a media type, as in text/html");
        }
        row.content_type = content_type;
    }
    layout(tx, params, row).await
}

/// Whether it comes with the program.
fn is_shipped(row: &Template) -> bool {
    site::shipped_text(&row.kind, &row.system_name).is_some()
}

fn place(row: &Template) -> Place {
    match row.id {
        0 => Place::New,
        id => Place::Page(id),
    }
}

/// A template's text, not trimmed: its first line may be indented.
fn text(params: &mut Params, value: serde_json::Value) -> Option<String> {
    let text = match value {
        serde_json::Value::Null => return None,
        serde_json::Value::String(text) => text,
        serde_json::Value::Number(number) => number.to_string(),
        _ => {
            params.error("draft", "must be a text");
            return None;
        }
    };
    if text.chars().count() > TEMPLATE_CHARS {
        params.error(
            "draft",
            format!("is too long (maximum is {TEMPLATE_CHARS} characters)"),
        );
    }
    Some(text)
}

/// `layout_id`, or else `layout_name`; blank for none.
async fn layout(tx: &mut Tx, params: &mut Params, row: &mut Template) -> Result<(), Error> {
    if params.has("layout_id") {
        row.layout_id = params.opt_id("layout_id");
        if let Some(id) = row.layout_id {
            match templates::get(tx, id).await {
                Ok(layout) if layout.kind == LAYOUT => {}
                Ok(_) | Err(Error::NotFound) => params.error("layout_id", "names no layout"),
                Err(error) => return Err(error),
            }
        }
    } else if let Some(name) = params.opt_text("layout_name", 255) {
        let found = templates::find(tx, LAYOUT, &name).await?;
        if found.is_none() && !name.is_empty() {
            params.error("layout_name", "names no layout");
        }
        row.layout_id = found.map(|layout| layout.id);
    }
    Ok(())
}

/// The system name that is given, or one made of the title. Partials may have slashes in theirs.
async fn name(tx: &mut Tx, params: &mut Params, row: &mut Template) -> Result<(), Error> {
    let mut taken = templates::system_names(tx, &row.kind, row.id).await?;
    if row.kind == PARTIAL {
        taken.extend(templates::system_names(tx, BUILTIN_PARTIAL, 0).await?);
    }
    let given = params
        .opt_text("system_name", names::MOST_CHARS)
        .filter(|name| !name.is_empty());
    row.system_name = match given {
        Some(given) => {
            if given.split('/').any(|part| names::check(part).is_err()) {
                params.error(
                    "system_name",
                    "must hold only letters, digits, _, - and ., in parts between slashes",
                );
            } else if taken.contains(&given) {
                params.error("system_name", "has already been taken");
            }
            given
        }
        None if row.kind != PAGE && row.title.is_empty() => {
            params.error("system_name", "can't be blank");
            String::new()
        }
        None => {
            let slug = names::slug(&row.title);
            let wanted = if slug.is_empty() { &row.kind } else { &slug };
            names::free(wanted, &taken)
        }
    };
    Ok(())
}

pub(super) fn is_media_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or("").trim();
    essence.split_once('/').is_some_and(|(kind, subtype)| {
        [kind, subtype].iter().all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
        })
    }) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn summary(row: &Template) -> Object {
    let object = Object::new("template")
        .unwrapped()
        .with("id", row.id)
        .with("type", &row.kind)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
        .with("title", &row.title)
        .with("system_name", &row.system_name);
    let object = match row.kind.as_str() {
        PAGE => object
            .with("layout_id", row.layout_id)
            .with("section_id", row.section_id)
            .with("path", row.path.as_ref())
            .with("content_type", &row.content_type),
        BUILTIN_PAGE => object.with("layout_id", row.layout_id),
        _ => object,
    };
    object
        .with("liquid_enabled", row.liquid_enabled)
        .with(
            "handler",
            Some(&row.handler).filter(|handler| !handler.is_empty()),
        )
        .with("hidden", row.published.is_none() && !is_shipped(row))
        .with(
            "problem",
            Some(&row.problem).filter(|problem| !problem.is_empty()),
        )
}

fn whole(row: &Template) -> Object {
    summary(row)
        .with("draft", row.draft.as_ref())
        .with("published", row.published.as_ref())
        .with("shipped", site::shipped_text(&row.kind, &row.system_name))
}
