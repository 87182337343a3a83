//! The catalogue file as a JSON Schema, for editors: completion, checks, and what every field is for.

use super::kind::{Field, Form, Group, Kind, Shape};
use serde_json::{Map, Value, json};
use tallygate_core::period::Period;

/// The schema of a catalogue file.
#[must_use]
pub fn schema() -> Value {
    let mut schema = object(Kind::Catalogue);
    let about = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tallygate catalogue",
        "description": "What `tallygate apply` makes of an installation.",
    });
    if let (Value::Object(schema), Value::Object(about)) = (&mut schema, about) {
        let rest = std::mem::replace(schema, about);
        schema.extend(rest);
    }
    schema
}

fn object(kind: Kind) -> Value {
    let mut properties = Map::new();
    if kind == Kind::Rule {
        let method =
            json!({"enum": ["ANY", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]});
        properties.insert(
            "methods".into(),
            json!({
                "description": "ANY, or one HTTP method, or a list of them",
                "anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": method}],
            }),
        );
        properties.insert(
            "pattern".into(),
            json!({"description": "A path as in /v3/mail/{id}$: a prefix unless it ends in $", "type": "string", "maxLength": 255}),
        );
    }
    for field in kind.fields() {
        properties.insert(field.name.into(), of_field(field));
    }
    for group in kind.groups() {
        properties.insert(group.key.into(), of_group(group));
    }
    let mut object = json!({
        // An empty mapping may be written as nothing.
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": properties,
    });
    if kind == Kind::Rule {
        object["type"] = "object".into();
        object["required"] = json!(["methods", "pattern", "usages"]);
    }
    object
}

fn of_field(field: &Field) -> Value {
    let mut schema = match field.shape {
        Shape::Text | Shape::Issuer | Shape::Path | Shape::Secret => {
            json!({"type": ["string", "number", "null"]})
        }
        Shape::Choice(choices) => {
            // 1 and "1" are the same word.
            let numbers = choices
                .iter()
                .filter_map(|choice| choice.parse::<i64>().ok());
            let words = choices.iter().map(|choice| Value::from(*choice));
            json!({"enum": words.chain(numbers.map(Value::from)).collect::<Vec<_>>()})
        }
        Shape::Flag | Shape::Chosen => json!({"type": "boolean"}),
        Shape::Whole => json!({"type": "integer", "minimum": 0}),
        Shape::Amount => json!({"type": "number", "minimum": 0}),
        Shape::Texts => json!({"type": ["array", "string", "null"], "items": {"type": "string"}}),
        Shape::Usages => json!({
            "type": ["string", "object"], "minProperties": 1,
            "additionalProperties": {"type": "integer", "minimum": 1},
        }),
        Shape::Ranges => json!({"type": "array", "items": {
            "type": "object", "additionalProperties": false, "required": ["cost_per_unit"],
            "properties": {
                "min": {"type": "integer", "minimum": 1, "default": 1},
                "max": {"type": ["integer", "null"], "minimum": 1},
                "cost_per_unit": {"type": "number", "minimum": 0},
            },
        }}),
    };
    schema["description"] = field.about.into();
    if let Some(default) = field.default() {
        schema["default"] = default;
    }
    schema
}

fn of_group(group: &Group) -> Value {
    let mut schema = match group.form {
        Form::Single => object(group.kind),
        Form::Named => json!({
            "type": ["object", "null"],
            "propertyNames": {"pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]*$", "maxLength": 255},
            "additionalProperties": object(group.kind),
        }),
        Form::Brief(name) => json!({
            "type": ["object", "null"],
            "additionalProperties": group.kind.field(name).map(of_field),
        }),
        Form::Names => json!({
            "type": ["array", "null"], "uniqueItems": true, "items": {"type": "string"},
        }),
        Form::Rules => json!({"type": ["array", "null"], "items": object(group.kind)}),
        Form::Limits => {
            let periods = Period::ALL.map(|period| {
                let value = json!({"type": "integer", "minimum": 0});
                (period.as_str().to_owned(), value)
            });
            let periods = json!({
                "type": "object", "additionalProperties": false,
                "properties": Map::from_iter(periods),
            });
            json!({
                "type": ["object", "null"],
                "additionalProperties": {"anyOf": [{"const": "disabled"}, periods]},
            })
        }
    };
    schema["description"] = group.about.into();
    schema
}
