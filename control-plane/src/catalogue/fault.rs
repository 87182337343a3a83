//! What is wrong with a file, and where.

use std::fmt;
use std::fmt::Write as _;

/// More complaints than anybody reads at once.
const MOST_SHOWN: usize = 20;

/// A place in a file, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub at: Place,
    /// The names that lead there, as in `products.mail.metrics`; empty when there are none.
    pub path: String,
    /// What, as the rest of a sentence that begins with the path.
    pub message: String,
}

/// Everything that is wrong with a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

// === impl Place ===

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

// === impl Fault ===

impl Fault {
    /// Without a path.
    pub fn new(at: Place, message: impl Into<String>) -> Self {
        Self {
            at,
            path: String::new(),
            message: message.into(),
        }
    }
}

// === impl Faults ===

impl Faults {
    /// Notes one.
    pub fn add(&mut self, at: Place, path: &str, message: impl Into<String>) {
        self.0.push(Fault {
            at,
            path: path.to_owned(),
            message: message.into(),
        });
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything as one error, in the order of the file: `catalogue.yaml:3:5: products.mail.state must be …`.
    #[must_use]
    pub fn into_error(mut self, file: &str) -> anyhow::Error {
        self.0.sort_by_key(|fault| fault.at);
        let mut text = format!("nothing was changed: {file} can't be applied");
        for fault in self.0.iter().take(MOST_SHOWN) {
            let space = if fault.path.is_empty() { "" } else { " " };
            let (at, path, message) = (fault.at, &fault.path, &fault.message);
            let _ = write!(text, "\n  {file}:{at}: {path}{space}{message}");
        }
        if let Some(more) = self
            .0
            .len()
            .checked_sub(MOST_SHOWN)
            .filter(|more| *more > 0)
        {
            let _ = write!(text, "\n  … and {more} more");
        }
        anyhow::anyhow!(text)
    }
}

/// `; did you mean …?`, when a known name is close.
#[must_use]
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let most = (name.chars().count() / 2).clamp(1, 3);
    let nearest = known
        .into_iter()
        .map(|known| (distance(name, known), known))
        .filter(|(distance, _)| *distance <= most)
        .min();
    nearest.map_or_else(String::new, |(_, known)| format!("; did you mean {known}?"))
}

/// How many letters have to be typed, removed or exchanged to make one of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(256).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, letter) in one.chars().take(256).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (theirs, above) in other.iter().zip(row.iter().skip(1)) {
            let exchanged = diagonal + usize::from(letter != *theirs);
            left = exchanged.min(above + 1).min(left + 1);
            next.push(left);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_are_suggested() {
        let known = ["web_api", "newsletter_api", "hits"];
        for (name, expected) in [
            ("web_apo", "; did you mean web_api?"),
            ("hit", "; did you mean hits?"),
            ("sms", ""),
            ("", ""),
        ] {
            assert_eq!(did_you_mean(name, known), expected, "{name}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn complaints_come_in_the_files_order() {
        let mut faults = Faults::default();
        faults.add(Place { line: 9, column: 1 }, "b", "is late");
        faults.add(Place { line: 2, column: 3 }, "", "is early");
        let text = faults.into_error("c.yaml").to_string();
        assert_eq!(
            text,
            "nothing was changed: c.yaml can't be applied\n  c.yaml:2:3: is early\n  c.yaml:9:1: b is late"
        );
    }
}
