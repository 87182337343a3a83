//! Declarations → the OpenAPI document.

use super::field::{self, Field, choice, id};
use super::operation::{Answer, Form, Operation};
use super::{refusals, tags};
use serde_json::{Map, Value, json};

const ABOUT: &str = "The Account Management API and the Analytics API. Paths, parameters and answers are those of \
3scale. The extension of a path, `.json` or `.xml`, chooses the form of the answer; without one it is XML. Parameters \
of writes may be in the query as well as in the body, flat or wrapped in the resource's name. Answers to reads \
carry an `ETag`: sent back as `If-None-Match` it saves reading the same again (304), and as `If-Match` it makes a write \
happen only if nobody else has changed the resource (412).";

/// Schemas that have a name.
type Schemas = Map<String, Value>;

/// The whole document, OpenAPI 3.1.
#[must_use]
pub fn document() -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    let mut subjects = Vec::new();
    for tag in tags() {
        subjects.push(json!({"name": tag.name, "description": tag.about}));
        for operation in &tag.operations {
            let path = paths
                .entry(document_path(operation))
                .or_insert_with(|| json!({}));
            for verb in operation.verbs {
                if let Some(path) = path.as_object_mut() {
                    let described = describe(tag.name, verb, operation, &mut schemas);
                    path.insert((*verb).into(), described);
                }
            }
        }
    }
    schemas.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tallygate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": subjects,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": refusals::responses(),
            "securitySchemes": {
                "access_token": {
                    "type": "apiKey", "in": "query", "name": "access_token",
                    "description": "An access token",
                },
                "service_token": {
                    "type": "apiKey", "in": "query", "name": "service_token",
                    "description": "A product's token, for agents",
                },
                "provider_key": {
                    "type": "apiKey", "in": "query", "name": "provider_key",
                    "description": "The provider key, which may do everything",
                },
                "basic": {
                    "type": "http", "scheme": "basic",
                    "description": "An access token or the provider key, as user name or as password",
                },
            },
        },
    })
}

/// The router's path with its extension.
fn document_path(operation: &Operation) -> String {
    match operation.form {
        None => format!("{}.{{format}}", operation.path),
        Some(Form::Json) => format!("{}.json", operation.path),
        Some(Form::Xml) => format!("{}.xml", operation.path),
        Some(Form::None) => operation.path.clone(),
    }
}

fn describe(tag: &str, verb: &str, operation: &Operation, schemas: &mut Schemas) -> Value {
    let scope = operation.needs();
    let right = if verb == "get" { "ro" } else { "rw" };
    let in_query = matches!(verb, "get" | "delete");
    let mut described = json!({
        "tags": [tag],
        "summary": operation.summary,
        "description": about(operation, scope, right),
        "operationId": operation_id(verb, &operation.path),
        "security": security(operation, scope, right),
        "parameters": parameters(operation, in_query, schemas),
    });
    if let Some(members) = described.as_object_mut() {
        if !in_query && !operation.params.is_empty() {
            members.insert("requestBody".into(), body(operation, schemas));
        }
        members.insert("responses".into(), responses(verb, operation, schemas));
    }
    described
}

/// Which credentials do, and what an access token must be good for.
fn security(operation: &Operation, scope: &str, right: &str) -> Value {
    if operation.is_for_agents {
        json!([{"service_token": []}, {"provider_key": []}])
    } else {
        json!([{"access_token": [scope, right]}, {"basic": [scope, right]}, {"provider_key": []}])
    }
}

fn about(operation: &Operation, scope: &str, right: &str) -> String {
    if operation.is_for_agents {
        return operation.about.to_owned();
    }
    let needs = match right {
        "rw" => format!("Needs a read-write token with the scope `{scope}`."),
        _ => format!("Needs a token with the scope `{scope}`."),
    };
    match operation.about {
        "" => needs,
        about => format!("{about} {needs}"),
    }
}

/// `get_services_service_id_metrics`.
fn operation_id(verb: &str, path: &str) -> String {
    let path = path.strip_prefix("/admin/api").unwrap_or(path);
    path.split(['/', '.', '{', '}'])
        .filter(|word| !word.is_empty())
        .fold(verb.to_owned(), |id, word| format!("{id}_{word}"))
}

fn parameters(operation: &Operation, in_query: bool, schemas: &mut Schemas) -> Vec<Value> {
    let mut parameters: Vec<Value> = path_names(&operation.path)
        .map(|name| {
            let declared = operation.segments.iter().find(|field| field.name == name);
            let mut described = match declared {
                Some(field) => parameter("path", field, schemas),
                None => parameter("path", &id("id"), schemas),
            };
            put(&mut described, "name", name);
            put(&mut described, "required", true);
            described
        })
        .collect();
    if operation.form.is_none() {
        let mut described = parameter("path", &choice("format", &["json", "xml"]), schemas);
        put(&mut described, "required", true);
        parameters.push(described);
    }
    if in_query {
        let params = operation.params.iter();
        parameters.extend(params.map(|field| parameter("query", field, schemas)));
    }
    if operation.idempotent {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Repeated within 24 hours with the same key, the call is done once and answered alike",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }));
    }
    parameters
}

/// Names in braces.
fn path_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        Some(name)
    })
}

fn parameter(place: &str, field: &Field, schemas: &mut Schemas) -> Value {
    let mut schema = field.schema(&mut |name, schema| named(schemas, name, schema));
    let description = schema
        .as_object_mut()
        .and_then(|members| members.remove("description"));
    let mut described = json!({
        "name": field.name,
        "in": place,
        "required": field.required.unwrap_or(false),
        "schema": schema,
        "example": field.shape.example(),
    });
    if let Some(description) = description {
        put(&mut described, "description", description);
    }
    if field.is_list() {
        put(&mut described, "explode", false);
    } else if described.pointer("/schema/type") == Some(&json!("object")) {
        put(&mut described, "style", "deepObject");
        put(&mut described, "explode", true);
    }
    described
}

/// The same parameters as a form or as JSON.
fn body(operation: &Operation, schemas: &mut Schemas) -> Value {
    let params = &operation.params;
    let properties: Map<String, Value> = params
        .iter()
        .map(|field| {
            let schema = field.schema(&mut |name, schema| named(schemas, name, schema));
            (field.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> = params
        .iter()
        .filter(|field| field.required.unwrap_or(false))
        .map(|field| field.name)
        .collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        put(&mut schema, "required", json!(required));
    }
    let mut form = json!({"schema": schema, "example": field::example(params)});
    let json_form = form.clone();
    let lists: Map<String, Value> = params
        .iter()
        .filter(|field| field.is_list())
        .map(|field| {
            (
                field.name.to_owned(),
                json!({"style": "form", "explode": false}),
            )
        })
        .collect();
    if !lists.is_empty() {
        put(&mut form, "encoding", Value::Object(lists));
    }
    let content = if operation.is_for_agents {
        json!({"application/x-www-form-urlencoded": form})
    } else {
        json!({"application/x-www-form-urlencoded": form, "application/json": json_form})
    };
    json!({"required": !required.is_empty(), "content": content})
}

fn responses(verb: &str, operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    if verb == "get" {
        let unchanged = json!({"description": "It is still what `If-None-Match` says"});
        responses.insert("304".into(), unchanged);
    }
    for status in &operation.statuses {
        let mut response = json!({"description": meaning(*status)});
        if let Some(content) = content(operation, schemas) {
            put(&mut response, "content", content);
        }
        responses.insert(status.to_string(), response);
    }
    if operation.is_for_agents {
        responses.extend(refusals::of_agents());
    } else {
        responses.extend(refusals::references());
    }
    Value::Object(responses)
}

fn content(operation: &Operation, schemas: &mut Schemas) -> Option<Value> {
    let mut write = |name, schema| named(schemas, name, schema);
    let (schema, example) = match &operation.answer {
        Answer::Empty => return None,
        Answer::Members(fields) => (field::strict(fields, &mut write), field::example(fields)),
        Answer::Other(shape) => (shape.schema(&mut write), shape.example()),
        Answer::Raw(media_type, example) => {
            // A schema of YAML would be of what it says, not of its text.
            let described = if media_type.ends_with("xml") {
                json!({"schema": {"type": "string"}, "example": example})
            } else {
                json!({"example": example})
            };
            return Some(json!({ *media_type: described }));
        }
    };
    let in_json = json!({"schema": schema, "example": example});
    let in_xml = json!({"schema": {"type": "string"}});
    Some(match operation.form {
        Some(Form::Json) => json!({"application/json": in_json}),
        Some(Form::Xml) => json!({"application/xml": in_xml}),
        _ => json!({"application/json": in_json, "application/xml": in_xml}),
    })
}

fn meaning(status: u16) -> &'static str {
    match status {
        201 => "Made",
        202 => "Accepted",
        _ => "Done",
    }
}

/// Puts a schema among the named ones, and refers to it. Another one of the same name gets a number.
fn named(schemas: &mut Schemas, name: &str, schema: Value) -> Value {
    let mut own = name.to_owned();
    let mut count = 1;
    while schemas.get(&own).is_some_and(|known| *known != schema) {
        count += 1;
        own = format!("{name}{count}");
    }
    let reference = json!({"$ref": format!("#/components/schemas/{own}")});
    schemas.insert(own, schema);
    reference
}

fn put(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.into(), value.into());
    }
}
