//! Calls that are not yet declared in `openapi`.

/// Methods, the rest of the path without `.xml` and `.json`, and what they do.
type Call = (&'static str, &'static str, &'static str);

/// By subject: a title, what all its paths begin with, and the calls.
#[rustfmt::skip]
const SUBJECTS: &[(&str, &str, &[Call])] = &[
];

/// Every documented (method, path).
pub fn calls() -> impl Iterator<Item = (&'static str, String)> {
    SUBJECTS.iter().flat_map(|(_, prefix, calls)| {
        calls.iter().flat_map(move |(methods, path, _)| {
            methods
                .split(' ')
                .map(move |method| (method, format!("{prefix}{path}")))
        })
    })
}
