//! The API's description as the tests hold it: what it has, and whether an answer is what it says.

use super::client::Reply;
use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};
use tallygate::admin_api::params::ReadLog;
use tallygate::openapi;

/// The document as it is published.
static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi::document);

/// What an operation is found by: a method and a path, as the document writes both.
type Key = (String, String);

/// Schemas that were needed so far, by operation and status.
static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);

type Validators = BTreeMap<(Key, u16), Arc<Validator>>;

/// Operations that have done what they are for in this process.
static DONE: Mutex<BTreeSet<Key>> = Mutex::new(BTreeSet::new());

/// An operation as the document declares it.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) method: Method,
    /// The document's, in JSON where there is a choice.
    pub(crate) path: String,
    /// The scope it needs, when an access token may call it.
    pub(crate) scope: Option<String>,
    pub(crate) parameters: Vec<String>,
    /// An example of its body.
    pub(crate) body: Value,
}

/// Every operation of the document.
pub(crate) fn declared() -> Vec<Declared> {
    let declare = |key: Key| {
        let operation = &DOCUMENT["paths"][&key.1][&key.0];
        let scope = operation["security"].as_array().unwrap().iter();
        let scope = scope
            .filter_map(|one| one["access_token"][0].as_str())
            .next();
        Declared {
            method: key.0.to_uppercase().parse().unwrap(),
            path: key.1.replace(".{format}", ".json"),
            scope: scope.map(str::to_owned),
            parameters: parameters(&key),
            body: operation["requestBody"]["content"]["application/json"]["example"].clone(),
        }
    };
    keys().map(declare).collect()
}

/// Keeps for `tests/api-coverage.sh` which operations have done what they are for on this database.
pub(crate) fn keep_what_was_done(database: &str) {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/operations");
    std::fs::create_dir_all(folder).unwrap();
    let done = DONE.lock().unwrap();
    let lines: Vec<String> = done
        .iter()
        .map(|(verb, path)| format!("{verb} {path}\n"))
        .collect();
    let file = format!("{folder}/{database}-{}", std::process::id());
    std::fs::write(file, lines.concat()).unwrap();
}

/// Every (method, route) of the document, as the router writes them.
pub(crate) fn operations() -> Vec<(String, String)> {
    keys()
        .map(|(method, path)| (method.to_uppercase(), route(&path).to_owned()))
        .collect()
}

/// The router's path of a document's.
pub(crate) fn route(path: &str) -> &str {
    [".{format}", ".json", ".xml"]
        .iter()
        .find_map(|end| path.strip_suffix(end))
        .unwrap_or(path)
}

fn keys() -> impl Iterator<Item = Key> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let verbs = item.as_object().unwrap().keys();
        verbs.map(move |verb| (verb.clone(), path.clone()))
    })
}

/// Fails when a handler read a parameter that its operation does not declare.
#[track_caller]
pub(crate) fn assert_documented(log: &ReadLog) {
    let undocumented: Vec<String> = log
        .reads()
        .into_iter()
        .filter(|(method, path, name)| {
            let key = keys().find(|(verb, template)| {
                verb.eq_ignore_ascii_case(method) && route(template) == path
            });
            key.is_some_and(|key| !parameters(&key).iter().any(|known| known == name))
        })
        .map(|(method, path, name)| format!("{method} {path} reads {name}"))
        .collect();
    assert!(undocumented.is_empty(), "not declared: {undocumented:#?}");
}

/// Names of all parameters of an operation, those that authorise it included.
fn parameters((verb, path): &Key) -> Vec<String> {
    let operation = &DOCUMENT["paths"][path][verb];
    let listed = operation["parameters"].as_array().unwrap();
    let listed = listed
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned());
    let body = &operation["requestBody"]["content"]["application/json"]["schema"]["properties"];
    let body = body
        .as_object()
        .into_iter()
        .flat_map(|body| body.keys().cloned());
    let always = ["access_token", "provider_key"].map(str::to_owned);
    listed.chain(body).chain(always).collect()
}

/// Fails when the answer to a request is not what the document says.
#[track_caller]
pub(crate) fn assert_kept(method: &Method, path: &str, reply: &Reply) {
    let Some(key) = operation(method, path) else {
        return;
    };
    let status = reply.status.as_u16();
    let operation = &DOCUMENT["paths"][&key.1][&key.0];
    let mut response = &operation["responses"][status.to_string()];
    // Refusals of HTTP itself: a server error is reported by who asked.
    if response.is_null() && (status == 405 || status == 500) {
        return;
    }
    assert!(
        !response.is_null(),
        "{method} {path}: {status} is not documented: {}",
        reply.text
    );
    if reply.status.is_success() {
        DONE.lock().unwrap().insert(key.clone());
    }
    if let Some(reference) = response["$ref"].as_str() {
        response = DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap();
    }
    let media_type = reply
        .headers
        .get("content-type")
        .map_or("", |value| value.to_str().unwrap());
    let media_type = media_type.split(';').next().unwrap_or_default();
    let content = response["content"].as_object();
    match content.map(|content| content.get(media_type)) {
        None => assert!(
            reply.text.is_empty(),
            "{method} {path}: nothing is documented: {}",
            reply.text
        ),
        // What agents are answered when they want no body.
        Some(None) if media_type.is_empty() && reply.text.is_empty() => {}
        Some(None) => panic!(
            "{method} {path}: {status} as {media_type} is not documented: {}",
            reply.text
        ),
        Some(Some(content)) if media_type == "application/json" => {
            let validator = validator(key, status, &content["schema"]);
            let value = reply.value();
            let wrong: Vec<String> = validator
                .iter_errors(&value)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(
                wrong.is_empty(),
                "{method} {path}: {status} is not as documented: {wrong:#?}\n{}",
                reply.text
            );
        }
        Some(Some(_)) => {}
    }
}

fn validator(key: Key, status: u16, schema: &Value) -> Arc<Validator> {
    let mut known = VALIDATORS.lock().unwrap();
    let made = known.entry((key, status)).or_insert_with(|| {
        let mut root = schema.clone();
        root["components"] = json!({"schemas": DOCUMENT["components"]["schemas"]});
        Arc::new(jsonschema::draft202012::new(&root).unwrap())
    });
    Arc::clone(made)
}

/// The operation that a request is for: of several that match, the one with the most words of its own.
fn operation(method: &Method, path: &str) -> Option<Key> {
    let asked = route(path);
    keys()
        .filter(|(verb, _)| verb.eq_ignore_ascii_case(method.as_str()))
        .filter_map(|key| {
            let words = words_matched(route(&key.1), asked)?;
            Some((words, key))
        })
        .max()
        .map(|(_, key)| key)
}

/// How many segments are alike, when those that are not are parameters.
fn words_matched(template: &str, path: &str) -> Option<usize> {
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let pairs = template.iter().zip(&path);
    let fits = template.len() == path.len()
        && pairs
            .clone()
            .all(|(known, given)| known == given || (known.starts_with('{') && !given.is_empty()));
    fits.then(|| pairs.filter(|(known, given)| known == given).count())
}

/// What is wrong with the examples: a message each.
pub(crate) fn wrong_examples() -> Vec<String> {
    let mut wrong = Vec::new();
    for (verb, path) in keys() {
        let operation = &DOCUMENT["paths"][&path][&verb];
        let mut contents = vec![("body".to_owned(), &operation["requestBody"]["content"])];
        let responses = operation["responses"].as_object().unwrap();
        contents.extend(
            responses
                .iter()
                .map(|(status, response)| (status.clone(), &response["content"])),
        );
        for (place, content) in contents {
            for (media_type, content) in content.as_object().into_iter().flatten() {
                let (Some(example), Some(schema)) = (content.get("example"), content.get("schema"))
                else {
                    continue;
                };
                let mut root = schema.clone();
                root["components"] = json!({"schemas": DOCUMENT["components"]["schemas"]});
                let validator = jsonschema::draft202012::new(&root).unwrap();
                let errors = validator.iter_errors(example);
                wrong.extend(errors.map(|error| {
                    format!(
                        "{verb} {path} {place} {media_type} {}: {error}",
                        error.instance_path()
                    )
                }));
            }
        }
    }
    wrong
}
