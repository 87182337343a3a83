//! Tree → YAML, as a person would have written it.

mod scalar;

pub(super) use scalar::{block, flow};

use super::kind::{Form, Group, Kind, Shape};
use super::read::{DISABLED, DISABLING_PERIOD};
use super::server::new_resource;
use super::tree::{HITS, Name, Resource};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Longer lines are blocks.
const MOST_CHARS: usize = 110;

/// How much is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What differs from a new resource.
    Brief,
    /// Every field.
    Full,
}

/// The file of a catalogue. Applied to where it came from it changes nothing. Secrets are left out.
#[must_use]
pub fn write(catalogue: &Resource, detail: Detail) -> String {
    let mut out = String::new();
    let writer = Writer { detail };
    for group in catalogue.kind.groups() {
        if let Some(resources) = catalogue.group(group.kind) {
            let mut part = String::new();
            writer.group(&mut part, group, resources, 0);
            let nothing = resources.is_empty() && detail == Detail::Brief;
            if !out.is_empty() && !part.is_empty() && !nothing {
                out.push('\n');
            }
            if !nothing {
                out.push_str(&part);
            }
        }
    }
    if out.is_empty() { "{}\n".into() } else { out }
}

struct Writer {
    detail: Detail,
}

impl Writer {
    fn group(&self, out: &mut String, group: &Group, resources: &[Resource], depth: usize) {
        let indent = "  ".repeat(depth);
        let key = group.key;
        match group.form {
            Form::Single => {
                for resource in resources {
                    let fields = self.fields(resource);
                    if !fields.is_empty() {
                        let _ = writeln!(out, "{indent}{key}:");
                        write_fields(out, &fields, depth + 1);
                    }
                }
            }
            Form::Named => {
                let named: Vec<&Resource> =
                    resources.iter().filter(|it| !is_new_hits(it)).collect();
                let _ = match named.is_empty() {
                    true => writeln!(out, "{indent}{key}: {{}}"),
                    false => writeln!(out, "{indent}{key}:"),
                };
                for (n, resource) in named.into_iter().enumerate() {
                    if depth == 0 && n > 0 {
                        out.push('\n');
                    }
                    self.named(out, resource, depth + 1);
                }
            }
            Form::Rules => {
                let _ = match resources.is_empty() {
                    true => writeln!(out, "{indent}{key}: []"),
                    false => writeln!(out, "{indent}{key}:"),
                };
                for rule in resources {
                    let _ = writeln!(out, "{indent}  - {}", flow(&Value::Object(self.rule(rule))));
                }
            }
            Form::Brief(field) => {
                let of = |it: &Resource| Some((it.name.to_string(), it.field(field)?.clone()));
                let values: Map<String, Value> = resources.iter().filter_map(of).collect();
                let _ = match values.is_empty() {
                    true => writeln!(out, "{indent}{key}: {{}}"),
                    false => writeln!(out, "{indent}{key}:"),
                };
                write_fields(out, &values, depth + 1);
            }
            Form::Names => {
                let names = resources.iter().map(|it| Value::from(it.name.to_string()));
                let _ = writeln!(out, "{indent}{key}: {}", flow(&names.collect()));
            }
            Form::Limits => {
                let limits = limits(resources);
                let _ = match limits.is_empty() {
                    true => writeln!(out, "{indent}{key}: {{}}"),
                    false => writeln!(out, "{indent}{key}:"),
                };
                write_fields(out, &limits, depth + 1);
            }
        }
    }

    fn named(&self, out: &mut String, resource: &Resource, depth: usize) {
        let indent = "  ".repeat(depth);
        let key = block(&resource.name.to_string(), depth);
        let fields = self.fields(resource);
        let groups = self.groups(resource, depth + 1);
        let line = format!("{indent}{key}: {}", flow(&Value::Object(fields.clone())));
        if groups.is_empty() && line.chars().count() <= MOST_CHARS {
            let _ = writeln!(out, "{line}");
        } else {
            let _ = writeln!(out, "{indent}{key}:");
            write_fields(out, &fields, depth + 1);
            out.push_str(&groups);
        }
    }

    /// Collections that are worth a line.
    fn groups(&self, resource: &Resource, depth: usize) -> String {
        let mut out = String::new();
        let new = new_resource(resource.kind, &resource.name);
        for group in resource.kind.groups() {
            if let Some(resources) = resource.group(group.kind) {
                let mut part = String::new();
                self.group(&mut part, group, resources, depth);
                let mut begun = String::new();
                self.group(&mut begun, group, new.all(group.kind), depth);
                if self.detail == Detail::Full || part != begun {
                    out.push_str(&part);
                }
            }
        }
        out
    }

    /// Fields that are worth a line.
    fn fields(&self, resource: &Resource) -> Map<String, Value> {
        // `hits` begins with other values than other metrics.
        let full = self.detail == Detail::Full
            || (resource.kind == Kind::Metric && resource.name.is(HITS));
        // Texts of errors are in force only where they are chosen.
        let custom = resource
            .field("error_format")
            .is_none_or(|format| format == "custom");
        let mut fields = Map::new();
        for field in resource.kind.fields() {
            let Some(value) = resource.field(field.name) else {
                continue;
            };
            let is_default = field.default().as_ref() == Some(value);
            let idle = field.name.starts_with("error_") && field.name != "error_format" && !custom;
            if field.shape != Shape::Secret && (full || !(is_default || idle)) {
                fields.insert(field.name.into(), value.clone());
            }
        }
        fields
    }

    fn rule(&self, rule: &Resource) -> Map<String, Value> {
        let mut members = Map::new();
        if let Name::Rule { methods, pattern } = &rule.name {
            let methods = match methods.as_slice() {
                [method] => Value::from(method.as_str()),
                several => several.iter().map(String::as_str).collect(),
            };
            members.insert("methods".into(), methods);
            members.insert("pattern".into(), pattern.as_str().into());
        }
        for (name, value) in self.fields(rule) {
            let value = match one_usage(&value) {
                Some(metric) if name == "usages" => metric.into(),
                _ => value,
            };
            members.insert(name, value);
        }
        members
    }
}

/// `hits` as every product has it needs no words.
fn is_new_hits(metric: &Resource) -> bool {
    let new = new_resource(Kind::Product, &Name::Only);
    let hits = new.find(Kind::Metric, HITS);
    metric.name.is(HITS) && hits.is_some_and(|hits| hits.fields == metric.fields)
}

/// The metric of `{metric: 1}`.
fn one_usage(usages: &Value) -> Option<&str> {
    let usages = usages.as_object()?;
    let (metric, delta) = usages.iter().next()?;
    (usages.len() == 1 && delta == 1).then_some(metric)
}

fn limits(limits: &[Resource]) -> Map<String, Value> {
    let mut by_metric: Map<String, Value> = Map::new();
    for limit in limits {
        if let (Name::OfMetric { metric, part }, Some(value)) = (&limit.name, limit.field("value"))
        {
            let periods = by_metric.entry(metric.clone()).or_insert_with(empty);
            if let Value::Object(periods) = periods {
                periods.insert(part.clone(), value.clone());
            }
        }
    }
    for (_, periods) in &mut by_metric {
        let only = periods.as_object().filter(|periods| periods.len() == 1);
        if only.and_then(|periods| periods.get(DISABLING_PERIOD)) == Some(&0.into()) {
            *periods = DISABLED.into();
        }
    }
    by_metric
}

/// The last range has no end: that needs no word.
fn without_null(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_null).collect(),
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                members
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

fn empty() -> Value {
    Value::Object(Map::new())
}

fn write_fields(out: &mut String, fields: &Map<String, Value>, depth: usize) {
    let indent = "  ".repeat(depth);
    for (name, value) in fields {
        let key = flow(&Value::from(name.as_str()));
        let value = match value {
            Value::String(text) => block(text, depth),
            other => flow(&without_null(other)),
        };
        let _ = writeln!(out, "{indent}{key}: {value}");
    }
}
