//! Nodes and errors → text.

use super::Format;
use super::node::{List, Node, Object, Only};
use crate::error::Error;
use quick_xml::escape::escape;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

pub(super) fn document(node: &Node, format: Format) -> String {
    match format {
        Format::Json => match node {
            Node::Object(object) if object.unwrapped => json_value(node).to_string(),
            Node::Object(object) => json!({ object.name: json_value(node) }).to_string(),
            Node::List(list) => json_list(list).to_string(),
            other => json_value(other).to_string(),
        },
        Format::Xml => {
            let mut out = DECLARATION.to_owned();
            match node {
                Node::Object(object) => match bare(object) {
                    Some((name, value)) => xml(&mut out, name, value),
                    None => xml(&mut out, object.element.unwrap_or(object.name), node),
                },
                Node::List(list) => xml(&mut out, list.plural, node),
                other => xml(&mut out, "value", other),
            }
            out
        }
    }
}

pub(super) fn error(error: &Error, format: Format) -> String {
    match (error, format) {
        (Error::Invalid(errors), Format::Json) => {
            let mut by_field = Map::new();
            for (field, message) in &errors.0 {
                let messages = by_field
                    .entry(field.clone())
                    .or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(messages) = messages {
                    messages.push(message.clone().into());
                }
            }
            json!({ "errors": by_field }).to_string()
        }
        (Error::Invalid(errors), Format::Xml) => {
            let mut out = format!("{DECLARATION}<errors>");
            for sentence in errors.sentences() {
                element(&mut out, "error", &sentence);
            }
            out.push_str("</errors>");
            out
        }
        (Error::NotFound, Format::Json) => json!({ "status": "Not found" }).to_string(),
        (_, Format::Json) => json!({ "error": error.public_message() }).to_string(),
        (_, Format::Xml) => {
            let mut out = DECLARATION.to_owned();
            element(&mut out, "error", &error.public_message());
            out
        }
    }
}

/// The field that is all of the XML.
fn bare(object: &Object) -> Option<(&str, &Node)> {
    let name = object.bare?;
    let field = object.fields.iter().find(|field| field.name == name)?;
    Some((name, &field.value))
}

fn json_value(node: &Node) -> Value {
    match node {
        Node::Null => Value::Null,
        Node::Bool(value) => Value::Bool(*value),
        Node::Int(value) => (*value).into(),
        Node::Float(value) => (*value).into(),
        Node::Text(value) => value.as_str().into(),
        Node::Secret(value) => value.reveal().into(),
        Node::Object(object) => json_object(object),
        Node::List(list) => json_items(list),
        Node::Json(value) => value.clone(),
    }
}

fn json_object(object: &Object) -> Value {
    object
        .fields
        .iter()
        .filter(|field| field.only != Only::Xml)
        .map(|field| (field.name.clone(), json_value(&field.value)))
        .collect::<Map<_, _>>()
        .into()
}

fn json_items(list: &List) -> Value {
    list.items
        .iter()
        .map(|item| match item {
            Node::Object(object) if list.wrapped => json!({ object.name: json_object(object) }),
            other => json_value(other),
        })
        .collect()
}

fn json_list(list: &List) -> Value {
    if list.bare {
        return json_items(list);
    }
    let plural = if list.collection {
        "collection"
    } else {
        list.plural
    };
    let mut root = json!({ plural: json_items(list) });
    if let (Some(beside), Some(root)) = (&list.beside, root.as_object_mut()) {
        root.insert(beside.name.into(), json_object(beside));
    }
    if let (Some(paged), Some(root)) = (list.paged, root.as_object_mut())
        && (paged.pages() > 1 || list.collection)
    {
        root.insert(
            "metadata".into(),
            json!({
                "per_page": paged.page.size,
                "total_entries": paged.total,
                "total_pages": paged.pages(),
                "current_page": paged.page.number,
            }),
        );
    }
    root
}

fn xml(out: &mut String, name: &str, node: &Node) {
    match node {
        Node::Null => element(out, name, ""),
        Node::Bool(value) => element(out, name, if *value { "true" } else { "false" }),
        Node::Int(value) => element(out, name, &value.to_string()),
        Node::Float(value) => element(out, name, &format!("{value:?}")),
        Node::Text(value) => element(out, name, value),
        Node::Secret(value) => element(out, name, value.reveal()),
        Node::Json(value) => element(out, name, &value.to_string()),
        Node::Object(object) => {
            let _ = write!(out, "<{name}");
            for (attribute, value) in &object.attributes {
                let _ = write!(out, " {attribute}=\"{}\"", escape(value.as_str()));
            }
            out.push('>');
            for field in object
                .fields
                .iter()
                .filter(|field| field.only != Only::Json)
            {
                xml(out, &field.name, &field.value);
            }
            let _ = write!(out, "</{name}>");
        }
        Node::List(list) => {
            let _ = write!(out, "<{name}");
            if list.typed {
                out.push_str(" type=\"array\"");
            }
            if let Some(paged) = list.paged.filter(|paged| paged.pages() > 1) {
                let _ = write!(
                    out,
                    " per_page=\"{}\" total_entries=\"{}\" total_pages=\"{}\" current_page=\"{}\"",
                    paged.page.size,
                    paged.total,
                    paged.pages(),
                    paged.page.number
                );
            }
            out.push('>');
            for item in &list.items {
                xml(out, list.singular, item);
            }
            if let Some(beside) = &list.beside {
                xml(out, beside.name, &Node::Object(beside.clone()));
            }
            let _ = write!(out, "</{name}>");
        }
    }
}

/// Text that came in through `Params` holds nothing XML cannot; text from elsewhere might.
fn element(out: &mut String, name: &str, text: &str) {
    let harmless = text.replace(
        |letter: char| {
            letter.is_control() && !matches!(letter, '\t' | '\n' | '\r')
                || matches!(letter, '\u{fffe}' | '\u{ffff}')
        },
        "\u{fffd}",
    );
    let _ = write!(out, "<{name}>{}</{name}>", escape(harmless.as_str()));
}
