//! The walk over a specification's top levels: info, servers, paths, security schemes.

use super::{Format, Problem};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Where the walk is, and what it found so far.
pub(super) struct Walk<'a> {
    pub(super) spec: &'a Value,
    pub(super) format: Format,
    pub(super) problems: Vec<Problem>,
    /// Operation ids seen so far: no two operations share one.
    pub(super) operation_ids: HashSet<&'a str>,
}

/// A place in the specification, as a JSON pointer.
#[derive(Clone, Debug)]
pub(super) struct At(String);

impl At {
    pub(super) fn root() -> Self {
        Self(String::new())
    }

    /// The member or item of this name.
    pub(super) fn then(&self, name: &str) -> Self {
        Self(format!(
            "{}/{}",
            self.0,
            name.replace('~', "~0").replace('/', "~1")
        ))
    }

    pub(super) fn item(&self, n: usize) -> Self {
        self.then(&n.to_string())
    }
}

/// HTTP methods that a path item has operations for.
const METHODS: &[&str] = &[
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

// === impl Walk ===

impl<'a> Walk<'a> {
    pub(super) fn new(spec: &'a Value, format: Format) -> Self {
        Self {
            spec,
            format,
            problems: Vec::new(),
            operation_ids: HashSet::new(),
        }
    }

    pub(super) fn problem(&mut self, at: &At, message: impl Into<String>) {
        self.problems.push(Problem {
            at: at.0.clone(),
            message: message.into(),
        });
    }

    /// The whole.
    pub(super) fn document(&mut self) {
        let root = At::root();
        if let Some(info) = self.required_object(self.spec, &root, "info") {
            let at = root.then("info");
            self.required_text(info, &at, "title");
            self.required_text(info, &at, "version");
        }
        self.servers();
        self.tags();
        match self.spec.get("paths") {
            Some(Value::Object(paths)) => self.paths(paths),
            Some(_) => self.problem(&root.then("paths"), "must be an object"),
            None if self.format == Format::OpenApi31 => {
                if self.spec.get("components").is_none() && self.spec.get("webhooks").is_none() {
                    self.problem(&root, "must have paths, components or webhooks");
                }
            }
            None => self.problem(&root, "must have paths"),
        }
        self.security(self.spec, &root);
        self.references();
    }

    fn servers(&mut self) {
        let root = At::root();
        if self.format == Format::Swagger2 {
            for (name, slash) in [("host", false), ("basePath", true)] {
                match self.spec.get(name) {
                    None => {}
                    Some(Value::String(text)) if !slash || text.starts_with('/') => {}
                    Some(Value::String(_)) => {
                        self.problem(&root.then(name), "must begin with a slash");
                    }
                    Some(_) => self.problem(&root.then(name), "must be a text"),
                }
            }
            return;
        }
        let at = root.then("servers");
        match self.spec.get("servers") {
            None => {}
            Some(Value::Array(servers)) => {
                for (n, server) in servers.iter().enumerate() {
                    let at = at.item(n);
                    if server.is_object() {
                        self.required_text(server, &at, "url");
                    } else {
                        self.problem(&at, "must be an object with a url");
                    }
                }
            }
            Some(_) => self.problem(&at, "must be a list"),
        }
    }

    fn tags(&mut self) {
        let at = At::root().then("tags");
        match self.spec.get("tags") {
            None => {}
            Some(Value::Array(tags)) => {
                for (n, tag) in tags.iter().enumerate() {
                    let at = at.item(n);
                    if tag.is_object() {
                        self.required_text(tag, &at, "name");
                    } else {
                        self.problem(&at, "must be an object with a name");
                    }
                }
            }
            Some(_) => self.problem(&at, "must be a list"),
        }
    }

    fn paths(&mut self, paths: &'a Map<String, Value>) {
        let at = At::root().then("paths");
        for (path, item) in paths {
            if path.starts_with("x-") {
                continue;
            }
            let at = at.then(path);
            if !path.starts_with('/') {
                self.problem(&at, "must begin with a slash");
            }
            let Value::Object(item) = item else {
                self.problem(&at, "must be an object");
                continue;
            };
            let shared = item.get("parameters");
            let shared_at = at.then("parameters");
            for (name, operation) in item {
                if METHODS.contains(&name.as_str()) {
                    self.operation(path, &at.then(name), operation, (shared, &shared_at));
                }
            }
        }
    }

    /// Names of schemes that a `security` requirement asks for.
    pub(super) fn security(&mut self, owner: &'a Value, at: &At) {
        let at = at.then("security");
        let requirements = match owner.get("security") {
            None => return,
            Some(Value::Array(requirements)) => requirements,
            Some(_) => {
                self.problem(&at, "must be a list");
                return;
            }
        };
        let schemes = match self.format {
            Format::Swagger2 => "/securityDefinitions",
            _ => "/components/securitySchemes",
        };
        let spec = self.spec;
        for (n, requirement) in requirements.iter().enumerate() {
            let at = at.item(n);
            let Value::Object(requirement) = requirement else {
                self.problem(&at, "must be an object");
                continue;
            };
            for name in requirement.keys() {
                let declared = spec
                    .pointer(schemes)
                    .is_some_and(|schemes| schemes.get(name).is_some());
                if !declared {
                    self.problem(
                        &at.then(name),
                        format!("names a security scheme that {schemes} does not have"),
                    );
                }
            }
        }
    }

    pub(super) fn required_object(
        &mut self,
        owner: &'a Value,
        at: &At,
        name: &str,
    ) -> Option<&'a Value> {
        match owner.get(name) {
            Some(value @ Value::Object(_)) => Some(value),
            Some(_) => {
                self.problem(&at.then(name), "must be an object");
                None
            }
            None => {
                self.problem(at, format!("must have {name}"));
                None
            }
        }
    }

    pub(super) fn required_text(
        &mut self,
        owner: &'a Value,
        at: &At,
        name: &str,
    ) -> Option<&'a str> {
        match owner.get(name) {
            Some(Value::String(text)) => Some(text),
            Some(_) => {
                self.problem(&at.then(name), "must be a text");
                None
            }
            None => {
                self.problem(at, format!("must have {name}"));
                None
            }
        }
    }
}
