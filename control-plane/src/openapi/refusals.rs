//! What every operation may answer instead of doing its work.

use super::operation::AGENTS_XML;
use serde_json::{Map, Value, json};

/// Statuses that every operation may answer with, their names in the document, and what they mean.
pub const REFUSALS: &[(u16, &str, &str)] = &[
    (400, "BadRequest", "The request cannot be read"),
    (
        403,
        "Forbidden",
        "No credentials, or they do not allow this",
    ),
    (404, "NotFound", "There is no such thing"),
    (405, "NotAllowed", "The path does not take this method"),
    (408, "TooSlow", "The body took too long to arrive"),
    (
        409,
        "Conflict",
        "Somebody else is at it, or was faster: try again",
    ),
    (
        412,
        "Changed",
        "The resource is not what `If-Match` says: read it again",
    ),
    (413, "TooLarge", "The body is over 1 MiB"),
    (
        415,
        "UnknownType",
        "The body is neither JSON nor a urlencoded form",
    ),
    (422, "Invalid", "What was sent is not valid, field by field"),
    (503, "Busy", "The database is busy: try again in a moment"),
];

/// `components/responses`.
pub(super) fn responses() -> Map<String, Value> {
    REFUSALS
        .iter()
        .map(|(status, name, about)| {
            let response = json!({
                "description": about,
                "content": {
                    "application/json": {"schema": schema(*status)},
                    "application/xml": {"schema": {"type": "string"}},
                },
            });
            ((*name).to_owned(), response)
        })
        .collect()
}

/// References to them, for one operation.
pub(super) fn references() -> impl Iterator<Item = (String, Value)> {
    REFUSALS.iter().map(|(status, name, _)| {
        let reference = json!({"$ref": format!("#/components/responses/{name}")});
        (status.to_string(), reference)
    })
}

/// What agents are told: the same statuses in 3scale's XML, or by the server itself before it knows better.
pub(super) fn of_agents() -> impl Iterator<Item = (String, Value)> {
    REFUSALS.iter().map(|(status, _, about)| {
        let response = json!({
            "description": about,
            "content": {
                AGENTS_XML: {"schema": {"type": "string"}},
                "application/problem+json": {"schema": {"type": "object"}},
            },
        });
        (status.to_string(), response)
    })
}

fn schema(status: u16) -> Value {
    match status {
        404 => object(
            "status",
            &json!({"type": "string", "examples": ["Not found"]}),
        ),
        422 => object(
            "errors",
            &json!({
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                "minProperties": 1,
                "examples": [{"name": ["can't be blank"]}],
            }),
        ),
        _ => object(
            "error",
            &json!({"type": "string", "examples": ["Access denied"]}),
        ),
    }
}

fn object(name: &str, schema: &Value) -> Value {
    json!({
        "type": "object",
        "properties": { name: schema },
        "required": [name],
        "additionalProperties": false,
    })
}
