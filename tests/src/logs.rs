//! What a story that failed shows: the end of each log, and where the rest is.
#![expect(
    clippy::print_stderr,
    reason = "the test has failed: this is where one looks next"
)]

use std::path::Path;

const LINES: usize = 40;

/// The last lines of one.
pub(crate) fn show(name: &str, text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(LINES)..].join("\n");
    eprintln!("=== {name}, last lines ===\n{last}");
}

/// Where all of them are.
pub(crate) fn show_place(folder: &Path) {
    eprintln!("=== all of it stays in {} ===", folder.display());
}
