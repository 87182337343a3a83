//! What a description of an API says, as far as rules need it: both generations in one form.

use crate::catalogue::node;
use crate::promote::urls;
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::collections::BTreeMap;

/// References to references to …
const MOST_STEPS: usize = 16;

/// A description.
#[derive(Debug)]
pub(super) struct Document {
    /// What the API is called.
    pub(super) title: String,
    /// Its version.
    pub(super) version: String,
    /// What all paths begin with; empty or beginning with a slash.
    pub(super) base_path: String,
    /// Where it is: scheme, host and port.
    pub(super) server: Option<String>,
    /// Descriptions of tags.
    pub(super) tags: BTreeMap<String, String>,
    /// The operations, in the document's order.
    pub(super) operations: Vec<Operation>,
    /// What was left out.
    pub(super) notes: Vec<String>,
}

/// An operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// HTTP method, in capitals.
    pub(super) method: String,
    /// The path as it is written.
    pub(super) path: String,
    /// The first tag.
    pub(super) tag: Option<String>,
    id: Option<String>,
    summary: Option<String>,
}

// === impl Operation ===

impl Operation {
    /// What its method is called.
    pub(super) fn name(&self) -> String {
        let made = format!("{} {}", self.method, self.path);
        self.id.clone().unwrap_or(made)
    }

    /// What people see.
    pub(super) fn label(&self) -> String {
        self.summary.clone().unwrap_or_else(|| self.name())
    }
}

// === impl Document ===

impl Document {
    pub(super) fn read(text: &str, file: &str) -> anyhow::Result<Self> {
        let root = match node::parse(text) {
            Ok(node) => node.to_value(),
            Err(fault) => bail!("{file}:{}: {}", fault.at, fault.message),
        };
        let version = |name: &str| root.get(name).map(plain).unwrap_or_default();
        let (swagger, openapi) = (version("swagger"), version("openapi"));
        let is_swagger = swagger.starts_with("2");
        if !is_swagger && !openapi.starts_with("3.") {
            bail!(
                "{file} is no description of an API: it begins with neither `swagger: \"2.0\"` nor `openapi: 3.…`"
            );
        }
        let info = |name: &str| {
            root.pointer(&format!("/info/{name}"))
                .map(plain)
                .unwrap_or_default()
        };
        let url = if is_swagger {
            swagger_url(&root)
        } else {
            openapi_url(&root)
        };
        let (server, base_path) = split(&url);
        let mut document = Self {
            title: info("title"),
            version: info("version"),
            base_path,
            server,
            tags: tags(&root),
            operations: Vec::new(),
            notes: Vec::new(),
        };
        let paths = root.get("paths").and_then(Value::as_object);
        let paths = paths.with_context(|| format!("{file} has no paths"))?;
        for (path, item) in paths.iter().filter(|(path, _)| !path.starts_with("x-")) {
            match resolve(&root, item) {
                Some(item) => document.path(path, item),
                None => document
                    .notes
                    .push(format!("{path}: is in another document, and left out")),
            }
        }
        Ok(document)
    }

    fn path(&mut self, path: &str, item: &Value) {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let known = ["get", "post", "put", "delete", "patch", "head", "options"];
            if method == "trace" {
                self.notes.push(format!(
                    "TRACE {path}: is no method that rules know, and left out"
                ));
            }
            if !known.contains(&method.as_str()) {
                continue;
            }
            let text = |name: &str| {
                let text = operation.get(name).and_then(Value::as_str).map(str::trim);
                text.filter(|text| !text.is_empty()).map(str::to_owned)
            };
            self.operations.push(Operation {
                method: method.to_ascii_uppercase(),
                path: path.to_owned(),
                tag: operation
                    .pointer("/tags/0")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                id: text("operationId"),
                summary: text("summary"),
            });
        }
    }
}

/// A text, or a number as it is shown.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// The item itself, or what it refers to in this document.
fn resolve<'a>(root: &'a Value, item: &'a Value) -> Option<&'a Value> {
    let mut item = item;
    for _ in 0..MOST_STEPS {
        let Some(reference) = item.get("$ref").and_then(Value::as_str) else {
            return Some(item);
        };
        item = root.pointer(reference.strip_prefix('#')?)?;
    }
    None
}

fn tags(root: &Value) -> BTreeMap<String, String> {
    let tags = root
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let tags = tags.filter_map(|tag| {
        let name = tag.get("name")?.as_str()?;
        Some((
            name.to_owned(),
            tag.get("description")?.as_str()?.to_owned(),
        ))
    });
    tags.collect()
}

fn swagger_url(root: &Value) -> String {
    let text = |name: &str| root.get(name).map(plain).unwrap_or_default();
    let schemes = root
        .get("schemes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let schemes: Vec<&str> = schemes.filter_map(Value::as_str).collect();
    let scheme = match schemes.contains(&"https") {
        true => "https",
        false => schemes.first().copied().unwrap_or("https"),
    };
    match text("host").as_str() {
        "" => text("basePath"),
        host => format!("{scheme}://{host}{}", text("basePath")),
    }
}

/// The first server, with the defaults of its variables.
fn openapi_url(root: &Value) -> String {
    let Some(server) = root.pointer("/servers/0") else {
        return String::new();
    };
    let mut url = server.get("url").map(plain).unwrap_or_default();
    let variables = server.get("variables").and_then(Value::as_object);
    for (name, variable) in variables.into_iter().flatten() {
        let default = variable.get("default").map(plain).unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), &default);
    }
    url
}

/// Scheme with host, if gateways can call it, and path.
fn split(url: &str) -> (Option<String>, String) {
    let (server, path) = match url.split_once("://") {
        None => (None, url),
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (host, path) = rest.split_at(end);
            (Some(format!("{scheme}://{host}")), path)
        }
    };
    let server = server.filter(|server| urls::private(server, "").is_ok());
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.trim_matches('/');
    let slash = if path.is_empty() { "" } else { "/" };
    (server, format!("{slash}{path}"))
}
