//! File → tree: what a catalogue says, checked as far as a file alone can be.

mod collections;
mod values;

pub(in crate::catalogue) use collections::{DISABLED, DISABLING_PERIOD};

use super::fault::{Faults, Place, did_you_mean};
use super::kind::{Form, Group, Kind};
use super::node::{self, Key, Node, What};
use super::tree::{Name, Resource};
use crate::names;
use serde_json::Value;

/// What a file wants.
///
/// # Errors
/// Everything that is wrong with it, by line.
pub fn read(text: &str) -> Result<Resource, Faults> {
    let root = match node::parse(text) {
        Ok(root) => root,
        Err(fault) => return Err(Faults(vec![fault])),
    };
    let mut reader = Reader {
        faults: Faults::default(),
    };
    let mut catalogue = Resource::new(Kind::Catalogue, Name::Only);
    reader.fill(&mut catalogue, &root, "");
    if reader.faults.is_empty() {
        Ok(catalogue)
    } else {
        Err(reader.faults)
    }
}

struct Reader {
    faults: Faults,
}

impl Reader {
    /// Reads fields and collections of a resource.
    fn fill(&mut self, resource: &mut Resource, node: &Node, path: &str) {
        let Some(members) = self.members(node, path) else {
            return;
        };
        for (key, value) in members {
            let path = join(path, &key.text);
            let kind = resource.kind;
            if let Some(field) = kind.field(&key.text) {
                if let Some(value) = self.value(field, value, &path) {
                    resource.fields.push((field.name, value));
                }
            } else if let Some(group) = kind.groups().iter().find(|it| it.key == key.text) {
                let resources = self.group(group, value, &path);
                resource.groups.push((group.kind, resources));
            } else {
                self.unknown(kind, key, &path);
            }
        }
        self.check_siblings(resource, path);
    }

    fn unknown(&mut self, kind: Kind, key: &Key, path: &str) {
        let fields = kind.fields().iter().map(|field| field.name);
        let known = fields.chain(kind.groups().iter().map(|group| group.key));
        let hint = match (kind, key.text.as_str()) {
            (Kind::Catalogue, "services") => "; did you mean products?".into(),
            (_, "system_name") => "; the system name is the key under which it stands".into(),
            _ => did_you_mean(&key.text, known),
        };
        let message = format!("is nothing that a {} has{hint}", kind.word());
        self.faults.add(key.at, path, message);
    }

    fn group(&mut self, group: &Group, node: &Node, path: &str) -> Vec<Resource> {
        match group.form {
            Form::Single => {
                let mut resource = Resource::new(group.kind, Name::Only);
                resource.at = Some(node.at);
                self.fill(&mut resource, node, path);
                vec![resource]
            }
            Form::Named => self.named(group.kind, node, path),
            Form::Rules => self.rules(node, path),
            Form::Limits => self.limits(node, path),
            Form::Brief(field) => self.brief(group.kind, field, node, path),
            Form::Names => self.names(group.kind, node, path),
        }
    }

    fn named(&mut self, kind: Kind, node: &Node, path: &str) -> Vec<Resource> {
        let mut resources = Vec::new();
        for (key, node) in self.members(node, path).unwrap_or_default() {
            let path = join(path, &key.text);
            if let Err(message) = names::check(&key.text) {
                let message = format!("is no system name: it {message}");
                self.faults.add(key.at, &path, message);
            }
            let mut resource = Resource::new(kind, Name::System(key.text.clone()));
            resource.at = Some(key.at);
            self.fill(&mut resource, node, &path);
            resources.push(resource);
        }
        resources
    }

    /// What no resource can see by itself.
    fn check_siblings(&mut self, resource: &Resource, path: &str) {
        for (kind, resources) in &resource.groups {
            let mut chosen = resources.iter().filter(|it| it.field("default").is_some());
            if let (Some(first), Some(second)) = (chosen.next(), chosen.next()) {
                let message = format!("can't be the default: {} is already", first.name);
                let at = second.at.unwrap_or(TOP);
                let key = resource.kind.group_of(*kind).map_or("", |group| group.key);
                let path = join(&join(path, key), &second.name.to_string());
                self.faults.add(at, &path, message);
            }
        }
        for method in resource.all(Kind::Method) {
            let Some(name) = method.name.system() else {
                continue;
            };
            let at = method.at.unwrap_or(TOP);
            let path = join(&join(path, "methods"), name);
            if resource.find(Kind::Metric, name).is_some() {
                self.faults
                    .add(at, &path, "is a metric as well: it can only be one of both");
            } else if name == super::tree::HITS {
                self.faults
                    .add(at, &path, "is the metric that methods add up to");
            }
        }
    }

    fn members<'a>(&mut self, node: &'a Node, path: &str) -> Option<&'a [(Key, Node)]> {
        match &node.what {
            What::Map(members) => Some(members),
            What::Null => Some(&[]),
            _ => {
                let message = format!("must be a mapping, but is {}", node.kind());
                self.faults.add(node.at, path, message);
                None
            }
        }
    }
}

const TOP: Place = Place { line: 1, column: 1 };

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// One pair, as in `{hits: 1}`.
fn usage(metric: &str, delta: u64) -> Value {
    Value::Object(std::iter::once((metric.to_owned(), delta.into())).collect())
}
