//! `tallygate import openapi`: Swagger 2 or OpenAPI 3 → methods and mapping rules, as a catalogue to look at and apply.
//!
//! Patterns end in `$` and are ordered as OpenAPI matches: concrete paths before templated ones, each with `last`
//! where a later rule would count the same request again.

mod document;
mod rules;

use super::kind::Kind;
use super::tree::{HITS, Name, Resource};
use super::write::{Detail, write};
use crate::names;
use document::{Document, Operation};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What becomes a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Grouping {
    /// Each operation
    Operation,
    /// Each tag: operations with the same first tag count together
    Tag,
    /// Each path, whatever the HTTP method
    Path,
}

/// What was made of a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The catalogue.
    pub yaml: String,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// Makes a catalogue of a description. Given the name of a product, it says nothing but methods and rules.
///
/// # Errors
/// When the text is no description of an API, or describes no operation that a rule could match.
pub fn propose(
    text: &str,
    file: &str,
    product: Option<&str>,
    grouping: Grouping,
) -> anyhow::Result<Proposal> {
    let document = Document::read(text, file)?;
    let mut notes = document.notes.clone();
    let mut methods = Methods::default();
    let mut drafts = Vec::new();
    for operation in &document.operations {
        match rules::pattern(&document.base_path, &operation.path) {
            Ok(pattern) => {
                let metric = methods.of(operation, grouping, &document);
                drafts.push(rules::Draft::new(&operation.method, pattern, metric));
            }
            Err(why) => notes.push(format!("{} {}: {why}", operation.method, operation.path)),
        }
    }
    anyhow::ensure!(
        !drafts.is_empty(),
        "{file} describes no operation that a mapping rule could match{}",
        notes
            .iter()
            .fold(String::new(), |all, note| all + "\n  " + note)
    );
    let count = drafts.len();
    let mut wanted = new_product(&document, product);
    wanted.groups.push((Kind::Method, methods.resources));
    wanted.groups.push((Kind::Rule, rules::ordered(drafts)));
    let name = wanted.name.to_string();
    let mut catalogue = Resource::new(Kind::Catalogue, Name::Only);
    catalogue.groups.push((Kind::Product, vec![wanted]));
    let mut yaml = header(&document, file, count, &name);
    yaml.push_str(&write(&catalogue, Detail::Brief));
    Ok(Proposal { yaml, notes })
}

fn header(document: &Document, file: &str, count: usize, product: &str) -> String {
    let line = |text: &str| super::paint::one_line(text, 200);
    let mut out = String::new();
    let plural = if count == 1 { "" } else { "s" };
    let _ = writeln!(
        out,
        "# {count} operation{plural} of {} {}, proposed from {}.",
        line(&document.title),
        line(&document.version),
        line(file)
    );
    let _ = writeln!(
        out,
        "# Look it over, then: tallygate apply --dry-run -f FILE ({product} keeps whatever else it has)"
    );
    out
}

fn new_product(document: &Document, product: Option<&str>) -> Resource {
    if let Some(name) = product {
        return Resource::new(Kind::Product, Name::System(name.to_owned()));
    }
    let slug = names::slug(&document.title);
    let name = if slug.is_empty() { "api".into() } else { slug };
    let mut product = Resource::new(Kind::Product, Name::System(name.clone()));
    let title: String = document.title.trim().chars().take(255).collect();
    let title = if title.is_empty() { name } else { title };
    product.fields.push(("name", title.into()));
    if let Some(address) = &document.server {
        let mut proxy = Resource::new(Kind::Proxy, Name::Only);
        proxy.fields.push(("api_backend", address.as_str().into()));
        product.groups.push((Kind::Proxy, vec![proxy]));
    }
    product
}

/// The methods so far, by what they stand for.
#[derive(Default)]
struct Methods {
    names: BTreeMap<String, String>,
    taken: Vec<String>,
    resources: Vec<Resource>,
}

impl Methods {
    /// The system name of the method that an operation counts on.
    fn of(&mut self, operation: &Operation, grouping: Grouping, document: &Document) -> String {
        let (wanted, label, description) = match grouping {
            Grouping::Operation => (operation.name(), operation.label(), String::new()),
            Grouping::Path => (
                operation.path.clone(),
                operation.path.clone(),
                String::new(),
            ),
            Grouping::Tag => {
                let tag = operation.tag.clone().unwrap_or_else(|| "other".into());
                let description = document.tags.get(&tag).cloned().unwrap_or_default();
                (tag.clone(), tag, description)
            }
        };
        // Two operations are never one, even if they have one name by mistake.
        let key = match grouping {
            Grouping::Operation => format!("{} {}", operation.method, operation.path),
            Grouping::Path | Grouping::Tag => wanted.clone(),
        };
        if let Some(name) = self.names.get(&key) {
            return name.clone();
        }
        if self.taken.is_empty() {
            self.taken.push(HITS.into());
        }
        let slug = names::slug(&wanted);
        let name = names::free(if slug.is_empty() { "method" } else { &slug }, &self.taken);
        self.taken.push(name.clone());
        self.names.insert(key, name.clone());
        let mut method = Resource::new(Kind::Method, Name::System(name.clone()));
        method
            .fields
            .push(("friendly_name", short(&label, 255).into()));
        method
            .fields
            .push(("description", short(&description, 1000).into()));
        self.resources.push(method);
        name
    }
}

/// On one line, cut.
fn short(text: &str, most: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text: String = words
        .join(" ")
        .chars()
        .filter(|it| !it.is_control())
        .take(most)
        .collect();
    text.trim().to_owned()
}

fn usages(metric: &str) -> Value {
    json!({ metric: 1 })
}
