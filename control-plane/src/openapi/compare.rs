//! The document beside the operations that 3scale publishes: what is served, in which forms, and what is left out.
//!
//! `tallygate openapi --beside docs/3scale-operations.json` prints `docs/api.md`.

use super::{Form, Operation, tags};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// `docs/3scale-operations.json`.
#[derive(Debug, Deserialize)]
pub struct Published {
    apis: Vec<Api>,
    left_out: Vec<LeftOut>,
    parameters_left_out: Vec<ParametersLeftOut>,
}

#[derive(Debug, Deserialize)]
struct Api {
    name: String,
    /// Method, path, names of parameters.
    operations: Vec<(String, String, Vec<String>)>,
}

#[derive(Debug, Deserialize)]
struct LeftOut {
    methods: Vec<String>,
    path: String,
    why: String,
}

#[derive(Debug, Deserialize)]
struct ParametersLeftOut {
    /// `*` for all.
    path: String,
    parameters: Vec<String>,
    why: String,
}

/// One operation of ours.
struct Served {
    method: String,
    operation: Operation,
}

impl Published {
    /// Reads it.
    ///
    /// # Errors
    /// When it is not what it should be.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// What 3scale has, we have not, and nobody said why; or what is said to be left out and is served.
    #[must_use]
    pub fn gaps(&self) -> Vec<String> {
        let served = served();
        let mut gaps = Vec::new();
        for (method, path, parameters) in self.apis.iter().flat_map(|api| &api.operations) {
            match (find(&served, method, path), self.why(method, path)) {
                (None, None) => gaps.push(format!("{method} {path} is not served")),
                (Some(_), Some(_)) => {
                    gaps.push(format!("{method} {path} is served and said to be left out"));
                }
                (None, Some(_)) => {}
                (Some(ours), None) => {
                    for name in parameters {
                        let taken = takes(&ours.operation, name);
                        if !taken && self.why_not(path, name).is_none() {
                            gaps.push(format!("{method} {path} does not take {name}"));
                        }
                    }
                }
            }
        }
        gaps
    }

    /// As a page for people.
    #[must_use]
    pub fn table(&self) -> String {
        let served = served();
        let mut page = String::from(
            "# The API beside 3scale's

Every operation that 3scale publishes, and the forms it is served in here. *Both* databases are SQLite and PostgreSQL:
every test of a route runs on both, and every JSON answer in them is held against `openapi.json`. This page is made by
`make docs`, from the program and `3scale-operations.json`.
",
        );
        let mut shown = BTreeSet::new();
        for api in &self.apis {
            let _ = write!(
                page,
                "\n## {}\n\n| | path | forms | tested on | |\n|---|---|---|---|---|\n",
                api.name
            );
            for (method, path, _) in &api.operations {
                match find(&served, method, path) {
                    Some(ours) => {
                        shown.insert((ours.method.clone(), ours.operation.path.clone()));
                        row(&mut page, ours, path);
                    }
                    None => {
                        let why = self.why(method, path).unwrap_or("Not there yet");
                        let _ =
                            writeln!(page, "| {method} | `{path}` | none | | Left out: {why} |");
                    }
                }
            }
        }
        page.push_str("\n## Parameters left out\n\n| path | parameters | |\n|---|---|---|\n");
        for left in &self.parameters_left_out {
            let path = if left.path == "*" { "any" } else { &left.path };
            let names = left.parameters.join(", ");
            let _ = writeln!(page, "| {path} | {names} | {} |", left.why);
        }
        page.push_str(
            "\n## Beyond 3scale\n\n| | path | forms | tested on | |\n|---|---|---|---|---|\n",
        );
        for ours in &served {
            if !shown.contains(&(ours.method.clone(), ours.operation.path.clone())) {
                row(&mut page, ours, &ours.operation.path);
            }
        }
        page
    }

    fn why(&self, method: &str, path: &str) -> Option<&str> {
        self.left_out
            .iter()
            .find(|left| left.path == path && left.methods.iter().any(|known| known == method))
            .map(|left| left.why.as_str())
    }

    fn why_not(&self, path: &str, parameter: &str) -> Option<&str> {
        self.parameters_left_out
            .iter()
            .find(|left| {
                (left.path == "*" || left.path == path)
                    && left.parameters.iter().any(|known| known == parameter)
            })
            .map(|left| left.why.as_str())
    }
}

fn row(page: &mut String, ours: &Served, path: &str) {
    let forms = match ours.operation.form {
        None => "JSON, XML",
        Some(Form::Json) => "JSON",
        Some(Form::Xml) => "XML",
        Some(Form::None) if path.ends_with(".xml") => "XML",
        Some(Form::None) => "its own",
    };
    let summary = ours.operation.summary;
    let _ = writeln!(
        page,
        "| {} | `{path}` | {forms} | both | {summary} |",
        ours.method
    );
}

fn served() -> Vec<Served> {
    let operations = tags().into_iter().flat_map(|tag| tag.operations);
    operations
        .flat_map(|operation| {
            operation.verbs.iter().map(move |verb| Served {
                method: verb.to_uppercase(),
                operation: operation.clone(),
            })
        })
        .collect()
}

fn find<'a>(served: &'a [Served], method: &str, path: &str) -> Option<&'a Served> {
    let wanted = nameless(path);
    served
        .iter()
        .find(|ours| ours.method == method && nameless(&ours.operation.path) == wanted)
}

/// A path without extension and without the names of its parameters: those differ.
fn nameless(path: &str) -> String {
    let path = [".{format}", ".json", ".xml"]
        .iter()
        .find_map(|end| path.strip_suffix(end))
        .unwrap_or(path);
    let words = path
        .split('/')
        .map(|word| if word.starts_with('{') { "{}" } else { word });
    words.collect::<Vec<_>>().join("/")
}

fn takes(operation: &Operation, name: &str) -> bool {
    let name = name.strip_suffix("[]").unwrap_or(name);
    operation.params.iter().any(|field| field.name == name)
        || operation.segments.iter().any(|field| field.name == name)
        || operation.is_for_agents && name == "service_token"
}
