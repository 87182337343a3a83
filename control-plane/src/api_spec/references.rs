//! `$ref`: only within the file, and only to what is there.

use super::walk::{At, Walk};
use serde_json::Value;

/// What is looked at in all: a specification of a megabyte has fewer members.
const MOST_NODES: usize = 1_000_000;

impl<'a> Walk<'a> {
    /// Every reference in the file. Values of examples and enumerations are data, not specification.
    pub(super) fn references(&mut self) {
        let mut waiting = vec![(At::root(), self.spec)];
        let mut looked_at = 0;
        while let Some((at, value)) = waiting.pop() {
            looked_at += 1;
            if looked_at > MOST_NODES {
                return;
            }
            match value {
                Value::Object(members) => {
                    if let Some(Value::String(reference)) = members.get("$ref") {
                        self.reference(reference, &at.then("$ref"));
                    }
                    for (name, member) in members {
                        let is_data = matches!(
                            name.as_str(),
                            "example" | "examples" | "default" | "enum" | "const"
                        ) || name.starts_with("x-");
                        if (member.is_object() || member.is_array()) && !is_data {
                            waiting.push((at.then(name), member));
                        }
                    }
                }
                Value::Array(items) => {
                    for (n, item) in items.iter().enumerate() {
                        if item.is_object() || item.is_array() {
                            waiting.push((at.item(n), item));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn reference(&mut self, reference: &str, at: &At) {
        if !reference.starts_with('#') {
            self.problem(
                at,
                format!("{reference:?} leads out of the file: put what it refers to under components or definitions"),
            );
        } else if reference.contains('/') && resolve(self.spec, reference).is_none() {
            self.problem(at, format!("{reference:?} leads nowhere"));
        }
    }
}

/// What a reference within the file leads to.
pub(super) fn resolve<'a>(spec: &'a Value, reference: &str) -> Option<&'a Value> {
    let pointer = reference.strip_prefix('#')?;
    if pointer.contains('%') {
        let decoded = form_urlencoded::parse(pointer.replace('+', "%2B").as_bytes())
            .next()
            .map(|(name, _)| name.into_owned())?;
        return spec.pointer(&decoded);
    }
    spec.pointer(pointer)
}
