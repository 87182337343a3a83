//! `/admin/api/fields_definitions`: the provider's own fields of accounts, users and applications.

use super::auth::{Read, Write};
use super::format::{Answer, List, Object, timestamp};
use super::params::Params;
use super::path::Ids;
use crate::app::App;
use crate::db::Tx;
use crate::error::Error;
use crate::fields::{self, RESERVED};
use crate::store::fields_definitions::{self as rows, FieldsDefinition};
use axum::extract::State;
use serde_json::Value;

/// 3scale calls applications `Cinstance`.
const TARGETS: &[&str] = &["Account", "User", "Cinstance"];
/// More than any form has.
const MOST_FIELDS: usize = 100;
const MOST_CHOICES: usize = 500;

/// `GET /admin/api/fields_definitions`
///
/// # Errors
/// See [`Error`].
pub async fn index(State(app): State<App>, _call: Read) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    let found = rows::list(&mut tx).await?;
    Ok(Answer::ok(List::new(
        "fields_definitions",
        "fields_definition",
        found.iter().map(shape),
    )))
}

/// `POST /admin/api/fields_definitions`
///
/// # Errors
/// See [`Error`].
pub async fn create(State(app): State<App>, mut call: Write) -> Result<Answer, Error> {
    let params = &mut call.params;
    let target = params.opt_choice("target", TARGETS);
    if target.is_none() && !params.is_noted("target") {
        params.error("target", "can't be blank");
    }
    let name = params.text("name", 255);
    if !name.is_empty()
        && let Err(problem) = check_name(&name)
    {
        params.error("name", problem);
    }
    let mut new = FieldsDefinition {
        id: 0,
        target: target.unwrap_or_default().into(),
        name,
        label: params.text("label", 255),
        required: false,
        hidden: false,
        read_only: false,
        choices: "[]".into(),
        position: 0,
        created_at: 0,
        updated_at: 0,
    };
    apply(params, &mut new);
    params.check()?;
    let mut tx = app.db.begin().await?;
    // Nobody else takes the name or the place.
    tx.hold_revision().await?;
    let others = rows::of(&mut tx, &new.target).await?;
    if others.iter().any(|other| other.name == new.name) {
        params.error("name", "has already been taken");
    } else if RESERVED.contains(&new.name.as_str()) {
        params.error("name", "means something else already");
    }
    if others.len() >= MOST_FIELDS {
        let message = format!("There are {MOST_FIELDS} fields already: delete one first");
        params.error("base", message);
    }
    params.check()?;
    new.position = others.last().map_or(1, |last| last.position + 1);
    let id = rows::insert(&mut tx, &new).await?;
    let row = rows::get(&mut tx, id).await?;
    tx.commit().await?;
    let location = format!("/admin/api/fields_definitions/{id}");
    Ok(Answer::created(shape(&row), location))
}

/// `GET /admin/api/fields_definitions/{id}`
///
/// # Errors
/// See [`Error`].
pub async fn show(State(app): State<App>, Ids([id]): Ids<1>, _call: Read) -> Result<Answer, Error> {
    let mut tx = app.db.read().await?;
    Ok(Answer::ok(shape(&rows::get(&mut tx, id).await?)))
}

/// `PUT /admin/api/fields_definitions/{id}`: what is given changes, but name and target.
///
/// # Errors
/// See [`Error`].
pub async fn update(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    mut call: Write,
) -> Result<Answer, Error> {
    let params = &mut call.params;
    // Documented as required; it never changes.
    params.opt_choice("target", TARGETS);
    let label = params.opt_filled("label", 255);
    let position = params.opt_int("position", 1, i64::from(i32::MAX));
    let mut tx = app.db.begin().await?;
    tx.hold_revision().await?;
    let mut row = rows::get(&mut tx, id).await?;
    if let Some(label) = label {
        row.label = label;
    }
    apply(params, &mut row);
    params.check()?;
    rows::update(&mut tx, &row).await?;
    if let Some(position) = position {
        put_in_place(&mut tx, &row, position).await?;
    }
    let row = rows::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Answer::ok(shape(&row)))
}

/// `DELETE /admin/api/fields_definitions/{id}`: also what anybody has in the field.
///
/// # Errors
/// See [`Error`].
pub async fn delete(
    State(app): State<App>,
    Ids([id]): Ids<1>,
    _call: Write,
) -> Result<Answer, Error> {
    let mut tx = app.db.begin().await?;
    tx.hold_revision().await?;
    let row = rows::get(&mut tx, id).await?;
    if is_builtin(&row) {
        return Err(Error::invalid(
            "base",
            format!("{} is a field that nothing can be without", row.name),
        ));
    }
    // However many rows have something in it.
    tx.take_time().await?;
    rows::delete(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(Answer::empty())
}

fn is_builtin(row: &FieldsDefinition) -> bool {
    fields::builtin(&row.target).contains(&row.name.as_str())
}

fn check_name(name: &str) -> Result<(), &'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(fits) {
        Ok(())
    } else {
        Err("should start with letters, and can contain numbers, - and _")
    }
}

/// Everything but name, target, label and position.
fn apply(params: &mut Params, row: &mut FieldsDefinition) {
    for (name, field) in [
        ("required", &mut row.required),
        ("hidden", &mut row.hidden),
        ("read_only", &mut row.read_only),
    ] {
        if let Some(value) = params.opt_bool(name) {
            *field = value;
        }
    }
    if let Some(mut choices) = params.opt_texts("choices", 255) {
        choices.retain(|choice| !choice.is_empty());
        choices.dedup();
        if choices.len() > MOST_CHOICES {
            let message = format!("has too many items (maximum is {MOST_CHOICES})");
            params.error("choices", message);
        }
        row.choices = Value::from(choices).to_string();
    }
    if is_builtin(row) {
        // As in 3scale, whatever is asked for.
        (row.required, row.hidden, row.read_only) = (true, false, false);
    }
    if row.required && (row.hidden || row.read_only) {
        params.error("required", "can't be together with hidden or read_only");
    }
}

/// The others move up or down.
async fn put_in_place(tx: &mut Tx, row: &FieldsDefinition, position: i64) -> Result<(), Error> {
    let mut others = rows::of(tx, &row.target).await?;
    others.retain(|other| other.id != row.id);
    let at = usize::try_from(position - 1).unwrap_or(usize::MAX);
    others.insert(at.min(others.len()), row.clone());
    for (position, other) in (1..).zip(&others) {
        if other.position != position {
            rows::place(tx, other.id, position).await?;
        }
    }
    Ok(())
}

fn shape(row: &FieldsDefinition) -> Object {
    let choices: Vec<String> = serde_json::from_str(&row.choices).unwrap_or_default();
    Object::new("fields_definition")
        .with("id", row.id)
        .with("target", &row.target)
        .with("name", &row.name)
        .with("label", &row.label)
        .with("required", row.required)
        .with("hidden", row.hidden)
        .with("read_only", row.read_only)
        .with(
            "choices",
            List::new("choices", "choice", choices).unwrapped(),
        )
        .with("position", row.position)
        .with("created_at", timestamp(row.created_at))
        .with("updated_at", timestamp(row.updated_at))
}
