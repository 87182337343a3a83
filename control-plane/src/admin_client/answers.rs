//! Reading the Account Management API's answers: everything in them is wrapped in its own name.

use anyhow::Context as _;
use serde_json::Value;

/// What is inside `{"service": {…}}`.
#[must_use]
pub fn item(answer: &Value) -> &Value {
    match answer.as_object().and_then(|object| object.values().next()) {
        Some(inner @ Value::Object(_))
            if answer.as_object().is_some_and(|object| object.len() == 1) =>
        {
            inner
        }
        _ => answer,
    }
}

/// What is inside `{"services": [{"service": {…}}, …]}`, or in a list without a name.
pub fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    let lists = answer
        .as_object()
        .into_iter()
        .flat_map(|object| object.values());
    std::iter::once(answer)
        .chain(lists)
        .filter_map(Value::as_array)
        .take(1)
        .flatten()
        .map(item)
}

/// The id of an item.
///
/// # Errors
/// When it has none.
pub fn id(item: &Value) -> anyhow::Result<i64> {
    item["id"]
        .as_i64()
        .with_context(|| format!("an answer without an id: {item}"))
}

/// A field that is a text.
///
/// # Errors
/// When it is not there, or none.
pub fn text(item: &Value, field: &str) -> anyhow::Result<String> {
    let text = item[field]
        .as_str()
        .with_context(|| format!("an answer without `{field}`: {item}"))?;
    Ok(text.to_owned())
}
