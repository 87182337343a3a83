//! API specifications that providers upload: Swagger 2.0, OpenAPI 3.0 and 3.1.
//!
//! [`check`] looks for what makes a specification useless to a reader or to Swagger UI, and says where in the file:
//! each problem carries a JSON pointer (RFC 6901). It is a walk over plain JSON, so that what a specification says beyond
//! that, and every `x-` extension, is kept as it is. Pure: no I/O; remote references are refused, never followed.

mod operation;
mod parameters;
mod references;
pub mod servers;
mod walk;

use serde_json::Value;
use std::fmt;

/// Which kind of specification it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Swagger 2.0.
    Swagger2,
    /// OpenAPI 3.0.x.
    OpenApi30,
    /// OpenAPI 3.1.x.
    OpenApi31,
}

/// Something wrong with a specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer to it; empty for the whole.
    pub at: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// More problems than anybody reads at once.
const MOST_PROBLEMS: usize = 20;

/// What is read as JSON.
///
/// # Errors
/// Says where it stops being JSON.
pub fn parse(text: &str) -> Result<Value, Problem> {
    let value: Value = serde_json::from_str(text).map_err(|error| Problem {
        at: String::new(),
        message: format!("is not JSON: {error}"),
    })?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Problem {
            at: String::new(),
            message: "must be a JSON object".into(),
        })
    }
}

/// Its format, when there is nothing wrong with it; otherwise the first problems, at most [`MOST_PROBLEMS`].
///
/// # Errors
/// The problems.
pub fn check(spec: &Value) -> Result<Format, Vec<Problem>> {
    let format = format(spec).map_err(|problem| vec![problem])?;
    let mut walk = walk::Walk::new(spec, format);
    walk.document();
    let mut problems = walk.problems;
    problems.truncate(MOST_PROBLEMS);
    if problems.is_empty() {
        Ok(format)
    } else {
        Err(problems)
    }
}

fn format(spec: &Value) -> Result<Format, Problem> {
    let problem = |at: &str, message: String| Problem {
        at: at.into(),
        message,
    };
    match (spec.get("swagger"), spec.get("openapi")) {
        (Some(Value::String(version)), None) if version == "2.0" => Ok(Format::Swagger2),
        (Some(_), None) => Err(problem("/swagger", "must be \"2.0\"".into())),
        (None, Some(Value::String(version))) => match minor(version) {
            Some("3.0") => Ok(Format::OpenApi30),
            Some("3.1") => Ok(Format::OpenApi31),
            _ => Err(problem(
                "/openapi",
                format!("is {version:?}: only 3.0 and 3.1 are supported"),
            )),
        },
        (None, Some(_)) => Err(problem(
            "/openapi",
            "must be a text, as in \"3.1.0\"".into(),
        )),
        (None, None) => Err(problem(
            "",
            "must say what it is: \"openapi\": \"3.1.0\" or \"swagger\": \"2.0\"".into(),
        )),
        (Some(_), Some(_)) => Err(problem(
            "/swagger",
            "must not stand beside \"openapi\": a specification is one of the two".into(),
        )),
    }
}

/// `3.1` of `3.1.0`.
fn minor(version: &str) -> Option<&str> {
    let (minor, patch) = version.rsplit_once('.')?;
    let digits = !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit());
    digits.then_some(minor)
}

impl Format {
    /// As it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Swagger2 => "2.0",
            Self::OpenApi30 => "3.0",
            Self::OpenApi31 => "3.1",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{} {}", self.at, self.message)
        }
    }
}

#[cfg(test)]
mod tests;
