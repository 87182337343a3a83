//! Parameters of an operation, and whether those of the path and its template agree.

use super::Format;
use super::references::resolve;
use super::walk::{At, Walk};
use serde_json::Value;
use std::collections::BTreeSet;

/// Where a parameter may be, in 2.0 and in 3.x.
const PLACES_2: &[&str] = &["query", "header", "path", "formData", "body"];
const PLACES_3: &[&str] = &["query", "header", "path", "cookie"];

/// What is told of the parameters of one list.
struct Found<'a> {
    /// Name and place.
    all: BTreeSet<(&'a str, &'a str)>,
    /// A parameter is elsewhere and could not be looked at, so that nothing is said about what seems to be missing.
    unknown: bool,
}

impl<'a> Walk<'a> {
    /// All lists of parameters that an operation has: the path's and its own, each with where it stands.
    pub(super) fn parameters(
        &mut self,
        path: &str,
        operation_at: &At,
        lists: &[(Option<&'a Value>, &At)],
    ) {
        let mut declared = BTreeSet::new();
        let mut unknown = false;
        for (list, at) in lists {
            let found = self.parameter_list(*list, at);
            unknown |= found.unknown;
            declared.extend(found.all);
        }
        let names = template(path);
        for name in &names {
            if !unknown && !declared.contains(&(*name, "path")) {
                self.problem(
                    operation_at,
                    format!("must have a parameter {name:?} in path, because the path has it"),
                );
            }
        }
        for (name, place) in declared {
            if place == "path" && !names.contains(&name) {
                self.problem(
                    operation_at,
                    format!("has a parameter {name:?} in path, which the path has not"),
                );
            }
        }
    }

    fn parameter_list(&mut self, list: Option<&'a Value>, at: &At) -> Found<'a> {
        let mut found = Found {
            all: BTreeSet::new(),
            unknown: false,
        };
        let items = match list {
            None => return found,
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.problem(at, "must be a list");
                return found;
            }
        };
        for (n, item) in items.iter().enumerate() {
            let at = at.item(n);
            let spec = self.spec;
            let parameter = match item.get("$ref") {
                None => item,
                Some(reference) => match reference.as_str().and_then(|text| resolve(spec, text)) {
                    Some(parameter) => parameter,
                    None => {
                        found.unknown = true;
                        continue;
                    }
                },
            };
            if !parameter.is_object() {
                self.problem(&at, "must be an object");
                continue;
            }
            let name = self.required_text(parameter, &at, "name");
            let place = self.required_text(parameter, &at, "in");
            if let (Some(name), Some(place)) = (name, place) {
                self.parameter(parameter, &at, place);
                if !found.all.insert((name, place)) {
                    self.problem(&at, format!("is the second {name:?} in {place}"));
                }
            }
        }
        found
    }

    fn parameter(&mut self, parameter: &'a Value, at: &At, place: &str) {
        let swagger = self.format == Format::Swagger2;
        let places = if swagger { PLACES_2 } else { PLACES_3 };
        if !places.contains(&place) {
            self.problem(
                &at.then("in"),
                format!("must be one of {}", places.join(", ")),
            );
            return;
        }
        if place == "path" && parameter.get("required") != Some(&Value::Bool(true)) {
            self.problem(at, "must be required: true, because it is in the path");
        }
        let missing = match (swagger, place) {
            (true, "body") => parameter.get("schema").is_none().then_some("schema"),
            (true, _) => parameter.get("type").is_none().then_some("type"),
            (false, _) => (parameter.get("schema").is_none() && parameter.get("content").is_none())
                .then_some("schema"),
        };
        if let Some(missing) = missing {
            self.problem(at, format!("must have {missing}"));
        }
    }
}

/// Names between braces.
fn template(path: &str) -> Vec<&str> {
    path.split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}').map(|(name, _)| name))
        .collect()
}
