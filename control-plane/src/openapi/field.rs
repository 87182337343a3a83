//! What parameters and answers are made of: named, typed fields, each with an example.

use serde_json::{Map, Value, json};

/// An example's point in time.
const NOON: &str = "2026-01-31T12:00:00Z";

/// A parameter, or a member of an answer.
#[derive(Clone, Debug)]
pub struct Field {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) shape: Shape,
    /// `None`: as is usual where it is used, required in answers and not in requests.
    pub(super) required: Option<bool>,
    nullable: bool,
    older: bool,
}

/// The shape of a value.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A JSON schema, and an example.
    Plain(Map<String, Value>, Value),
    /// An object with these fields and no others, known by a name of its own.
    Object(&'static str, Vec<Field>),
    /// An object with these fields and others of the provider's own.
    Open(&'static str, Vec<Field>),
    /// Several of one shape.
    List(Box<Self>),
    /// An object with one member: `{"metric": {…}}`.
    Wrapped(&'static str, Box<Self>),
    /// Any of several.
    OneOf(Vec<Self>),
}

/// An object with these fields, known in the document as `name`.
#[must_use]
pub fn shape(name: &'static str, fields: impl Into<Vec<Field>>) -> Shape {
    Shape::Object(name, fields.into())
}

fn plain(name: &'static str, schema: &Value, example: impl Into<Value>) -> Field {
    let schema = schema.as_object().cloned().unwrap_or_default();
    of(name, Shape::Plain(schema, example.into()))
}

fn of(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        about: "",
        shape,
        required: None,
        nullable: false,
        older: false,
    }
}

/// An id.
#[must_use]
pub fn id(name: &'static str) -> Field {
    int(name, 7).min(1)
}

/// A whole number.
#[must_use]
pub fn int(name: &'static str, example: i64) -> Field {
    plain(
        name,
        &json!({"type": "integer", "format": "int64"}),
        example,
    )
}

/// Any number.
#[must_use]
pub fn number(name: &'static str, example: f64) -> Field {
    plain(name, &json!({"type": "number"}), example)
}

/// Text.
#[must_use]
pub fn text(name: &'static str, example: &str) -> Field {
    plain(name, &json!({"type": "string"}), example)
}

/// True or false.
#[must_use]
pub fn flag(name: &'static str, example: bool) -> Field {
    plain(name, &json!({"type": "boolean"}), example)
}

/// A point in time.
#[must_use]
pub fn time(name: &'static str) -> Field {
    plain(
        name,
        &json!({"type": "string", "format": "date-time"}),
        NOON,
    )
}

/// One of a few words; the first is the example.
#[must_use]
pub fn choice(name: &'static str, words: &[&str]) -> Field {
    let example = words.first().copied().unwrap_or_default();
    plain(name, &json!({"type": "string", "enum": words}), example)
}

/// A list of texts; as a parameter also one text with commas.
#[must_use]
pub fn texts(name: &'static str, example: &[&str]) -> Field {
    plain(
        name,
        &json!({"type": "array", "items": {"type": "string"}}),
        example.to_vec(),
    )
}

/// JSON whose shape somebody else defines.
#[must_use]
pub fn any(name: &'static str, example: impl Into<Value>) -> Field {
    plain(name, &json!({}), example)
}

/// A resource inside another, as it is.
#[must_use]
pub fn object(name: &'static str, shape: Shape) -> Field {
    of(name, shape)
}

/// Resources inside another, each wrapped in its own name: `[{"plan": {…}}]`.
#[must_use]
pub fn list_of(name: &'static str, item: &'static str, shape: Shape) -> Field {
    let item = Shape::Wrapped(item, Box::new(shape));
    of(name, Shape::List(Box::new(item)))
}

/// Several of one shape inside another, as they are: `[{…}]`.
#[must_use]
pub fn several(name: &'static str, shape: Shape) -> Field {
    of(name, Shape::List(Box::new(shape)))
}

/// 3scale's `links`.
#[must_use]
pub fn links() -> Field {
    let link = shape(
        "Link",
        [
            text("rel", "self"),
            text(
                "href",
                "https://admin.example.com/admin/api/services/7/metrics/7",
            ),
        ],
    );
    several("links", link)
}

impl Field {
    /// What it means, where the name does not say it.
    #[must_use]
    pub fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// A parameter that must be there.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = Some(true);
        self
    }

    /// A member that some answers do not have.
    #[must_use]
    pub fn maybe(mut self) -> Self {
        self.required = Some(false);
        self
    }

    /// A parameter kept for clients that know it by this name; examples leave it out.
    #[must_use]
    pub fn older(mut self) -> Self {
        self.older = true;
        self
    }

    /// May be null.
    #[must_use]
    pub fn or_null(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// The least number, or the fewest items.
    #[must_use]
    pub fn min(self, least: i64) -> Self {
        self.bound("minimum", "minItems", "minLength", least)
    }

    /// The greatest number, the most items, or the most characters.
    #[must_use]
    pub fn max(self, most: i64) -> Self {
        self.bound("maximum", "maxItems", "maxLength", most)
    }

    /// With a key of JSON Schema, as in `with("pattern", "^/")`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        if let Shape::Plain(schema, _) = &mut self.shape {
            schema.insert(key.into(), value.into());
        }
        self
    }

    fn bound(self, number: &str, list: &str, string: &str, value: i64) -> Self {
        let key = match &self.shape {
            Shape::Plain(schema, _) => match schema.get("type").and_then(Value::as_str) {
                Some("array") => list,
                Some("string") => string,
                _ => number,
            },
            _ => list,
        };
        self.with(key, value)
    }

    /// Whether its values are lists.
    pub(super) fn is_list(&self) -> bool {
        match &self.shape {
            Shape::Plain(schema, _) => schema.get("type") == Some(&json!("array")),
            shape => matches!(shape, Shape::List(_)),
        }
    }

    /// Its JSON schema; objects with names as `named` writes them.
    pub(super) fn schema(&self, named: &mut dyn FnMut(&'static str, Value) -> Value) -> Value {
        let mut schema = self.shape.schema(named);
        if self.nullable {
            schema = nullable(schema);
        }
        if !self.about.is_empty()
            && let Some(members) = schema.as_object_mut()
        {
            members.insert("description".into(), self.about.into());
        }
        if self.older
            && let Some(members) = schema.as_object_mut()
        {
            members.insert("deprecated".into(), true.into());
        }
        schema
    }
}

impl Shape {
    /// Its JSON schema; objects with names as `named` writes them.
    pub(super) fn schema(&self, named: &mut dyn FnMut(&'static str, Value) -> Value) -> Value {
        match self {
            Self::Plain(schema, _) => Value::Object(schema.clone()),
            Self::Object(name, fields) => {
                let schema = strict(fields, named);
                named(name, schema)
            }
            Self::Open(name, fields) => {
                let mut schema = strict(fields, named);
                if let Some(members) = schema.as_object_mut() {
                    members.remove("additionalProperties");
                }
                named(name, schema)
            }
            Self::List(item) => json!({"type": "array", "items": item.schema(named)}),
            Self::Wrapped(name, inner) => json!({
                "type": "object",
                "properties": { *name: inner.schema(named) },
                "required": [name],
                "additionalProperties": false,
            }),
            Self::OneOf(shapes) => {
                let shapes: Vec<Value> = shapes.iter().map(|shape| shape.schema(named)).collect();
                json!({ "anyOf": shapes })
            }
        }
    }

    /// With fields of the provider's own beside those declared.
    #[must_use]
    pub fn and_others(self) -> Self {
        match self {
            Self::Object(name, fields) => Self::Open(name, fields),
            other => other,
        }
    }

    /// An example of it.
    pub(super) fn example(&self) -> Value {
        match self {
            Self::Plain(_, example) => example.clone(),
            Self::Object(_, fields) | Self::Open(_, fields) => example(fields),
            Self::List(item) => json!([item.example()]),
            Self::Wrapped(name, inner) => json!({ *name: inner.example() }),
            Self::OneOf(shapes) => shapes.first().map_or(Value::Null, Self::example),
        }
    }
}

/// An object with these fields and no others.
pub(super) fn strict(
    fields: &[Field],
    named: &mut dyn FnMut(&'static str, Value) -> Value,
) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| (field.name.into(), field.schema(named)))
        .collect();
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.required.unwrap_or(true))
        .map(|field| field.name)
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// An example of an object with all of these fields that are not kept for older clients only.
pub(super) fn example(fields: &[Field]) -> Value {
    fields
        .iter()
        .filter(|field| !field.older)
        .map(|field| (field.name.to_owned(), field.shape.example()))
        .collect::<Map<_, _>>()
        .into()
}

/// A schema that also takes null.
fn nullable(mut schema: Value) -> Value {
    let Some(members) = schema.as_object_mut() else {
        return schema;
    };
    if let Some(words) = members.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
    match members.get("type").cloned() {
        Some(Value::String(kind)) => {
            members.insert("type".into(), json!([kind, "null"]));
            schema
        }
        // Anything includes null already.
        None if members.is_empty() => schema,
        _ => json!({"anyOf": [schema, {"type": "null"}]}),
    }
}
